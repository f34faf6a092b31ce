"""A descriptor of the simulated board's process, read without waiting."""

from __future__ import annotations

import os
from collections.abc import Callable

_CHUNK = 65536


class Stream:
    """A descriptor that is read without waiting, cut into lines. What `tap` makes of the bytes counts."""

    def __init__(self, descriptor: int, tap: Callable[[bytes], bytes] | None = None) -> None:
        self._descriptor = descriptor
        self._tap = tap
        self._data = b""
        self.ended = False
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        """For select()."""
        return self._descriptor

    def read(self) -> bool:
        """Read what has come. Returns whether there was any."""
        any_came = False
        while not self.ended:
            try:
                data = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                break
            except OSError:
                data = b""  # a connection that was killed may end by a reset
            self.ended = not data
            any_came = any_came or bool(data)
            self._data += self._tap(data) if self._tap else data
        return any_came

    def lines(self) -> list[bytes]:
        """The whole lines so far; at the end, what is left too."""
        *whole, self._data = self._data.split(b"\n")
        if self.ended and self._data:
            whole.append(self._data)
            self._data = b""
        return whole
