"""`pinwarden simulate`."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import click

from pinwarden import board as files
from pinwarden import find
from pinwarden.address import certify
from pinwarden.console import note
from pinwarden.device import STATE_FOLDER, Device
from pinwarden.errors import UserError
from pinwarden.files import PRIVATE_FOLDER, short
from pinwarden.mint import link_for, mint_token
from pinwarden.params import device_argument, examples
from pinwarden_sim import runtimes
from pinwarden_sim.board import Board, BoardError
from pinwarden_sim.hands import Hands

PORT = 8080  # when it is free; else any
TOKEN_LIFE = 86400  # seconds
# 192 kB for the firmware, whose objects are twice as big as on the board, and 32 for the stand-ins, where
# they are on the heap: see docs/decisions/memory.md.
HEAP = "224k"
_SIMULATED_WIFI = {"ssid": "simulated", "password": "simulated-air"}
_MOST_HOSTS = 8  # of the settings' own limit


class CannotSimulate(UserError):
    """The simulated board cannot be started here, or not so."""


@click.command(
    short_help="Run a device on this computer.",
    epilog=examples("""
        pinwarden simulate door
        pinwarden simulate --runtime cpython --port 8000
        pinwarden simulate door --lan        phones in this network may try it
        pinwarden simulate door --usb        deploy to it, and watch its log
    """),
)
@device_argument()
@click.option(
    "--runtime",
    type=click.Choice(runtimes.RUNTIMES),
    help="What runs the board's files. Default: micropython where it is installed.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), help=f"The port of its page. Default: {PORT}, or a free one."
)
@click.option("--lan", is_flag=True, help="Let other computers and phones of this network reach it.")
@click.option("--qr/--no-qr", "code", default=None, help="Draw its link as a QR code. Default: with --lan.")
@click.option("--usb", is_flag=True, help="Give it a serial port, and keep what was deployed to it by that.")
def simulate(
    device: str | None, runtime: str | None, port: int | None, lan: bool, code: bool | None, usb: bool
) -> None:
    """Run the firmware of DEVICE in a simulated board, with a link, a token for a day, and a live view.

    Its flash is the folder .pinwarden/flash of the device. It gets the firmware and the settings as they are
    now; with --usb only when it is empty, so that what `pinwarden deploy` put there stays. Keys: r reset, p
    power, w Wi-Fi, c clock, b button, q quit; 1 to 9 press the inputs, + and - turn an analog one.
    """
    from pinwarden_sim.terminal import show

    if os.name != "posix":
        raise CannotSimulate("the simulated board needs Linux or macOS", "On Windows, use WSL.")
    found = find.load(device)
    runtime = runtime or ("micropython" if usb else runtimes.available()[-1])
    if usb and runtime != "micropython":
        raise CannotSimulate("only MicroPython has a REPL for a serial port", "Leave --runtime out.")
    address = _address_in_network() if lan else "127.0.0.1"
    with _terminated_by_signal(), _alone(found):
        flash = _flash(found, runtime, address, keep=usb)
        try:
            board = _board(flash, found, runtime, port, lan, usb)
        except (BoardError, runtimes.RuntimeMissing) as error:
            raise CannotSimulate(str(error)) from None
        with board:
            hands = Hands(board, found.settings)
            hands.connect()
            try:
                board.start()
            except (BoardError, runtimes.RuntimeMissing) as error:
                raise CannotSimulate(f"{found.name} does not start: {error}") from None
            found.remember(address, board.port)
            hints = _links(found)
            if not lan:
                hints["Phone"] = f"pinwarden simulate {shlex.quote(short(found.folder))} --lan"
            if usb:
                hints |= _usb(board, found)
            show(
                board,
                hands,
                hints=hints,
                code=lan if code is None else code,  # no phone reaches this computer's own address
                settings=found.settings,
                port=board.usb.path if usb else None,
            )


def _links(device: Device) -> dict[str, str]:
    """What to try it with, good for a day or what the device's policy leaves of it: a link for its pins, one
    for the owner's view beside, and the former's token.
    """
    life, scope = min(TOKEN_LIFE, device.settings["max_ttl"]), ["pins:read", "pins:write"]
    token = mint_token(device, subject="simulator", scope=scope, ttl=life)
    owner = mint_token(device, subject="owner", scope=[*scope, "admin", "audit:read"], ttl=life)
    return {"Link": link_for(device, token), "Owner": link_for(device, owner), "Token": token}


def _flash(device: Device, runtime: str, address: str, *, keep: bool) -> Path:
    """The flash: the device as it is, but that it logs every request and answers to "localhost" too. With
    `keep` that is for an empty one.
    """
    flash = device.folder / STATE_FOLDER / "flash"
    if keep and (flash / "main.py").exists():
        return flash
    flash.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    hosts = list(dict.fromkeys(["localhost", address, *device.settings["hosts"]]))[:_MOST_HOSTS]
    settings = {**device.settings, "log": "requests", "hosts": hosts}
    certify(device, address)
    secrets = device.secrets()
    try:
        (flash / "slot.json").unlink(missing_ok=True)  # what was deployed would be started instead
        files.install(flash, settings, {**secrets, "wifi": _SIMULATED_WIFI}, mpy=runtime == "micropython")
    except OSError as error:
        raise CannotSimulate(f"{short(flash)} cannot be written: {error.strerror}") from None
    return flash


def _usb(board: Board, device: Device) -> dict[str, str]:
    """What to tell of the serial port: its path, and the commands that use it."""
    if device.secrets()["wifi"] is None:
        note(f"{short(device.wifi_file)} names no network: deployed to, the board will be in none.")
        note("Any will do here: the simulated Wi-Fi takes every name and password.")
    path, name = shlex.quote(board.usb.path), shlex.quote(short(device.folder))
    return {
        "USB": path,
        "Up": f"pinwarden up {name} --port {path}",
        "Deploy": f"pinwarden deploy {name} --port {path}",
        "Log": f"pinwarden monitor {name} --port {path}",
    }


def _board(flash: Path, device: Device, runtime: str, port: int | None, lan: bool, usb: bool) -> Board:
    options = {
        "chip": device.settings["chip"],
        "radio": True,
        "address": "0.0.0.0" if lan else "127.0.0.1",
        "usb": usb,
        # As after a deployment by cable. A new board that has only time servers asks two of them first.
        "clock": int(time.time()),
    }
    if runtime == "micropython":
        options["heapsize"] = HEAP
    try:
        return Board(flash, runtime, PORT if port is None else port, **options)
    except OSError as error:
        if port is not None:
            raise CannotSimulate(
                f"port {port} cannot be used: {error.strerror}", "Choose another with --port, or 0 for any."
            ) from None
        note(f"Port {PORT} is in use: taking a free one.")
        return Board(flash, runtime, 0, **options)


def _address_in_network() -> str:
    """This computer's address in its local network. Nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address of RFC 5737, which is nobody's
        except OSError:
            raise CannotSimulate("this computer is in no network", "Leave --lan out.") from None
        return probe.getsockname()[0]


@contextlib.contextmanager
def _alone(device: Device) -> Iterator[None]:
    """Keep a second simulation from the same flash."""
    import fcntl

    folder = device.folder / STATE_FOLDER
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    with (folder / "simulator.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotSimulate(
                f"{device.name} is being simulated already",
                "Stop the other simulation first, or make another device.",
            ) from None
        yield


@contextlib.contextmanager
def _terminated_by_signal() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the program as Ctrl-C does: the terminal restored, the board switched
    off.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
