"""The simulated board's end of its serial port: what a tool types goes to the process, what the process
prints to the tool.

The process is MicroPython's unix port with its own REPL. What that does otherwise than a board's is made good
here: line ends, Ctrl-C, and the soft reset, which is the end of the process and the start of another.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable

from pinwarden_sim import interrupt

SOFT_REBOOT = b"MPY: soft reboot\r\n"

# Printed by the ROM (rom/common/simulated/rom.py) when it hands over to the REPL.
_HANDOVER = b"\0repl\0"
_RAW = b"raw REPL; CTRL-B to exit\r\n"
_FRIENDLY = b'Type "help()" for more information.\r\n'
_CTRL_A = b"\x01"
_LONE_NEWLINE = re.compile(rb"(?<!\r)\n")


class Uart:
    """For one life of the board. `send` takes the bytes for the tool; with `raw` its REPL starts in raw mode,
    as after a soft reset in raw mode.
    """

    def __init__(self, send: Callable[[bytes], None], *, raw: bool) -> None:
        self.raw = raw  # which REPL the board is at, or would be
        self.ready = False  # the firmware has begun to run: from now on Ctrl-C is for it
        self.at_repl = False
        self._send = send
        self._filter: Callable[[bytes], bytes] | None = self._until_repl
        self._start_raw = raw
        self._held = b""
        self._last = b""
        self._pid = 0
        self._input = -1
        self._interrupt: Callable[[], bool] = lambda: False
        self._alive = threading.Lock()  # held while the process is signalled, and while it is ended

    def connect(self, pid: int, descriptor: int, interrupt: Callable[[], bool]) -> None:
        """The process runs. `descriptor` writes to its standard input; `interrupt()` raises KeyboardInterrupt
        there, and returns False where Ctrl-C is a character like any other.
        """
        self._pid, self._input, self._interrupt = pid, descriptor, interrupt
        os.set_blocking(descriptor, False)
        if self._start_raw:
            self._write(_CTRL_A)  # for its REPL, when it comes to it

    def disconnect(self) -> None:
        """The process is about to be ended."""
        with self._alive:
            self._input = -1

    def feed(self, data: bytes) -> None:
        """Type `data`. What does not fit into the board's buffer is lost, as on a UART."""
        for part in re.split(b"(\x03)", data):
            with self._alive:
                if part and self._input >= 0 and not (part == b"\x03" and self._interrupt()):
                    self._write(part)

    def is_idle(self) -> bool:
        """Whether it waits at its REPL for something to do."""
        with self._alive:
            return self.at_repl and self._input >= 0 and interrupt.waits(self._pid)

    def output(self, data: bytes) -> bytes:
        """Pass on what the process has printed. Returns what a board would have printed, for the log."""
        if self._filter:
            data = self._filter(data)
        if not data:
            return data
        # A board's print() ends lines by CR LF; the unix port leaves that to the terminal.
        kept = 1 if self._last.endswith(b"\r") and data.startswith(b"\n") else 0
        data = data[:kept] + _LONE_NEWLINE.sub(b"\r\n", data[kept:])
        seen = self._last + data
        raw_at, friendly_at = seen.rfind(_RAW), seen.rfind(_FRIENDLY)
        if raw_at != friendly_at:
            self.raw = raw_at > friendly_at
        self._last = seen[-max(len(_RAW), len(_FRIENDLY)) :]
        self._send(data)
        return data

    def _until_repl(self, data: bytes) -> bytes:
        """Cut the hand-over to the REPL out and, when it starts in raw mode, its friendly greeting."""
        self._held += data
        shown, found, rest = self._held.partition(_HANDOVER)
        if not found:
            keep = next(n for n in range(len(_HANDOVER), -1, -1) if self._held.endswith(_HANDOVER[:n]))
            shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
            return shown
        self.at_repl = True
        self._held = b""
        if self._start_raw:
            self._filter = self._until_raw
            return shown + self._until_raw(rest)
        self._filter = None
        return shown + rest

    def _until_raw(self, data: bytes) -> bytes:
        self._held += data
        _, found, rest = self._held.partition(_RAW)
        if not found:
            return b""
        self._filter = None
        return found + rest

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the buffer is full, or the board has just gone
            os.write(self._input, data)
