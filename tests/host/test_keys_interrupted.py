"""A rotation and a retirement, cut off at every step: no key is lost, on neither side, and none gets out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pinwarden import call as client
from pinwarden import keys, keystore
from pinwarden.admin import hkdf
from pinwarden.cli import cli
from pinwarden.device import Device
from pinwarden.mint import mint_token

from .model_board import ModelBoard, NoAnswer

Run = Callable[..., Result]


def token(device: Device) -> str:
    return mint_token(device, subject="anna", scope=["pins:read"], ttl=3600)


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("method", "nth"), [("GET", 1), ("POST", 1), ("GET", 2)], ids=["the list", "the key", "the proof"]
)
def test_no_answer_is_no_loss(
    door: Device, model: ModelBoard, pinwarden: Run, method: str, nth: int, moment: str
) -> None:
    """The board's power is cut, before or after it has done what it was asked."""
    before, count = token(door), 0

    def fault(when: str, how: str, _path: str) -> None:
        nonlocal count
        count += (when, how) == (moment, method)
        if (when, how) == (moment, method) and count == nth:
            raise NoAnswer

    model.fault = fault
    result = pinwarden("keys", "rotate", "door", "--address", model.address)
    assert result.exit_code == 3
    pending = door.pending()
    assert (pending is not None) == ((method, nth) != ("GET", 1)), "asked first, and made then"
    assert len(door.kids()) == 1, "what the board has not shown to have signs nothing"
    assert model.takes(token(door))
    if pending is not None:
        assert "waits in pending.json" in result.stderr
        assert "is on its way" in pinwarden("check", "door").stderr
        told = pinwarden("keys", "list", "door", "--address", model.address).stdout
        assert f"{pending.kid}         pending" in told
    again = pinwarden("keys", "rotate", "door", "--address", model.address)
    assert again.exit_code == 0
    assert ("begun by an earlier run" in again.stdout) == (pending is not None)
    assert door.keys() == model.keys
    assert len(door.keys()) == 2
    assert pending is None or pending.key == door.keys()[-1], "it went on with the same key"
    assert model.takes(before)
    assert model.takes(token(door))
    assert door.pending() is None


