"""Pins of the kind "servo": an angle, told by the length of a pulse 50 times a second.

Some time after a move the pulses end: a servo that is told nothing neither hums nor heats, and most hold
their angle by friction.
"""

import time

from micropython import const

from .pin import Pin, PinError

_HZ = const(50)
_PERIOD_US = const(20000)


class Kind(Pin):
    """A whole number of degrees."""

    min = safe = 0
    max = 180
    min_us = 500
    max_us = 2500
    detach_ms = 1000

    def start(self, machine, gpio, now):
        self.output = machine.PWM(machine.Pin(gpio), freq=_HZ, duty_u16=0)
        self.write(self.safe, now, 0)
        return self.value

    def decode(self, value):
        if type(value) is not int or not self.min <= value <= self.max:
            raise PinError("bad_value", f"{self.name} takes {self.min} to {self.max} degrees, a whole number")
        return value

    def write(self, value, now, fade_ms):
        width = self.max_us - self.min_us
        us = self.min_us + width * (value - self.min) // (self.max - self.min)
        self.output.duty_u16(us * 65535 // _PERIOD_US)
        self.value = value
        self._until = time.ticks_add(now, self.detach_ms) if self.detach_ms else None

    def describe(self, now):
        told = Pin.describe(self, now)
        told["min"], told["max"] = self.min, self.max
        return told

    def poll(self, now):
        """End the pulses in time."""
        if self._until is not None and time.ticks_diff(self._until, now) <= 0:
            self._until = None
            self.output.duty_u16(0)
        return False
