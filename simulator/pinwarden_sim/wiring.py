"""What is around the simulated board: what drives its pins, a clock, a time server, the Wi-Fi."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from pinwarden_sim.processor import BoardError


class Chip(Protocol):
    """What the helpers below need of the board."""

    def ask(self, command: dict[str, Any], *, when_off: Callable[[], None] | None = None) -> dict[str, Any]:
        """Send a command; when the board is off, do `when_off` instead."""
        ...


class World:
    """What drives the board's pins from outside. It does so whatever becomes of the board: a door's contact
    stays closed over a reset.
    """

    def __init__(self, chip: Chip) -> None:
        self._chip = chip
        self.levels: dict[int, int] = {}
        self.millivolts: dict[int, int] = {}

    def drive(self, gpio: int, level: int | None) -> None:
        """Connect a pin with 0 or 1, or with nothing."""
        if level is None:
            self.levels.pop(gpio, None)
        else:
            self.levels[gpio] = level
        self._chip.ask({"do": "drive", "gpio": gpio, "level": level}, when_off=lambda: None)

    def analog(self, gpio: int, millivolts: int) -> None:
        """Put a voltage on a pin."""
        self.millivolts[gpio] = millivolts
        self._chip.ask({"do": "analog", "gpio": gpio, "mv": millivolts}, when_off=lambda: None)

    def state(self) -> list[dict[str, Any]]:
        """The commands that the chip finds at a start."""
        levels = [{"do": "drive", "gpio": gpio, "level": level} for gpio, level in self.levels.items()]
        return levels + [{"do": "analog", "gpio": gpio, "mv": mv} for gpio, mv in self.millivolts.items()]


class Clock:
    """The board's clock, from outside. It survives the resets, and not the loss of power."""

    def __init__(self, chip: Chip, unix: int | None) -> None:
        self._chip = chip
        # Seconds from the host's clock to the board's; None: power has never been on, or was lost.
        self._offset = None if unix is None else unix - time.time()
        self._is_set = unix is not None

    def set(self, unix: float) -> None:
        """Set it to this Unix time."""
        self._chip.ask({"do": "clock", "unix": unix}, when_off=lambda: self.moved(unix - time.time(), True))

    def unset(self) -> None:
        """As after a power cut: it counts from 2000."""
        self._chip.ask({"do": "unset"}, when_off=self.lose_power)

    def jump(self, seconds: float) -> None:
        """Move it by so many seconds."""
        self._chip.ask({"do": "jump", "seconds": seconds}, when_off=lambda: self._jump_off(seconds))

    def now(self) -> int | None:
        """The board's time in Unix seconds; None when it is not set."""
        return None if not self._is_set or self._offset is None else int(time.time() + self._offset)

    def moved(self, offset: float, is_set: bool) -> None:
        """The board's own report."""
        self._offset, self._is_set = offset, is_set

    def lose_power(self) -> None:
        """Forget the time."""
        self._offset, self._is_set = None, False

    def state(self) -> dict | None:
        """What the chip finds at a start; None: it begins at 2000."""
        return None if self._offset is None else {"offset": self._offset, "set": self._is_set}

    def _jump_off(self, seconds: float) -> None:
        if self._offset is not None:
            self._offset += seconds


class TimeServer:
    """The NTP servers that the board asks: all of them, or with `server(name)` the one of that name."""

    def __init__(self, chip: Chip, up: bool) -> None:
        self._chip = chip
        self._shared: TimeServer | None = None
        self.state: dict[str, Any] = {"up": up, "offset": 0, "reply": "good", "step": 0, "names": {}}

    def server(self, name: str) -> TimeServer:
        """The server of this name. It begins as all are, and what is said of all is not said of it any
        more.
        """
        made = TimeServer(self._chip, True)
        made._shared = self
        made.state = self.state["names"].setdefault(name, {**self.state, "names": {}})
        return made

    def set(self, unix: float | None = None, step: float = 0) -> None:
        """Have it say this Unix time from now on; None: the host's true time. Its clock jumps by `step`
        seconds whenever it is asked.
        """
        self._change(offset=0 if unix is None else unix - time.time(), step=step, reply="good")

    def reply(self, form: str) -> None:
        """Have it send "short" packets, a "kiss" of death (RFC 5905 section 7.4), or "good" ones again."""
        self._change(reply=form)

    def down(self) -> None:
        """Have it not answer."""
        self._change(up=False)

    def up(self) -> None:
        """Have it answer again."""
        self._change(up=True)

    def _change(self, **changes: Any) -> None:
        self.state.update(changes)
        state = (self._shared or self).state
        self._chip.ask({"do": "ntp", "ntp": state}, when_off=lambda: None)


class WiFi:
    """The access point that the board connects to, and the board's own.

    `access_point` is what is on the air of the board's own: {"ssid", "security" (0 is open, 3 is WPA2)}, or
    None. While it is, connections reach the board's port as from a phone that has joined it, whether the
    other one is in reach or not.
    """

    def __init__(self, chip: Chip, switch: Callable[[bool], None] | None) -> None:
        self._chip, self._switch = chip, switch
        self.is_up = True
        self.access_point: dict[str, Any] | None = None
        self._lets_through = True
        self._switching = threading.Lock()  # the board opens its own on the thread that listens to it

    def down(self) -> None:
        """Put it out of reach: `isconnected()` is False, and nothing gets to the board or from it."""
        self._set(False)

    def up(self) -> None:
        """Bring it back. Connections of before are gone."""
        self._set(True)

    def _set(self, is_up: bool) -> None:
        if self._switch is None:
            raise BoardError("a board without a radio cannot lose its Wi-Fi: use Board(…, radio=True)")
        self.is_up = is_up
        self._turn()
        self._chip.ask({"do": "wifi", "up": is_up}, when_off=lambda: None)

    def opened(self, access_point: dict[str, Any] | None) -> None:
        """The board's own report, or its end."""
        self.access_point = access_point
        self._turn()

    def _turn(self) -> None:
        if self._switch is not None:
            with self._switching:
                lets_through = self.is_up or self.access_point is not None
                if lets_through != self._lets_through:
                    self._lets_through = lets_through
                    self._switch(lets_through)
