"""The partition table of an ESP32's flash: entries of 32 octets, closed by their MD5 (ESP-IDF's
esp_flash_partitions.h).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from pinwarden.errors import BadImage

OFFSET = 0x8000  # in flash
SIZE = 0xC00
APPLICATION, DATA = 0, 1  # types
FAT = 0x81  # the subtype that MicroPython gives its file system's partition, whatever is in it
_ENTRY = struct.Struct("<HBBII16sI")
_MAGIC = 0x50AA
_MD5_MARK = b"\xeb\xeb" + b"\xff" * 14
_BLANK = b"\xff" * _ENTRY.size
_AGAIN = "Get the file again."


@dataclass(frozen=True)
class Partition:
    """A part of the flash. Offset and size are in octets."""

    label: str
    type: int
    subtype: int
    offset: int
    size: int
    flags: int = 0

    @property
    def end(self) -> int:
        """The first octet after it."""
        return self.offset + self.size


def parse(table: bytes) -> list[Partition]:
    """The partitions, in the table's order. Raises BadImage when it is none, is damaged or is cut short."""
    found: list[Partition] = []
    for start in range(0, SIZE, _ENTRY.size):
        entry = table[start : start + _ENTRY.size]
        if len(entry) < _ENTRY.size:
            raise BadImage("the partition table is cut short", _AGAIN)
        if entry[:16] == _MD5_MARK:
            if hashlib.md5(table[:start], usedforsecurity=False).digest() != entry[16:]:
                raise BadImage("the partition table is damaged: its MD5 is not right", _AGAIN)
            return found
        if entry == _BLANK:
            return found
        magic, kind, subtype, offset, size, label, flags = _ENTRY.unpack(entry)
        if magic != _MAGIC:
            what = "there is no partition table" if not found else "the partition table is damaged"
            raise BadImage(what, "Is it a whole image? One file for the bootloader, table and application.")
        name = label.split(b"\0")[0].decode("ascii", "replace")
        found.append(Partition(name, kind, subtype, offset, size, flags))
    return found


def build(partitions: Iterable[Partition]) -> bytes:
    """The table as it stands in flash, `SIZE` octets with its MD5."""
    entries = b"".join(
        _ENTRY.pack(_MAGIC, part.type, part.subtype, part.offset, part.size, part.label.encode(), part.flags)
        for part in partitions
    )
    closed = entries + _MD5_MARK + hashlib.md5(entries, usedforsecurity=False).digest()
    if len(closed) > SIZE:
        raise ValueError("too many partitions")
    return closed.ljust(SIZE, b"\xff")
