"""`pinwarden up`: flashes what needs it, deploys, and says what is next. How it flashes: test_flash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import usbbench
from pinwarden.deploy import plan
from pinwarden.errors import NoRepl
from pinwarden.flash import chips, flasher
from pinwarden.usb import serial_line
from usbbench import Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with usbbench.bench(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def flashed(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What was flashed, by a flasher that only notes it."""
    calls: list[tuple] = []

    def flash(port, chip, image, progress, *, whose, may_erase) -> flasher.Flashed:
        calls.append((port, chip, image, whose, may_erase is None))
        monkeypatch.setattr(plan, "OLDEST_MICROPYTHON", (1, 24))
        return flasher.Flashed(chip, "MicroPython 1.29.0", 4 << 20)  # type: ignore[arg-type]

    monkeypatch.setattr(flasher, "flash", flash)
    return calls


@pytest.fixture
def no_repl(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`no_repl(reason)`: the first attempt to get to a REPL ends so."""
    enter = serial_line.Line.enter

    def fail(reason: str) -> None:
        def once(line: serial_line.Line, *, soft_reset: bool) -> None:
            monkeypatch.setattr(serial_line.Line, "enter", enter)
            raise NoRepl(f"{line.device_name}: no REPL", "", reason=reason)

        monkeypatch.setattr(serial_line.Line, "enter", once)

    return fail


def test_a_board_with_micropython_is_deployed_to(bench: Bench, flashed: list[tuple]) -> None:
    said = bench.run("up").stdout
    assert not flashed
    assert f"door runs build {bench.build()} at {bench.board.url}/" in said
    assert "Next:\n  pinwarden mint door --pin relay --qr " in said
    assert bench.healthy()


@pytest.mark.parametrize("reason", ["silent", "blank", "foreign", "bootloader", "resets"])
def test_a_board_without_micropython_is_flashed_first(bench: Bench, flashed, no_repl, reason: str) -> None:
    no_repl(reason)
    said = bench.run("up", "--yes")
    assert flashed == [(bench.board.usb.path, chips.CHIPS["esp32"], None, "door's device.toml", True)]
    assert "no REPL" in said.stderr
    assert "Flashed MicroPython 1.29.0" in said.stderr
    assert bench.healthy()


def test_an_old_micropython_is_replaced(bench: Bench, flashed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "OLDEST_MICROPYTHON", (99, 0))
    assert "Pinwarden needs 99.0 or newer" in bench.run("up").stderr
    assert [call[-1] for call in flashed] == [False], "and what is on the board is asked for"
    assert bench.healthy()


def test_a_board_that_is_only_stuck_is_not_flashed(bench: Bench, flashed, no_repl) -> None:
    no_repl("stuck")
    assert "no REPL" in bench.run("up", code=3).stderr
    assert not flashed


def test_bad_settings_end_it_before_anything_else(bench: Bench, flashed) -> None:
    (bench.device.folder / "device.toml").write_text("version = 1\n")
    said = len(bench.board.serial)
    bench.run("up", code=1)
    assert not flashed
    assert len(bench.board.serial) == said


def test_a_simulated_board_is_asked_where_its_simulation_has_noted(bench: Bench) -> None:
    """It says that it serves at 127.0.0.1 port 80, and knows nothing of this computer's ports."""
    bench.device.remember("127.0.0.1", bench.board.port)
    said = bench.run("up", address="").stdout
    assert f"door runs build {bench.build()} at {bench.board.url}/" in said
