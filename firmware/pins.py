"""The pins by their names: the one place that moves them. Their limits hold whatever a request says.

A pin has a *value*: on (true) or off for a switch, a number, an angle or a colour for those of other kinds,
each in a module of its own (pwm.py, servo.py, rgb.py; input.py and analog.py are only read). It rests at its
`safe` value and is *active* at any other, be that on or off. It is *on* at any value but false, 0 and black.
The rules:

- `max_on`: seconds after which an active pin goes back to its safe value. The time runs from when it became
  active; asking for another active value, or for what it is already, doesn't prolong it.
- A pulse makes a pin active for a time and then safe again. Switches can be pulsed. A pin of the kind "pulse"
  does nothing else: it can be set to its safe value, which ends a pulse, and to no other. A further pulse
  while one runs moves its end, but a "pulse" pin is never active for longer than `max_ms` together, nor any
  pin longer than `max_on`.
- The later command wins: setting a pin that is in a pulse ends the pulse, and its `max_on` still counts.
- `min_interval`: milliseconds that must lie between the last change, whoever made it, and the next that a
  request makes. Sooner, the request is refused. What the board does by itself, ending a pulse or making safe,
  never waits.
- `interlock`: a request to switch a pin on is refused while another pin of its set is on. Should a pin that
  is on when safe return to that, the others of its set are made safe first: at no time are two of them on.
- A colour that fades to the safe one is active, and on, until it is there.
"""

import asyncio
import time

from micropython import const

from .pin import Pin, PinError, rests_on

# Ticks compare only within 2**29 ms (6.2 days). settings.py allows no delay longer than six days, and a tick
# each hour sees to it that no mark grows old.
_LONGEST_SLEEP_MS = const(3600000)
_LONGEST_FADE_MS = const(600000)
_POLL_MS = const(10)
_QUIET_MS = const(2000)


