"""Pins of the kind "rgb": a strip of addressable lights (WS2812, SK6812), all in one colour, which may fade.

A colour is an int, 0xRRGGBB. The value is the target; the lights may be on their way there.
"""

import time

from micropython import const
from neopixel import NeoPixel

from .pin import Pin, PinError

# Between the steps of a fade. A strip of 300 takes 9 ms to be told.
_STEP_MS = const(20)
_LONG_STEP_MS = const(40)
_LONG = const(100)


class Kind(Pin):
    """A text, "#rrggbb"."""

    safe = "#000000"
    count = 1
    order = "GRB"
    brightness = 100

    def start(self, machine, gpio, now):
        order = self.order
        self.output = NeoPixel(machine.Pin(gpio), self.count, len(order))
        # NeoPixel puts what it is given in an order of its own, ours is that of the wire. Here is by how much
        # to shift a colour for each; less than 0 is white.
        self._shifts = ["BGR".find(order[place]) * 8 for place in NeoPixel.ORDER[: len(order)]]
        self._light = [0] * len(order)
        safe = int(self.safe[1:], 16)
        self._show(safe)
        return safe

    def _show(self, colour):
        """Have all lights show a colour."""
        white = 0
        if len(self._light) == 4:  # its own white light makes a better white than the three
            white = min(colour >> 16, colour >> 8 & 255, colour & 255)
        for i in range(len(self._light)):
            shift = self._shifts[i]
            part = white if shift < 0 else (colour >> shift & 255) - white
            self._light[i] = (part * self.brightness + 99) // 100  # up: what is on never vanishes
        self.output.fill(self._light)
        self.output.write()
        self._colour = colour

    def decode(self, value):
        text = value.lower() if type(value) is str else ""
        if len(text) != 7 or text[0] != "#" or not all(char in "0123456789abcdef" for char in text[1:]):
            raise PinError("bad_value", self.name + " takes a colour such as #ff8800")
        return int(text[1:], 16)

    def write(self, value, now, fade_ms):
        if fade_ms:
            self._from = self._colour
            self._fade_ms = fade_ms
            self._stepped = now
            self.fading = time.ticks_add(now, fade_ms)
        else:
            self._show(value)
            self.fading = None
        self.value = value

    def describe(self, now):
        told = Pin.describe(self, now)
        told["value"] = "#%06x" % self.value
        if self.fading is not None:
            told["fading_ms"] = max(0, time.ticks_diff(self.fading, now))
        return told

    def poll(self, now):
        """Take the next step of a fade."""
        if self.fading is None:
            return False
        left = time.ticks_diff(self.fading, now)
        if left <= 0:
            self._show(self.value)
            self.fading = None
            if self.value == self.safe:
                self.end = None
            return True
        if time.ticks_diff(now, self._stepped) >= (_STEP_MS if self.count <= _LONG else _LONG_STEP_MS):
            self._stepped = now
            colour = 0
            for shift in (16, 8, 0):
                part = self._from >> shift & 255
                part += ((self.value >> shift & 255) - part) * (self._fade_ms - left) // self._fade_ms
                colour |= part << shift
            if colour != self._colour:
                self._show(colour)
        return False
