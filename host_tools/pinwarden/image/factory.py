"""Whole devices as images: MicroPython and a file system with the application, settings and secrets in it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from pinwarden import board
from pinwarden.deploy.release import MANIFEST, Release
from pinwarden.errors import BadImage, FlashFull
from pinwarden.flash import partitions
from pinwarden.flash.firmware_image import FILE_SYSTEM, Firmware
from pinwarden.flash.partitions import Partition
from pinwarden.image import filesystem

SLOT = "a"  # of the two, the one that an image fills
# As slots.py reads it. An image is on no trial: there is nothing that it could be rolled back to.
_CHOICE = {"slot": SLOT, "previous": None, "trial": 0, "note": None}


@dataclass(frozen=True)
class Content:
    """What an image makes of a board."""

    name: str
    build: str


def make(release: Release, firmware: Firmware) -> Firmware:
    """An image that makes a board the device of `release`, with the MicroPython of `firmware`.

    Its `data` is for the flash offset of the chip's bootloader, and holds the device's keys. Raises
    FlashFull, and BadImage for a MicroPython that has files with it.
    """
    firmware, vfs = _with_vfs(firmware)
    if firmware.file_system is not None:
        raise BadImage(f"{firmware} has files in it already", "Take the image as MicroPython publishes it.")
    files = filesystem.build(_files(release), vfs.size)
    data = firmware.data.ljust(vfs.offset - firmware.chip.offset, b"\xff") + files
    return replace(firmware, data=data)


def inspect(firmware: Firmware, name: str) -> Content:
    """What an image holds, every file of it verified; `name` is for messages. Raises BadImage."""
    image = firmware.file_system
    if image is None:
        raise BadImage(
            f"{name}: there is no application in it, only {firmware}",
            "Is it cut short? Make it with: pinwarden image NAME. MicroPython alone goes with --firmware.",
        )
    try:
        return _content(filesystem.read(image))
    except BadImage as error:
        raise BadImage(f"{name}: {error.message}", error.hint) from None


def _files(release: Release) -> dict[str, bytes]:
    """What stands on the board's flash after a deployment, absolute path -> content."""
    files = {f"/{path}": data for path, data in release.start.items()}
    files |= {f"/{SLOT}/{path}": data for path, data in release.files.items()}
    files[f"/{SLOT}/{MANIFEST}"] = release.manifest
    files["/secrets.json"] = release.secrets
    files["/slot.json"] = board.compact_json(_CHOICE)
    return files


def _with_vfs(firmware: Firmware) -> tuple[Firmware, Partition]:
    """The firmware with a partition for its files, and that partition.

    MicroPython 1.26 and newer have none in the table: at each start they take what follows the last
    partition, up to the end of the flash, and a file system must fill that exactly. An image does not know
    the flash of the boards it will be on. A partition of that name in the table is taken as it is.
    """
    if firmware.vfs is not None:
        return firmware, firmware.vfs
    start = max(part.end for part in firmware.partitions)
    # Further than its header says the flash goes, the bootloader takes no partition.
    size = firmware.bootloader.flash_size - start
    if size < 2 * filesystem.BLOCK or start % filesystem.BLOCK:
        raise FlashFull(f"{firmware} leaves no flash for files", "Take the official image for your chip.")
    vfs = Partition(FILE_SYSTEM, partitions.DATA, partitions.FAT, start, size)
    table = partitions.build((*firmware.partitions, vfs))
    place = partitions.OFFSET - firmware.chip.offset
    data = firmware.data[:place] + table + firmware.data[place + len(table) :]
    return replace(firmware, data=data, partitions=(*firmware.partitions, vfs)), vfs


def _content(files: dict[str, bytes]) -> Content:
    damaged = BadImage("its files are damaged", "Make the image again.")
    try:
        manifest = json.loads(files[f"/{SLOT}/{MANIFEST}"])
        name = json.loads(files[f"/{SLOT}/settings.json"])["name"]
        expected = {f"/{SLOT}/{path}": digest for path, digest in manifest["files"].items()}
        found = {path: hashlib.sha256(files[path]).hexdigest() for path in expected}
        content = Content(str(name), str(manifest["build"]))
    except (KeyError, ValueError, TypeError, AttributeError):
        raise damaged from None
    if found != expected or not {"/boot.py", "/main.py", "/slots.py", "/secrets.json"} <= files.keys():
        raise damaged
    return content
