"""The chip's pads, and machine.Pin: what the firmware drives, what the world drives, and who is told.

A Pin is its pad, one object for both: here it is in the firmware's memory, on a board in ROM.
"""

import utime
from micropython import const

from . import silicon

_IN = const(1)
_OUT = const(3)
_OPEN_DRAIN = const(7)
_PULL_UP = const(2)
_RISING = const(1)
_FALLING = const(2)
_OUTPUT = const(2)  # the bit of a mode that makes it an output

# Pads that exist, and the first of those that have no output driver. The firmware's own table forbids more
# (flash, USB, …), which is policy; this is what the silicon has.
_CHIPS = """
esp32 34 0-23 25-27 32-39
esp32s2 46 0-21 26-46
esp32s3 99 0-21 26-48
esp32c3 99 0-21
esp32c6 99 0-30
"""


def find(gpio):
    """The pad of this number. Raises ValueError, as machine.Pin does, when the chip has no such."""
    pads = silicon.chip().pads
    if gpio not in pads:
        if type(gpio) is not int or not _has(gpio):
            raise ValueError("invalid pin")
        pads[gpio] = object.__new__(Pin)
        pads[gpio].gpio = gpio
    return pads[gpio]


def _has(gpio):
    for ends in _ranges()[1:]:
        first, last = ends.split("-")
        if int(first) <= gpio <= int(last):
            return True
    return False


def _ranges():
    start = _CHIPS.find("\n" + silicon.chip().model + " ") + 1
    return _CHIPS[start : _CHIPS.find("\n", start)].split(" ")[1:]


class Pin:
    """A pin of the chip. `Pin(4) is Pin(4)`, as on the board."""

    IN = _IN
    OUT = _OUT
    OPEN_DRAIN = _OPEN_DRAIN
    PULL_DOWN = 1
    PULL_UP = _PULL_UP
    IRQ_RISING = _RISING
    IRQ_FALLING = _FALLING

    # The pad's state, until it has another.
    mode = _IN
    out = 0  # the output latch; keeps its value while the pad is an input
    pull = 0
    external = None  # what the world drives: 0, 1, or None
    millivolts = 0  # what an ADC reads
    pwm = None  # the machine.PWM that drives it, whatever the latch says
    told = None  # the level that the host knows
    handler = None
    trigger = 0

    def __new__(cls, gpio, *args, **kwargs):
        return find(gpio)

    def __init__(self, gpio, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        if mode is not None or pull != -1 or value is not None:
            self.init(mode, pull, value=value)

    def init(self, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        """None leaves a thing as it is, a pull of -1 too. The level is set before the direction, so that an
        output starts without a glitch.
        """
        if value is not None:
            self.out = 1 if value else 0
        if mode is not None:
            if mode & _OUTPUT and not self.has_driver():
                raise ValueError("pin can only be input")
            self.mode = mode
            if self.pwm is not None:
                self.pwm = None
                self.told = -1  # whatever it is now, it is another level
        if pull != -1:
            self.pull = pull or 0
        self.tell()

    def value(self, level=None):
        if level is None:
            return self.level()
        self.out = 1 if level else 0
        self.tell()

    __call__ = value

    def __getattr__(self, name):
        from . import machine_rest

        return machine_rest.of_pin(self, name)

    def __repr__(self):
        return "Pin(%d)" % self.gpio

    # From here on, what a board's has not: the pad as the simulation sees it.

    def has_driver(self):
        return self.gpio < int(_ranges()[0])

    def was_driven(self, level):
        """The state that a soft reset leaves of an output."""
        self.mode = _OUT
        self.out = self.told = level

    def driven(self):
        """The level that somebody drives, 0 or 1; None when nobody does."""
        if self.mode == _OUT or (self.mode == _OPEN_DRAIN and not self.out):
            return self.out
        return self.external

    def level(self):
        """What reading the pad gives. A floating one reads 0 here; a real one reads noise."""
        level = self.driven()
        if level is None:
            # A pad without an output driver has no pulls either.
            pulled = self.pull & _PULL_UP and self.has_driver()
            level = 1 if pulled or self.mode == _OPEN_DRAIN else 0
        return level

    def drive(self, level):
        """The world drives the pad (a button), or lets go of it (None), and the handler hears of it."""
        before = self.level()
        self.external = level
        self.tell()
        after = self.level()
        if self.handler is not None and before != after and self.trigger & (_RISING if after else _FALLING):
            self.handler(self)

    def tell(self):
        """Tell the host the level, if it is another one."""
        level = self.driven()
        if level != self.told and self.pwm is None:
            self.told = level
            silicon.chip().link.send({"e": "pin", "gpio": self.gpio, "level": level, "t": utime.time()})
