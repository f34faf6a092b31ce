"""Follows a serial port: its lines, and when it goes away and comes back. Nothing is ever written to it.

To open a port raises DTR and RTS. Where a board's reset circuit hangs on them, RTS without DTR resets it: so
both are let go of, RTS first. But a chip's own USB says nothing while DTR is down (TinyUSB of the S2 and S3),
and takes both up for "no change": there they stay up.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import serial

from pinwarden.errors import UserError
from pinwarden.monitor.serial_log import Splitter
from pinwarden.usb import ports
from pinwarden.usb.serial_line import LOST

BAUD = 115200  # MicroPython's, and the chips' own loaders'
_ESPRESSIF = 0x303A  # the USB vendor of the chips' own ports
_POLL = 0.1  # seconds between two looks at the keys
_UNFINISHED = 0.5  # seconds after which a line without an end is shown as it is
_AGAIN = 0.1  # seconds between two attempts to open a port that has gone
_SURE = 1.0  # seconds that a port stays before it counts as back, if nothing comes from it


@dataclass(frozen=True)
class Said:
    """A line of the board's."""

    line: str


@dataclass(frozen=True)
class Gone:
    """The port went away, and is waited for."""

    port: str


@dataclass(frozen=True)
class Back:
    """It is there again, maybe under another name."""

    port: str


Event = Said | Gone | Back


def follow(port: str, opened: serial.Serial, leave: Callable[[], bool]) -> Iterator[Event]:
    """What happens at `port`, which `open_quietly` has opened, until `leave()` is true.

    That is asked every tenth of a second, or more often, and must not wait. The port is closed at the end.
    """
    this = _by_name(port)
    away = False  # it went, that was told, and it did not come back for good yet
    try:
        while not leave():
            since = heard = time.monotonic()
            lines = Splitter()
            while (data := _read(opened)) is not None:
                now = time.monotonic()
                if away and (data or now - since > _SURE):
                    away = False
                    yield Back(port)
                if data:
                    heard = now
                    yield from map(Said, lines.feed(data))
                elif now - heard > _UNFINISHED:
                    yield from _unfinished(lines)
                if leave():
                    yield from _unfinished(lines)
                    return
            yield from _unfinished(lines)
            _close(opened)
            if not away:
                away = True
                yield Gone(port)
            found = _wait_for(port, this, leave)
            if found is None:
                return
            port, opened = found
    finally:
        _close(opened)


def open_quietly(port: str) -> serial.Serial:
    """Open a port without resetting the board, as far as its circuit allows that.

    Raises PortBusy, PortDenied, NoPort, PortGone.
    """
    this = _by_name(port)
    own_usb = this is not None and this.vid == _ESPRESSIF
    try:
        opened = serial.serial_for_url(port, BAUD, timeout=_POLL, exclusive=True, do_not_open=True)
        opened.dtr, opened.rts = True, own_usb
        opened.open()
    except LOST as error:
        raise ports.failed(port, error) from None
    if not own_usb:
        with contextlib.suppress(OSError):  # a pseudo-terminal has no such lines
            opened.dtr = False
    return opened


def _read(opened: serial.Serial) -> bytes | None:
    """What has come, after a tenth of a second at the most; None when the port has gone."""
    try:
        return opened.read(opened.in_waiting or 1)
    except LOST:
        return None


def _unfinished(lines: Splitter) -> Iterator[Said]:
    rest = lines.flush()
    if rest is not None:
        yield Said(rest)


def _wait_for(
    port: str, this: ports.Port | None, leave: Callable[[], bool]
) -> tuple[str, serial.Serial] | None:
    """Open the port as soon as it can be; None when `leave()` came first."""
    while not leave():
        for name in [port, *_same_device(this)]:
            # Busy or denied, too: the system's own services look at a new port first, and then set its mode.
            with contextlib.suppress(UserError):
                return name, open_quietly(name)
        time.sleep(_AGAIN)
    return None


def _by_name(port: str) -> ports.Port | None:
    real = os.path.realpath(port)
    return next((known for known in ports.all_ports() if os.path.realpath(known.device) == real), None)


def _same_device(this: ports.Port | None) -> list[str]:
    """Where the same USB device is now: by its serial number, which cheap bridges do not have."""
    if this is None or this.serial_number is None:
        return []
    own = (this.vid, this.pid, this.serial_number)
    return [known.device for known in ports.all_ports() if (known.vid, known.pid, known.serial_number) == own]


def _close(opened: serial.Serial) -> None:
    with contextlib.suppress(*LOST):
        opened.close()
