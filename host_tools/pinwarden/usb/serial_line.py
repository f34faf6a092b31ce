"""The way into a board's raw REPL: the port opened, what runs there interrupted, and, when that fails, why.

mpremote tries once and says "could not enter raw repl" (micropython#13504, #16142), most often because the
board is not ready yet: opening a port resets many boards (DTR and RTS work the reset circuit), and one that
starts takes no Ctrl-C for a second. So this tries for some seconds, by stronger and stronger means.
"""

from __future__ import annotations

import contextlib
import io
import struct
import time
from collections.abc import Iterator
from typing import Any

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from pinwarden.console import plain
from pinwarden.errors import NoPort, NoRepl, PortBusy, PortGone, UserError
from pinwarden.usb import ports

# What reads and writes of a port that has gone raise: pyserial wraps some of them, and termios.error, which
# Windows has not, is of no kind of its own.
try:
    from termios import error as TermiosError
except ImportError:
    TermiosError = OSError
LOST = (serial.SerialException, OSError, ValueError, TermiosError)

_INTERRUPT, _RAW_REPL, _SOFT_RESET = b"\r\x03\x03", b"\r\x01", b"\x04"
_BANNER = b"raw REPL; CTRL-B to exit\r\n"
_SOFT_RESET_TIME = 10.0  # seconds for a soft reset with its boot.py; it takes a tenth of one
_ATTEMPT = 1.0  # seconds; a board that is ready answers in milliseconds, one that writes to its flash in some
_POLL = 0.05
_WRITE_TIME = 5.0  # seconds; the USB port of a chip that hangs takes nothing, for ever
_PATIENT, _RELEASED, _AFTER_RESET = 3, 2, 4  # attempts, before the next means
_BOOT_TIME = 2.5  # seconds from a reset to a MicroPython that takes a Ctrl-C
_KEPT = 4096  # octets of what a board says meanwhile


class Line(SerialTransport):
    """mpremote's transport over an open port. Raises NoPort, PortBusy, PortDenied or PortGone."""

    serial: Any  # pyserial's; mpremote's own types are those of what it puts around it to mount a folder

    def __init__(self, port: str) -> None:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                super().__init__(port, timeout=_POLL)  # type: ignore[arg-type]  # None is its default
        except (TransportError, *LOST):
            raise _why_closed(port) from None
        self.serial.write_timeout = _WRITE_TIME
        self._heard = bytearray()

    def enter(self, *, soft_reset: bool) -> None:
        """Interrupt what runs, and have the raw REPL; with `soft_reset`, one with all of the board's memory.

        A soft reset runs boot.py, and not main.py. Raises NoRepl after some 15 seconds, PortGone, PortBusy.
        """
        with watched(self.device_name):
            for prepare, attempts in (
                (lambda: None, _PATIENT),
                (self._release_lines, _RELEASED),
                (self._reset_chip, _AFTER_RESET),
            ):
                prepare()
                if any(self._attempt() for _ in range(attempts)):
                    break
            else:
                raise diagnosis(bytes(self._heard), self.device_name)
            if soft_reset:
                self._reset_softly()
            self.in_raw_repl = True

    def interrupt(self) -> None:
        """End whatever is being sent or run: the raw REPL again. Raises TransportError, or one of LOST."""
        if not self._attempt():
            raise TransportError("no raw REPL")

    def close(self) -> None:
        """Close the port, whatever has become of it."""
        with contextlib.suppress(*LOST):
            super().close()
        with contextlib.suppress(*LOST):  # which mpremote leaves open where its lines cannot be set any more
            self.serial.close()

    def _attempt(self) -> bool:
        """Interrupt, ask for the raw REPL, and whether it came. Its ">" is left for mpremote to read."""
        self.serial.write(_INTERRUPT)
        late = self._listen(_POLL)
        self.serial.write(_RAW_REPL)
        return self._await_banner(_ATTEMPT) and (_BANNER not in late or self._start_over())

    def _start_over(self) -> bool:
        """Have done with the answers to earlier attempts, which would pass for those to what is run next."""
        self._listen(_ATTEMPT / 2)
        self.serial.write(_RAW_REPL)
        return self._await_banner(_ATTEMPT)

    def _await_banner(self, seconds: float) -> bool:
        # mpremote's read_until looks at the time in a silence only, and what is there may never be silent.
        end, said = time.monotonic() + seconds, b""
        self.serial.timeout = _POLL
        while not said.endswith(_BANNER) and time.monotonic() < end:
            said = (said + self.serial.read(1))[-_KEPT:]
        self._keep(said)
        return said.endswith(_BANNER)

    def _reset_softly(self) -> None:
        """Raises TransportError when boot.py does not let go even of a Ctrl-C."""
        self.read_until(1, b">", 1)
        self.serial.write(_SOFT_RESET)
        if not self._await_banner(_SOFT_RESET_TIME):
            self.interrupt()

    def _release_lines(self) -> None:
        """Let go of DTR and RTS: on boards without the two transistors they hold the chip in reset."""
        self._set_lines(rts=False)
        self._set_lines(dtr=False)

    def _reset_chip(self) -> None:
        """Reset the chip by RTS, and keep on interrupting: that ends a main.py that resets it at once."""
        self._set_lines(dtr=False)
        self._set_lines(rts=True)
        time.sleep(2 * _POLL)
        self._set_lines(rts=False)
        end = time.monotonic() + _BOOT_TIME
        while time.monotonic() < end:
            self.serial.write(b"\x03")
            self._listen(_POLL)
        # As they are on an open port: the native USB of an S2 or S3 says nothing without DTR. In this order,
        # as the other one resets the chip.
        self._set_lines(dtr=True)
        self._set_lines(rts=True)

    def _set_lines(self, **levels: bool) -> None:
        for name, level in levels.items():
            with contextlib.suppress(OSError):  # a PTY has none
                setattr(self.serial, name, level)

    def _listen(self, quiet: float) -> bytes:
        """What comes until nothing has come for `quiet` seconds, or a second has passed."""
        end, said = time.monotonic() + 1, b""
        self.serial.timeout = quiet
        while time.monotonic() < end:
            piece = self.serial.read(max(1, self.serial.in_waiting))
            if not piece:
                break
            said += piece
        self._keep(said)
        return said

    def _keep(self, said: bytes) -> None:
        self._heard += said
        del self._heard[:-_KEPT]


