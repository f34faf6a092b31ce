"""The pins by their names: the one place that moves them. Their limits hold whatever a request says.

A pin is *on* (value true) or *off*; the electrical level is the value, inverted for `active_low`. It rests at
its `safe` value and is *active* at the other one, be that on or off. The rules:

- `max_on`: seconds after which an active pin goes back to its safe value. The time runs from when it became
  active; asking again for what it is already doesn't prolong it.
- A pulse makes a pin active for a time and then safe again. Any pin can be pulsed. A pin of the kind "pulse"
  does nothing else: it can be set to its safe value, which ends a pulse, and to no other. A further pulse
  while one runs moves its end, but a "pulse" pin is never active for longer than `max_ms` together, nor any
  pin longer than `max_on`.
- The later command wins: setting a pin that is in a pulse ends the pulse, and its `max_on` still counts.
- `min_interval`: milliseconds that must lie between the last change, whoever made it, and the next that a
  request makes. Sooner, the request is refused. What the board does by itself, ending a pulse or making safe,
  never waits.
- `interlock`: a request to switch a pin on is refused while another pin of its set is on. Should a pin that
  is on when safe return to that, the others of its set are made safe first: at no time are two of them on.
"""

import asyncio
import time

from micropython import const

# Ticks compare only within 2**29 ms (6.2 days). settings.py allows no delay longer than six days, and a tick
# each hour sees to it that no mark grows old.
_LONGEST_SLEEP_MS = const(3600000)