class Pins:
    """All pins. `specs` is the member "pins" of the settings; `machine` is that module.

    Each change of what describe() tells, but for times that run down, has a number: `.serial` is the last
    one's. `.on_deadline`, if set, is called when a request has left something for tick() to do; `enforce`
    sets it.
    """

    def __init__(self, specs, machine, ticks_ms=None):
        self._now = ticks_ms or time.ticks_ms
        self.serial = 0
        self.on_deadline = None
        self.free = None  # ticks until which no pin gets an end, never 0
        self._failure = None  # of an output, until tick() can raise it
        self._names = sorted(specs)
        self._pins = {}
        self.polled = []  # those that move or are measured
        # What is off when safe goes first: an interlocked pin may still be on from before a reset.
        self._order = sorted(specs, key=lambda name: (rests_on(specs[name]), name))
        for name in self._order:
            spec = specs[name]
            try:
                pin = _class_of(spec["kind"])(name, spec, machine, self._now())
            except (ValueError, RuntimeError, OSError) as error:
                # A GPIO that this board's firmware doesn't offer; a PWM that the chip cannot give.
                raise ValueError(f"pins.{name}.gpio: {spec['gpio']} cannot be used here: {error}")
            self._pins[name] = pin
            if hasattr(pin, "poll"):
                self.polled.append(pin)

    def names(self):
        """The names of all pins, sorted."""
        return self._names

    def describe(self, name):
        """What there is to tell of a pin, see Pin.describe(). Raises PinError."""
        return self._find(name).describe(self._now())

    def changed_since(self, serial):
        """The names of the pins with a change of a later number, sorted."""
        names = []
        for name in self._names:
            if self._pins[name].changed > serial:
                names.append(name)
        return names

    def set(self, name, value, fade_ms=0):
        """Give a pin a value; a colour in `fade_ms` milliseconds. Raises PinError."""
        pin = self._find(name)
        if type(fade_ms) is not int or not 0 <= fade_ms <= _LONGEST_FADE_MS:
            raise PinError("bad_value", f"fade_ms is a whole number from 0 to {_LONGEST_FADE_MS}")
        if not pin.writable:
            raise PinError("not_supported", name + " can only be read")
        if fade_ms and pin.kind != "rgb":
            raise PinError("not_supported", name + " cannot fade")
        value = pin.decode(value)
        self.tick()  # a limit that has passed counts before a request does
        self._command(pin, value, None, fade_ms)

    def toggle(self, name):
        """Give a pin the other value: a switch, or a PWM, that of before it was off. Raises PinError."""
        pin = self._find(name)
        self.tick()  # the other value than the present one: a pulse may be over
        self._command(pin, pin.toggle())

    def pulse(self, name, ms=None):
        """Make a pin active for `ms` milliseconds, or for as long as its settings say. Raises PinError."""
        pin = self._find(name)
        if pin.kind not in ("switch", "pulse"):
            raise PinError("not_supported", name + " gives no pulses")
        most = min(pin.max_ms, pin.max_on * 1000 or pin.max_ms)
        if ms is None:
            ms = pin.ms
        if type(ms) is not int or not 1 <= ms <= most:
            raise PinError("bad_value", f"{name} takes a pulse of 1 to {most} ms, a whole number")
        self.tick()
        self._command(pin, not pin.safe, ms)

    def _find(self, name):
        pin = self._pins.get(name)
        if pin is None:
            raise PinError("unknown_pin", "there is no pin of this name")
        return pin

    def _command(self, pin, value, ms=None, fade_ms=0):
        """Carry out a request: to have this value, and if that is an active one, for no more than `ms`."""
        now = self._now()
        if self.free and pin.end_of(value, ms, now) not in (None, pin.end):
            raise PinError("too_soon", "the board asks what time it is", retry_ms=_QUIET_MS)
        if value == pin.value and pin.fading is None:
            end, pin.end = pin.end, pin.end_of(value, ms, now)
            if pin.end != end:
                self._note(pin)
        else:
            self._check(pin, value, now)
            if pin.value == pin.safe and pin.fading is None:
                pin.since = now
            self._move(pin, value, ms, fade_ms)
        if self.on_deadline and (pin.end is not None or pin.free is not None):
            self.on_deadline()

    def _check(self, pin, value, now):
        if pin.free is not None:
            wait = time.ticks_diff(pin.free, now)
            raise PinError("too_soon", f"{pin.name} changed a moment ago; wait {wait} ms", retry_ms=wait)
        if value:
            for name in pin.interlock:
                other = self._pins[name]
                if other.value or other.fading is not None:
                    raise PinError("interlocked", f"{pin.name} cannot be on while {name} is on", pin=name)

    def _move(self, pin, value, ms=None, fade_ms=0):
        now = self._now()
        pin.write(value, now, fade_ms)
        # Only now: an output that fails keeps its deadline, for the next tick() to try again.
        pin.end = pin.end_of(value, ms, now)
        pin.free = time.ticks_add(now, pin.min_interval) if pin.min_interval else None
        self._note(pin)

    def _note(self, pin):
        """Give a change its number."""
        self.serial += 1
        pin.changed = self.serial

    def _release(self, pin):
        """Back to the safe value, by the board itself."""
        if pin.value != pin.safe or pin.fading is not None:
            if pin.safe:
                for other in pin.interlock:
                    self._release(self._pins[other])
            self._move(pin, pin.safe)

    def tick(self):
        """End what has to end by now, and look after `polled`. Returns the ms until something else is to end,
        or None.

        Should an output fail, the others are released all the same. Then its error is raised: time to reset.
        """
        now, nearest = self._now(), None
        if self.free and time.ticks_diff(self.free, now) <= 0:
            self.free = None
        for name in self._names:
            pin = self._pins[name]
            if pin.end is not None or pin.free is not None:
                left = self._settle(pin, now)
                if left is not None and (nearest is None or left < nearest):
                    nearest = left
        if self._failure is not None:
            self._failure, failure = None, self._failure
            raise failure
        for pin in self.polled:
            if pin.poll(now):
                self._note(pin)
        return nearest

    def _settle(self, pin, now):
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

    def busy(self, within_ms, hold=False):
        """Must a pin become safe within that time? Then nothing may block. With `hold` something has waited
        for long: for two seconds no request makes it wait for longer.

        A fade is no reason: that it stops for a moment harms nobody, and there may be one after the other.
        """
        now = self._now()
        for name in self._names:
            pin = self._pins[name]
            if pin.end is not None and time.ticks_diff(pin.end, now) <= within_ms:
                if hold:
                    self.free = time.ticks_add(now, _QUIET_MS) or 1
                return True
        return False

    def make_safe(self):
        """Drive every output to its safe level, for any way out, whatever its value seems to be; those first
        that are off when safe. Never raises; returns the names that failed.
        """
        failed = []
        for name in self._order:
            pin = self._pins[name]
            if pin.writable:
                try:
                    pin.write(pin.safe, self._now(), 0)
                    pin.end = None
                except Exception:
                    failed.append(name)
        return failed


def _class_of(kind):
    # The module of a kind is loaded for settings that use it.
    return Pin if kind in ("switch", "pulse") else getattr(__import__("firmware." + kind), kind).Kind


async def enforce(pins):
    """Hold the limits of `pins`, for ever: calls tick() in time, and at once when a deadline appears. Where
    there are some that move or are measured, it looks after them 100 times a second.
    """
    changed = asyncio.Event()
    pins.on_deadline = changed.set
    while True:
        wait = pins.tick()
        if pins.polled:
            # Nothing in this makes garbage. It sees a deadline that appears soon enough.
            await asyncio.sleep_ms(_POLL_MS if wait is None else min(wait, _POLL_MS))
            continue
        try:
            if wait is None:
                await changed.wait()
            else:
                await asyncio.wait_for_ms(changed.wait(), min(wait, _LONGEST_SLEEP_MS))
        except asyncio.TimeoutError:
            pass
        changed.clear()
