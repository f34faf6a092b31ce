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


def time_ns():
    return int((silicon.chip().clock.exact() - EPOCH) * 1_000_000) * 1000


def gmtime(secs=None):
    """(year, month, day, hour, minute, second, weekday, day of the year): eight, as on the board."""
    # Sunday is 6 on both runtimes.
    return tuple(utime.gmtime((time() if secs is None else int(secs)) + EPOCH)[:8])


localtime = gmtime  # the board has no time zone


def mktime(date):
    from simulated.clock_set import seconds

    return seconds(*date[:6])


def sleep(seconds):
    silicon.chip().link.wait(int(seconds * 1000))


def sleep_ms(ms):
    silicon.chip().link.wait(ms)


def __getattr__(name):
    return getattr(utime, name)
