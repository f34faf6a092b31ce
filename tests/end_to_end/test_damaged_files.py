"""A file of /state that cannot be read: set aside, told in /healthz and the log, and the board goes on."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import slotbed
import testbed

DAMAGED = b'{"revocations": [{"jti": "lo'


@pytest.mark.parametrize(
    ("path", "warning"),
    [
        ("state/revocations.json", "revocations"),
        ("state/crash.json", "crash"),
        ("state/clock.json", "clock"),
        ("slot.json", "slot"),
    ],
)
def test_a_damaged_file(runtime: str, tmp_path: Path, path: str, warning: str) -> None:
    flash = tmp_path / "flash"
    slotbed.make(flash, runtime)
    (flash / "state").mkdir()
    file, bad = flash / path, flash / "state" / (Path(path).name + ".bad")
    with slotbed.powered(flash, runtime) as board:
        for number, data in enumerate((DAMAGED, b"", b"\xff" * 100), 1):
            file.write_bytes(data)
            board.start()
            board.clock.set(int(time.time()))
            assert slotbed.health(board) == (200, {"status": "ok", "warnings": [warning]})
            assert bad.read_bytes() == DAMAGED, "the first is kept"
            assert number == 1 or bad.with_name(bad.name + ".2").read_bytes() == data, "and the newest"
            told = slotbed.said(board, "cannot be used")
            assert len(told) == number, board.serial
            assert str(Path("/state", bad.name)) in told[-1]
            board.power_cut()
        board.start()
        board.clock.set(int(time.time()))
        assert slotbed.health(board)[1]["warnings"] == [warning], "until somebody has looked"
        assert len(slotbed.said(board, "cannot be used")) == 3
        for path_of_bad in (flash / "state").glob("*.bad*"):
            path_of_bad.unlink()
        board.reset()
        board.start()
        assert slotbed.health(board) == (200, {"status": "ok"})
        assert not slotbed.said(board, "Traceback")


def test_an_active_version_that_is_gone(runtime: str, tmp_path: Path) -> None:
    """What is there starts. A board that only resets is one that somebody has to fetch."""
    flash = tmp_path / "flash"
    slotbed.make(flash, runtime)
    slotbed.activate(flash, "b", "a", trial=2)
    with slotbed.powered(flash, runtime) as board:
        told = slotbed.ask(board.start())
        assert (told["slot"], told["build"]) == ("a", slotbed.build(flash, "a"))
        assert told["rolled_back"] == "/b holds no version"
        assert board.starts == [1]
    assert slotbed.state(flash) == {
        "slot": "a",
        "previous": None,
        "trial": 0,
        "note": "/b holds no version",
    }


def test_a_key_is_named_by_plain_characters_only(runtime: str, tmp_path: Path) -> None:
    """The tools refuse it before; here somebody has put it onto the board by hand."""
    flash = tmp_path / "flash"
    testbed.install(flash, runtime)
    secrets = testbed.secrets()
    secrets["keys"][0]["kid"] = "a/b"
    (flash / "secrets.json").write_text(json.dumps(secrets))
    with slotbed.powered(flash, runtime) as board:
        status, told = slotbed.health(board.start())
    assert (status, told["status"]) == (503, "safe_mode")
    assert told["problems"] == ['keys[0].kid: holds "a/b"; may hold 1 to 64 of A-Z a-z 0-9 . _ -']
