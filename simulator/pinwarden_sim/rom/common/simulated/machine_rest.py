"""What `machine` has beside what the firmware uses. Loaded when somebody asks for it."""

from . import silicon


def of_pin(pin, name):
    """The method of this name of a machine.Pin. Raises AttributeError."""

    def irq(handler=None, trigger=3, wake=None, hard=False):
        """`handler(pin)` at each edge that `trigger` names. It runs between two steps of the firmware, as a
        soft one.
        """
        pin.handler = handler
        pin.trigger = trigger

    if name == "irq":
        return irq
    if name == "on":
        return lambda: pin.value(1)
    if name == "off":
        return lambda: pin.value(0)
    if name == "toggle":
        return lambda: pin.value(not pin.out)
    raise AttributeError(name)


def soft_reset():
    """Ends the firmware by an exception, as on the board; the pins stay as they are."""
    raise SystemExit


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
