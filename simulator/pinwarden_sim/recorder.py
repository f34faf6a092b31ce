"""What a simulated board has said and done so far, over all its lives: serial port, pins, lights, storage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container
from typing import Any

from pinwarden_sim.instruments import Edge, PinRecord, PwmRecord, Shine, StripRecord
from pinwarden_sim.wiring import Clock, WiFi

_ALL = 65536  # the duty of a PWM that is always high


class Recorder:
    """Takes the chip's events and the serial port's lines, and tells who asked for it.

    Hold `changed` to see one consistent moment; it is notified at each change.
    """

    def __init__(self, clock: Clock, wifi: WiFi) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.serial: list[str] = []
        self.nvs: dict[str, Any] = {}  # what is committed to the chip's non-volatile storage
        self.state = "off"  # the path of the file that runs; "starting", "repl" or "off"
        self._clock, self._wifi = clock, wifi
        self._pins: dict[int, PinRecord] = {}
        self._pwms: dict[int, PwmRecord] = {}
        self._strips: dict[int, StripRecord] = {}
        self._line_listeners: list[Callable[[str], None]] = []
        self._edge_listeners: list[Callable[[int, Edge], None]] = []
        self._shine_listeners: list[Callable[[int], None]] = []

    def pin(self, gpio: int) -> PinRecord:
        """The record of a pin."""
        return self._pins.setdefault(gpio, PinRecord(gpio))

    def pwm(self, gpio: int) -> PwmRecord:
        """The record of the PWM on a pin."""
        return self._pwms.setdefault(gpio, PwmRecord(gpio))

    def strip(self, gpio: int) -> StripRecord:
        """The record of the light strip on a pin."""
        return self._strips.setdefault(gpio, StripRecord(gpio))

    def pixels(self) -> dict[int, list[tuple[int, ...]]]:
        """The colours of each light strip that was sent any, by GPIO number."""
        return {gpio: strip.colours() for gpio, strip in list(self._strips.items()) if strip.history}

    def driven(self, but: Container[int]) -> dict[int, float]:
        """The level of each pin that is driven, `but` those, by GPIO number."""
        pins = {gpio: pin.level for gpio, pin in self._pins.items() if gpio not in but}
        return {gpio: level for gpio, level in pins.items() if level is not None}

    def on_line(self, callback: Callable[[str], None], from_start: bool) -> None:
        """Have `callback` called with each further line, and with those so far."""
        with self.changed:
            for line in self.serial if from_start else ():
                callback(line)
            self._line_listeners.append(callback)

    def on_edge(self, callback: Callable[[int, Edge], None]) -> None:
        """Have `callback(gpio, edge)` called at each further change of a pin."""
        with self.changed:
            self._edge_listeners.append(callback)

    def on_shine(self, callback: Callable[[int], None]) -> None:
        """Have `callback(gpio)` called whenever a light strip is sent something."""
        with self.changed:
            self._shine_listeners.append(callback)

    def take(self, lines: list[str], events: list[dict[str, Any]]) -> None:
        """Note what the board said and did, all at once."""
        with self.changed:
            self.serial.extend(lines)
            for event in events:
                self._note(event)
            for line in lines:
                for listener in self._line_listeners:
                    listener(line)
            self.changed.notify_all()

    def went_off(self, *, keep_pins: bool, keep_clock: bool) -> None:
        """Note that the chip does nothing any more."""
        with self.changed:
            self.state = "off"
            self._wifi.opened(None)
            when = time.time()
            for gpio in list(self._pins):
                if not keep_pins or self.pwm(gpio).freq:  # a soft reset ends each PWM
                    self.pwm(gpio).record(when, 0, 0)
                    self._record(gpio, when, None)
            if not keep_clock:
                self._clock.lose_power()
                for gpio in self._strips:
                    self._shine(gpio, when, bytes(len(self._strips[gpio].octets)))
            self.changed.notify_all()

    def _note(self, event: dict[str, Any]) -> None:
        match event["e"]:
            case "pin":
                self.pwm(event["gpio"]).record(event["t"], 0, 0)
                self._record(event["gpio"], event["t"], event["level"])
            case "pwm":
                duty = event["duty"] / _ALL
                self.pwm(event["gpio"]).record(event["t"], event["freq"], duty)
                self._record(event["gpio"], event["t"], duty)
            case "bits":
                self._shine(event["gpio"], event["t"], bytes.fromhex(event["octets"]) * event["times"])
            case "clock":
                self._clock.moved(event["offset"], event["set"])
            case "access_point":
                self._wifi.opened(event["access_point"])
            case "run":
                self.state = event["path"]
            case "repl":
                self.state = "repl"
            case "nvs":
                self.nvs = event["nvs"]

    def _shine(self, gpio: int, when: float, octets: bytes) -> None:
        strip = self.strip(gpio)
        if octets != strip.octets:
            strip.history.append(Shine(when, octets))
            for listener in self._shine_listeners:
                listener(gpio)

    def _record(self, gpio: int, when: float, level: float | None) -> None:
        pin = self.pin(gpio)
        if pin.record(when, level):
            for listener in self._edge_listeners:
                listener(gpio, pin.history[-1])
