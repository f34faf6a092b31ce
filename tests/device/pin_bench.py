"""Pins on a bench, in a time of their own: for the tests of pins.py and of the kinds."""

import sys
import time

from harness import equal, raises

SPEC = {
    "kind": "switch",
    "label": "",
    "active_low": False,
    "safe": False,
    "max_on": 0,
    "min_interval": 0,
    "confirm": False,
    "interlock": [],
    "ms": 500,
    "max_ms": 10000,
}

_OUTPUT = {"label": "", "max_on": 0, "min_interval": 0, "confirm": False}
# What the settings fill in, by kind; an input's and an analog pin's as is easiest to test.
SPECS = {
    "switch": SPEC,
    "pulse": SPEC,
    "pwm": dict(_OUTPUT, active_low=False, safe=False, interlock=[], freq=1000),
    "servo": dict(_OUTPUT, min=0, max=180, min_us=500, max_us=2500, safe=0, detach_ms=1000),
    "rgb": dict(_OUTPUT, interlock=[], count=1, order="GRB", brightness=100, safe="#000000"),
    "input": {"label": "", "pull": "up", "active_low": True, "debounce_ms": 20},
    "analog": {
        "label": "",
        "from_mv": 0,
        "to_mv": 3000,
        "low": 0,
        "high": 100,
        "unit": "%",
        "digits": 0,
        "smooth": 1,
        "step": 1,
    },
}


class Machine:
    """The module `machine` and what hangs on its pins: `levels` of GPIOs, and the `history` of all outputs,
    (ms, gpio, what): a level, the duty of a PWM, the octets that went to a strip. A pin that is there from
    the start is noted with "made" for the time.
    """

    def __init__(self):
        self.ms = 0
        self.levels = {}
        self.history = []
        self.broken = []
        self.absent = []
        self.microvolts = {}
        self.pulls = {}
        self.rates = {}
        board = self

        class Pin:
            IN = 1
            OUT = 3
            PULL_DOWN = 1
            PULL_UP = 2

            def __init__(self, gpio, mode=None, pull=-1, value=None):
                if gpio in board.absent:
                    raise ValueError("invalid pin")
                self.gpio = gpio
                if mode == Pin.OUT:
                    board.levels[gpio] = value
                    board.history.append(("made", gpio, value))
                elif mode == Pin.IN:
                    board.pulls[gpio] = pull

            def value(self, level=None):
                if level is None:
                    return board.levels[self.gpio]
                board.moved(self.gpio, level)
                board.levels[self.gpio] = level

        class PWM:
            def __init__(self, pin, freq, duty_u16):
                self.pin = pin
                board.rates[pin.gpio] = freq
                board.history.append(("made", pin.gpio, duty_u16))

            def duty_u16(self, duty):
                assert 0 <= duty <= 65535, duty
                board.moved(self.pin.gpio, duty)

        class ADC:
            ATTN_11DB = 3

            def __init__(self, pin, atten):
                assert atten == ADC.ATTN_11DB
                self.gpio = pin.gpio

            def read_uv(self):
                return board.microvolts[self.gpio]

        self.Pin = Pin
        self.PWM = PWM
        self.ADC = ADC

    def moved(self, gpio, what):
        if gpio in self.broken:
            raise OSError(5, "broken")
        self.history.append((self.ms, gpio, what))


class NeoPixel:
    """The module `neopixel`, as far as firmware/rgb.py knows it. A strip writes to the last machine."""

    ORDER = (1, 0, 2, 3)
    machine = None

    def __init__(self, pin, n, bpp=3):
        self.gpio = pin.gpio
        self.n = n
        self.bpp = bpp
        self.buf = bytearray(n * bpp)

    def fill(self, light):
        for i in range(self.n):
            for part in range(self.bpp):
                assert 0 <= light[part] <= 255, light
                self.buf[i * self.bpp + self.ORDER[part]] = light[part]

    def write(self):
        NeoPixel.machine.moved(self.gpio, bytes(self.buf))


class _Module:
    NeoPixel = NeoPixel


sys.modules["neopixel"] = _Module  # before firmware/rgb.py looks for it

from firmware.pin import PinError  # noqa: E402
from firmware.pins import Pins  # noqa: E402


class Watched(Pins):
    """Pins whose bench is told of each change at once, as by a stream that looks all the time."""

    def __init__(self, bench, specs):
        self._bench = bench
        super().__init__(specs, bench.machine, bench.ticks)

    def _note(self, pin):
        super()._note(pin)
        for name in self.changed_since(self.serial - 1):
            self._bench.told.append((self._bench.ms, name, self.describe(name)["value"]))


class Bench:
    """Pins, in a time of their own. Pin "a" has GPIO 0, "b" 1 and so on."""

    def __init__(self, start=0, machine=None, **pins):
        self.machine = machine or Machine()
        NeoPixel.machine = self.machine
        self.start = start
        self.told = []
        specs = {}
        for i, name in enumerate(sorted(pins)):
            specs[name] = dict(SPECS[pins[name].get("kind", "switch")])
            specs[name]["gpio"] = i
            specs[name].update(pins[name])
        self.pins = Watched(self, specs)

    @property
    def ms(self):
        return self.machine.ms

    @ms.setter
    def ms(self, ms):
        self.machine.ms = ms

    @property
    def history(self):
        return self.machine.history

    @property
    def levels(self):
        return self.machine.levels

    @property
    def broken(self):
        return self.machine.broken

    def ticks(self):
        return time.ticks_add(self.start, self.ms)

    def pass_ms(self, ms):
        """Let time pass, calling tick() exactly when it is due, as enforce() does."""
        end = self.ms + ms
        due = self.pins.tick()
        while due is not None and self.ms + due <= end:
            self.ms += due
            due = self.pins.tick()
        self.ms = end
        self.pins.tick()

    def poll_ms(self, ms):
        """Let time pass as both tasks do: in steps of 10 ms."""
        for _ in range(ms // 10):
            self.ms += 10
            self.pins.tick()

    def value(self, name="a"):
        return self.pins.describe(name)["value"]

    def remaining(self, name="a"):
        return self.pins.describe(name).get("remaining_ms")

    def refused(self, code, function, *args):
        """The error; nothing may have moved."""
        before = list(self.history)
        error = raises(PinError, function, *args, code=code)
        equal(self.history, before)
        assert error.message
        equal(str(error), error.message)
        return error
