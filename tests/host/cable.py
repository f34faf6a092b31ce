"""A serial port on which a test speaks as the board."""

from __future__ import annotations

import contextlib
import os
import pty
import tty
from pathlib import Path


class Cable:
    """A port at a path that stays, whatever pseudo-terminal is behind it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ttyUSB0"
        self.plug()

    def plug(self) -> None:
        """Have a port there."""
        self._ours, theirs = pty.openpty()
        tty.setraw(theirs)
        self.path.symlink_to(os.ttyname(theirs))
        os.close(theirs)

    def pull(self) -> None:
        """Have it go away."""
        if self.path.is_symlink():
            self.path.unlink()
            os.close(self._ours)

    def say(self, text: str | bytes) -> None:
        """What the board says."""
        os.write(self._ours, text.encode() if isinstance(text, str) else text)

    def heard(self) -> bytes:
        """What was sent to the board so far."""
        os.set_blocking(self._ours, False)
        with contextlib.suppress(BlockingIOError):
            return os.read(self._ours, 4096)
        return b""
