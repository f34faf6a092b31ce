"""What instruments on the simulated board's pins show: a logic analyser, an oscilloscope, an eye on the
lights.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Edge(NamedTuple):
    """A change on a pin: when (Unix seconds of the host, a float), and to what: 0, 1, for a PWM the part of
    its period that it is high, or None when nobody drives it any more.
    """

    time: float
    level: float | None


@dataclass
class PinRecord:
    """A pin of the chip as a logic analyser on it shows it."""

    gpio: int
    history: list[Edge] = field(default_factory=list)

    @property
    def level(self) -> float | None:
        """0 or 1 while the firmware, or a button, drives the pin, with PWM between them; None when nobody
        does.
        """
        return self.history[-1].level if self.history else None

    @property
    def levels(self) -> list[float | None]:
        """The history without its times."""
        return [edge.level for edge in self.history]

    def record(self, when: float, level: float | None) -> bool:
        """Note a level. Returns whether it is a change."""
        if level == self.level:
            return False
        self.history.append(Edge(when, level))
        return True


class Wave(NamedTuple):
    """What a PWM puts out from `time` on (Unix seconds of the host): Hz, and the part of the period, 0 to 1,
    that it is high. With freq 0 there is no PWM on the pin any more.
    """

    time: float
    freq: int
    duty: float


@dataclass
class PwmRecord:
    """A pin as an oscilloscope shows it, from its first PWM on."""

    gpio: int
    history: list[Wave] = field(default_factory=list)

    @property
    def freq(self) -> int:
        """Hz; 0 while no PWM drives the pin."""
        return self.history[-1].freq if self.history else 0

    @property
    def duty(self) -> float:
        """The part of the period that it is high, 0 to 1, to 1/65536."""
        return self.history[-1].duty if self.history else 0.0

    @property
    def pulse_us(self) -> int:
        """Microseconds of each period that it is high, rounded: what a servo goes by. 0 without a pulse."""
        return round(1_000_000 * self.duty / self.freq) if self.freq else 0

    @property
    def duties(self) -> list[float]:
        """The history's duties, while there was a PWM."""
        return [wave.duty for wave in self.history if wave.freq]

    def record(self, when: float, freq: int, duty: float) -> None:
        """Note what it puts out from now on."""
        if (freq, duty) != (self.freq, self.duty):
            self.history.append(Wave(when, freq, duty))


class Shine(NamedTuple):
    """How a light strip shines from `time` on (Unix seconds of the host): the octets that it was sent."""

    time: float
    octets: bytes


@dataclass
class StripRecord:
    """A light strip. It shines as it was last told while it has power, through any reset of the board."""

    gpio: int
    history: list[Shine] = field(default_factory=list)

    @property
    def octets(self) -> bytes:
        """What it was told last; b"" before that."""
        return self.history[-1].octets if self.history else b""

    def colours(self, order: str = "GRB", at: int = -1) -> list[tuple[int, ...]]:
        """(red, green, blue) of each light, with white where `order` has a W: what a light takes its first,
        second, … octet for, soldered as it is. `at` is an index of the history. [] before anything was sent.
        """
        if not self.history:
            return []
        octets, size = self.history[at].octets, len(order)
        places = [order.index(colour) for colour in "RGBW" if colour in order]
        lights = [octets[start : start + size] for start in range(0, len(octets) - size + 1, size)]
        return [tuple(light[place] for place in places) for light in lights]
