"""PNG pictures in 256 colours: a third of the size, and no difference to see on a page of few colours."""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

# The browser unpacks the picture. Half of the colours are the commonest, half a sample of the others, which a
# gradient has; each that is left out becomes the nearest of them.
_INDEXED = """async (picture) => {
  const bitmap = await createImageBitmap(await (await fetch("data:image/png;base64," + picture)).blob());
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const colours = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
  const isKept = (colour, i) => i < 128 || !((i - 128) % Math.ceil((colours.length - 128) / 128));
  const palette = colours.filter(isKept).map(parts);
  const distance = (a, b) => a.reduce((sum, part, i) => sum + (part - b[i]) ** 2, 0);
  const nearest = (colour) => palette.reduce((best, other, i) =>
    (distance(other, colour) < distance(palette[best], colour) ? i : best), 0);
  const places = new Map(colours.map((colour) => [colour, nearest(parts(colour))]));
  const octets = Array.from(pixels, (pixel) => String.fromCharCode(places.get(pixel)));
  return [width, height, palette.flat(), btoa(octets.join(""))];
}"""


def smaller(page: Page, picture: bytes) -> bytes:
    """The PNG picture in 256 of its colours; any page of a browser will do."""
    width, height, palette, text = page.evaluate(_INDEXED, base64.b64encode(picture).decode())
    pixels = base64.b64decode(text)
    rows = (b"\0" + pixels[at : at + width] for at in range(0, width * height, width))
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(palette)),
            _chunk(b"IDAT", zlib.compress(b"".join(rows), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    """RFC 2083 section 3.2."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
