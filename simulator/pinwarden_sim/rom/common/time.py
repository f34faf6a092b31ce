"""Stand-in for the board's `time`: counts from 2000 as an ESP32 does (`MICROPY_EPOCH_IS_2000`), in whole
seconds.

`utime` is the built-in one beneath, on both runtimes.
"""

import utime
from simulated import silicon
from simulated.clock import EPOCH
from simulated.clock import seconds as _seconds
from utime import *  # noqa: F403


def time():
    return silicon.chip().clock.now() - EPOCH


def time_ns():
    return int((silicon.chip().clock.exact() - EPOCH) * 1_000_000) * 1000


def gmtime(secs=None):
    """(year, month, day, hour, minute, second, weekday, day of the year): eight, as on the board."""
    # Sunday is 6 on both runtimes.
    return tuple(utime.gmtime((time() if secs is None else int(secs)) + EPOCH)[:8])


def localtime(secs=None):
    """The board has no time zone."""
    return gmtime(secs)


def mktime(date):
    return _seconds(*date[:6])


def sleep(seconds):
    silicon.chip().link.wait(int(seconds * 1000))


def sleep_ms(ms):
    silicon.chip().link.wait(ms)
