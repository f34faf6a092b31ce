"""`pinwarden doctor --port …`: what it finds inside a board, which runs again afterwards.

The board is a simulated one: real mpremote talks to real MicroPython over a pseudo-terminal.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import testbed
from pinwarden.deploy.release import build
from pinwarden.device import Device
from pinwarden.doctor import start
from pinwarden_sim import Board

AIR = {"ssid": "simulated", "password": "simulated-air"}
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def flash(door: Device, tmp_path: Path) -> Path:
    """The device's flash as a deployment leaves it: slot a."""
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    made, folder = build(door), tmp_path / "flash"
    secrets = json.dumps({**json.loads(made.secrets), "wifi": AIR}).encode()
    slot = {"slot": "a", "previous": None, "trial": 0, "note": None}
    contents = {
        **{f"a/{path}": data for path, data in made.files.items()},
        "a/version.json": made.manifest,
        "slot.json": json.dumps(slot).encode(),
        "secrets.json": secrets,
        **made.start,
    }
    for path, data in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.fixture
def plugged(flash: Path) -> Iterator[Callable[[], Board]]:
    """Starts a board with that flash and a cable in it."""
    with Board(flash, usb=True, clock=int(time.time())) as board:

        def start(*, http: bool = True) -> Board:
            return board.start(http=http)

        yield start


@pytest.fixture
def look(examine, plugged, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, dict]]:
    """Starts the board and examines it over USB alone: the exit code, and the checks over USB."""
    monkeypatch.setattr(start, "START_TIME", 4.0)
    monkeypatch.setattr("pinwarden.doctor.visit.build", build)

    def run(*, http: bool = True) -> tuple[int, dict]:
        board = plugged(http=http)
        code, checks = examine("--address", NOWHERE, "--port", board.usb.path)
        return code, {name[4:]: check for name, check in checks.items() if name.startswith("usb ")}

    return run


def change(file: Path, **members: object) -> None:
    """Change members of a JSON file."""
    file.write_text(json.dumps({**json.loads(file.read_text()), **members}))