@contextlib.contextmanager
def watched(port: str) -> Iterator[None]:
    """Make what mpremote and pyserial raise into NoRepl, PortGone or PortBusy, and say nothing else."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # mpremote prints what it does not understand
            yield
    except serial.SerialTimeoutException:
        raise stuck(port, "the board takes nothing more") from None
    except (TransportError, struct.error):  # the latter of an answer that did not come in time
        raise stuck(port, "the board stopped answering") from None
    except LOST:
        raise _lost(port) from None


def stuck(port: str, what: str, detail: str = "") -> NoRepl:
    """The error for a board that has MicroPython, and doesn't do as it is told."""
    return NoRepl(
        f"{port}: {what}{detail}",
        "Has another program the port open, such as a serial monitor or an editor's? Close it. Then press "
        "the board's reset button (EN or RST) and try again.",
    )


def gone(port: str) -> PortGone:
    """The error for a port that was open."""
    return PortGone(
        f"{port}: the port went away; was the cable pulled, or did the board lose its power?",
        "Plug it in again, and run the same command: nothing is left half done.",
    )


def diagnosis(heard: bytes, port: str) -> NoRepl:
    """The error for a board that has no REPL to give, from what it said while it was asked for one."""
    text = heard.decode("ascii", "replace")
    said = [plain(line.strip()) for line in text.splitlines() if line.strip("\r\n >\x00\ufffd")]
    last = f" (it says: {said[-1][:80]})" if said else ""
    again = "press its reset button (EN or RST) and try again."

    def error(what: str, hint: str, reason: str) -> NoRepl:
        return NoRepl(f"{port}: {what}", hint, reason=reason)

    if not text.strip("\x00\r\n"):
        hint = f"Is this the board's port? If it is, {again} If it has no MicroPython yet: pinwarden flash"
        return error("nothing answers", hint, "silent")
    if "waiting for download" in text or "DOWNLOAD(" in text:
        hint = f"Let go of its BOOT button, {again}"
        return error("the board waits for a flash tool and starts nothing", hint, "bootloader")
    if "invalid header: 0xffffffff" in text or "No bootable app" in text or "flash read err" in text:
        hint = "Put MicroPython on it with: pinwarden flash"
        return error(f"there is no firmware on the board{last}", hint, "blank")
    if "Brownout" in text:
        hint = "Use another cable and port, without a hub, and take the load off the board's supply."
        return error("the board has too little power and resets again and again", hint, "resets")
    if text.count("rst:0x") > 2:
        hint = f"Unplug it for a moment, {again} If that does not help: pinwarden flash"
        return error(f"the board resets again and again{last}", hint, "resets")
    if ">>>" in text or "MicroPython" in text or "raw REPL" in text:
        return stuck(port, "MicroPython is there, but its raw REPL is not to be had", last)
    if text.count("\ufffd") + text.count("\x00") > len(text) / 4:
        hint = "Is this the board's port? If it is, put MicroPython on it with: pinwarden flash"
        return error("what comes from there is no text at 115200 baud", hint, "foreign")
    hint = f"If that is MicroPython, {again} If it is other firmware: pinwarden flash"
    return error(f"something runs there that Ctrl-C does not end{last}", hint, "foreign")


def _lost(port: str) -> PortBusy | PortGone:
    # On Linux a port that two programs read from fails with the same words as one that went away.
    return ports.busy(port) if not ports.is_url(port) and ports.holders(port) else gone(port)


def _why_closed(port: str) -> UserError:
    """Why the port cannot be opened, which mpremote does not tell."""
    try:
        serial.serial_for_url(port, exclusive=True).close()
    except ValueError:
        return NoPort(f"{port}: this kind of port is not known", "Name a port such as /dev/ttyUSB0 or COM3.")
    except LOST as error:
        return ports.failed(port, error)
    return ports.busy(port)  # it was, a moment ago
