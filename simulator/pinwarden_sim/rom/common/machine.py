"""Stand-in for the board's `machine`: Pin, PWM, ADC, RTC, WDT, the resets and the identity of the chip."""

import time

from simulated import silicon
from simulated.clock import EPOCH, seconds
from simulated.pads import Pin  # noqa: F401
from simulated.peripherals import ADC, PWM, bitstream  # noqa: F401
from simulated.silicon import DEEPSLEEP_RESET, HARD_RESET, PWRON_RESET, SOFT_RESET, WDT_RESET  # noqa: F401


class RTC:
    def datetime(self, fields=None):
        """(year, month, day, weekday, hour, minute, second, microsecond); sets the clock when given one."""
        clock = silicon.chip().clock
        if fields is not None:
            year, month, day, _, hour, minute, second, micro = fields
            clock.move(EPOCH + seconds(year, month, day, hour, minute, second) + micro / 1_000_000)
            return None
        now = clock.exact()
        date = time.gmtime(int(now) - EPOCH)
        return date[:3] + (date[6],) + date[3:6] + (int(now % 1 * 1_000_000),)


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
    """What the firmware never uses: its names would be in its memory."""
    from simulated import machine_rest

    return getattr(machine_rest, name)
