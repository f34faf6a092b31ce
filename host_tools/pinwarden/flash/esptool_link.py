"""The boot ROM of an ESP32, by way of esptool's public functions.

esptool is imported when it is used: that takes half a second. What it prints goes nowhere, its progress goes
to whoever wants to know, and what it raises becomes `LinkFailed`, with its first line.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import serial

from pinwarden.errors import NotFlashed, UserError
from pinwarden.usb import ports

# What reads and writes of a port that has gone raise. termios.error is none of the others, and where there is
# no termios, as on Windows, it needs none.
try:
    from termios import error as TermiosError
except ImportError:
    TermiosError = OSError
_LOST = (serial.SerialException, OSError, TermiosError)

_ROM_BAUD = 115200  # the ROM's own speed; the stub in RAM can be asked for another
_PIECE = 1024  # octets; pyserial takes them one at a time from a socket, and whoever sends them waits
_LOCKED = "the chip is locked (secure boot, flash encryption or secure download)"


class LinkFailed(Exception):
    """The ROM, or esptool, did not do what it was asked to; the text is one line."""


class Link:
    """An open connection to the flasher stub on a board.

    Attributes: `title` ("ESP32-S3"), `revision` (100 * major + minor), `flash_size` (octets). Its methods
    raise LinkFailed, and what `ports.failed` makes of a port that fails.
    """

    def __init__(self, port: str, esp: Any, flash_size: int) -> None:
        self.port = port
        self._esp = esp
        self.title: str = esp.CHIP_NAME
        self.revision: int = esp.get_chip_revision()
        self.flash_size = flash_size

    def read(self, offset: int, size: int) -> bytes:
        """What the flash has there."""
        data = bytearray()
        with _translated(self.port), _heard(None):
            while len(data) < size:
                data += self._esp.read_flash(offset + len(data), min(_PIECE, size - len(data)))
        return bytes(data)

    def erase_and_write(self, pieces: list[tuple[int, bytes]], progress: Callable[[int, int], None]) -> None:
        """Erase the whole flash, write each (offset, data) in this order, and compare its MD5 on the board.

        `progress(done, total)` is called while the first of them is written.
        """
        from esptool.cmds import write_flash

        with _translated(self.port), _heard(progress):
            # By force: it checks no chip, no revision and no lock then. All that is checked before, here, so
            # that what fails from here on has begun to erase.
            write_flash(self._esp, [*pieces], erase_all=True, force=True)

    def reset(self) -> None:
        """Start what the flash holds."""
        from esptool.cmds import reset_chip

        with _translated(self.port), _heard(None):
            reset_chip(self._esp, "hard-reset")


@contextlib.contextmanager
def connect(port: str, baud: int) -> Iterator[Link]:
    """Put the board into its boot ROM and connect. Raises NotFlashed, PortBusy, PortDenied, NoPort, PortGone.

    `baud` is the speed of a serial bridge; a URL has none.
    """
    line = _opened(port)
    try:
        yield _attached(port, line, baud)
    finally:
        with contextlib.suppress(*_LOST):
            line.close()


def _opened(port: str) -> serial.SerialBase:
    """The port, open for this process alone."""
    try:
        line = serial.serial_for_url(port, do_not_open=True, exclusive=True)
        if os.name == "nt":
            line.rts = line.dtr = False  # else the board is reset as the port opens
        line.open()
    except (*_LOST, ValueError) as error:
        raise ports.failed(port, error) from None
    return line


def _attached(port: str, line: serial.SerialBase, baud: int) -> Link:
    from esptool.cmds import detect_chip

    with _heard(None):
        try:
            with _translated(port):
                esp = detect_chip(line)  # type: ignore[arg-type]  # it takes an open port as well
        except LinkFailed as error:
            raise _no_answer(port, error) from None
        try:
            with _translated(port):
                return _ready(port, esp, baud)
        except BaseException:
            with contextlib.suppress(Exception):  # let it do again what it did
                esp.hard_reset()
            raise


def _ready(port: str, esp: Any, baud: int) -> Link:
    """With the flasher stub running, and the flash found."""
    from esptool.cmds import attach_flash, detect_flash_size, run_stub
    from esptool.util import flash_size_bytes

    if _is_locked(esp):
        raise NotFlashed(
            f"{_LOCKED}, so it cannot be given other firmware",
            "That was burnt into the chip, and cannot be undone. Take another board.",
        )
    stub = run_stub(esp)
    if baud != _ROM_BAUD and not ports.is_url(port):
        stub.change_baud(baud)
    attach_flash(stub)
    size = flash_size_bytes(detect_flash_size(stub))
    if not size:
        raise NotFlashed(
            f"the flash memory of the board on {port} does not answer",
            "Take everything off its pins, and try again. If that does not help, the board is broken.",
        )
    return Link(port, stub, size)


def _is_locked(esp: Any) -> bool:
    return bool(
        esp.secure_download_mode or esp.get_flash_encryption_enabled() or esp.get_secure_boot_enabled()
    )


def _no_answer(port: str, error: LinkFailed) -> NotFlashed:
    return NotFlashed(
        f"no ESP32 answers on {port} ({error})",
        "Hold the board's BOOT button, press RESET (or plug the board in anew), let go of BOOT, and run the "
        "same command. Is it a data cable, and the right port? Nothing was erased.",
    )


@contextlib.contextmanager
def _translated(port: str) -> Iterator[None]:
    """Make what pyserial and esptool raise into PortGone and its like, and LinkFailed."""
    from esptool.util import FatalError

    try:
        yield
    except (LinkFailed, UserError):
        raise
    except _LOST as error:
        raise ports.failed(port, error) from None
    except (FatalError, RuntimeError, struct.error, IndexError, KeyError, TypeError, ValueError) as error:
        # Not all of what a disturbed line makes esptool stumble over is one of its own errors.
        raise LinkFailed(_first_line(error)) from None


def _first_line(error: Exception) -> str:
    text = str(error).strip().split("\n")[0]
    text = text.removeprefix("A fatal error occurred: ").rstrip(".")
    return text or type(error).__name__


@contextlib.contextmanager
def _heard(progress: Callable[[int, int], None] | None) -> Iterator[None]:
    """Have esptool's words swallowed and its progress told; its logger is one for the whole process."""
    from esp_pylib.logger import EspLog, EspLogBase
    from esptool.reset import ResetStrategy
    from esptool.util import FatalError, PrintOnce

    class Ear(EspLogBase):
        def print(self, *args: Any, **kwargs: Any) -> None: ...
        def err(self, *args: Any, suggestion: str | None = None) -> None: ...
        def warn(self, *args: Any, suggestion: str | None = None) -> None: ...
        def note(self, *args: Any) -> None: ...
        def hint(self, *args: Any) -> None: ...
        def debug(self, *args: Any) -> None: ...
        def set_verbosity(self, mode: int | str) -> None: ...

        def die(self, *args: Any, exit_code: int = 1, suggestion: str | None = None) -> NoReturn:
            raise FatalError(" ".join(map(str, args)))

        def progress_bar(
            self, cur_iter: int, total_iters: int, prefix: str = "", suffix: str = "", bar_length: int = 30
        ) -> None:
            if progress is not None:
                progress(cur_iter, total_iters)

    before, warned = EspLog.instance, ResetStrategy.print_once
    EspLog.set_logger(Ear())
    # It has the logger that there was when it was imported, and speaks of options that are not ours.
    ResetStrategy.print_once = PrintOnce(Ear().warn)
    try:
        yield
    finally:
        EspLog.instance, ResetStrategy.print_once = before, warned
