"""`pinwarden image`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from pinwarden import find, progress
from pinwarden.address import certify
from pinwarden.console import note, plain, stdout, warn
from pinwarden.deploy import release
from pinwarden.device import Device
from pinwarden.errors import NoSuchDevice, WrongChip
from pinwarden.files import PRIVATE_FILE, short, write_atomic
from pinwarden.flash import chips, firmware_image, firmware_store
from pinwarden.flash.chips import Chip
from pinwarden.flash.firmware_image import Firmware
from pinwarden.image import batch, factory
from pinwarden.params import device_argument, examples, firmware_option
from pinwarden.sizes import size


@click.command(
    short_help="Make a whole device into one file, for a factory.",
    epilog=examples("""
        pinwarden image door                  door/secrets/door.bin
        pinwarden image door --count 20       door-001/ to door-020/, and door.csv
        pinwarden flash --image door-001/secrets/door-001.bin
    """),
)
@device_argument()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The file to write. With --count, the folder for the devices. Default: with the device's secrets.",
)
@click.option(
    "--count",
    type=click.IntRange(1, batch.MOST),
    metavar="N",
    help="Make N devices after this one, each with a folder, a name and a key of its own.",
)
@firmware_option()
def image(device: str | None, out: Path | None, count: int | None, firmware: Path | None) -> None:
    """Make one file of MicroPython, the application, DEVICE's settings and its secrets.

    Flashed, it makes a board the device in one step. The file holds the device's keys and the network's
    password: only its owner can read it, and whoever has it can open what the device guards.
    """
    model = find.load(device)
    parent = out if out is not None else model.folder.resolve().parent
    target = out if out is not None else batch.image_file(model)
    _must_be_there(parent if count else target.parent)
    certify(model)
    made = release.build(model)
    base = _firmware(model, chips.CHIPS[model.settings["chip"]], firmware)
    if model.wifi() is None:
        warn(f"no network yet: put its name and password into {short(model.wifi_file)}")
    if count:
        table = batch.make(model, made, base, parent, count, lambda each: note(f"made {short(each.folder)}/"))
        stdout().print(
            plain(f"Made {count} {'device' if count == 1 else 'devices'}: {short(table)}"), style="bold green"
        )
        note("Each image holds its device's keys, and belongs to nobody else.")
        return
    whole = factory.make(made, base)
    write_atomic(target, whole.data, PRIVATE_FILE)
    _tell(model, target, made.build, whole)


def _firmware(model: Device, chip: Chip, named: Path | None) -> Firmware:
    """The MicroPython to put into the image. Raises WrongChip for one that is not for the device's chip."""
    if named is None:
        with progress.display() as tell:
            return firmware_store.get(chip, tell)
    firmware = firmware_image.load(named)
    if firmware.chip != chip:
        raise WrongChip(
            f"{short(named)} is for an {firmware.chip.title}, {model.name}'s device.toml for an {chip.title}",
            "Take the image for that chip, or leave --firmware out.",
        )
    return firmware


def _must_be_there(folder: Path) -> None:
    if not folder.is_dir():
        raise NoSuchDevice(f"there is no folder {short(folder)}", f"Run: mkdir -p {short(folder)}")


def _tell(model: Device, target: Path, build: str, whole: Firmware) -> None:
    out, path = stdout(), short(target)
    out.print(plain(f"Made {path}"), style="bold green")
    out.print(plain(f"  {model.name}, build {build}, {whole}, {size(len(whole.data))}"))
    out.print("  It holds the device's keys: give it to nobody.")
    out.print("Flash it:")
    out.print(plain(f"  pinwarden flash --image {shlex.quote(path)}"))
    out.print(plain(f"  esptool write-flash {whole.chip.offset:#x} {shlex.quote(path)}   on an erased board"))
