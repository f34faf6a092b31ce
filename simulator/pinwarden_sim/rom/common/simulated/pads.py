"""The chip's pads: what the firmware drives, what the world drives, and who is told."""

import utime
from micropython import const

RISING = 1
FALLING = 2

_IN = const(1)
_OUT = const(3)
_OPEN_DRAIN = const(7)
_PULL_UP = const(2)
_OUTPUT = const(2)  # the bit of a mode that makes it an output

# Pads that exist, and the first of those that have no output driver. The firmware's own table forbids more
# (flash, USB, …), which is policy; this is what the silicon has. Text, as it is in memory for ever.
_CHIPS = """
esp32 34 0-23 25-27 32-39
esp32s2 46 0-21 26-46
esp32s3 99 0-21 26-48
esp32c3 99 0-21
esp32c6 99 0-30
"""


class Pads:
    """All pads of a chip; `levels` are outputs that a soft reset left driven ({gpio as text: level})."""

    def __init__(self, model, levels, link):
        start = _CHIPS.find("\n" + model + " ") + 1
        self.ranges = _CHIPS[start : _CHIPS.find("\n", start)].split(" ")[1:]
        self.link = link
        self.used = {}
        for gpio, level in levels.items():
            pad = self.find(int(gpio))
            pad.mode = _OUT
            pad.out = pad.told = level

    def find(self, gpio):
        """The pad of this number. Raises ValueError, as machine.Pin does, when the chip has no such."""
        if gpio not in self.used:
            if type(gpio) is not int or not self._has(gpio):
                raise ValueError("invalid pin")
            self.used[gpio] = Pad(gpio, gpio < int(self.ranges[0]), self.link)
        return self.used[gpio]

    def _has(self, gpio):
        for ends in self.ranges[1:]:
            first, last = ends.split("-")
            if int(first) <= gpio <= int(last):
                return True
        return False


class Pad:
    mode = _IN
    out = 0  # the output latch; keeps its value while the pad is an input
    pull = 0
    external = None  # what the world drives: 0, 1, or None
    told = None  # the level that the host knows
    handler = None
    trigger = 0
    argument = None  # what the handler gets: the machine.Pin

    def __init__(self, gpio, has_driver, link):
        self.gpio = gpio
        self.has_driver = has_driver
        self.link = link

    def configure(self, mode, pull, value):
        """None leaves a thing as it is. The level is set before the direction, so that an output starts
        without a glitch.
        """
        if value is not None:
            self.out = 1 if value else 0
        if mode is not None:
            if mode & _OUTPUT and not self.has_driver:
                raise ValueError("pin can only be input")
            self.mode = mode
        if pull is not None:
            self.pull = pull
        self.tell()

    def put(self, value):
        self.out = 1 if value else 0
        self.tell()

    def driven(self):
        """The level that somebody drives, 0 or 1; None when nobody does."""
        if self.mode == _OUT or (self.mode == _OPEN_DRAIN and not self.out):
            return self.out
        return self.external

    def level(self):
        """What reading the pad gives. A floating one reads 0 here; a real one reads noise."""
        level = self.driven()
        if level is None:
            level = 1 if self.pull & _PULL_UP or self.mode == _OPEN_DRAIN else 0
        return level

    def tell(self):
        """Tell the host the level, if it is another one."""
        level = self.driven()
        if level != self.told:
            self.told = level
            self.link.send({"e": "pin", "gpio": self.gpio, "level": level, "t": utime.time()})
