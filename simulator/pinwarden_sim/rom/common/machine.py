"""Stand-in for the board's `machine`: Pin, RTC, WDT, the resets and the identity of the chip."""

from simulated import clock, pads, silicon
from simulated.silicon import DEEPSLEEP_RESET, HARD_RESET, PWRON_RESET, SOFT_RESET, WDT_RESET  # noqa: F401


class Pin:
    """A pin of the chip. `Pin(4) is Pin(4)`, as on the board."""

    IN = pads.IN
    OUT = pads.OUT
    OPEN_DRAIN = pads.OPEN_DRAIN
    PULL_UP = pads.PULL_UP
    PULL_DOWN = pads.PULL_DOWN
    IRQ_RISING = pads.IRQ_RISING
    IRQ_FALLING = pads.IRQ_FALLING
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

    def __call__(self, level=None):
        return self.value(level)

    def on(self):
        self._pad.put(1)

    def off(self):
        self._pad.put(0)

    def toggle(self):
        self._pad.put(not self._pad.out)

    def irq(self, handler=None, trigger=pads.IRQ_RISING | pads.IRQ_FALLING, wake=None, hard=False):
        """`handler(pin)` at each edge that `trigger` names. It runs between two steps of the firmware, as a
        soft one.
        """
        self._pad.handler = handler
        self._pad.trigger = trigger

    def __repr__(self):
        return "Pin(%d)" % self._pad.gpio


class RTC:
    def datetime(self, fields=None):
        """(year, month, day, weekday, hour, minute, second, microsecond); sets the clock when given one."""
        the_clock = silicon.chip().clock
        if fields is not None:
            year, month, day, _, hour, minute, second, micro = fields
            the_clock.set(
                clock.EPOCH + clock.seconds(year, month, day, hour, minute, second) + micro / 1_000_000
            )
            return None
        import time

        now = the_clock.exact()
        date = time.gmtime(int(now) - clock.EPOCH)
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


def soft_reset():
    """Ends the firmware by an exception, as on the board; the pins stay as they are."""
    raise SystemExit


def reset_cause():
    return silicon.chip().reset_cause


def unique_id():
    return b"\x24\x6f\x28\x00\x00\x01"


def freq(hz=None):
    return 160_000_000


def idle():
    silicon.chip().link.wait(1)


def disable_irq():
    return 0


def enable_irq(state):
    pass
