"""The serial port that a board is on: found by its USB bridge, or named by --port.

A port is named by its device path (/dev/ttyUSB0, a pseudo-terminal), by COMn on Windows, or by a URL that
pyserial opens (socket://host:port, rfc2217://host:port).
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import click

from pinwarden.errors import NoPort, PortBusy, PortDenied, PortGone, SeveralPorts, UserError

# USB vendor, product (None: all of this vendor's) and name of the bridges that ESP32 boards have, and of the
# chips' own USB.
BRIDGES = (
    (0x10C4, None, "Silicon Labs CP210x"),
    (0x1A86, None, "WCH CH340, CH343 or CH9102"),
    (0x0403, None, "FTDI"),
    (0x303A, None, "Espressif's own USB"),
    (0x067B, 0x2303, "Prolific PL2303"),
    (0x067B, 0x23A3, "Prolific PL2303"),
    (0x2341, None, "Arduino"),  # Nano ESP32
    (0x2E8A, 0x000C, "Debugprobe"),  # a Pico as a bridge
)

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
# What the operating systems say when somebody else has the port, or it may not be opened, or it went.
_BUSY = {errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK}
_DENIED = {errno.EACCES, errno.EPERM}
_GONE = {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EIO}
_NUMBER = re.compile(r"\[Errno (\d+)\]|\((\d+), ")  # as pyserial words it where it keeps no number


@dataclass(frozen=True)
class Port:
    """A serial port of this computer. `vid`, `pid` and `serial_number` are its USB device's, or None."""

    device: str
    description: str
    vid: int | None
    pid: int | None
    serial_number: str | None

    @property
    def bridge(self) -> str | None:
        """The name of its USB bridge, None if boards usually have none of this kind."""
        return bridge_name(self.vid, self.pid)

    def __str__(self) -> str:
        known = self.bridge or self.description
        number = f", serial number {self.serial_number}" if self.serial_number else ""
        return f"{self.device} ({known}{number})" if known and known != "n/a" else self.device


def bridge_name(vid: int | None, pid: int | None) -> str | None:
    """The name of the bridge with these USB ids, None if boards usually have none of this kind."""
    for vendor, product, name in BRIDGES:
        if vid == vendor and product in (None, pid):
            return name
    return None


def all_ports() -> list[Port]:
    """Every serial port of this computer that exists, by its name."""
    from serial.tools.list_ports import comports  # slow on Windows, so only when it is asked for

    found = [
        Port(info.device, info.description or "", info.vid, info.pid, info.serial_number)
        for info in comports()
    ]
    return sorted(found, key=lambda port: (len(port.device), port.device))


def list_ports() -> list[Port]:
    """The serial ports that a board may be on, by their USB ids."""
    return [port for port in all_ports() if port.bridge]


def is_url(port: str) -> bool:
    """Whether a port is a URL such as socket://127.0.0.1:9876, and not a device of this computer."""
    return bool(_URL.match(port))


def choose(option: str | None) -> str:
    """The port to use: the one that --port names, or the only board's; asks when there are several.

    Raises NoPort (with what is there, and what may be wrong), SeveralPorts (when nobody can be asked),
    PortDenied.
    """
    if option is not None:
        return _checked(option)
    found = list_ports()
    if not found:
        raise _none(all_ports())
    if len(found) == 1:
        return _checked(found[0].device)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise SeveralPorts(
            f"{len(found)} boards are attached: {_listed(found)}",
            "Say which one with --port, or unplug the others.",
        )
    return _checked(_ask(found).device)


def failed(port: str, error: BaseException) -> UserError:
    """The error to show when opening or using a port raised `error`, an OSError or pyserial's exception.

    PortBusy with its holder, PortDenied, NoPort or PortGone.
    """
    number = _number(error)
    words = str(error)
    if is_url(port):
        remedy = "Is the program or bridge behind it running?"
        if "could not open" in words.lower():
            return NoPort(f"nothing answers at {port}", remedy)
        return PortGone(f"the connection to {port} was lost", remedy)
    windows_busy = os.name == "nt" and (number in _DENIED or "PermissionError" in words)
    if number in _BUSY or windows_busy or "exclusively lock" in words or "multiple access" in words:
        return busy(port)
    if number in _DENIED:
        return _denied(port)
    if number == errno.ENOENT or (os.name == "nt" and "FileNotFoundError" in words):
        return _no_such(port)
    if number in _GONE or not _exists(port) or "disconnected" in words:
        return PortGone(
            f"the board on {port} went away: the cable, or the port was reset",
            "Plug it in again, straight into the computer, and run the same command.",
        )
    if number == errno.ENOTTY or number == errno.EINVAL:
        return NoPort(f"{port} is no serial port", "Name a port with --port, such as /dev/ttyUSB0.")
    return PortGone(
        f"the port {port} failed: {os.strerror(number) if number else type(error).__name__}",
        "Unplug the board, plug it in again, and run the same command.",
    )


def busy(port: str) -> PortBusy:
    """The error for a port that another program has open, with that program's name where it can be known."""
    who = ", ".join(holders(port))
    return PortBusy(
        f"{port} is in use by {who}" if who else f"{port} is in use by another program",
        "Close it (a serial monitor, an editor such as Thonny, another pinwarden), then try again.",
    )


