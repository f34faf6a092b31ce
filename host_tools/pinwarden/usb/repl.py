"""A board at the end of a cable: Python run on it, files written and read, its log followed.

    with Repl(port) as repl:
        repl.run("print(1 + 1)")
        repl.write("/notes.txt", b"...")
        repl.reset()
        for line in repl.lines(5):
            print(line)

mpremote's transport does the talking (the raw REPL in raw-paste mode, which has flow control).
"""

from __future__ import annotations

import ast
import binascii
import contextlib
import hashlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from mpremote.transport import TransportError

from pinwarden.console import plain
from pinwarden.errors import BoardFailed, NoPort, NoRepl, PortBusy, PortDenied, PortGone
from pinwarden.usb.serial_line import LOST, Line, gone, stuck, watched

_SCRIPTS = Path(__file__).parent / "board_scripts"
# Octets of a file in one message: its base64 is compiled on the board, which has some 100 kB of memory.
_PIECE = 1536
_COMES_BACK = 10.0  # seconds; the native USB port of a chip that restarts is away for one or two
_LOOK_AGAIN = 0.1
_RESET = "import machine, time\ntime.sleep_ms(50)\nmachine.reset()\n"  # the answer gets out before
_MOST = 1 << 20  # octets that a board prints at once; an inventory has some kilobytes
_LONGEST = 65536  # octets of a line of its log; a longer one comes in parts
# What there is to be caught where an answer is taken apart: what is on the cable may tell anything.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, SyntaxError, RecursionError, MemoryError)
_RESTARTED = re.compile(r"rst:0x|MPY: soft reboot|^MicroPython v", re.MULTILINE)


