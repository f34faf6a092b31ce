"""Stand-in for the board's `machine`: Pin, RTC, WDT, the resets and the identity of the chip."""

import sys

from simulated import silicon
from simulated.pads import Pin  # noqa: F401
from simulated.silicon import DEEPSLEEP_RESET, HARD_RESET, PWRON_RESET, SOFT_RESET, WDT_RESET  # noqa: F401


class RTC:
    def datetime(self, fields=None):
        """(year, month, day, weekday, hour, minute, second, microsecond); sets the clock when given one."""
        import simulated.clock_set

        try:
            return simulated.clock_set.datetime(fields)
        finally:  # or it would stay, in the midst of the free memory
            del sys.modules["simulated.clock_set"], simulated.clock_set


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
    """What not every firmware uses; in ROM on a board, and here not in its memory."""
    if name in ("PWM", "ADC", "bitstream"):
        from simulated import peripherals as rest
    else:
        from simulated import machine_rest as rest

    return getattr(rest, name)
