"""Stand-in for the board's `neopixel`: a strip of lights. `buf` is what goes over its wire."""

from machine import bitstream


class NeoPixel:
    ORDER = (1, 0, 2, 3)  # the places of red, green, blue and white among a light's octets

    def __init__(self, pin, n, bpp=3, timing=1):
        self.pin = pin
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)
        pin.init(pin.OUT)

    def __len__(self):
        return self.n

    def __setitem__(self, index, colour):
        for i in range(self.bpp):
            self.buf[index * self.bpp + self.ORDER[i]] = colour[i]

    def __getitem__(self, index):
        return tuple([self.buf[index * self.bpp + self.ORDER[i]] for i in range(self.bpp)])

    def fill(self, colour):
        for i in range(self.bpp):
            for place in range(self.ORDER[i], len(self.buf), self.bpp):
                self.buf[place] = colour[i]

    def write(self):
        bitstream(self.pin, 0, 1, self.buf)
