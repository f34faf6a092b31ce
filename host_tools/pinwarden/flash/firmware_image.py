"""A MicroPython image: bootloader, partition table and application in one file, for one kind of chip.

It is checked whole before a board is touched. A file that is cut short, or for another chip, is an error
here; on the board it would be a loop of restarts.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from pinwarden.board import OLDEST_MICROPYTHON
from pinwarden.errors import BadImage, TooOld, UnreadableFile
from pinwarden.files import short
from pinwarden.flash import chips, esp_image, partitions
from pinwarden.flash.chips import Chip
from pinwarden.flash.esp_image import EspImage
from pinwarden.flash.partitions import Partition

FILE_SYSTEM = "vfs"  # the label of the partition that MicroPython keeps its files in
_LARGEST = 32 << 20  # octets; no board has more flash
_BANNER = re.compile(rb"MicroPython v(\d+)\.(\d+)(?:\.(\d+))?([-.\w]*) on (\d{4}-\d\d-\d\d)")

# An application tells its version where its first segment begins; a bootloader does not. (esp_app_desc_t)
_DESCRIPTION = esp_image.HEADER.size + esp_image.SEGMENT.size
_DESCRIPTION_MAGIC = (0xABCD5432).to_bytes(4, "little")

# What people take for an image, by how it starts.
_FOREIGN = (
    (b"PK\x03\x04", "a zip archive", "Unpack it, and take the .bin file in it."),
    (b"\x1f\x8b", "compressed (gzip)", "Unpack it first."),
    (b"\x7fELF", "an ELF file, which is for debuggers", "Take the .bin file."),
    (b"UF2\n", "a UF2 file, which is for copying to a USB drive", "Take the .bin file."),
    (b":", "an Intel HEX file", "Take the .bin file."),
    (b"<", "a web page", "A login page or an error came in the place of the file: download it again."),
    (b"{", "JSON", "Take the .bin file."),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "Run: git lfs pull"),
)


@dataclass(frozen=True)
class Firmware:
    """An image that has passed every check. `data` begins at the flash offset `chip.offset`."""

    chip: Chip
    data: bytes
    partitions: tuple[Partition, ...]
    version: str  # of MicroPython: "1.29.0"
    built: str  # "2026-08-24"
    bootloader: EspImage
    application: EspImage

    @property
    def sha256(self) -> str:
        """The SHA-256 of `data`, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def end(self) -> int:
        """The first octet of flash after it."""
        return self.chip.offset + len(self.data)

    @property
    def vfs(self) -> Partition | None:
        """The partition of MicroPython's file system.

        None where the table names none: MicroPython 1.26 and newer then takes what is left of the flash.
        """
        return next((part for part in self.partitions if part.label == FILE_SYSTEM), None)

    @property
    def file_system(self) -> bytes | None:
        """The content of the file system's partition, if the image has it."""
        vfs = self.vfs
        if vfs is None or self.end <= vfs.offset:
            return None
        return self.data[vfs.offset - self.chip.offset : vfs.end - self.chip.offset]

    def __str__(self) -> str:
        return f"MicroPython {self.version} ({self.built}) for {self.chip.title}"


def load(path: Path) -> Firmware:
    """Read and check a file. Raises UnreadableFile, BadImage or TooOld."""
    try:
        if path.stat().st_size > _LARGEST:
            raise BadImage(f"{short(path)} is larger than any board's flash", "Take another file.")
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(
            f"{short(path)} cannot be read: {error.strerror or type(error).__name__}",
            "Name a file that is there. A whole device in one file is made by: pinwarden image",
        ) from None
    return check(data, short(path))


def check(data: bytes, name: str) -> Firmware:
    """The firmware in `data`; `name` is for messages. Raises BadImage or TooOld."""
    try:
        return _checked(data, name)
    except BadImage as error:
        raise BadImage(f"{name}: {error.message}", error.hint) from None


def _checked(data: bytes, name: str) -> Firmware:
    data = _without_padding(data)
    _refuse_foreign(data)
    bootloader = esp_image.read(data, 0, "the bootloader")
    chip = chips.by_image_id(bootloader.chip_id)
    if chip is None:
        raise BadImage(f"it is for {chips.title_of(bootloader.chip_id)}", "Take the file for your chip.")
    table = partitions.OFFSET - chip.offset
    if len(data) <= table:
        raise BadImage("it is cut short: there is nothing after the bootloader", "Get the file again.")
    found = tuple(partitions.parse(data[table : table + partitions.SIZE]))
    place = next((part for part in found if part.type == partitions.APPLICATION), None)
    if place is None:
        raise BadImage("its partition table has no application", "Take the .bin file of MicroPython.")
    application = esp_image.read(data, place.offset - chip.offset, "the application")
    if application.chip_id != chip.image_id:
        other = chips.title_of(application.chip_id)
        raise BadImage(
            f"its bootloader is for {chip.title}, its application for {other}", "Take another file."
        )
    if application.size > place.size:
        raise BadImage("its application is larger than its partition", "Take another file.")
    version, built = _version(data, name)
    firmware = Firmware(chip, data, found, version, built, bootloader, application)
    if firmware.vfs and firmware.vfs.offset < firmware.end < firmware.vfs.end:
        raise BadImage("its file system is cut short", "The file did not arrive whole: get it again.")
    return firmware


def _without_padding(data: bytes) -> bytes:
    """An image from flash offset 0 begins, on some chips, with a page or more of nothing."""
    for offset in {chip.offset for chip in chips.CHIPS.values()} - {0}:
        if data[:offset] == b"\xff" * offset and data[offset : offset + 1] == bytes([esp_image.MAGIC]):
            return data[offset:]
    return data


def _refuse_foreign(data: bytes) -> None:
    if not data:
        raise BadImage("the file is empty", "Get it again.")
    start = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    for mark, what, remedy in _FOREIGN:
        if start.startswith(mark):
            raise BadImage(f"this is {what}", remedy)
    if data[0] != esp_image.MAGIC:
        raise BadImage("this is no image for an ESP32", "Take the .bin file of MicroPython for your chip.")
    if data[_DESCRIPTION : _DESCRIPTION + 4] == _DESCRIPTION_MAGIC:
        raise BadImage("this is an application alone (.app-bin)", "Take the .bin file of that build.")


def _version(data: bytes, name: str) -> tuple[str, str]:
    banner = _BANNER.search(data)
    if banner is None:
        raise BadImage("this is a program for the chip, but not MicroPython", "Take the .bin of MicroPython.")
    major, minor, patch = (int(number or 0) for number in banner.groups()[:3])
    version = f"{major}.{minor}.{patch}{banner[4].decode()}"
    if (major, minor) < OLDEST_MICROPYTHON:
        raise TooOld(
            f"{name} is MicroPython {version}, "
            f"and Pinwarden needs {'.'.join(map(str, OLDEST_MICROPYTHON))} or newer",
            "Leave the option out to have the right one downloaded.",
        )
    return version, banner[5].decode()
