"""`pinwarden doctor` and the firmware itself, over real sockets: boards that are well, and that are not."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pinwarden import board as files
from pinwarden.device import Device
from pinwarden_sim import Board

from .conftest import environment

AIR = {"ssid": "simulated", "password": "simulated-air"}


@pytest.fixture
def door(pinwarden, tmp_path: Path) -> Device:
    """A device as `pinwarden init` makes it."""
    pinwarden("init", "door")
    return Device.load(tmp_path / "door")


@contextmanager
def running(
    door: Device, runtime: str, spoil: Callable[[dict, dict], object] | None = None, **options: object
) -> Iterator[Board]:
    """Its board; `spoil` changes its settings and secrets before they are put on it."""
    settings, secrets = dict(door.settings), {**door.secrets(), "wifi": AIR}
    if spoil:
        spoil(settings, secrets)
    flash = door.folder / "flash"
    files.install(flash, settings, secrets, mpy=runtime == "micropython")
    with Board(flash, runtime, clock=int(time.time()), **options) as board:  # pyright: ignore
        yield board


def diagnose(pinwarden, board: Board, code: int) -> dict[str, dict]:
    """The checks over the network, by their names."""
    address = f"127.0.0.1:{board.port}"
    done = subprocess.run(
        [sys.executable, "-m", "pinwarden", "doctor", "door", "--json", "--no-usb", "--address", address],
        cwd=pinwarden.folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=40,
    )
    told = json.loads(done.stdout)
    assert (done.returncode, told["exit"], done.stderr) == (code, code, ""), done.stdout
    return {check["name"]: check for check in told["checks"] if check["group"] == "http"}


def test_a_healthy_board(runtime: str, door: Device, pinwarden) -> None:
    with running(door, runtime) as board:
        board.start()
        checks = diagnose(pinwarden, board, 0)
    other = {name: check["state"] for name, check in checks.items() if check["state"] != "ok"}
    assert other.pop("resolve") == "skipped", "it is on this computer"
    assert other == ({} if runtime == "micropython" else {"micropython": "skipped"})


def other_key(_settings: dict, secrets: dict) -> None:
    secrets["keys"] = [{**secrets["keys"][0], "k": "A" * 42 + "8"}]


def other_kid(_settings: dict, secrets: dict) -> None:
    secrets["keys"] = [{**secrets["keys"][0], "kid": "of-old"}]


def other_name(settings: dict, _secrets: dict) -> None:
    settings["name"] = "garage"


def other_issuer(settings: dict, _secrets: dict) -> None:
    settings["issuer"] = "https://home.example"


@pytest.mark.parametrize(
    ("spoil", "failed", "found"),
    [
        (other_key, "accepted", "not signed with this token"),
        (other_kid, "accepted", "kid"),
        (other_name, "name", "is garage, not door"),
        (other_issuer, "accepted", "iss"),
    ],
)
def test_a_board_deployed_otherwise(
    runtime: str, door: Device, pinwarden, spoil: Callable, failed: str, found: str
) -> None:
    with running(door, runtime, spoil) as board:
        board.start()
        checks = diagnose(pinwarden, board, 1)
    assert [name for name, check in checks.items() if check["state"] == "failed"] == [failed]
    assert found in checks[failed]["found"]


def test_a_board_in_safe_mode(runtime: str, door: Device, pinwarden) -> None:
    with running(door, runtime, lambda settings, _: settings.update(chip="z80")) as board:
        board.start()
        checks = diagnose(pinwarden, board, 1)
    assert checks["healthz"]["state"] == "failed"
    assert checks["healthz"]["found"].startswith("safe mode\nchip: ")
    assert checks["accepted"]["state"] == "skipped"


def test_a_board_that_does_not_know_the_time(runtime: str, door: Device, pinwarden) -> None:
    with running(door, runtime, lambda settings, _: settings.update(ntp=[])) as board:
        board.start()
        board.clock.unset()
        checks = diagnose(pinwarden, board, 1)
    assert [name for name, check in checks.items() if check["state"] == "failed"] == ["healthz"]
    assert checks["no-token"]["state"] == "ok"


def test_a_board_whose_clock_is_wrong(runtime: str, door: Device, pinwarden) -> None:
    with running(door, runtime, lambda settings, _: settings.update(ntp=[])) as board:
        board.start()
        board.clock.jump(3600)
        checks = diagnose(pinwarden, board, 1)
        assert [name for name, check in checks.items() if check["state"] == "failed"] == ["accepted", "clock"]
        assert checks["clock"]["found"].startswith("kept since before its restart, ")
        assert " ahead of this computer's" in checks["clock"]["found"]


def test_a_board_that_is_off(runtime: str, door: Device, pinwarden) -> None:
    with running(door, runtime) as board:
        checks = diagnose(pinwarden, board, 3)
    assert checks["connect"]["state"] == "failed"
