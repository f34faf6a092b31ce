"""MicroPython images as Espressif's chips take them, made from nothing: the format is real, the program is
random octets.

ESP-IDF's documents describe the format: esp_app_format.h (images), esp_flash_partitions.h (the table).
"""

from __future__ import annotations

import hashlib
import random
import struct
from functools import reduce
from operator import xor

from pinwarden.flash import firmware_image

# name: (number in the header, flash offset of the bootloader)
CHIPS = {
    "esp32": (0, 0x1000),
    "esp32s2": (2, 0x1000),
    "esp32s3": (9, 0),
    "esp32c3": (5, 0),
    "esp32c6": (13, 0),
}
TABLE, APPLICATION = 0x8000, 0x10000
MICROPYTHON = (
    ("nvs", 1, 2, 0x9000, 0x6000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("factory", 0, 0, 0x10000, 0x1F0000),
)
VFS = ("vfs", 1, 0x81, 0x200000, 0x200000)
MICROPYTHON_1_25 = (*MICROPYTHON, VFS)  # its table, and an older one's, names the file system
_SIZES = {4: 2, 8: 3, 16: 4}  # MB of flash: its number in the header


def image(
    chip_id: int,
    *segments: bytes,
    megabytes: int = 4,
    lowest: int = 0,
    highest: int = 0xFFFF,
    digest: bool = True,
) -> bytes:
    """One image: header, segments, checksum, SHA-256. `lowest` and `highest` are revisions of the chip."""
    made = struct.pack("<BBBBI", 0xE9, len(segments), 2, _SIZES[megabytes] << 4, 0x40080000)
    made += struct.pack("<B3sHBHH4sB", 0xEE, b"", chip_id, 0, lowest, highest, b"", digest)
    for number, segment in enumerate(segments):
        assert len(segment) % 4 == 0
        made += struct.pack("<II", 0x3FFF0000 + 0x10000 * number, len(segment)) + segment
    made += b"\0" * (15 - len(made) % 16) + bytes([reduce(xor, b"".join(segments), 0xEF)])
    return made + hashlib.sha256(made).digest() if digest else made


def table(*partitions: tuple[str, int, int, int, int]) -> bytes:
    """A partition table with its MD5, 0xC00 octets."""
    entries = b"".join(
        struct.pack("<HBBII16sI", 0x50AA, kind, subtype, offset, size, name.encode(), 0)
        for name, kind, subtype, offset, size in partitions
    )
    closed = entries + b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries, usedforsecurity=False).digest()
    return closed.ljust(0xC00, b"\xff")


def application(
    chip: str,
    *,
    banner: bytes = b"MicroPython v1.29.0 on 2026-08-24",
    project: bytes = b"",
    size: int = 40000,
    megabytes: int = 4,
) -> bytes:
    """An application: its description, MicroPython's banner, and some code."""
    description = struct.pack("<I12x32s32s", 0xABCD5432, b"", project).ljust(256, b"\0")
    code = random.Random(chip).randbytes(size)
    text = (banner + b"; Generic board").ljust(64, b"\0")
    return image(CHIPS[chip][0], description + text, code, megabytes=megabytes)


def micropython(
    chip: str,
    *,
    partitions: tuple = MICROPYTHON,
    app: bytes | None = None,
    megabytes: int = 4,
    lowest: int = 0,
) -> bytes:
    """A whole image, for the chip's flash offset: bootloader, partition table, application."""
    number, offset = CHIPS[chip]
    boot = image(number, random.Random(number).randbytes(5000), megabytes=megabytes, lowest=lowest)
    app = application(chip, megabytes=megabytes) if app is None else app
    made = boot.ljust(TABLE - offset, b"\xff") + table(*partitions)
    return made.ljust(APPLICATION - offset, b"\xff") + app


def checked(chip: str = "esp32", **options) -> firmware_image.Firmware:
    """The image of `micropython`, as the tools have it once they have checked it."""
    return firmware_image.check(micropython(chip, **options), "x.bin")
