"""Stand-in for the board's `neopixel`: a strip of RGB lights whose colours the host sees."""

import utime
from simulated import silicon


class NeoPixel:
    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self._colours = [(0,) * bpp] * n
        pin.init(pin.OUT)

    def __len__(self):
        return self.n

    def __setitem__(self, index, colour):
        self._colours[index] = tuple(colour)

    def __getitem__(self, index):
        return self._colours[index]

    def fill(self, colour):
        self._colours = [tuple(colour)] * self.n

    def write(self):
        event = {"e": "pixels", "gpio": self.pin._pad.gpio, "colours": self._colours, "t": utime.time()}
        silicon.chip().link.send(event)
