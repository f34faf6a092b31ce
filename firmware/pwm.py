"""Pins of the kind "pwm": a share of the time high, for a lamp's brightness or a motor's speed.

The value is kept in thousandths: a float is an object on the board, and none is exact.
"""

from .pin import Pin, PinError


class Kind(Pin):
    """A number from 0 to 1."""

    freq = 1000

    def start(self, machine, gpio, now):
        # First the level, without a glitch; then LEDC takes the pin over as it stands.
        safe = Pin.start(self, machine, gpio, now)
        level = int(safe != self.active_low)
        self.output = machine.PWM(self.output, freq=self.freq, duty_u16=65535 * level)
        self._last = 1000  # what a toggle switches on
        return 1000 if safe else 0

    def decode(self, value):
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise PinError("bad_value", self.name + " takes a number from 0 to 1")
        return int(value * 1000 + 0.5)

    def toggle(self):
        return 0 if self.value else self._last

    def write(self, value, now, fade_ms):
        duty = value * 65535 // 1000
        self.output.duty_u16(65535 - duty if self.active_low else duty)
        self.value = value
        self._last = value or self._last

    def describe(self, now):
        told = Pin.describe(self, now)
        told["value"] = self.value / 1000
        return told
