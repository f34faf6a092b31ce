"""MicroPython's built-in `time`, as far as CPython's lacks it. The stand-in `time` builds on this, as it
does on MicroPython.

Ticks wrap at 2**30 ms, as on the board (`MICROPY_PY_TIME_TICKS_PERIOD`), and count from the start of the
process.
"""

import time as _time
from time import *  # noqa: F403

_PERIOD = 1 << 30
_START = _time.monotonic_ns()


def ticks_ms():
    return (_time.monotonic_ns() - _START) // 1_000_000 & (_PERIOD - 1)


def ticks_us():
    return (_time.monotonic_ns() - _START) // 1_000 & (_PERIOD - 1)


def ticks_cpu():
    return (_time.monotonic_ns() - _START) & (_PERIOD - 1)


def ticks_add(ticks, delta):
    return (ticks + delta) & (_PERIOD - 1)


def ticks_diff(end, start):
    return ((end - start + _PERIOD // 2) & (_PERIOD - 1)) - _PERIOD // 2


def sleep_ms(ms):
    _time.sleep(max(0, ms) / 1000)


def sleep_us(us):
    _time.sleep(max(0, us) / 1_000_000)
