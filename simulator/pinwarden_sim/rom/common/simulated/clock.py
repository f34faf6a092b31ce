"""The chip's clock. It is a distance from the host's clock, so that it goes on by itself and survives a
software reset.
"""

import utime
from micropython import const

# 2000-01-01 00:00:00 UTC in Unix time: where an ESP32 begins to count, and what an unset one reads.
EPOCH = 946684800

_DAYS_TO_2000 = const(730425)  # from 0000-03-01


class Clock:
    """Unix time in whole seconds. `is_set` is the simulator's knowledge: the firmware sees only a time near
    2000.
    """

    def __init__(self, state, link):
        self.link = link
        if state is None:
            state = {"offset": EPOCH - utime.time(), "set": False}
        self.offset = state["offset"]  # seconds, a float
        self.is_set = state["set"]

    def now(self):
        return int(utime.time() + self.offset)

    def exact(self):
        """The same as a float."""
        return utime.time() + self.offset

    def move(self, unix):
        """Set it to Unix time."""
        self._note(unix - utime.time(), True)

    def jump(self, seconds):
        """Set it so much further."""
        self._note(self.offset + seconds, self.is_set)

    def unset(self):
        """As after a power cut: it counts from 2000."""
        self._note(EPOCH - utime.time(), False)

    def _note(self, offset, is_set):
        self.offset = offset
        self.is_set = is_set
        self.link.send({"e": "clock", "offset": offset, "set": is_set})


def seconds(year, month, day, hour, minute, second):
    """Seconds from the board's epoch, 2000-01-01, to this UTC time, for years from 1970."""
    # March is the first month here, so that the leap day is the last of its year.
    year -= month < 3
    month = (month + 9) % 12
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1
    return (days - _DAYS_TO_2000) * 86400 + hour * 3600 + minute * 60 + second
