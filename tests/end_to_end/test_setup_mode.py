"""A board without a network, as somebody with a phone beside it finds it: its own access point, or none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

import testbed
from pinwarden_sim import Board

ROOT = Path(__file__).parents[2]
PASSWORD = "k7mw-3hfp-x9rt-b2vn"
AT = "192.168.4.1"
ON_THE_AIR = {"ssid": "door-setup", "security": 3}
LINE = f"wifi: setup mode, network door-setup at {AT}"

# The minutes of the board as seconds of the test: file -> {constant: its value here}.
SHORT = {
    "setup_mode.py": {"_UNREACHABLE_S": 1, "_GRACE_S": 1, "_POLL_MS": 100},
    "wifi.py": {"_LONGEST_DELAY_S": 1, "_POLL_MS": 20},
}


def install(
    flash: Path, runtime: str, *, wifi: bool, password: str | None = PASSWORD, **changes: Any
) -> None:
    """The device, with a network or without; `changes` are members of its settings."""
    testbed.install(flash, runtime, **changes)
    path = flash / "secrets.json"
    secrets = json.loads(path.read_text())
    if not wifi:
        secrets["wifi"] = None
    path.write_text(json.dumps({**secrets, "setup_password": password}))


def shorten(flash: Path) -> None:
    for name, values in SHORT.items():
        lines = (ROOT / "firmware" / name).read_text().splitlines()
        for constant, value in values.items():
            (place,) = [i for i, line in enumerate(lines) if line.startswith(constant + " = const(")]
            lines[place] = f"{constant} = const({value})"
        # MicroPython takes the .py before the .mpy that lies there.
        (flash / "firmware" / name).write_text("\n".join(lines) + "\n")


@contextmanager
def started(flash: Path, runtime: str, **options: Any) -> Iterator[Board]:
    """The board; whatever it does, it does not tell the password."""
    with Board(flash, runtime, **{"clock": int(time.time()), **options}) as board:
        yield board.start()
        said = "\n".join(board.serial)
        assert PASSWORD not in said
        assert "Traceback" not in said


def ask(board: Board, path: str, host: str = AT, method: str = "GET", **options: Any) -> httpx.Response:
    """What somebody gets who has joined the network in which the board has the address `host`."""
    fields = {"Host": host, **options.pop("headers", {})}
    return httpx.request(method, board.url + path, headers=fields, timeout=5, trust_env=False, **options)


def switch_on(board: Board, host: str) -> int:
    """The status of the answer to whoever switches the relay on with a good token."""
    token = testbed.bearer(testbed.token("pins:write"))
    return ask(board, "/api/v1/pins/relay", host, "PUT", headers=token, json={"value": True}).status_code


def test_without_a_network_the_board_opens_its_own(runtime: str, tmp_path: Path) -> None:
    install(tmp_path, runtime, wifi=False, setup_mode=True)
    with started(tmp_path, runtime) as board:
        assert board.wifi.access_point == ON_THE_AIR
        board.wait(lambda: board.serial[-2:] == [LINE, f"http: serving {AT} port 80"], timeout=20)
        page = ask(board, "/")
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert ask(board, "/healthz").json() == {"status": "ok"}
        assert ask(board, "/api/v1/pins").status_code == 401, "it is guarded here as well"
        assert ask(board, "/", "127.0.0.1").status_code == 421, "it knows the address that it has here"
        assert switch_on(board, AT) == 200
        assert testbed.levels(board, testbed.RELAY) == [0, 1]


def test_without_the_time_nobody_is_admitted(runtime: str, tmp_path: Path) -> None:
    """After a power cut, that is: resets leave the clock alone."""
    install(tmp_path, runtime, wifi=False, setup_mode=True)
    with started(tmp_path, runtime, clock=None) as board:
        assert ask(board, "/healthz").json()["status"] == "clock_unset"
        assert switch_on(board, AT) == 503
        board.clock.set(time.time())
        assert switch_on(board, AT) == 200
        board.reset()
        board.start()
        assert switch_on(board, AT) == 200


@pytest.mark.parametrize(
    ("settings", "password", "line"),
    [
        pytest.param({}, PASSWORD, "wifi: no network is set; deploy one", id="not mentioned"),
        pytest.param(
            {"setup_mode": False}, PASSWORD, "wifi: no network is set; deploy one", id="not allowed"
        ),
        pytest.param(
            {"setup_mode": True}, None, "wifi: no setup mode: it needs a setup_password", id="no password"
        ),
    ],
)
def test_no_access_point_is_opened(
    runtime: str, tmp_path: Path, settings: dict, password: str | None, line: str
) -> None:
    install(tmp_path, runtime, wifi=False, password=password, **settings)
    with started(tmp_path, runtime) as board:
        assert ask(board, "/healthz", "door.local").json() == {"status": "ok"}
        board.wait(lambda: "http: serving without Wi-Fi port 80" in board.serial, timeout=20)
        assert any(said.startswith(line) for said in board.serial)
        assert ask(board, "/", AT).status_code == 421
        board.status()  # what it has done by now has been noted
        assert board.wifi.access_point is None


def test_a_network_that_goes_and_comes_back(runtime: str, tmp_path: Path) -> None:
    install(tmp_path, runtime, wifi=True, setup_mode=True)
    shorten(tmp_path)
    with started(tmp_path, runtime, radio=True) as board:
        assert switch_on(board, "127.0.0.1") == 200
        assert board.wifi.access_point is None
        board.wifi.down()
        board.wait(lambda: board.wifi.access_point, timeout=20)
        assert board.wifi.access_point == ON_THE_AIR
        assert "wifi: the connection is lost" in board.serial
        assert ask(board, "/").status_code == 200
        assert switch_on(board, AT) == 200
        assert ask(board, "/", "127.0.0.1").status_code == 421, "this is no address of its any more"
        board.wifi.up()
        board.wait(
            lambda: board.serial[-2:] == ["wifi: connected, 127.0.0.1", "wifi: setup mode ends"], timeout=20
        )
        assert board.wifi.access_point is None
        assert switch_on(board, "127.0.0.1") == 200
        assert ask(board, "/", AT).status_code == 421


def test_a_network_that_was_never_there(runtime: str, tmp_path: Path) -> None:
    """The board has not served before: it begins with the access point."""
    install(tmp_path, runtime, wifi=True, setup_mode=True)
    shorten(tmp_path)
    with Board(tmp_path, runtime, radio=True, clock=int(time.time())) as board:
        board.wifi.down()
        board.start()
        board.wait(lambda: f"http: serving {AT} port 80" in board.serial, timeout=20)
        assert switch_on(board, AT) == 200
        board.wifi.up()
        board.wait(lambda: "wifi: connected, 127.0.0.1" in board.serial, timeout=20)
        assert switch_on(board, "127.0.0.1") == 200


def test_a_network_that_goes_where_setup_mode_is_not_allowed(runtime: str, tmp_path: Path) -> None:
    install(tmp_path, runtime, wifi=True)
    shorten(tmp_path)
    with started(tmp_path, runtime, radio=True) as board:
        board.wifi.down()
        tries = "wifi: not connected; trying again in 1 s"
        board.wait(lambda: board.serial.count(tries) == 3, timeout=30)
        assert board.wifi.access_point is None
        board.wifi.up()
        board.wait(lambda: board.serial.count("wifi: connected, 127.0.0.1") == 2, timeout=20)


@pytest.mark.parametrize("allowed", [True, False])
def test_safe_mode_is_reached_the_same_way(runtime: str, tmp_path: Path, allowed: bool) -> None:
    """From settings that are wrong as a whole, what is right in them is taken."""
    install(tmp_path, runtime, wifi=False, setup_mode=allowed)
    path = tmp_path / "settings.json"
    settings = json.loads(path.read_text())
    settings["pins"]["relay"]["gpio"] = 34
    path.write_text(json.dumps(settings))
    with started(tmp_path, runtime) as board:
        answer = ask(board, "/healthz", AT if allowed else "door.local")
        assert (answer.status_code, answer.json()["status"]) == (503, "safe_mode")
        board.status()
        assert board.wifi.access_point == (ON_THE_AIR if allowed else None)
