"""`pinwarden flash`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pinwarden import find, progress
from pinwarden.console import plain, stdout
from pinwarden.device import Device
from pinwarden.errors import BadImage, NoSuchDevice, WouldErase
from pinwarden.files import short
from pinwarden.flash import chips, firmware_image, flasher
from pinwarden.flash.board_flash import Found
from pinwarden.flash.firmware_image import Firmware
from pinwarden.image import factory
from pinwarden.params import device_argument, examples, firmware_option, port_option
from pinwarden.usb import ports


@click.command(
    short_help="Put MicroPython onto a board.",
    epilog=examples("""
        pinwarden flash                                the board that is attached, whatever its chip
        pinwarden flash door --port /dev/ttyUSB0       refuses a board with another chip than door's
        pinwarden flash --firmware ESP32_GENERIC_S3.bin
        pinwarden flash --image door/secrets/door.bin  a whole device, made by pinwarden image
    """),
)
@device_argument()
@port_option()
@firmware_option()
@click.option(
    "--image",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An image with the application in it; see pinwarden image.",
)
@click.option(
    "--baud",
    type=click.IntRange(9600, 3_000_000),
    default=flasher.BAUD,
    show_default=True,
    help="The speed of the cable.",
)
@click.option("--yes", "-y", is_flag=True, help="Delete what is on the board without asking.")
def flash(
    device: str | None, port: str | None, firmware: Path | None, image: Path | None, baud: int, yes: bool
) -> None:
    """Erase a board and put MicroPython onto it.

    It deletes everything on the board: files, keys, state. An empty board is flashed at once; where there is
    something to lose it asks, or wants --yes. To change a device that runs, use pinwarden deploy.
    """
    if firmware is not None and image is not None:
        raise click.UsageError("--firmware and --image contradict each other")
    loaded = _device(device, image)
    label, given = _given(loaded, firmware, image)
    chosen = ports.choose(port)
    with progress.display() as tell:
        done = flasher.flash(
            chosen,
            chips.CHIPS[loaded.settings["chip"]] if loaded else None,
            given,
            tell,
            whose=f"{loaded.name}'s device.toml" if loaded else "",
            may_erase=None if yes else lambda found: agreed(found, chosen, tell),
            baud=baud,
        )
    out = stdout()
    what = label or f"MicroPython {done.firmware.version}"
    out.print(f"Flashed {plain(what)} onto the {done.chip.title} on {chosen}", style="bold green")
    if image is None:
        name = device or (loaded.name if loaded else "NAME")
        out.print(f"Next: pinwarden deploy {plain(name)}")


def _device(argument: str | None, image: Path | None) -> Device | None:
    """The device that is meant: the named one, or the only one here. None: any board will do.

    An image has its device in it.
    """
    try:
        return find.load(argument) if argument is not None or image is None else None
    except NoSuchDevice:
        if argument is not None:
            raise
        return None


def _given(
    device: Device | None, firmware: Path | None, image: Path | None
) -> tuple[str | None, Firmware | None]:
    """What to say was flashed, and the image, if a file was named; checked, before a port is opened."""
    if image is not None:
        loaded = firmware_image.load(image)
        content = factory.inspect(loaded, short(image))
        if device is not None and device.name != content.name:
            raise BadImage(
                f"{short(image)} is the device {content.name}, not {device.name}", "Nothing was erased."
            )
        return f"{content.name} (build {content.build}, MicroPython {loaded.version})", loaded
    if firmware is not None:
        return None, firmware_image.load(firmware)
    return None, None


def agreed(found: Found, port: str, tell: progress.Display) -> bool:
    """Whether the user agrees to lose what is on the board. Raises WouldErase when nobody can be asked."""
    instead = f"To change it and keep all that: pinwarden deploy {found.device}. " if found.device else ""
    lost = f"the board on {port} has {found.what} on it, and flashing deletes everything: files, keys, state"
    if not _can_ask():
        raise WouldErase(lost, f"{instead}To flash it all the same: --yes")
    tell.pause()
    return click.confirm(f"{lost[:1].upper()}{lost[1:]}.\n{instead}Flash it?", default=False, err=True)


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
