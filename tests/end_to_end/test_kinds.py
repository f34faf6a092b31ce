"""Pins of each kind over HTTP: what a request does to the wire, and a hand or a voltage to what is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import testbed
from pinwarden_sim import Board

DIMMER, ARM, RING, BUTTON, BATTERY, FAN = 4, 13, 18, 19, 34, 25
PINS = {
    "dimmer": {"kind": "pwm", "gpio": DIMMER, "active_low": True, "max_on": 3600},
    "arm": {"kind": "servo", "gpio": ARM, "safe": 90, "detach_ms": 100},
    "ring": {"kind": "rgb", "gpio": RING, "count": 3, "brightness": 50, "safe": "#000040", "confirm": True},
    "button": {"kind": "input", "gpio": BUTTON},
    "battery": {"kind": "analog", "gpio": BATTERY, "from_mv": 1500, "to_mv": 2100, "smooth": 2},
    "fan": {"kind": "pwm", "gpio": FAN, "safe": True, "freq": 25000},
}
EVERYTHING = testbed.token("pins:read", "pins:write")


@pytest.fixture
def flash(runtime: str, tmp_path: Path) -> Path:
    testbed.install(tmp_path / "flash", runtime, pins=PINS)
    return tmp_path / "flash"


@pytest.fixture
def board(flash: Path, runtime: str) -> Iterator[Board]:
    with Board(flash, runtime, clock=int(time.time())) as made:
        made.analog(BATTERY, 1800)
        yield made.start()


class Client:
    """Asks one board for its pins."""

    def __init__(self, board: Board) -> None:
        self._url = board.url + "/api/v1/pins/"

    def get(self, name: str) -> dict[str, Any]:
        return httpx.get(self._url + name, headers=testbed.bearer(EVERYTHING), trust_env=False).json()

    def put(self, name: str, value: object, status: int = 200, **more: object) -> dict[str, Any]:
        fields = testbed.bearer(EVERYTHING)
        body = {"value": value, **more}
        answer = httpx.put(self._url + name, json=body, headers=fields, trust_env=False)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
def pins(board: Board) -> Client:
    return Client(board)


def test_outputs(board: Board, pins: Client) -> None:
    told = pins.put("dimmer", 0.25)
    assert 0 < told.pop("remaining_ms") <= 3600000
    assert told == {"name": "dimmer", "label": "dimmer", "kind": "pwm", "value": 0.25, "writable": True}
    board.wait(lambda: board.pwm(DIMMER).freq == 1000 and abs(board.pwm(DIMMER).duty - 0.75) < 0.001)
    board.wait(lambda: [round(duty, 3) for duty in board.pwm(ARM).duties] == [0, 0.075, 0], timeout=20)
    told = pins.put("arm", 135)
    assert (told["value"], told["min"], told["max"]) == (135, 0, 180)
    # From the safe angle, where it was let go, to the one asked for; then it is let go again.
    board.wait(
        lambda: [round(duty, 3) for duty in board.pwm(ARM).duties] == [0, 0.075, 0, 0.1, 0], timeout=20
    )
    told = pins.put("ring", "#FF8000")
    assert (told["value"], told["confirm"]) == ("#ff8000", True)
    board.wait(lambda: board.strip(RING).colours() == [(128, 64, 0)] * 3)
    assert pins.put("fan", 0)["value"] == 0
    board.wait(lambda: board.pwm(FAN).duty == 0)


def test_a_fade_runs_on_the_board(board: Board, pins: Client) -> None:
    told = pins.put("ring", "#c80000", fade_ms=500)
    assert told["value"] == "#c80000"
    assert 0 < told["fading_ms"] <= 500
    board.wait(lambda: board.strip(RING).colours() == [(100, 0, 0)] * 3)
    assert "fading_ms" not in pins.get("ring")
    seen = [board.strip(RING).colours(at=at)[0] for at in range(len(board.strip(RING).history))]
    reds = [red for red, _, _ in seen]
    assert len(reds) > 3, "there were steps"
    assert reds == sorted(reds)


@pytest.mark.parametrize(
    ("name", "value", "more", "code"),
    [
        ("dimmer", True, {}, "bad_value"),
        ("arm", 181, {}, "bad_value"),
        ("ring", "red", {}, "bad_value"),
        ("ring", "#ff0000", {"fade_ms": 600001}, "bad_value"),
        ("dimmer", 0.5, {"fade_ms": 10}, "not_supported"),
        ("button", True, {}, "not_supported"),
        ("battery", 5, {}, "not_supported"),
    ],
)
def test_refusals(pins: Client, name: str, value: object, more: dict, code: str) -> None:
    assert pins.put(name, value, 422, **more)["code"] == code


def test_a_button_and_a_voltage(board: Board, pins: Client) -> None:
    told = pins.get("button")
    assert (told["value"], told["writable"]) == (False, False)
    board.drive(BUTTON, 0)
    board.wait(lambda: pins.get("button")["value"] is True)
    board.drive(BUTTON, 1)
    board.wait(lambda: pins.get("button")["value"] is False)
    battery = {"value": 50, "unit": "%", "min": 0, "max": 100, "writable": False}
    assert battery.items() <= pins.get("battery").items()
    board.analog(BATTERY, 2000)
    board.wait(lambda: pins.get("battery")["value"] == 83)


def test_what_a_reset_leaves(board: Board, pins: Client) -> None:
    """A strip keeps its colour for as long as it has power: boot.py makes it dark, whatever comes after."""
    pins.put("ring", "#ffffff")
    pins.put("dimmer", 1)
    pins.put("fan", 0)
    board.wait(lambda: board.strip(RING).colours() == [(128, 128, 128)] * 3)
    shone = len(board.strip(RING).history)
    board.reset()
    board.wait(lambda: len(board.strip(RING).history) == shone + 2, 30)
    assert board.strip(RING).colours(at=shone) == [(0, 0, 0)] * 3
    assert board.strip(RING).colours() == [(0, 0, 32)] * 3
    board.wait(lambda: board.pwm(DIMMER).duty == board.pwm(FAN).duty == 1, 30)  # one is active low
    board.wait(lambda: len(board.starts) == 2 and board.status(), 30)
    assert (pins.get("dimmer")["value"], pins.get("fan")["value"]) == (0, 1)


def test_safe_mode_drives_nothing(flash: Path, runtime: str) -> None:
    """Settings that cannot be used: the outputs stay as boot.py has made them."""
    (flash / "secrets.json").write_text(json.dumps({**testbed.secrets(), "keys": []}))
    with Board(flash, runtime, clock=int(time.time())) as board:
        board.start()
        assert httpx.get(board.url + "/healthz", trust_env=False).json()["status"] == "safe_mode"
        assert (board.pin(DIMMER).level, board.pin(ARM).level, board.pin(FAN).level) == (1, 0, 1)
        assert board.strip(RING).colours() == [(0, 0, 0)] * 3
        assert board.pin(BUTTON).level is None
        assert board.pwm(ARM).freq == 0
