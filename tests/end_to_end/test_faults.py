"""What is set wrong, and what breaks: the pins are safe, and somebody is told why, once and in words."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import testbed
from pinwarden_sim import Board
from pinwarden_sim.board import HARD_RESET, PWRON_RESET


def edit(path: Path, change: Callable[[dict], object]) -> None:
    """Change the JSON in a file."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def settings(flash: Path, change: Callable[[dict], object]) -> None:
    edit(flash / "settings.json", change)


def secrets(flash: Path, change: Callable[[dict], object]) -> None:
    edit(flash / "secrets.json", change)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(
            lambda flash: settings(flash, lambda data: data["pins"]["relay"].update(max_onn=5)),
            'pins.relay.max_onn: is not known; did you mean "max_on"?',
            id="an unknown member",
        ),
        pytest.param(
            lambda flash: settings(flash, lambda data: data["pins"]["lamp"].update(gpio=34)),
            "pins.lamp.gpio: 34 can only be an input",
            id="an impossible pin",
        ),
        pytest.param(
            lambda flash: (flash / "settings.json").write_text('{"version": 1'),
            "settings.json: is not JSON",
            id="settings that are not JSON",
        ),
        pytest.param(
            lambda flash: (flash / "settings.json").unlink(), "settings.json: is missing", id="no settings"
        ),
        pytest.param(
            lambda flash: (flash / "secrets.json").unlink(), "/secrets.json: is missing", id="no secrets"
        ),
        pytest.param(
            lambda flash: secrets(flash, lambda data: data.update(keys=[])), "keys: may hold", id="no key"
        ),
        pytest.param(
            lambda flash: secrets(flash, lambda data: data["keys"][0].update(k="c2hvcnQ")),
            "keys[0].k: has 5 bytes",
            id="a weak key",
        ),
    ],
)
def test_a_board_with_bad_files_is_safe_and_says_why(
    runtime: str, tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    flash = tmp_path / "flash"
    testbed.install(flash, runtime)
    spoil(flash)
    with Board(flash, runtime) as board:
        board.start()
        # Without secrets there is no Wi-Fi, so no address that could be the board's.
        host = {} if (flash / "secrets.json").exists() else {"Host": "door.local"}
        answer = httpx.get(f"{board.url}/healthz", headers=host, trust_env=False)
        assert (answer.status_code, answer.json()["status"]) == (503, "safe_mode")
        assert [problem for problem in answer.json()["problems"] if told in problem], answer.json()
        assert any(told in line for line in board.serial)
        command = {"headers": host, "json": {"value": True}, "trust_env": False}
        refused = httpx.put(f"{board.url}/api/v1/pins/relay", **command)
        assert (refused.status_code, refused.json()["code"]) == (503, "safe_mode")
        assert testbed.levels(board, testbed.RELAY) in ([0], []), "off, or not driven at all: never on"
        assert testbed.levels(board, testbed.DOWN) in ([1], []), "the same for one that is active low"
        assert "c2hvcnQ" not in answer.text + "".join(board.serial)
        assert "Traceback" not in "".join(board.serial)


FAULT = """

async def _keep_connected_until_a_fault(self, connect=Wifi.keep_connected):
    import os
    asyncio.create_task(connect(self))
    while True:
        try:
            os.remove("/state/fault")
        except OSError:
            await asyncio.sleep_ms(20)
            continue
        raise RuntimeError("a fault of this test")


Wifi.keep_connected = _keep_connected_until_a_fault
"""


def test_a_crash_makes_the_pins_safe_is_recorded_and_ends_in_a_reset(runtime: str, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    testbed.install(flash, runtime)
    source = Path(__file__).parents[2] / "firmware" / "wifi.py"
    # MicroPython takes the .py before the .mpy that lies there.
    (flash / "firmware" / "wifi.py").write_text(source.read_text() + FAULT)
    with Board(flash, runtime) as board:
        board.start()
        board.wait(lambda: board.clock.now() is not None)
        headers = testbed.bearer(testbed.token("pins:write"))
        with httpx.Client(base_url=board.url, headers=headers, trust_env=False) as client:
            assert client.put("/api/v1/pins/relay", json={"value": True}).status_code == 200
            assert client.put("/api/v1/pins/down", json={"value": True}).status_code == 200
        assert testbed.levels(board, testbed.RELAY) == [0, 1]
        assert testbed.levels(board, testbed.DOWN) == [1, 0]
        (flash / "state" / "fault").touch()
        board.wait(lambda: len(board.starts) == 2, timeout=10)
        assert board.starts == [PWRON_RESET, HARD_RESET]
        assert board.pin(testbed.RELAY).levels[:3] == [0, 1, 0], "safe before the reset, not by it"
        assert board.pin(testbed.DOWN).levels[:3] == [1, 0, 1]
        crash = json.loads((flash / "state" / "crash.json").read_text())
        assert "a fault of this test" in crash["error"]
        assert "wifi" in crash["trace"]
        board.start()
        assert (
            httpx.get(f"{board.url}/api/v1/device", headers=headers, trust_env=False).json()["reset_cause"]
            == "hard"
        )
        assert testbed.levels(board, testbed.RELAY)[-1] == 0


def test_firmware_that_cannot_start_resets_again_and_again(runtime: str, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    testbed.install(flash, runtime)
    (flash / "firmware" / "api.py").write_text("raise ImportError('half a deployment')\n")
    with Board(flash, runtime) as board:
        board.power_on()
        board.wait(lambda: len(board.starts) == 2, timeout=15)
        assert "half a deployment" in json.loads((flash / "state" / "crash.json").read_text())["error"]
        assert set(board.pin(testbed.RELAY).levels) <= {0, None}


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A port in use."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


def weaken(door: Path) -> None:
    edit(door / "secrets" / "keys.json", lambda data: data["keys"][0].update(k="c2hvcnQ"))


def replace_by_folder(door: Path) -> None:
    """Unreadable for everybody, the administrator too."""
    (door / "secrets" / "keys.json").unlink()
    (door / "secrets" / "keys.json").mkdir(mode=0o700)


@pytest.mark.parametrize(
    ("spoil", "told", "hint"),
    [
        pytest.param(
            lambda door: (door / "secrets" / "keys.json").unlink(),
            "door/secrets/keys.json is missing",
            "backup",
            id="a missing key",
        ),
        pytest.param(weaken, "has 5 bytes", "backup", id="a weak key"),
        pytest.param(
            replace_by_folder, "door/secrets/keys.json cannot be read", "user", id="an unreadable secret"
        ),
        pytest.param(
            lambda door: (door / "secrets" / "keys.json").chmod(0o644),
            "other users may get at it",
            "chmod 600",
            id="a secret that others can read",
        ),
        pytest.param(
            lambda door: (door / "device.toml").write_text(
                'version = 1\nname = "door"\nchip = "esp32"\n[pins.a]\n'
            ),
            "pins.a.kind",
            "Edit door/device.toml",
            id="bad settings",
        ),
    ],
)
@pytest.mark.parametrize(
    "command", [("simulate", "door"), ("mint", "door", "--pin", "relay")], ids=["simulate", "mint"]
)
def test_the_command_says_what_is_wrong(
    pinwarden, tmp_path: Path, spoil, told: str, hint: str, command
) -> None:
    pinwarden("init", "door")
    spoil(tmp_path / "door")
    said = pinwarden(*command, code=1)
    assert told in said
    assert said.count("error: ") == 1
    assert hint in said.partition("hint: ")[2]
    assert "c2hvcnQ" not in said


def test_the_command_says_that_a_port_is_in_use(pinwarden, taken: socket.socket) -> None:
    pinwarden("init", "door")
    port = str(taken.getsockname()[1])
    said = pinwarden("simulate", "door", "--port", port, code=1)
    assert said.splitlines()[0] == f"error: port {port} cannot be used: Address already in use"
    assert said.splitlines()[1].startswith("hint: ")