class Repl:
    """The board at `port` (a device, or a URL of pyserial's such as socket://HOST:PORT).

    On entry what runs there is interrupted. With `soft_reset` it is cleared out, too: without, the
    application still takes most of the memory. On leaving, the board is reset and runs its application
    again, unless `reset` has done so. Every method raises PortGone when the cable is pulled, and NoRepl when
    the board stops answering; entry raises NoPort, PortBusy and PortDenied as well.
    """

    def __init__(self, port: str, *, soft_reset: bool = True) -> None:
        self.port = port
        self._soft_reset = soft_reset
        self._loaded: set[str] = set()
        self._unread = b""

    def __enter__(self) -> Repl:
        self._line = Line(self.port)
        try:
            self._line.enter(soft_reset=self._soft_reset)
        except BaseException:
            self._line.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._line.in_raw_repl and kind not in (PortGone, PortBusy):
                self._leave()
        finally:
            self._line.close()

    def run(self, source: str, timeout: float = 10) -> str:
        """Run Python on the board and return what it printed; `timeout` is the longest silence in seconds.

        Raises BoardFailed with the last line of the board's traceback.
        """
        said = bytearray()

        def keep(data: bytes) -> None:
            said.extend(data)
            if len(said) > _MOST:  # it is never silent, so no time runs out
                raise stuck(self.port, "what the board says does not end")

        with watched(self.port):
            self._line.serial.timeout = timeout
            try:
                self._line.exec_raw_no_follow(source)
                _, failure = self._line.follow(timeout, data_consumer=keep)
            except TransportError:
                if _RESTARTED.search(said.decode(errors="replace")):
                    raise stuck(self.port, "the board restarted in the middle") from None
                raise
        if failure:
            lines = failure.decode(errors="replace").strip().splitlines() or ["?"]
            raise BoardFailed(
                f"{self.port}: the board failed: {plain(lines[-1])}",
                "Run the command again. If it fails again, please report it.",
                error=lines[-1],
            )
        return said.rstrip(b"\x04").decode(errors="replace").replace("\r\n", "\n")

    def value(self, expression: str) -> object:
        """What an expression gives on the board: numbers, text, bytes, None, and lists and dicts of them.

        Raises BoardFailed for an answer that is none of those.
        """
        return self.literal(self.run(f"print(repr({expression}))"))

    def literal(self, said: str) -> Any:
        """The value that the board has printed. Raises BoardFailed."""
        try:
            return ast.literal_eval(said.strip())
        except UNREADABLE:
            raise BoardFailed(
                f"{self.port}: the board's answer is none",
                "Is it the right port? If it is, press its reset button (EN or RST) and try again.",
            ) from None

    def load(self, script: str) -> None:
        """Define on the board what board_scripts/`script`.py defines, once."""
        if script not in self._loaded:
            self.run(compact((_SCRIPTS / f"{script}.py").read_text()))
            self._loaded.add(script)

    def write(self, path: str, data: bytes, progress: Callable[[int], object] | None = None) -> None:
        """Replace a file: whole, or not at all. Folders on the way are made.

        `progress` is called with the count of each piece's octets. Raises BoardFailed, whose number is
        ENOSPC on a full flash.
        """
        self.load("files")
        digest = hashlib.sha256(data).hexdigest()
        for start in range(0, len(data) or 1, _PIECE):
            piece = data[start : start + _PIECE]
            text = binascii.b2a_base64(piece, newline=False).decode()
            last = f", {digest!r}" if start + _PIECE >= len(data) else ""
            self.run(f"_put({path!r}, {text!r}, {not start}{last})", timeout=30)
            if progress:
                progress(len(piece))

    def read(self, path: str) -> bytes | None:
        """The content of a file, None if there is none. Raises BoardFailed for anything else."""
        self.load("files")
        said = self.run(f"_get({path!r})")
        return None if said.startswith("-") else b"".join(map(binascii.a2b_base64, said.splitlines()))

    def set_clock(self) -> None:
        """Set the board's clock by this computer's, to UTC."""
        now = time.time()
        t = time.gmtime(now)
        fields = (*t[:3], t.tm_wday, *t[3:6], int(now % 1 * 1_000_000))
        self.run(f"import machine\nmachine.RTC().datetime({fields})")

    def enter_version(self) -> None:
        """Make `import firmware` and `import jwt` find the version that the board runs."""
        self.run("try:\n import slots\n slots.enter()\nexcept ImportError:\n pass")

    def reset(self) -> None:
        """Have the board start anew, with main.py. From here on there are its `lines`, and nothing else."""
        self._line.in_raw_repl = False
        self._unread = b""
        with watched(self.port):
            self._line.serial.timeout = 1
            with contextlib.suppress(TransportError, *LOST):  # a native USB port may be gone already
                self._line.exec_raw_no_follow(_RESET)

    def lines(self, timeout: float) -> Iterator[str]:
        """The lines of the board's log that come within `timeout` seconds; go on with another call.

        A port that goes away with the chip, and comes back, is opened again. Raises PortGone when it does
        not within 10 seconds.
        """
        end = time.monotonic() + timeout
        while True:
            while b"\n" in self._unread:
                line, _, self._unread = self._unread.partition(b"\n")
                yield line.decode(errors="replace").strip("\r\x04>")
            left = end - time.monotonic()
            if left <= 0:
                return
            try:
                serial = self._line.serial
                serial.timeout = min(left, _LOOK_AGAIN)
                self._unread += serial.read(max(1, serial.in_waiting))
                if len(self._unread) > _LONGEST and b"\n" not in self._unread:
                    self._unread += b"\n"
            except LOST:
                self._open_again()

    def _open_again(self) -> None:
        self._line.close()
        end = time.monotonic() + _COMES_BACK
        while True:
            try:
                self._line = Line(self.port)
                return
            except (NoPort, PortGone, PortBusy, PortDenied):  # busy or denied while the system looks at it
                if time.monotonic() > end:
                    raise gone(self.port) from None
            time.sleep(_LOOK_AGAIN)

    def _leave(self) -> None:
        """Reset the board whatever it is in the middle of, so that its application runs again."""
        with contextlib.suppress(NoRepl, PortGone), watched(self.port):
            self._line.interrupt()
            self.reset()


def compact(source: str) -> str:
    """A script without comments, empty lines and three of four spaces of indentation: the cable is slow."""
    kept = []
    for line in source.splitlines():
        code = line.split("  # ")[0].rstrip()
        text = code.lstrip()
        if text and not text.startswith("# "):
            kept.append(" " * ((len(code) - len(text)) // 4) + text)
    return "\n".join(kept) + "\n"
