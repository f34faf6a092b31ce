"""What each kind of pin does at the moment, as a person sees it who has the board on the bench: in a picture
for the live view, and in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rich.text import Text

from pinwarden_sim.board import Board
from pinwarden_sim.instruments import PwmRecord

BAR = 20  # characters
_LIGHTS = 16  # that are drawn of a strip
_PARTS = " ▏▎▍▌▋▊▉█"

_ON, _OFF, _ODD = "bold green", "dim", "yellow"


class Readout(NamedTuple):
    """`level` is what is on the wire: "1", "25 %", "1500 µs". `words` say what that means, `picture` shows
    it. `changed` is when it came about, Unix seconds of the host, where that is known.
    """

    level: str
    words: str
    picture: Text
    changed: float | None


def read(board: Board, spec: Mapping[str, Any], bar: int = BAR) -> Readout:
    """What the pin of these settings does. A bar in its picture has so many characters, a strip no more."""
    drawn = _WITH_BARS.get(spec["kind"])
    return drawn(board, spec, bar) if drawn else _KINDS.get(spec["kind"], _switch)(board, spec)


def input_level(board: Board, spec: Mapping[str, Any]) -> int:
    """The level that an input reads: what drives it, or the resistor."""
    level = board.pin(spec["gpio"]).level
    return int(spec["pull"] == "up") if level is None else int(level)


def _switch(board: Board, spec: Mapping[str, Any]) -> Readout:
    level = board.pin(spec["gpio"]).level
    if level is None:
        return _not_driven(board, spec)
    return _on_or_off(board, spec, int(level))


def _input(board: Board, spec: Mapping[str, Any]) -> Readout:
    return _on_or_off(board, spec, input_level(board, spec))


def _on_or_off(board: Board, spec: Mapping[str, Any], level: int) -> Readout:
    is_on = bool(level) != spec["active_low"]
    words = "on" if is_on else "off"
    return Readout(str(level), words, Text(words, _ON if is_on else _OFF), _last_edge(board, spec))


def _pwm(board: Board, spec: Mapping[str, Any], bar: int) -> Readout:
    level = board.pin(spec["gpio"]).level
    if level is None:
        return _not_driven(board, spec)
    share = 1 - level if spec["active_low"] else level
    words = f"{100 * share:.3g} %"
    picture = _bar(share, bar).append(f" {words}", _ON if share else _OFF)
    return Readout(f"{100 * level:.3g} %", words, picture, _last_edge(board, spec))


def _servo(board: Board, spec: Mapping[str, Any], bar: int) -> Readout:
    pwm = board.pwm(spec["gpio"])
    if board.pin(spec["gpio"]).level is None:
        return _not_driven(board, spec)
    pulse = pwm.pulse_us or _last_pulse(pwm)
    if not pulse:
        return _odd(board, spec, "0 µs", "never moved")
    part = (pulse - spec["min_us"]) / (spec["max_us"] - spec["min_us"])
    words = f"{spec['min'] + part * (spec['max'] - spec['min']):.0f}°"
    picture = _hand(part, bar).append(f" {words}", "bold")
    if not pwm.pulse_us:
        words += ", not held"
        picture.append(", not held", _OFF)
    return Readout(f"{pwm.pulse_us} µs", words, picture, _last_edge(board, spec))


def _last_pulse(pwm: PwmRecord) -> int:
    """Microseconds of the last pulse that there was."""
    for wave in reversed(pwm.history):
        if wave.freq and wave.duty:
            return round(1_000_000 * wave.duty / wave.freq)
    return 0


def _rgb(board: Board, spec: Mapping[str, Any], bar: int) -> Readout:
    strip = board.strip(spec["gpio"])
    lights = [_colour(light) for light in strip.colours(spec["order"])]
    if not lights:
        return _odd(board, spec, "", "never told a colour")
    kinds = len(set(lights))
    words = lights[0] if kinds == 1 else f"{kinds} colours, {lights[0]} first"
    picture = Text()
    drawn = min(_LIGHTS, bar)
    for light in lights[:drawn]:
        picture.append("██" if len(lights) == 1 else "█", light)
    picture.append("… " if len(lights) > drawn else " ").append(words, _OFF if words == "#000000" else "")
    return Readout("", words, picture, strip.history[-1].time)


def _colour(light: tuple[int, ...]) -> str:
    """A light as "#rrggbb": its white adds to the others."""
    white = light[3] if len(light) == 4 else 0
    return "#" + "".join(f"{min(255, part + white):02x}" for part in light[:3])


def _analog(board: Board, spec: Mapping[str, Any], bar: int) -> Readout:
    millivolts = board.voltages.get(spec["gpio"], 0)
    part = (millivolts - spec["from_mv"]) / (spec["to_mv"] - spec["from_mv"])
    part = min(1, max(0, part))
    reading = spec["low"] + part * (spec["high"] - spec["low"])
    words = f"{reading:.{spec['digits']}f} {spec['unit']}".rstrip()
    return Readout(f"{millivolts} mV", words, _bar(part, bar).append(f" {words}", "bold"), None)


def _not_driven(board: Board, spec: Mapping[str, Any]) -> Readout:
    return _odd(board, spec, "-", "not driven")


def _odd(board: Board, spec: Mapping[str, Any], level: str, words: str) -> Readout:
    return Readout(level, words, Text(words, _ODD), _last_edge(board, spec))


def _last_edge(board: Board, spec: Mapping[str, Any]) -> float | None:
    history = board.pin(spec["gpio"]).history
    return history[-1].time if history else None


def _bar(share: float, length: int) -> Text:
    """A bar that is filled to this share, 0 to 1."""
    eighths = round(share * length * 8)
    full, rest = divmod(eighths, 8)
    text = "█" * full + (_PARTS[rest] if rest else "")
    return Text().append(text.ljust(length), "cyan on grey19")


def _hand(part: float, length: int) -> Text:
    """A scale with a hand on it."""
    place = round(min(1, max(0, part)) * (length - 1))
    return Text().append("─" * place, _OFF).append("●", "cyan").append("─" * (length - 1 - place), _OFF)


_KINDS = {
    "switch": _switch,
    "pulse": _switch,
    "input": _input,
}
_WITH_BARS = {"pwm": _pwm, "servo": _servo, "rgb": _rgb, "analog": _analog}
