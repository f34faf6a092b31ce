"""`pinwarden up`."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from pinwarden import find, progress
from pinwarden.call import check_address
from pinwarden.commands import deploy
from pinwarden.commands.flash import agreed
from pinwarden.console import note, plain, stdout
from pinwarden.deploy import health
from pinwarden.deploy.release import Release
from pinwarden.device import Device
from pinwarden.errors import NoPort, NoRepl, PortDenied, PortGone, TooOld
from pinwarden.files import short
from pinwarden.flash import chips, firmware_image, flasher
from pinwarden.params import device_argument, examples, firmware_option, port_option
from pinwarden.usb import ports
from pinwarden.usb.repl import Repl

_COMES_BACK = 15.0  # seconds; a port that the flashed chip makes itself is away until MicroPython runs
_LOOK_AGAIN = 0.3


@click.command(
    short_help="From a bare board to a running one, by USB.",
    epilog=examples(
        """
        pinwarden up
        pinwarden up door --port /dev/ttyUSB1
        pinwarden up door --yes                  flash without asking
        """,
        "Exit code 0 when the board runs and answers, 1 when it does not or something is wrong, 3 when it is "
        "out of reach.",
    ),
)
@device_argument()
@port_option()
@click.option("--address", metavar="HOST[:PORT]", help="Where the board answers. Default: where it says.")
@firmware_option("should the board need it.")
@click.option("--yes", "-y", is_flag=True, help="Delete what is on the board without asking.")
def up(device: str | None, port: str | None, address: str | None, firmware: Path | None, yes: bool) -> None:
    """Make a board that runs DEVICE of whatever is on the cable.

    A board without MicroPython, or with one that is too old, is flashed: that deletes what is on it, so it
    asks, unless the board is empty. Then firmware, settings and keys are deployed, and the board is started
    and asked for its health. Run it again after whatever went wrong.
    """
    if address is not None:
        check_address(address)
    loaded = find.load(device)
    image = None if firmware is None else firmware_image.load(firmware)
    note("Checking the settings, compiling")
    made = deploy.build(loaded)
    chosen = ports.choose(port)
    note(f"Looking for MicroPython on {chosen}")
    try:
        state = _deploy(chosen, loaded, made, address)
    except (NoRepl, TooOld) as error:
        if isinstance(error, NoRepl) and error.reason == "stuck":
            raise  # it has MicroPython, and maybe keys and state
        note(error.message)
        _flash(chosen, loaded, image, yes)
        state = _deploy(chosen, loaded, made, address, after_flash=True)
    _print_next(loaded, state)


def _deploy(
    port: str, device: Device, made: Release, address: str | None, *, after_flash: bool = False
) -> health.Healthy:
    with _repl(port, _COMES_BACK if after_flash else 0) as repl:
        return deploy.send(repl, device, made, address, trial=True, replace_keys=False)


@contextmanager
def _repl(port: str, patience: float) -> Iterator[Repl]:
    """The REPL of a board whose port may be back only after `patience` seconds."""
    end = time.monotonic() + patience
    with ExitStack() as opened:
        while True:
            try:
                repl = opened.enter_context(Repl(port))
                break
            except (NoPort, PortGone, PortDenied):
                if time.monotonic() > end:
                    raise
            time.sleep(_LOOK_AGAIN)
        yield repl


def _flash(port: str, device: Device, image: firmware_image.Firmware | None, yes: bool) -> None:
    note("Flashing MicroPython")
    with progress.display() as tell:
        done = flasher.flash(
            port,
            chips.CHIPS[device.settings["chip"]],
            image,
            tell,
            whose=f"{device.name}'s device.toml",
            may_erase=None if yes else lambda found: agreed(found, port, tell),
        )
    note(f"Flashed {done.firmware}")


def _print_next(device: Device, state: health.Healthy) -> None:
    folder = shlex.quote(short(device.folder))
    pin = next(iter(device.settings["pins"]), None)
    steps = {f"deploy {folder}": "after each change of device.toml"}
    if state.address is None:
        note(f"Put the network's name and password into {short(device.wifi_file)}.")
    else:
        rights = f"--pin {pin}" if pin else "--read-only"
        qr = "a token for a phone; its camera opens the page"
        steps = {f"mint {folder} {rights} --qr": qr, f"call {folder} GET pins": "a first request", **steps}
    out = stdout()
    out.print("Next:")
    width = max(map(len, steps))
    for command, what in steps.items():
        out.print(plain(f"  pinwarden {command:{width}}  {what}"))