def holders(port: str, proc: Path = Path("/proc")) -> list[str]:
    """The other processes that have a port open, as "name (process 123)"; none where /proc does not tell."""
    real = os.path.realpath(port)
    found = []
    for process in _numbered(proc):
        try:
            opened = [os.readlink(fd) for fd in (process / "fd").iterdir()]
            name = (process / "comm").read_text("utf-8", "replace").strip()
        except OSError:  # another user's, or it has just ended
            continue
        if real in opened and int(process.name) != os.getpid():
            found.append(f"{name} (process {process.name})")
    return found


def _checked(port: str) -> str:
    """The port, if it is a URL or can be opened by this user."""
    if is_url(port):
        return port
    if os.name == "nt":
        return port.upper() if port.lower().startswith("com") else port
    try:
        mode = os.stat(port).st_mode
    except (OSError, ValueError):
        raise _no_such(port) from None
    if not stat.S_ISCHR(mode):
        raise NoPort(f"{port} is no serial port", "Name a port with --port, such as /dev/ttyUSB0.")
    if not os.access(port, os.R_OK | os.W_OK):
        raise _denied(port)
    return port


def _ask(found: list[Port]) -> Port:
    click.echo("Several boards are attached:", err=True)
    for number, port in enumerate(found, 1):
        click.echo(f"  {number}  {port}", err=True)
    number = click.prompt("Which one", type=click.IntRange(1, len(found)), err=True)
    return found[number - 1]


def _listed(found: Iterable[Port]) -> str:
    return ", ".join(str(port) for port in found)


def _no_such(port: str) -> NoPort:
    there = list_ports()
    hint = f"There is: {_listed(there)}." if there else _hint()
    return NoPort(f"there is no port {port}", hint)


def _none(others: list[Port]) -> NoPort:
    """No bridge is there: what is, and what is most likely wrong."""
    driverless = without_driver()
    if driverless:
        what = ", ".join(driverless)
        return NoPort(
            f"a board's USB bridge is plugged in ({what}), but this computer made no serial port of it",
            "Its driver is missing, or another program took it: `sudo dmesg` tells. On Ubuntu, brltty takes "
            "the CH340: sudo apt remove brltty, then plug the board in again.",
        )
    named = [port for port in others if port.vid is not None]
    if named:
        message = f"no board found; there is {_listed(named)}, which is no bridge that boards usually have"
        return NoPort(message, f"If that is the board: --port {named[0].device}. Else: {_hint()}")
    if others:
        return NoPort(f"no board found; there is only {_listed(others)}", _hint())
    return NoPort("no board found: this computer has no serial port", _hint())


def without_driver(bus: Path = Path("/sys/bus/usb/devices")) -> list[str]:
    """The names of the bridges that are plugged in and have no serial port, where Linux tells."""
    try:
        devices = sorted(bus.iterdir())
    except OSError:
        return []
    found = []
    for device in devices:
        try:
            vid, pid = (int((device / name).read_text(), 16) for name in ("idVendor", "idProduct"))
        except (OSError, ValueError):
            continue  # an interface, or a hub without ids
        name = bridge_name(vid, pid)
        if name and not any(device.glob("*:*/tty*")):
            found.append(f"{name}, {vid:04x}:{pid:04x}")
    return found


def _hint() -> str:
    cable = "Use a data cable (many only charge), straight into the computer."
    if sys.platform == "win32":
        return f"{cable} The driver: CP210x from Silicon Labs, CH340 from WCH."
    if sys.platform == "darwin":
        return f"{cable} A CH340 of 2016 or older needs WCH's driver."
    if _is_wsl():
        return f"{cable} WSL sees USB only when Windows passes it on: usbipd list, usbipd attach --wsl."
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return f"{cable} A container sees it only when it is started with --device=/dev/ttyUSB0."
    return f"{cable} `sudo dmesg` shows whether the computer sees it at all."


def _is_wsl() -> bool:
    return "microsoft" in getattr(os, "uname", lambda: ("",) * 3)()[2].lower()


def _denied(port: str) -> PortDenied:
    return PortDenied(f"this user may not open {port}", _how_to_be_allowed(port))


def _how_to_be_allowed(port: str) -> str:
    try:
        import grp

        group = grp.getgrgid(os.stat(port).st_gid).gr_name
    except (ImportError, OSError, KeyError):
        group = "dialout"
    if group in ("root", "tty"):  # not meant for users: a rule is missing, or the port is a terminal
        group = "dialout"
    return f"Run: sudo usermod -aG {group} $USER - then log out and in again."


def _exists(port: str) -> bool:
    return os.name == "nt" or os.path.exists(port)


def _number(error: BaseException) -> int | None:
    """The operating system's error number: pyserial keeps it in `errno`, or only in its words."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno:
            return seen.errno
        if named := _NUMBER.search(str(seen)):
            return int(named[1] or named[2])
        seen = seen.__cause__ or seen.__context__
    return None


def _numbered(proc: Path) -> list[Path]:
    try:
        return [entry for entry in proc.iterdir() if entry.name.isdecimal()]
    except OSError:
        return []
