"""What stands in a board's flash, as its boot ROM reads it: would flashing lose anything?"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass

from pinwarden.console import plain
from pinwarden.errors import BadImage
from pinwarden.flash import esp_image, partitions
from pinwarden.flash.chips import Chip
from pinwarden.flash.firmware_image import FILE_SYSTEM
from pinwarden.image.filesystem import BLOCK, Reader

Fetch = Callable[[int, int], bytes]  # (offset, size) in octets -> what the flash has there

_DESCRIPTION = struct.Struct("<I12x32s32s")  # esp_app_desc_t: magic, version, name of the project
_DESCRIPTION_MAGIC = 0xABCD5432
_LONGEST = 40  # characters of a name that a foreign program gives itself
_OWN = ("boot.py",)  # what MicroPython itself makes in a new file system


@dataclass(frozen=True)
class Found:
    """What is on a board. `device` is the Pinwarden device's name, if it is one."""

    what: str
    device: str | None = None


def look(fetch: Fetch, chip: Chip, flash_size: int) -> Found | None:
    """What would be lost. None: nothing; the flash is empty, or was not finished, or has no files yet."""
    # The bootloader is written last (see flasher), and without it the chip starts nothing.
    if fetch(chip.offset, 1)[:1] != bytes([esp_image.MAGIC]):
        return None
    try:
        table = partitions.parse(fetch(partitions.OFFSET, partitions.SIZE))
    except BadImage:
        return Found("a program that Pinwarden does not know")
    name = _project(fetch, table)
    if name:
        return Found(f"the program {name}")
    start, size = _file_system(table, flash_size)
    if size < 2 * BLOCK:
        return Found("a program that Pinwarden does not know")
    return _files(lambda offset, count: fetch(start + offset, count), size)


def _project(fetch: Fetch, table: list[partitions.Partition]) -> str:
    """The name of the program, which MicroPython's builds leave empty."""
    place = next((part for part in table if part.type == partitions.APPLICATION), None)
    if place is None:
        return ""
    data = fetch(place.offset + esp_image.HEADER.size + esp_image.SEGMENT.size, _DESCRIPTION.size)
    if len(data) < _DESCRIPTION.size:
        return ""
    magic, version, name = _DESCRIPTION.unpack(data)
    if magic != _DESCRIPTION_MAGIC:
        return ""
    words = (text.split(b"\0")[0].decode("utf-8", "replace") for text in (name, version))
    return plain(" ".join(words).strip())[:_LONGEST]


def _file_system(table: list[partitions.Partition], flash_size: int) -> tuple[int, int]:
    """Where MicroPython has its files: a partition, or what the table leaves of the flash."""
    named = next((part for part in table if part.label == FILE_SYSTEM), None)
    if named is not None:
        return named.offset, named.size
    start = max((part.end for part in table), default=flash_size)
    return start, flash_size - start


def _files(fetch: Fetch, size: int) -> Found | None:
    if fetch(0, BLOCK).strip(b"\xff") == b"":
        return None
    try:
        reader = Reader(size, fetch)
        names = sorted(reader.names())
    except BadImage:
        return Found("MicroPython, with files that cannot be read")
    others = [name for name in names if name not in _OWN]
    if not others:
        return None
    if "slots.py" in names or ("firmware" in names and "secrets.json" in names):
        device = _device(reader, names)
        return Found(f"the Pinwarden device {device}" if device else "a Pinwarden device", device)
    listed = plain(", ".join(others[:4])) + (" …" if len(others) > 4 else "")
    return Found(f"MicroPython, with the files {listed}")


def _device(reader: Reader, names: list[str]) -> str | None:
    slots = [f"/{name}" for name in ("a", "b") if name in names]
    for folder in (*slots, ""):
        try:
            name = json.loads(reader.read(f"{folder}/settings.json"))["name"]
        except (BadImage, ValueError, KeyError, TypeError):
            continue
        if isinstance(name, str):
            return plain(name)[:_LONGEST]
    return None
