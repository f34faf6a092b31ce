"""One pin: a switch or a pulse, on which the other kinds are built (pwm.py, servo.py, rgb.py, input.py,
analog.py). What its values mean is told in pins.py, which alone moves it.
"""

import time


def rests_on(spec):
    """Tell whether a pin with these settings is on when it is safe: at any value but false, 0 and black."""
    return spec.get("safe") not in (None, False, "#000000")


class PinError(Exception):
    """A refusal. `.code`: unknown_pin, bad_value, not_supported, interlocked, too_soon. `.more` are further
    members of the answer: the `pin` that another is interlocked with; the milliseconds to wait, `retry_ms`.
    """

    def __init__(self, code, message, **more):
        super().__init__(message)
        self.code = code
        self.message = message
        self.more = more


class Pin:
    """A switch or a pulse; each other kind is a class on top of it. If that has a `poll(now)`, it is called
    all the time: it returns whether what is told has changed, and allocates nothing while that is not so.
    """

    # The settings, see pin_settings.py. An object holds what differs from these.
    kind = "switch"
    label = ""
    active_low = safe = confirm = False
    max_on = min_interval = 0
    interlock = []
    ms = 500
    max_ms = 10000
    writable = True
    since = 0  # ticks when it became active; no meaning while it is safe
    end = None  # ticks when it has to be safe again
    free = None  # ticks from which requests may change it again
    fading = None  # ticks when its fade ends
    changed = 0  # the number of the last change

    def __init__(self, name, spec, machine, now):
        self.name = name
        for key in spec:
            if key != "gpio" and spec[key] != getattr(self, key, None):
                setattr(self, key, spec[key])
        self.value = self.start(machine, spec["gpio"], now)
        if self.value != self.safe:
            self.safe = self.value

    def start(self, machine, gpio, now) -> int:  # a bool is one
        """Take the GPIO, an output at its safe level without a glitch. Returns its value."""
        level = int(self.safe != self.active_low)
        self.output = machine.Pin(gpio, machine.Pin.OUT, value=level)
        return self.safe

    def decode(self, value) -> int:
        """The value that a request asks for. Raises PinError."""
        if type(value) is not bool:
            raise PinError("bad_value", self.name + " takes true or false")
        if self.kind == "pulse" and value != self.safe:
            raise PinError("not_supported", self.name + " only gives pulses; ask for a pulse")
        return value

    def toggle(self) -> int:
        """The other value than the present one. Raises PinError."""
        if self.kind != "switch":
            raise PinError("not_supported", self.name + " cannot be toggled")
        return not self.value

    def write(self, value, now, fade_ms):
        """Move the output to a value, at once or in a time."""
        self.output.value(int(value != self.active_low))
        self.value = value

    def describe(self, now):
        """{"name", "label", "kind", "value"}; "remaining_ms" while it is bound to become safe; "confirm" and
        "writable" where they are not as mostly; and what its kind adds.
        """
        told = {"name": self.name, "label": self.label, "kind": self.kind, "value": self.value}
        if not self.writable:
            told["writable"] = False
        if self.confirm:
            told["confirm"] = True
        if self.end is not None:
            told["remaining_ms"] = max(0, time.ticks_diff(self.end, now))
        return told

    def end_of(self, value, ms, now):
        """When it has to be safe again if it is to be `value` now, for `ms` at most; or None."""
        if value == self.safe and self.fading is None:
            return None
        most = self.max_on * 1000
        if self.kind == "pulse":
            most = min(most or self.max_ms, self.max_ms)
        end = time.ticks_add(self.since, most) if most else None  # pyright: ignore[reportArgumentType]
        if ms is not None and (end is None or time.ticks_diff(end, now) > ms):
            end = time.ticks_add(now, ms)
        return end
