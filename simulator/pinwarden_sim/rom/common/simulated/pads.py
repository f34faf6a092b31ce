"""The chip's pads: what the firmware drives, what the world drives, and who is told."""

import utime

IN = 1
OUT = 3
OPEN_DRAIN = 7
PULL_DOWN = 1
PULL_UP = 2
IRQ_RISING = 1
IRQ_FALLING = 2

_OUTPUT = 2  # the bit of a mode that makes it an output

# Pads that exist, and the first of those that have no output driver. The firmware's own table forbids more
# (flash, USB, …), which is policy; this is what the silicon has.
_CHIPS = {
    "esp32": (((0, 23), (25, 27), (32, 39)), 34),
    "esp32s2": (((0, 21), (26, 46)), 46),
    "esp32s3": (((0, 21), (26, 48)), None),
    "esp32c3": (((0, 21),), None),
    "esp32c6": (((0, 30),), None),
}


class Pads:
    """All pads of a chip; `levels` are outputs that a soft reset left driven ({gpio as text: level})."""

    def __init__(self, model, levels, link):
        self.ranges, self.first_input_only = _CHIPS[model]
        self.link = link
        self.used = {}
        for gpio, level in levels.items():
            pad = self.find(int(gpio))
            pad.mode = OUT
            pad.out = pad.told = level

    def find(self, gpio):
        """The pad of this number. Raises ValueError, as machine.Pin does, when the chip has no such."""
        if gpio not in self.used:
            if type(gpio) is not int or not any(first <= gpio <= last for first, last in self.ranges):
                raise ValueError("invalid pin")
            has_driver = self.first_input_only is None or gpio < self.first_input_only
            self.used[gpio] = Pad(gpio, has_driver, self.link)
        return self.used[gpio]


class Pad:
    def __init__(self, gpio, has_driver, link):
        self.gpio = gpio
        self.has_driver = has_driver
        self.link = link
        self.mode = IN
        self.out = 0  # the output latch; keeps its value while the pad is an input
        self.pull = 0
        self.external = None  # what the world drives: 0, 1, or None
        self.told = None  # the level that the host knows
        self.handler = None
        self.trigger = 0
        self.argument = None  # what the handler gets: the machine.Pin

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
        self._tell()

    def put(self, value):
        self.out = 1 if value else 0
        self._tell()

    def driven(self):
        """The level that somebody drives, 0 or 1; None when nobody does."""
        if self.mode == OUT or (self.mode == OPEN_DRAIN and not self.out):
            return self.out
        return self.external

    def level(self):
        """What reading the pad gives. A floating one reads 0 here; a real one reads noise."""
        level = self.driven()
        if level is None:
            level = 1 if self.pull & PULL_UP or self.mode == OPEN_DRAIN else 0
        return level

    def drive(self, level):
        """The world drives the pad (a button), or lets go of it (None). Runs the interrupt handler as it
        should.
        """
        before = self.level()
        self.external = level
        self._tell()
        after = self.level()
        if (
            self.handler is not None
            and before != after
            and self.trigger & (IRQ_RISING if after else IRQ_FALLING)
        ):
            self.handler(self.argument)

    def _tell(self):
        level = self.driven()
        if level != self.told:
            self.told = level
            self.link.send({"e": "pin", "gpio": self.gpio, "level": level, "t": utime.time()})
