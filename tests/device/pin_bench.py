"""Pins on a bench, in a time of their own: for the tests of pins.py."""

import time

from firmware.pins import PinError, Pins
from harness import equal, raises

SPEC = {
    "kind": "switch",
    "label": "",
    "active_low": False,
    "safe": False,
    "max_on": 0,
    "min_interval": 0,
    "interlock": [],
    "ms": 500,
    "max_ms": 10000,
}


class Output:
    """What make_pin returns. Writes into the bench's history."""

    def __init__(self, bench, gpio):
        self.bench = bench
        self.gpio = gpio

    def value(self, level):
        if self.gpio in self.bench.broken:
            raise OSError(5, "broken")
        self.bench.levels[self.gpio] = level
        self.bench.history.append((self.bench.ms, self.gpio, level))


class Bench:
    """Pins, in a time of their own. Pin "a" has GPIO 0, "b" 1 and so on."""

    def __init__(self, start=0, **pins):
        self.ms = 0
        self.start = start
        self.broken = []
        self.levels = {}
        self.history = []
        self.told = []
        self.logged = []
        specs = {}
        for i, name in enumerate(sorted(pins)):
            specs[name] = dict(SPEC)
            specs[name]["gpio"] = i
            specs[name].update(pins[name])
        self.pins = Pins(specs, self.make, self.ticks, self.on_change, self.logged.append)

    def make(self, gpio, level):
        self.levels[gpio] = level
        self.history.append(("made", gpio, level))
        return Output(self, gpio)

    def ticks(self):
        return time.ticks_add(self.start, self.ms)

    def on_change(self, name, describe):
        self.told.append((self.ms, name, describe["value"]))

    def pass_ms(self, ms):
        """Let time pass, calling tick() exactly when it is due, as enforce() does."""
        end = self.ms + ms
        due = self.pins.tick()
        while due is not None and self.ms + due <= end:
            self.ms += due
            due = self.pins.tick()
        self.ms = end
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
