"""Stand-in for the board's `time`: counts from 2000 as an ESP32 does (`MICROPY_EPOCH_IS_2000`), in whole
seconds.

`utime` is the built-in one beneath, on both runtimes.
"""

import utime
from simulated import silicon
from simulated.clock import EPOCH
from utime import ticks_add, ticks_diff, ticks_ms  # noqa: F401


def time():
    return silicon.chip().clock.now() - EPOCH


def gmtime(secs=None):
    """(year, month, day, hour, minute, second, weekday, day of the year): eight, as on the board."""
    # Sunday is 6 on both runtimes.
    return tuple(utime.gmtime((time() if secs is None else int(secs)) + EPOCH)[:8])


def sleep_ms(ms):
    silicon.chip().link.wait(ms)


def __getattr__(name):
    """What the firmware never uses, and what is the runtime's own."""
    if name in ("localtime", "mktime", "sleep", "time_ns"):
        from simulated import time_rest

        return getattr(time_rest, name)
    return getattr(utime, name)
