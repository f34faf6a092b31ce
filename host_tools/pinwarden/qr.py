"""QR codes (ISO/IEC 18004): in the terminal, and as PNG or SVG files."""

from __future__ import annotations

import io
from pathlib import Path

import segno
from rich.console import Console
from rich.text import Text

from pinwarden.console import stderr, warn
from pinwarden.errors import UserError
from pinwarden.files import PRIVATE_FILE, short, write_atomic

FORMATS = (".png", ".svg")
_BORDER = 4  # modules of quiet zone; many phone cameras need them all
_SCALE = 8  # pixels for a module in a PNG


class BadQrFile(UserError):
    """A QR code's file with a name that says neither PNG nor SVG."""

    exit_code = 2


def make(content: str) -> segno.QRCode:
    """The smallest code that holds the content: a screen does not get dirty and needs no error correction."""
    return segno.make_qr(content, error="l")


def lines(code: segno.QRCode) -> list[str]:
    """The code in half blocks, two modules to a character; it draws the light ones, as terminals are dark."""
    rows = [list(row) for row in code.matrix_iter(border=_BORDER)]
    if len(rows) % 2:
        rows.append([1] * len(rows[0]))
    halves = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    return [
        "".join(halves[(top, low)] for top, low in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]


def show(content: str, console: Console | None = None, instead: str = "take --qr-file") -> None:
    """Draw the code on the terminal (stderr, since stdout is for the result); where it cannot be read there,
    say why, and what to do `instead`.
    """
    console, drawn = console or stderr(), lines(make(content))
    if console.is_terminal and console.width < len(drawn[0]):
        warn(f"the QR code has {len(drawn[0])} columns, the terminal {console.width}: widen it, or {instead}")
        return
    encoding = getattr(console.file, "encoding", None) or "utf-8"
    try:
        "".join(drawn).encode(encoding)
    except UnicodeEncodeError:
        warn(f"the QR code cannot be drawn in this terminal's encoding, {encoding}: use UTF-8, or {instead}")
        return
    for line in drawn:
        # Both colours said, so that a light terminal shows no negative.
        console.print(Text(line, style="color(231) on color(16)"))


def check_file(path: Path) -> None:
    """Raise BadQrFile unless the name ends in .png or .svg."""
    if path.suffix.lower() not in FORMATS:
        raise BadQrFile(
            f"{path.name!r} is neither a PNG nor an SVG file", "End the file's name in .png or .svg."
        )


def save(content: str, path: Path) -> None:
    """Write the code as a PNG or SVG that only its owner reads: whoever sees it holds the token."""
    check_file(path)
    data = io.BytesIO()
    make(content).save(data, kind=path.suffix.lower()[1:], scale=_SCALE, border=_BORDER)
    try:
        write_atomic(path, data.getvalue(), PRIVATE_FILE)
    except OSError as error:
        raise UserError(
            f"{short(path)} cannot be written: {error.strerror}", "Choose another place."
        ) from None
