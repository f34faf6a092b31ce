"""What a simulated board has said and done so far, over all its lives: serial port, pins, lights, storage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from pinwarden_sim.wiring import Clock, Edge, PinRecord, WiFi


class Recorder:
    """Takes the chip's events and the serial port's lines, and tells who asked for it.

    Hold `changed` to see one consistent moment; it is notified at each change.
    """

    def __init__(self, clock: Clock, wifi: WiFi) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.serial: list[str] = []
        self.pixels: dict[int, list[tuple[int, ...]]] = {}  # GPIO -> colours of the light strip there
        self.nvs: dict[str, Any] = {}  # what is committed to the chip's non-volatile storage
        self.state = "off"  # the path of the file that runs; "starting", "repl" or "off"
        self._clock, self._wifi = clock, wifi
        self._pins: dict[int, PinRecord] = {}
        self._line_listeners: list[Callable[[str], None]] = []
        self._edge_listeners: list[Callable[[int, Edge], None]] = []

    def pin(self, gpio: int) -> PinRecord:
        """The record of a pin."""
        return self._pins.setdefault(gpio, PinRecord(gpio))

    def driven(self) -> dict[int, int]:
        """The level of each pin that is driven, by GPIO number."""
        return {gpio: pin.level for gpio, pin in self._pins.items() if pin.level is not None}

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
            if not keep_pins:
                when = time.time()
                for gpio in list(self._pins):
                    self._record(gpio, when, None)
            if not keep_clock:
                self._clock.lose_power()
            self.changed.notify_all()

    def _note(self, event: dict[str, Any]) -> None:
        match event["e"]:
            case "pin":
                self._record(event["gpio"], event["t"], event["level"])
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
            case "pixels":
                self.pixels[event["gpio"]] = [tuple(colour) for colour in event["colours"]]

    def _record(self, gpio: int, when: float, level: int | None) -> None:
        pin = self.pin(gpio)
        if pin.record(when, level):
            for listener in self._edge_listeners:
                listener(gpio, pin.history[-1])
