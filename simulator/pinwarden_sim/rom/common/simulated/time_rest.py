"""What `time` has beside what the firmware uses. Loaded when somebody asks for it."""

from time import gmtime as localtime  # noqa: F401 (the board has no time zone)

from . import silicon
from .clock import EPOCH


def time_ns():
    return int((silicon.chip().clock.exact() - EPOCH) * 1_000_000) * 1000


def mktime(date):
    from . import clock_set

    return clock_set.seconds(*date[:6])


def sleep(seconds):
    silicon.chip().link.wait(int(seconds * 1000))
