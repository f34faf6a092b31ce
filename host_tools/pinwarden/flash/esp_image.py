"""The images that Espressif's chips start: a header, segments, a checksum and a SHA-256.

The format is that of ESP-IDF's bootloader_support (esp_app_format.h). An image that was cut short, or changed
anywhere, does not pass, so it is found out here and not by a board that no longer starts.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from pinwarden.errors import BadImage

MAGIC = 0xE9
HEADER = struct.Struct("<BBBBIB3sHBHH4sB")
SEGMENT = struct.Struct("<II")  # load address, length
_CHECKSUM_SEED = 0xEF
_MOST_SEGMENTS = 16
_ESP32_C3 = 5
_ANY_REVISION = (0, 0xFFFF)  # as the highest that an image allows: older builds leave it at 0


@dataclass(frozen=True)
class EspImage:
    """One image: a bootloader, or an application."""

    chip_id: int
    size: int  # octets, with checksum and SHA-256
    flash_size: int  # octets of flash that it was built for
    lowest_revision: int  # of the chip: 100 * major + minor
    highest_revision: int | None  # None: any

    def allows(self, revision: int) -> bool:
        """Whether it runs on a chip of this revision."""
        highest = self.highest_revision
        return self.lowest_revision <= revision and (highest is None or revision <= highest)


def read(data: bytes, start: int, what: str) -> EspImage:
    """The image at `start`, checked whole; `what` ("the bootloader") is for the message. Raises BadImage."""
    if len(data) - start < HEADER.size:
        raise _cut(what)
    fields = HEADER.unpack_from(data, start)
    magic, segments, _, flash, _, _, _, chip_id, old_lowest, lowest, highest, _, has_digest = fields
    if magic != MAGIC:
        raise BadImage(f"{what} is no image of an ESP32: it starts with 0x{magic:02x}", "Take another file.")
    if not 1 <= segments <= _MOST_SEGMENTS:
        raise BadImage(f"{what} is damaged: it has {segments} segments", "Get the file again.")
    end, checksum = _segments(data, start, segments, what)
    # The checksum is the last octet of a block of 16.
    end += 16 - (end - start) % 16
    size = end - start + (32 if has_digest else 0)
    if len(data) < start + size:
        raise _cut(what)
    if data[end - 1] != checksum:
        raise BadImage(f"{what} is damaged: its checksum is not right", "Get the file again.")
    if has_digest and hashlib.sha256(data[start:end]).digest() != data[end : end + 32]:
        raise BadImage(f"{what} is damaged: its SHA-256 is not right", "Get the file again.")
    if highest in _ANY_REVISION and not lowest:
        # Builds with an ESP-IDF before 4.4.3 tell the lowest in another field, in another unit.
        lowest = old_lowest * (1 if chip_id == _ESP32_C3 else 100)
    return EspImage(
        chip_id, size, 0x100000 << (flash >> 4), lowest, None if highest in _ANY_REVISION else highest
    )


def _segments(data: bytes, start: int, segments: int, what: str) -> tuple[int, int]:
    """Where the last segment ends, and the checksum over all of them."""
    position, checksum = start + HEADER.size, _CHECKSUM_SEED
    for _ in range(segments):
        if len(data) < position + SEGMENT.size:
            raise _cut(what)
        _, length = SEGMENT.unpack_from(data, position)
        position += SEGMENT.size
        if len(data) < position + length:
            raise _cut(what)
        checksum ^= _xor(data[position : position + length])
        position += length
    return position, checksum


def _xor(data: bytes) -> int:
    """All octets, exclusive-or: by halves of one big integer, as a loop over megabytes takes a second."""
    bits = len(data) * 8
    value = int.from_bytes(data, "little")
    while bits > 8:
        half = (bits // 16 + 1) * 8 if bits % 16 else bits // 2
        value = (value >> half) ^ (value & ((1 << half) - 1))
        bits = half
    return value


def _cut(what: str) -> BadImage:
    return BadImage(f"{what} is cut short", "The file did not arrive whole: get it again.")
