"""What `time` has beside what the firmware uses. Loaded when somebody asks for it."""

from time import gmtime as localtime  # noqa: F401 (the board has no time zone)

from . import silicon
from .clock import EPOCH, seconds


def time_ns():
    return int((silicon.chip().clock.exact() - EPOCH) * 1_000_000) * 1000


def mktime(date):
    return seconds(*date[:6])


def sleep(duration):
    silicon.chip().link.wait(int(duration * 1000))
