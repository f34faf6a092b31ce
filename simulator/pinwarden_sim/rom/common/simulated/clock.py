"""The chip's clock. It is a distance from the host's clock, so that it goes on by itself and survives a
software reset. What sets it is in clock_set.py.
"""

import utime

# 2000-01-01 00:00:00 UTC in Unix time: where an ESP32 begins to count, and what an unset one reads.
EPOCH = 946684800


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