def test_a_board_that_does_not_answer_is_not_waited_for(
    door: Device, model: ModelBoard, pinwarden: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ANSWER_TIMEOUT", 0.2)
    over = threading.Event()

    def fault(when: str, method: str, _path: str) -> None:
        if (when, method) == ("after", "POST"):
            over.wait(20)

    model.fault = fault
    try:
        result = pinwarden("keys", "rotate", "door", "--address", model.address)
    finally:
        over.set()
    assert result.exit_code == 3
    assert "no answer within" in result.stderr
    assert "waits in pending.json" in result.stderr
    assert pinwarden("keys", "rotate", "door", "--address", model.address).exit_code == 0
    assert door.keys() == model.keys


def test_ctrl_c_says_how_things_stand(
    door: Device, model: ModelBoard, pinwarden: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = client.send

    def interrupted(address: str, method: str, path: str, **rest) -> client.Answer:
        if method == "POST":
            raise KeyboardInterrupt
        return sent(address, method, path, **rest)

    monkeypatch.setattr("pinwarden.signed.send", interrupted)
    result = pinwarden("keys", "rotate", "door", "--address", model.address)
    assert result.exit_code == 130
    assert "The old key still signs" in result.stderr
    monkeypatch.undo()


def test_a_full_disk_says_how_things_stand(
    door: Device, model: ModelBoard, pinwarden: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, _data: bytes, _mode: int) -> None:
        raise OSError(28, "No space left on device", str(path))

    first = door.kids()[0]
    with monkeypatch.context() as changed:
        changed.setattr(keys, "write_atomic", full)
        result = pinwarden("keys", "rotate", "door", "--address", model.address)
    assert result.exit_code == 1
    assert "waits in pending.json" in result.stderr
    assert pinwarden("keys", "rotate", "door", "--address", model.address).exit_code == 0

    with monkeypatch.context() as changed:
        changed.setattr(keystore, "write_atomic", full)
        result = pinwarden("keys", "retire", "door", first, "--yes", "--address", model.address)
    assert result.exit_code == 1
    assert f"{first} is gone from the board, but not from here: door/secrets/retired.json" in result.stderr
    assert "until then a deploy brings the key back" in result.stderr
    assert pinwarden("keys", "retire", "door", first, "--yes", "--address", model.address).exit_code == 0
    assert first not in door.kids()


def run_killed(step: int, *args: str) -> int:
    """Run pinwarden in the working directory, killed before its `step`-th step. Returns its exit code."""
    script = Path(__file__).with_name("kill_at.py")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1"}
    command = [sys.executable, str(script), str(step), *args]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30)
    assert "Traceback" not in done.stderr
    return done.returncode


def reset(door: Device, model: ModelBoard, fresh: dict[str, bytes]) -> None:
    """Both sides as they were at the start."""
    for folder in (door.keys_file.parent, door.state_folder):
        for path in folder.iterdir() if folder.exists() else []:
            path.unlink()
    if door.state_folder.exists():
        door.state_folder.rmdir()
    for name, data in fresh.items():
        keys.write_atomic(door.keys_file.with_name(name), data, 0o600)
    model.keys = door.keys()


def test_killed_before_any_step_of_a_rotation(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    fresh = {path.name: path.read_bytes() for path in door.keys_file.parent.iterdir()}
    old, before = door.kids()[0], token(door)
    seen: list[tuple[bool, int, int]] = []
    code = -9
    for step in range(1, 100):
        reset(door, model, fresh)
        code = run_killed(step, "keys", "rotate", "door", "--address", model.address)
        if code != -9:
            break
        pending = door.pending()
        seen.append((pending is not None, len(model.kids), len(door.kids())))
        assert door.kids()[0] == old
        assert set(door.kids()) <= set(model.kids), "nothing signs that the board does not take"
        assert model.takes(before)
        assert model.takes(token(door))
        if pending is not None or len(door.kids()) == 1:
            assert pinwarden("keys", "rotate", "door", "--address", model.address).exit_code == 0
        assert len(door.keys()) == 2, "the rotation goes on, and no second one begins"
        assert door.keys() == model.keys
        assert model.takes(before)
        assert model.takes(token(door))
        assert files_in(door.keys_file.parent) == {"keys.json", "wifi.toml"}, "no copy of a key stays behind"
    assert code == 0
    # Nothing done; pending here; on the board, too; in keys.json, too; all but the end of the process.
    assert list(dict.fromkeys(seen))[:4] == [(False, 1, 1), (True, 1, 1), (True, 2, 1), (True, 2, 2)]


def test_killed_before_any_step_of_a_retirement(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    assert pinwarden("keys", "rotate", "door", "--address", model.address).exit_code == 0
    fresh = {path.name: path.read_bytes() for path in door.keys_file.parent.iterdir()}
    old, new = door.kids()
    seen: list[tuple[int, int, int]] = []
    code = -9
    for step in range(1, 100):
        reset(door, model, fresh)
        code = run_killed(step, "keys", "retire", "door", old, "--yes", "--address", model.address)
        if code != -9:
            break
        seen.append((len(model.kids), len(door.retired()), len(door.kids())))
        assert new in door.kids()
        assert set(door.kids()) <= {old, new}
        assert old in door.kids() or old not in model.kids, "what is retired here is gone there"
        assert model.takes(token(door))
        if old in door.kids():
            result = pinwarden("keys", "retire", "door", old, "--yes", "--address", model.address)
            assert result.exit_code == 0
        assert door.kids() == model.kids == [new]
        assert door.retired() == [old]
        assert files_in(door.keys_file.parent) == {"keys.json", "retired.json", "wifi.toml"}
    assert code == 0
    assert list(dict.fromkeys(seen)) == [(2, 0, 2), (1, 0, 2), (1, 1, 2)]


def test_two_at_once_do_not_get_in_each_others_way(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def fault(when: str, method: str, _path: str) -> None:
        if (when, method) == ("before", "POST"):
            asked.set()
            go_on.wait(20)

    model.fault = fault
    codes: list[int] = []
    first = threading.Thread(
        target=lambda: codes.append(run_killed(1000, "keys", "rotate", "door", "--address", model.address))
    )
    first.start()
    try:
        assert asked.wait(20)
        second = pinwarden("keys", "rotate", "door", "--address", "127.0.0.1:9")
        third = pinwarden("keys", "retire", "door", door.pending().kid, "--yes", "--here-only")  # type: ignore[union-attr]
    finally:
        go_on.set()
        first.join()
    assert (second.exit_code, third.exit_code, codes) == (1, 1, [0])
    assert "another pinwarden is changing the keys of door" in second.stderr
    assert door.keys() == model.keys
    assert len(door.keys()) == 2


def test_a_fault_shows_no_secret(
    door: Device, model: ModelBoard, pinwarden: Run, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:
    """Whatever fails, with a traceback and without, in the middle of what handles the key."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a fault of this test")

    shown = ""
    for module, name in ((hkdf, "derive"), (keystore, "_write"), (keys, "write"), (keys, "board_key")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, fail)
            command = ["--debug", "keys", "rotate", "door", "--address", model.address]
            result = CliRunner().invoke(cli, command)  # the fixture would not have the traceback
            assert result.exit_code == 70
            assert "a fault of this test" in result.output
            shown += result.output
    shown += "".join(capfd.readouterr())
    assert pinwarden("keys", "rotate", "door", "--address", model.address).exit_code == 0
    for key in [*door.keys(), *model.keys]:
        assert key["k"] not in shown
        assert keys.secret(key).hex() not in shown
        assert repr(keys.secret(key)) not in shown
    assert "eyJ" not in shown, "nor a token"