class PinError(Exception):
    """A refusal. `.code`: unknown_pin, bad_value, not_supported, interlocked, too_soon (see `.retry_ms`)."""

    def __init__(self, code, message, retry_ms=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_ms = retry_ms


class _Pin:
    """One output: its settings, its present value, and when it has to change."""

    def __init__(self, name, spec, output):
        self.name = name
        self.spec = spec
        self.output = output
        self.value = spec["safe"]
        self.since = 0  # ticks when it became active; no meaning while it is safe
        self.end = None  # ticks when it has to be safe again
        self.free = None  # ticks from which requests may change it again

    def drive(self, value):
        self.output.value(int(value != self.spec["active_low"]))
        self.value = value

    def end_of(self, value, ms, now):
        """When it has to be safe again if it is to be `value` now, for `ms` at most; or None."""
        if value == self.spec["safe"]:
            return None
        end = self.longest()
        if end is not None:
            end = time.ticks_add(self.since, end)  # pyright: ignore[reportArgumentType]
        if ms is not None and (end is None or time.ticks_diff(end, now) > ms):
            end = time.ticks_add(now, ms)
        return end

    def longest(self):
        """The most ms that it may be active, or None."""
        limit = self.spec["max_on"] * 1000
        if self.spec["kind"] == "pulse":
            return min(limit or self.spec["max_ms"], self.spec["max_ms"])
        return limit or None


class Pins:
    """All outputs. `specs` is the member "pins" of the settings; `make_pin(gpio, level)` makes an output that
    starts at this level without a glitch, `Pin(gpio, Pin.OUT, value=level)`, and returns what has
    `.value(level)`.

    `on_change(name, describe)` is called after each change, `log(text)` should that fail. `.on_deadline`, if
    set, is called when a request has left something for tick() to do; `enforce` sets it.
    """

    def __init__(self, specs, make_pin, ticks_ms=None, on_change=None, log=print):
        self._now = ticks_ms or time.ticks_ms
        self._on_change = on_change
        self._log = log
        self.on_deadline = None
        self._failure = None  # of an output, until tick() can raise it
        self._names = sorted(specs)
        self._pins = {}
        # What is off when safe goes first: an interlocked pin may still be on from before a reset.
        for safe in (False, True):
            for name in self._names:
                spec = specs[name]
                if spec["safe"] == safe:
                    try:
                        output = make_pin(spec["gpio"], int(safe != spec["active_low"]))
                    except ValueError as error:  # a GPIO that this board's firmware doesn't offer
                        raise ValueError(
                            f"pins.{name}.gpio: {spec['gpio']} cannot be an output here: {error}"
                        )
                    self._pins[name] = _Pin(name, spec, output)

    def names(self):
        """The names of all pins, sorted."""
        return self._names

    def describe(self, name):
        """{"name", "label", "kind", "value"}, and "remaining_ms" while it is bound to become safe."""
        pin = self._find(name)
        told = {"name": name, "label": pin.spec["label"], "kind": pin.spec["kind"], "value": pin.value}
        if pin.end is not None:
            told["remaining_ms"] = max(0, time.ticks_diff(pin.end, self._now()))
        return told

    def set(self, name, value):
        """Give a pin a value, a bool. Raises PinError."""
        pin = self._find(name)
        if type(value) is not bool:
            raise PinError("bad_value", f"{name} takes true or false")
        if pin.spec["kind"] == "pulse" and value != pin.spec["safe"]:
            raise PinError("not_supported", f"{name} only gives pulses; ask for a pulse")
        self.tick()  # a limit that has passed counts before a request does
        self._command(pin, value)

    def toggle(self, name):
        """Give a pin the other value. Raises PinError."""
        pin = self._find(name)
        if pin.spec["kind"] == "pulse":
            raise PinError("not_supported", f"{name} only gives pulses; ask for a pulse")
        self.tick()  # the other value than the present one: a pulse may be over
        self._command(pin, not pin.value)

    def pulse(self, name, ms=None):
        """Make a pin active for `ms` milliseconds, or for as long as its settings say. Raises PinError."""
        pin = self._find(name)
        spec = pin.spec
        most = min(spec["max_ms"], spec["max_on"] * 1000 or spec["max_ms"])
        if ms is None:
            ms = spec["ms"]
        if type(ms) is not int or not 1 <= ms <= most:
            raise PinError("bad_value", f"{name} takes a pulse of 1 to {most} ms, a whole number")
        self.tick()
        self._command(pin, not spec["safe"], ms)

    def _find(self, name):
        pin = self._pins.get(name)
        if pin is None:
            raise PinError("unknown_pin", "there is no pin of this name")
        return pin

    def _command(self, pin, value, ms=None):
        """Carry out a request: to have this value, and if that is the active one, for no more than `ms`."""
        now = self._now()
        if value == pin.value:
            pin.end = pin.end_of(value, ms, now)
        else:
            self._check(pin, value, now)
            pin.since = now
            self._move(pin, value, pin.end_of(value, ms, now))
        if self.on_deadline and (pin.end is not None or pin.free is not None):
            self.on_deadline()

    def _check(self, pin, value, now):
        if pin.free is not None:
            raise _too_soon(pin.name, time.ticks_diff(pin.free, now))
        if value and pin.spec["interlock"]:
            self._check_interlock(pin.name, pin.spec["interlock"])

    def _check_interlock(self, name, others):
        for other in others:
            if self._pins[other].value:
                raise PinError("interlocked", f"{name} cannot be on while {other} is on")

    def _move(self, pin, value, end):
        pin.drive(value)
        pin.end = end  # only now: an output that fails keeps its deadline, for the next tick() to try again
        interval = pin.spec["min_interval"]
        pin.free = time.ticks_add(self._now(), interval) if interval else None
        if self._on_change:
            self._tell(self._on_change, pin.name)

    def _tell(self, on_change, name):
        try:
            on_change(name, self.describe(name))
        except Exception as error:  # whoever listens must not keep a pin from becoming safe
            self._log(f"pins: telling of a change of {name} failed: {error!r}")

    def _release(self, pin):
        """Back to the safe value, by the board itself."""
        if pin.value != pin.spec["safe"]:
            if pin.spec["safe"]:
                for other in pin.spec["interlock"]:
                    self._release(self._pins[other])
            self._move(pin, pin.spec["safe"], None)

    def tick(self):
        """End what has to end by now. Returns the ms until there is something to do again, or None.

        Should an output fail, the others are released all the same. Then its error is raised: time to reset.
        """
        for pin in self._pins.values():
            if pin.end is not None or pin.free is not None:
                return self._settle(self._now())
        return None

    def _settle(self, now):
        nearest = None
        for name in self._names:
            left = self._settle_one(self._pins[name], now)
            if left is not None and (nearest is None or left < nearest):
                nearest = left
        if self._failure is not None:
            self._failure, failure = None, self._failure
            raise failure
        return nearest

    def _settle_one(self, pin, now):
        """End what has to end at one pin. Returns the ms until there is something to do again, or None."""
        if pin.end is not None and time.ticks_diff(pin.end, now) <= 0:
            try:
                self._release(pin)
            except Exception as error:
                self._failure = error
        if pin.free is not None and time.ticks_diff(pin.free, now) <= 0:
            pin.free = None
        left = None if pin.end is None else time.ticks_diff(pin.end, now)
        if pin.free is not None and (left is None or time.ticks_diff(pin.free, now) < left):
            left = time.ticks_diff(pin.free, now)
        return left

    def busy(self, within_ms=15000):
        """Must a pin become safe within that time? Then nothing may block; the default outlasts DNS."""
        now = self._now()
        for name in self._names:
            end = self._pins[name].end
            if end is not None and time.ticks_diff(end, now) <= within_ms:
                return True
        return False

    def make_safe(self):
        """Drive every output to its safe level, for any way out. Never raises; returns the names that failed.

        The outputs are written whatever their value seems to be, those that are off when safe first.
        """
        failed = []
        for safe in (False, True):
            for name in self._names:
                pin = self._pins[name]
                if pin.spec["safe"] == safe:
                    try:
                        pin.drive(safe)
                        pin.end = None
                    except Exception:
                        failed.append(name)
        return failed


def _too_soon(name, wait):
    return PinError("too_soon", f"{name} changed a moment ago; wait {wait} ms", wait)


async def enforce(pins):
    """Hold the limits of `pins`, for ever: calls tick() in time, and at once when a deadline appears."""
    changed = asyncio.Event()
    pins.on_deadline = changed.set
    while True:
        wait = pins.tick()
        try:
            if wait is None:
                await changed.wait()
            else:
                await asyncio.wait_for_ms(changed.wait(), min(wait, _LONGEST_SLEEP_MS))
        except asyncio.TimeoutError:
            pass
        changed.clear()