def test_a_healthy_board_runs_on(door: Device, examine, plugged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pinwarden.doctor.visit.build", build)
    board = plugged()
    starts = len(board.starts)
    code, checks = examine("--address", f"127.0.0.1:{board.port}", "--port", board.usb.path)
    bad = [check for check in checks.values() if check["state"] in ("failed", "warning")]
    assert (code, bad) == (0, [])
    assert ", as here" in checks["usb version"]["found"]
    assert ", as here" in checks["http version"]["found"]
    assert "as here" in checks["usb files"]["found"]
    assert checks["usb start"]["found"] == "it serves at 127.0.0.1, port 80"
    assert len(board.starts) > starts
    board.start()
    assert httpx.get(f"{board.url}/healthz", trust_env=False).json() == {"status": "ok"}
    assert door.keys()[0]["k"] not in "\n".join(board.serial), "no key crosses the cable"


def test_a_board_that_answers_is_not_even_interrupted(examine, plugged) -> None:
    board = plugged()
    starts = list(board.starts)
    code, _ = examine("--address", f"127.0.0.1:{board.port}", env={"PINWARDEN_PORT": board.usb.path})
    assert code == 0
    assert board.starts == starts
    assert not [line for line in board.serial if "raw REPL" in line]


def test_a_board_out_of_reach_is_looked_into(examine, plugged) -> None:
    board = plugged()
    code, checks = examine("--address", NOWHERE, env={"PINWARDEN_PORT": board.usb.path})
    assert code == 1
    assert checks["usb start"]["state"] == "ok"


@pytest.mark.parametrize(
    ("spoil", "check", "found", "remedy"),
    [
        (
            lambda flash: (flash / "a/firmware/clock.mpy").write_bytes(b"M\x06"),
            "files failed",
            "not what was deployed: firmware/clock.mpy",
            "pinwarden deploy door",
        ),
        (
            lambda flash: (flash / "a/lib/extra.py").write_bytes(b""),
            "files warning",
            "1 are not of this version: lib/extra.py",
            "--dry-run",
        ),
        (
            lambda flash: (flash / "main.py").write_text((flash / "main.py").read_text() + "#"),
            "files warning",
            "1 differ: main.py",
            "--dry-run",
        ),
        (
            lambda flash: change(flash / "a/version.json", build="0" * 12),
            "version warning",
            "build 000",
            "--dry-run",
        ),
        (
            lambda flash: change(flash / "a/settings.json", name="garage"),
            "name failed",
            "is garage, not",
            "--port",
        ),
        (
            lambda flash: change(flash / "a/settings.json", chip="z80"),
            "start failed",
            "safe mode: ",
            "deploy",
        ),
        (lambda flash: (flash / "a/settings.json").write_text("{"), "name failed", "no settings", "deploy"),
        (
            lambda flash: change(flash / "slot.json", note="12ab: it bit"),
            "rolled-back warning",
            "12ab: it bit",
            "deploy",
        ),
        (lambda flash: change(flash / "secrets.json", wifi=None), "start warning", "no network", "wifi.toml"),
        (lambda flash: (flash / "secrets.json").unlink(), "keys failed", "no key that can be read", "deploy"),
    ],
)
def test_what_is_wrong_inside(
    flash: Path, look, spoil: Callable[[Path], object], check: str, found: str, remedy: str
) -> None:
    spoil(flash)
    _, checks = look(http=False)
    name, state = check.split()
    got = checks[name]
    assert (got["state"], found in got["found"], remedy in (got["remedy"] or "")) == (state, True, True), got
    assert checks["repl"]["state"] == "ok"


def test_a_crash_is_told_with_its_traceback(flash: Path, look) -> None:
    (flash / "state").mkdir()
    trace = 'Traceback (most recent call last):\n  File "/firmware/app.py", line 42, in _main\nOSError: 28\n'
    (flash / "state/crash.json").write_text(json.dumps({"count": 2, "error": "OSError(28,)", "trace": trace}))
    _, checks = look()
    assert checks["crashes"]["state"] == "warning"
    assert checks["crashes"]["found"].splitlines() == [
        "2 in a row, the last: OSError(28,)",
        '  File "/firmware/app.py", line 42, in _main',
        "OSError: 28",
    ]


def test_another_key_of_the_same_name(flash: Path, door: Device, look) -> None:
    stored = json.loads((flash / "secrets.json").read_text())
    kid = stored["keys"][0]["kid"]
    change(flash / "secrets.json", keys=[{**stored["keys"][0], "k": "A" * 42 + "8"}])
    _, checks = look()
    assert checks["keys"]["state"] == "failed"
    assert kid in checks["keys"]["found"]
    assert "--replace-keys" in checks["keys"]["remedy"]


def test_a_clock_that_is_unset(flash: Path, examine) -> None:
    change(flash / "a/settings.json", ntp=[])
    with Board(flash, usb=True) as board:
        board.start()
        _, checks = examine("--address", f"127.0.0.1:{board.port}", "--port", board.usb.path)
    for name in ("http healthz", "usb clock"):
        assert (checks[name]["state"], "admits nobody" in checks[name]["found"]) == ("failed", True)
    assert {checks[f"http {name}"]["state"] for name in ("accepted", "forged", "expired")} == {"skipped"}


def test_a_board_without_pinwarden(examine, tmp_path: Path) -> None:
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/main.py").write_text("")
    with Board(tmp_path / "empty", usb=True) as board:
        board.start(http=False)
        code, checks = examine("--address", NOWHERE, "--port", board.usb.path)
    assert code == 1
    assert "no Pinwarden" in checks["usb name"]["found"]
    assert "pinwarden deploy door" in checks["usb name"]["remedy"]
    assert {checks[f"usb {name}"]["state"] for name in ("files", "keys", "crashes")} == {"skipped"}


@pytest.mark.parametrize("after", [0, 300, 1500])
def test_the_cable_is_pulled(examine, plugged, after: int) -> None:
    board = plugged()
    path = board.usb.path
    board.usb.pull(after=after or None)
    code, checks = examine("--address", NOWHERE, "--port", path)
    assert code == 3
    assert checks["usb repl" if after else "usb port"]["state"] == "failed"
    assert len(checks) == 8 + 21 + 14
