"""A person's hands at the simulated board: they press its buttons, close its contacts and turn its knobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pinwarden_sim.board import Board
from pinwarden_sim.readout import input_level

_STEPS = 20  # from one end of an analog input's range to the other
_DIGITS = "123456789"


class Hands:
    """Each input has a digit for a key: an `input` is closed by it, and opened by it again; an `analog` is
    what + and - turn from then on. `keys` are the pins' names by their digits.
    """

    def __init__(self, board: Board, settings: Mapping[str, Any]) -> None:
        self._board = board
        self._pins: Mapping[str, Any] = settings["pins"]
        contacts, knobs = self._of_kind("input"), self._of_kind("analog")
        self.keys = dict(zip(_DIGITS, contacts + knobs, strict=False))
        self.turned = knobs[0] if knobs else None  # the name of the analog input that + and - turn

    def connect(self) -> None:
        """Connect what is to be there when the board starts: a contact at each input that has no resistor,
        a voltage in the middle at each analog one.
        """
        for spec in self._pins.values():
            if spec["kind"] == "analog":
                self._board.analog(spec["gpio"], (spec["from_mv"] + spec["to_mv"]) // 2)
            elif spec["kind"] == "input" and spec["pull"] == "none":
                self._board.drive(spec["gpio"], int(spec["active_low"]))

    def actions(self) -> dict[str, Callable[[], None]]:
        """What each key does."""
        made: dict[str, Callable[[], None]] = {
            digit: lambda name=name: self._touch(name) for digit, name in self.keys.items()
        }
        if self.turned is not None:
            made |= {"+": lambda: self._turn(1), "=": lambda: self._turn(1), "-": lambda: self._turn(-1)}
        return made

    def hint(self) -> str:
        """What to tell of the keys; "" where there are none."""
        inputs = [f"{digit} {name}" for digit, name in self.keys.items()]
        return " · ".join(inputs + ([f"+ - turn {self.turned}"] if self.turned else []))

    def _of_kind(self, kind: str) -> list[str]:
        return [name for name, spec in self._pins.items() if spec["kind"] == kind]

    def _touch(self, name: str) -> None:
        spec = self._pins[name]
        if spec["kind"] == "analog":
            self.turned = name
            return
        level = 1 - input_level(self._board, spec)
        rests = {"up": 1, "down": 0, "none": None}[spec["pull"]]
        self._board.drive(spec["gpio"], None if level == rests else level)

    def _turn(self, direction: int) -> None:
        if self.turned is None:
            return
        spec = self._pins[self.turned]
        low, high = spec["from_mv"], spec["to_mv"]
        step = max(1, (high - low) // _STEPS)
        now = self._board.voltages.get(spec["gpio"], 0)
        self._board.analog(spec["gpio"], min(high, max(low, now + direction * step)))
