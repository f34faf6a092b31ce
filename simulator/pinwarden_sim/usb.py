"""The simulated board's USB port: a pseudo-terminal that a tool opens as it would /dev/ttyUSB0."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import tempfile
import threading
import time
import tty
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

_CHUNK = 4096
_LOOK_AGAIN = 0.01  # seconds; a pseudo-terminal tells nobody that it is opened
_MOST_UNREAD = 1 << 18  # bytes for a tool that does not read; then they are lost, as on a UART
_MOST_TYPED = 1 << 16  # bytes for a board that is starting
_TIME_TO_SET_UP = 0.05  # seconds from when a tool opens a port until it no longer throws away what comes
_TIME_TO_END = 0.2  # seconds for the thread
_TIME_TO_ACT = 0.25  # seconds for the board to do what it was told with the last byte before the cable went


class PoweredBoard(Protocol):
    """What the port needs of the board."""

    def type(self, data: bytes) -> bool:
        """Type `data`; False when the board is starting and cannot take it yet."""
        ...

    def is_idle(self) -> bool:
        """Whether it waits at its REPL for something to do."""
        ...

    def power_on(self) -> None:
        """Give it power."""
        ...

    def power_cut(self) -> None:
        """Take its power away."""
        ...


class UsbPort:
    """The port, with a cable in it from the start, which powers the board: without power there is no port."""

    def __init__(self, board: PoweredBoard) -> None:
        self.native = False  # whether the chip itself is the USB device, so that a reset takes the port away
        self._board = board
        self._folder = Path(tempfile.mkdtemp(prefix="pinwarden-usb-"))
        # Not "/dev/pts/3" itself: mpremote treats that as QEMU's, and waits without a time limit.
        self._link = self._folder / "ttyUSB0"
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._plugged = True
        self._cable: Cable | None = None
        self._changing = threading.RLock()
        self._said = b""

    @property
    def path(self) -> str:
        """What a tool opens. It stays the same; nothing is there while the cable or the power is out."""
        return str(self._link)

    def plug(self) -> None:
        """Put the cable in again, which powers the board."""
        self._plugged = True
        self._board.power_on()
        self.powered(True)

    def pull(self, after: int | None = None, *, power: bool = True) -> None:
        """Pull the cable: now, or when exactly `after` more bytes have come from the tool and the board has
        done what they say. With `power` the board loses its power by that, else it runs on.
        """
        if after is None:
            self._pulled(power)
        elif self._cable is not None:
            self._cable.left, self._cable.power = after, power
            self._cable.wake()

    def powered(self, on: bool) -> None:
        """The board has power, or has lost it."""
        with self._changing:
            if on and self._plugged and self._cable is None:
                self._cable = Cable(self._board, self._pulled, keep=self.native)
                self._cable.send(self._said)
                self._said = b""
                fresh = self._link.with_suffix(".new")
                fresh.symlink_to(self._cable.name)
                fresh.replace(self._link)
            elif not on:
                self._unplug()

    def send(self, data: bytes) -> None:
        """From the board to the tool. Lost when nobody listens."""
        with self._changing:
            if self._cable is not None:
                self._cable.send(data)
            elif self.native and self._plugged:
                self._said += data  # by a chip that is not back on the bus yet

    def chip_resets(self) -> None:
        """The chip resets: a chip with a USB of its own is gone from the bus meanwhile."""
        if self.native:
            self.powered(False)
            self._said = b""

    def chip_runs(self) -> None:
        """The firmware runs and can be typed to."""
        self.powered(True)
        cable = self._cable
        if cable is not None:
            cable.wake()

    def close(self) -> None:
        """Give up the path."""
        self._unplug()
        self._remove()

    def _pulled(self, power: bool) -> None:
        self._plugged = False
        self._unplug()
        if power:
            self._board.power_cut()

    def _unplug(self) -> None:
        with self._changing:
            cable, self._cable = self._cable, None
            self._link.unlink(missing_ok=True)
        if cable is not None:
            cable.close()


class Cable:
    """One time that the cable is in: a pseudo-terminal, and a thread that carries the bytes.

    With `keep` the tool that opens it first gets what was said before: a chip's own USB is back long before
    its firmware is in the Wi-Fi, which takes seconds on a board and none here.
    """

    def __init__(self, board: PoweredBoard, pulled: Callable[[bool], None], *, keep: bool) -> None:
        self.left: int | None = None  # bytes from the tool until the cable is pulled
        self.power = True
        self._board, self._pulled = board, pulled
        self._keeps = keep
        self._opened: float | None = None  # when a tool was first seen, while it keeps
        self._ours, theirs = os.openpty()
        tty.setraw(theirs)  # stays so when it is closed
        self.name = os.ttyname(theirs)
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._unread = bytearray()
        self._typed = b""
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="usb", daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Queue bytes for the tool."""
        with self._lock:
            if self._closed or not (self._keeps or self._is_open()):
                return
            self._unread += data[: max(0, _MOST_UNREAD - len(self._unread))]
        self.wake()

    def wake(self) -> None:
        """Have the thread look around."""
        with self._lock, contextlib.suppress(OSError):
            if not self._closed:
                os.write(self._waker, b"!")

    def close(self) -> None:
        """The tool's end of it fails from now on, as a port does whose cable is pulled."""
        with self._lock, contextlib.suppress(OSError):
            if not self._closed:
                self._closed = True  # before the thread wakes, or it would not see it, and sleep on
                os.write(self._waker, b"!")
        if self._thread is not threading.current_thread():
            # Not for ever: it may be about to switch off the board that calls this.
            self._thread.join(_TIME_TO_END)

    def _run(self) -> None:
        try:
            while not self._closed:
                self._wait()
                self._to_board(self._read())
                self._to_tool()
        finally:
            with self._lock:
                self._closed = True
            for descriptor in (self._ours, self._woken, self._waker):
                os.close(descriptor)

    def _wait(self) -> None:
        is_open = self._is_open()
        hears = [self._ours] if is_open and len(self._typed) < _MOST_TYPED else []
        writes = [self._ours] if is_open and self._unread and not self._keeps else []
        timeout = None if is_open and not self._keeps else _LOOK_AGAIN
        woken, _, _ = select.select([self._woken, *hears], writes, [], timeout)
        if self._woken in woken:
            os.read(self._woken, _CHUNK)

    def _is_open(self) -> bool:
        poll = select.poll()
        poll.register(self._ours, 0)
        return not poll.poll(0)  # POLLHUP: nobody has it open

    def _read(self) -> bytes:
        try:
            return os.read(self._ours, _CHUNK)
        except OSError:
            return b""  # nothing there, or nobody

    def _to_board(self, data: bytes) -> None:
        self._typed += data
        typed = self._typed if self.left is None else self._typed[: self.left]
        if typed and self._board.type(typed):
            self._typed = self._typed[len(typed) :]
            if self.left is not None:
                self.left -= len(typed)
        if self.left == 0:
            self._await_idle()
            self._pulled(self.power)

    def _to_tool(self) -> None:
        with self._lock:
            is_open = self._is_open()
            if self._keeps and is_open:
                self._opened = self._opened or time.monotonic()
                self._keeps = time.monotonic() - self._opened < _TIME_TO_SET_UP
            if self._keeps:
                return
            if not is_open:
                self._unread.clear()  # nobody listens
            while self._unread:
                try:
                    del self._unread[: os.write(self._ours, self._unread)]
                except OSError:
                    return

    def _await_idle(self) -> None:
        end = time.monotonic() + _TIME_TO_ACT
        while not self._board.is_idle() and time.monotonic() < end:
            time.sleep(0.001)
