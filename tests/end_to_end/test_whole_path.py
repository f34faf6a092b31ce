"""From nothing to a moved pin: what a newcomer types, on both runtimes, over real sockets."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest

import testbed
from pinwarden import board as files
from pinwarden.device import Device
from pinwarden_sim import Board

OPENER = """
[pins.opener]
kind = "pulse"
gpio = 27
label = "Front door"
ms = 200
"""
RELAY, OPENER_GPIO = 26, 27


@pytest.fixture
def door(pinwarden, tmp_path: Path) -> Path:
    """A device as `pinwarden init` makes it, with a second pin and a relay that switches on at low."""
    assert "Created door/" in pinwarden("init", "door")
    file = tmp_path / "door" / "device.toml"
    text = file.read_text()
    assert "active_low = false" in text
    file.write_text(text.replace("active_low = false", "active_low = true") + OPENER)
    pinwarden("check", "door")
    return tmp_path / "door"


def call(url: str, token: str, method: str, path: str, body: dict | None = None) -> httpx.Response:
    with httpx.Client(base_url=url + "/api/v1/", headers=testbed.bearer(token), trust_env=False) as client:
        return client.request(method, path, json=body)


def knows_the_time(url: str) -> None:
    """Wait until the board has asked two time servers."""
    deadline = time.monotonic() + 30
    while httpx.get(url + "/healthz", trust_env=False).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_from_init_to_a_moved_pin(runtime, door, pinwarden, simulate) -> None:
    board = simulate("door", "--runtime", runtime)
    link = board.expect(r"Link\s+(http://127\.0\.0\.1:\d+)/#token=(\S+)")
    assert board.expect(r"Token\s+(\S+)").group(1) == link.group(2)
    url = link.group(1)
    knows_the_time(url)
    assert call(url, link.group(2), "GET", "pins").json()["pins"][0]["name"] == "opener"

    token = pinwarden("mint", "door", "--pin", "relay", "--for", "anna", "--ttl", "10m").strip()
    assert call(url, token, "PUT", "pins/relay", {"value": True}).json()["value"] is True
    board.expect(r"pin relay on \(GPIO 26 0\)")
    board.expect(r"PUT /api/v1/pins/relay 200 anna \d+ms")
    assert call(url, token, "POST", "pins/opener/pulse", {}).status_code == 403
    board.expect(r"POST /api/v1/pins/opener/pulse 403 anna \d+ms insufficient_scope")

    assert json.loads(pinwarden("call", "door", "POST", "pins/relay/toggle"))["value"] is False
    board.expect(r"pin relay off \(GPIO 26 1\)")
    pulsed = json.loads(pinwarden("call", "door", "POST", "pins/opener/pulse"))
    assert 100 < pulsed["remaining_ms"] <= 200  # some of it may have passed
    board.expect(r"pin opener on \(GPIO 27 1\)")
    board.expect(r"pin opener off \(GPIO 27 0\)")
    refusal = pinwarden("call", "door", "PUT", "pins/relay", "--data", '{"value": 1}', code=1)
    assert "bad_value" in refusal
    assert token not in "\n".join(board.lines)


def test_the_pins_history(runtime, door, pinwarden, tmp_path: Path) -> None:
    """The same without a terminal between: levels and times as a logic analyser has them."""
    device = Device.load(door)
    secrets = {**device.secrets(), "wifi": {"ssid": "simulated", "password": "simulated-air"}}
    files.install(tmp_path / "flash", device.settings, secrets, mpy=runtime == "micropython")
    token = pinwarden("mint", "door", "--pin", "relay", "--pin", "opener", "--ttl", "10m").strip()
    with Board(tmp_path / "flash", runtime) as board:
        board.start()
        board.wait(lambda: board.clock.now() is not None)
        asked = time.time()
        assert call(board.url, token, "PUT", "pins/relay", {"value": True}).status_code == 200
        assert call(board.url, token, "PUT", "pins/relay", {"value": True}).status_code == 200
        assert call(board.url, token, "POST", "pins/relay/toggle", {}).status_code == 200
        assert call(board.url, token, "POST", "pins/opener/pulse", {}).status_code == 200
        board.wait(lambda: len(board.pin(OPENER_GPIO).history) == 3)
        assert board.pin(RELAY).levels == [1, 0, 1], (
            "active low, at rest from the start; asked twice, moved once"
        )
        assert board.pin(RELAY).history[0].time < asked < board.pin(RELAY).history[1].time
        rest, on, off = board.pin(OPENER_GPIO).history
        assert (rest.level, on.level, off.level) == (0, 1, 0)
        assert 0.15 < off.time - on.time < 0.5
