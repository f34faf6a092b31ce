"""`pinwarden clock`: a board without a time server is told the time, one that was led ahead is led back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import testbed
from pinwarden import board as files
from pinwarden.device import Device, create
from pinwarden_sim import Board

WIFI = {"ssid": "simulated", "password": "simulated-air"}
YEAR = 365 * 86400


@pytest.fixture
def door(tmp_path: Path) -> Device:
    """A device folder in the command's working directory."""
    return create("door", tmp_path, wifi=WIFI)


@pytest.fixture
def board(door: Device, tmp_path: Path) -> Iterator[Board]:
    """Its board, with a cable in it; no time server answers."""
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    files.install(tmp_path / "flash", door.settings, door.secrets(), mpy=True)
    with Board(tmp_path / "flash", "micropython", usb=True, ntp=False) as made:
        yield made.start()


def is_right(board: Board) -> bool:
    now = board.clock.now()
    return now is not None and abs(now - time.time()) < 5


def test_set_over_http_and_back_over_usb(board: Board, pinwarden) -> None:
    at = ["--address", f"127.0.0.1:{board.port}"]
    assert "pinwarden clock door --set" in pinwarden("clock", "door", *at, code=1)
    assert board.clock.now() is None
    assert "door: set to" in pinwarden("clock", "door", "--set", *at)
    assert is_right(board)
    assert "this computer's" in pinwarden("clock", "door", *at)
    assert abs(json.loads(pinwarden("clock", "door", "--json", *at))["ahead"]) <= 2

    kept = board.flash / "state" / "clock.json"
    board.power_cut()
    kept.write_text(json.dumps({"iat": 0, "mark": int(time.time()) + YEAR, "ahead": 0}))
    board.start()
    refused = pinwarden("clock", "door", "--set", *at, code=1)
    assert "earlier than this board knows it to be" in refused
    assert "pinwarden clock door --set --usb" in refused
    assert board.clock.now() is None

    assert "door: set to" in pinwarden("clock", "door", "--set", "--port", board.usb.path)
    board.wait(lambda: board.state == "/main.py", timeout=20)
    board.start()
    assert is_right(board)
    assert "this computer's" in pinwarden("clock", "door", *at)
    board.wait(kept.exists, timeout=20)
    assert json.loads(kept.read_text())["mark"] < time.time()
