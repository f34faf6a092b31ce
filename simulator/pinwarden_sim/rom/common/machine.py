"""Stand-in for the board's `machine`: Pin, RTC, WDT, the resets and the identity of the chip."""

from simulated import silicon
from simulated.silicon import DEEPSLEEP_RESET, HARD_RESET, PWRON_RESET, SOFT_RESET, WDT_RESET  # noqa: F401


class Pin:
    """A pin of the chip. `Pin(4) is Pin(4)`, as on the board."""

    IN = 1
    OUT = 3
    OPEN_DRAIN = 7
    PULL_DOWN = 1
    PULL_UP = 2
    IRQ_RISING = 1
    IRQ_FALLING = 2
    DRIVE_0 = 0
    DRIVE_1 = 1
    DRIVE_2 = 2
    DRIVE_3 = 3

    def __new__(cls, gpio, *args, **kwargs):
        pad = silicon.chip().pads.find(gpio)
        if pad.argument is None:
            pad.argument = object.__new__(cls)
            pad.argument._pad = pad
        return pad.argument

    def __init__(self, gpio, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        if mode is not None or pull != -1 or value is not None:
            self.init(mode, pull, value=value)

    def init(self, mode=None, pull=-1, *, value=None, drive=None, hold=None):
        self._pad.configure(mode, None if pull == -1 else pull or 0, value)

    def value(self, level=None):
        if level is None:
            return self._pad.level()
        self._pad.put(level)

    __call__ = value

    def __getattr__(self, name):
        from simulated import machine_rest

        return machine_rest.of_pin(self, name)

    def __repr__(self):
        return "Pin(%d)" % self._pad.gpio


class RTC:
    def datetime(self, fields=None):
        """(year, month, day, weekday, hour, minute, second, microsecond); sets the clock when given one."""
        from simulated import clock_set

        return clock_set.datetime(fields)


class WDT:
    """The watchdog. The host keeps its time, so that it bites a firmware that is stuck; nothing disarms it
    but a reset.
    """

    def __init__(self, id=0, timeout=5000):
        if id != 0:
            raise ValueError
        if timeout <= 0:
            raise ValueError("WDT timeout too short")
        silicon.chip().link.send({"e": "arm", "ms": timeout})

    def feed(self):
        silicon.chip().link.send({"e": "feed"})


def reset():
    """Does not return, and runs no `finally`: the chip starts anew."""
    silicon.chip().link.end({"e": "reset", "cause": HARD_RESET})


def reset_cause():
    return silicon.chip().reset_cause


def __getattr__(name):
    """What the firmware never uses; in ROM on a board, and here not in its memory."""
    from simulated import machine_rest

    return getattr(machine_rest, name)
