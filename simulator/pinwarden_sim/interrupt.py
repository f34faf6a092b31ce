"""Ctrl-C on the simulated board's serial port.

A board raises KeyboardInterrupt for it between two bytecodes while code runs, and reads it as a character at
its prompt, or while `micropython.kbd_intr(-1)` holds. MicroPython's unix port has a handler for SIGINT at the
same times, by which these are told apart. But that handler raises at once, in the midst of an allocation too,
and what comes out of that is no board's. So the stand-ins are asked to raise it, when next they are called;
the signal is for code that calls none of them. Without the handler it would end the process: so that is
stopped while it is looked at.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

_SIGINT = 1 << (signal.SIGINT - 1)
_LOOK_AGAIN = 0.001  # seconds
_BLOCKED = 0.05  # seconds asleep without a glance at the link, which would wake it
_COMPUTED = 0.2  # seconds of the processor's time without a glance at the link
_LONGEST = 3.0  # seconds
_ENDED = ("", "X", "Z")  # states


def is_possible() -> bool:
    """Whether this computer tells which signals a process handles, as Linux does."""
    return os.path.exists("/proc/self/status")


def waits(pid: int) -> bool:
    """Whether the process waits for input at its prompt: it is asleep, and does not handle SIGINT."""
    first = _look(pid)
    # One look does not see both at the same moment. If it has not run until the next one, it was so.
    return (first.state, first.is_interruptible) == ("S", False) and _look(pid) == first


def interrupt(pid: int, noticed: Callable[[], bool]) -> bool:
    """Wait until the stand-ins have `noticed()` that they are to raise KeyboardInterrupt, or send the signal.
    False, and nothing done, when Ctrl-C is a character now.

    The process must be a child of this one that nobody has waited for.
    """
    start, computed = time.monotonic(), _computed(pid)
    before, since = _look(pid), start
    while not noticed():
        if waits(pid):
            return noticed()  # it may have been a moment ago, and what was interrupted has ended since
        seen, now = _look(pid), time.monotonic()
        if seen.state in _ENDED:
            return True
        if seen.state != "S" or seen != before:
            before, since = seen, now
        is_deaf = now - since > _BLOCKED or _computed(pid) - computed > _COMPUTED
        if is_deaf and seen.is_interruptible and _signal(pid):
            return True
        if now - start > _LONGEST:
            return False
        time.sleep(_LOOK_AGAIN)
    return True


def _signal(pid: int) -> bool:
    """Send SIGINT, if the process handles it."""
    os.kill(pid, signal.SIGSTOP)
    try:
        # WNOWAIT: its end is for somebody else to see.
        seen = os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if seen is None or seen.si_code != os.CLD_STOPPED:
            return True  # it has ended
        if not _look(pid).is_interruptible:
            return False
        os.kill(pid, signal.SIGINT)
        return True
    finally:
        os.kill(pid, signal.SIGCONT)


class _Look(NamedTuple):
    state: str  # a letter; "S": asleep
    is_interruptible: bool  # whether it handles SIGINT
    sleeps: str  # how often it has gone to sleep


def _look(pid: int) -> _Look:
    fields = {}
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as file:  # it may have ended
        fields = {name: value.strip() for name, _, value in (line.partition(":") for line in file)}
    return _Look(
        fields.get("State", "")[:1],
        bool(int(fields.get("SigCgt", "0"), 16) & _SIGINT),
        fields.get("voluntary_ctxt_switches", ""),
    )


def _computed(pid: int) -> float:
    """Seconds of the processor's time that it has had."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
        user, system = file.read().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return 0.0
