"""Pins of the kind "input": a button, a contact, a motion detector. Read only."""

import time

from .pin import Pin


class Kind(Pin):
    """True while it is active: pressed, closed. A level counts once it has stood for `debounce_ms`."""

    writable = False
    pull = "up"
    active_low = True
    debounce_ms = 20

    def start(self, machine, gpio, now):
        pull = {"up": machine.Pin.PULL_UP, "down": machine.Pin.PULL_DOWN, "none": None}[self.pull]
        self._gpio = machine.Pin(gpio, machine.Pin.IN, pull)
        self._seen = bool(self._gpio.value()) != self.active_low
        self._since = now  # ticks when that was seen first; no meaning while it is the value
        return self._seen

    def poll(self, now):
        """Look at the level; return whether the value has changed."""
        seen = bool(self._gpio.value()) != self.active_low
        if seen != self._seen:
            self._seen, self._since = seen, now
        if seen == self.value or time.ticks_diff(now, self._since) < self.debounce_ms:
            return False
        self.value = seen
        return True
