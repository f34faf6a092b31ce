"""Pins of the kind "analog": a voltage, told as a reading such as a percentage or a temperature. Read only.

`low` is the reading at `from_mv` and below, `high` that at `to_mv` and above. Voltages are those of the
chip's own calibration. The reading changes by `step` last digits at least, and does not go to and fro where
it lies between two. A sample that changes nothing costs no memory.
"""

import time

from micropython import const

from .pin import Pin

_SAMPLE_MS = const(50)
_HIGHEST = const(0x3FFFFFFF)  # what no sum reaches: 64 times 3.3 V in µV


class Kind(Pin):
    """The value is kept in last digits: 215 is 21.5 with one digit."""

    writable = False
    from_mv = low = digits = 0
    to_mv = 3300
    high = 100
    unit = "%"
    smooth = 8
    step = 1

    def start(self, machine, gpio, now):
        self._adc = machine.ADC(machine.Pin(gpio), atten=machine.ADC.ATTN_11DB)
        # The sum of `smooth` samples; each sample takes the place of their mean.
        self._sum = self._adc.read_uv() * self.smooth
        self._due = now
        return self._read()

    def _read(self):
        """Return the reading for the present sum, and find between which sums it stays."""
        digits = 10**self.digits
        low, high = self.low * digits, self.high * digits
        start, width = self.from_mv * 1000, (self.to_mv - self.from_mv) * 1000  # µV
        rise = high - low
        reading = low + ((self._sum // self.smooth - start) * rise * 2 + width) // (2 * width)
        reading = min(max(reading, min(low, high)), max(low, high))
        middle = start + (reading - low) * width // rise
        reach = (4 * self.step - 1) * width // (4 * abs(rise))
        self._least = -1 if reading == low else (middle - reach) * self.smooth
        self._most = _HIGHEST if reading == high else (middle + reach) * self.smooth
        return reading

    def describe(self, now):
        told = Pin.describe(self, now)
        if self.digits:
            told["value"] = self.value / 10**self.digits
        told["unit"] = self.unit
        told["min"], told["max"] = min(self.low, self.high), max(self.low, self.high)
        return told

    def poll(self, now):
        """Take a sample when it is time; return whether the reading has changed."""
        if time.ticks_diff(self._due, now) > 0:
            return False
        self._due = time.ticks_add(now, _SAMPLE_MS)
        self._sum += self._adc.read_uv() - self._sum // self.smooth
        if self._least <= self._sum <= self._most:
            return False
        reading = self._read()
        if reading == self.value:
            return False
        self.value = reading
        return True
