"""The key that ends a command which only shows something: Ctrl-].

The terminal is put back in every way out.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType

LEAVE = b"\x1d"  # Ctrl-], as telnet has it

Pressed = Callable[[], bool]


@contextlib.contextmanager
def leave_key() -> Iterator[Pressed]:
    """Yields a function that tells, without waiting, whether Ctrl-] was pressed; no terminal, no keys.

    Ctrl-C stays what it is. Meanwhile SIGTERM, SIGHUP and SIGQUIT (Ctrl-\\) leave by SystemExit, 128 and the
    signal's number, so that whoever cleans up does; Ctrl-Z suspends, with the terminal as it was.
    """
    with _ended_by_signals():
        if sys.stdin is None or not sys.stdin.isatty():
            yield lambda: False
        elif os.name == "nt":
            yield _pressed_on_windows
        else:
            with _cbreak(sys.stdin.fileno()) as pressed:
                yield pressed


def _pressed_on_windows() -> bool:
    import msvcrt  # pyright: ignore

    while msvcrt.kbhit():  # pyright: ignore
        if msvcrt.getwch() == LEAVE.decode():  # pyright: ignore
            return True
    return False


@contextlib.contextmanager
def _cbreak(descriptor: int) -> Iterator[Pressed]:
    """Keys come at once and are not echoed; Ctrl-C and Ctrl-Z are still signals."""
    import termios
    import tty

    before = termios.tcgetattr(descriptor)

    def take() -> None:
        if _in_foreground(descriptor):
            tty.setcbreak(descriptor, termios.TCSADRAIN)

    def put_back() -> None:
        # In the background it is the shell's, and the attempt would stop this program (SIGTTOU).
        if _in_foreground(descriptor):
            with contextlib.suppress(termios.error):  # the terminal may have gone
                termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

    def suspend(_number: int, _frame: FrameType | None) -> None:
        put_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # it goes on here when the shell says so
        signal.signal(signal.SIGTSTP, suspend)
        take()

    def pressed() -> bool:
        if not _in_foreground(descriptor) or not select.select([descriptor], [], [], 0)[0]:
            return False
        try:
            data = os.read(descriptor, 256)
        except OSError:
            return True  # the terminal has gone
        return not data or LEAVE in data

    suspended = signal.signal(signal.SIGTSTP, suspend)
    try:
        take()
        yield pressed
    finally:
        signal.signal(signal.SIGTSTP, suspended)
        put_back()


def _in_foreground(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return True  # no job control at this terminal


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    names = ("SIGTERM", "SIGHUP", "SIGQUIT")  # Windows has the first only
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
