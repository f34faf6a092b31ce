"""A board's time, and a network's time servers, which pass when the test says so: for the tests of clock.py
and timekeeping.py.
"""

import time

from firmware.clock import Clock

OF_2000 = 946684800
_OF_RUNTIME = OF_2000 if time.gmtime(0)[0] == 2000 else 0
_TICKS = 1 << 30
_LONGEST = 1 << 28  # ms at once: a board looks more often


class Board:
    """A board's module `time`, counting from 2000 or from 1970, and its RTC. Begins at 0 unless it is set."""

    def __init__(self, unix=None, epoch=OF_2000):
        self.epoch = epoch
        self.local = 0 if unix is None else unix - epoch
        self.ticks = 12345
        self.dates = []
        self.clock = None

    def passes(self, seconds):
        """Let time pass."""
        self.local += seconds
        ms = seconds * 1000
        while ms:
            step = min(ms, _LONGEST)
            self.ticks = (self.ticks + step) % _TICKS
            ms -= step
            if self.clock:
                self.clock.tick()

    def time(self):
        return self.local

    def gmtime(self, seconds):
        return time.gmtime(seconds + self.epoch - _OF_RUNTIME)

    def datetime(self, date):
        self.dates.append(date)
        seconds = time.mktime((date[0], date[1], date[2], date[4], date[5], date[6], 0, 0))
        self.local = seconds + _OF_RUNTIME - self.epoch

    def ticks_ms(self):
        return self.ticks

    def ticks_diff(self, end, start):
        return ((end - start + _TICKS // 2) % _TICKS) - _TICKS // 2


def clock_of(board, iat=0, mark=0, ahead=0):
    board.clock = Clock(board, (iat, mark, ahead), board)
    return board.clock
