"""What sets the chip's clock, and the calendar. Loaded when it is needed; a real board has it in ROM."""

import utime
from micropython import const

from . import silicon
from .clock import EPOCH

_DAYS_TO_2000 = const(730425)  # from 0000-03-01


def move(unix=None, seconds=0):
    """Set the clock to Unix time; or, without one, `seconds` further."""
    clock = silicon.chip().clock
    if unix is None:
        _note(clock, clock.offset + seconds, clock.is_set)
    else:
        _note(clock, unix - utime.time(), True)


def unset():
    """As after a power cut: counts from 2000."""
    _note(silicon.chip().clock, EPOCH - utime.time(), False)


def _note(clock, offset, is_set):
    clock.offset = offset
    clock.is_set = is_set
    clock.link.send({"e": "clock", "offset": offset, "set": is_set})


def datetime(fields):
    """machine.RTC.datetime()."""
    if fields is not None:
        year, month, day, _, hour, minute, second, micro = fields
        move(EPOCH + seconds(year, month, day, hour, minute, second) + micro / 1_000_000)
        return None
    import time

    now = silicon.chip().clock.exact()
    date = time.gmtime(int(now) - EPOCH)
    return date[:3] + (date[6],) + date[3:6] + (int(now % 1 * 1_000_000),)


def seconds(year, month, day, hour, minute, second):
    """Seconds from the board's epoch, 2000-01-01, to this UTC time, for years from 1970."""
    # March is the first month here, so that the leap day is the last of its year.
    year -= month < 3
    month = (month + 9) % 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1
    return (days - _DAYS_TO_2000) * 86400 + hour * 3600 + minute * 60 + second
