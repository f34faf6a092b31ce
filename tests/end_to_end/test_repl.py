"""Repl against real MicroPython at the simulated board's serial port."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import testbed
from pinwarden.errors import BoardFailed, NoRepl, PortGone
from pinwarden.usb import repl as repl_module
from pinwarden.usb.repl import Repl, compact
from pinwarden_sim import Board

MAIN = """
try:
    import asyncio
    print("main: runs")
    asyncio.run(asyncio.sleep(1000))
except KeyboardInterrupt:
    print("main: stopped")
"""


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    (tmp_path / "flash").mkdir()
    (tmp_path / "flash" / "main.py").write_text(MAIN)
    with Board(tmp_path / "flash", "micropython", usb=True) as made:
        yield made.start(http=False)


@pytest.fixture
def repl(board: Board) -> Iterator[Repl]:
    with Repl(board.usb.path) as made:
        yield made


def test_runs_python_and_returns_what_it_prints(repl: Repl) -> None:
    assert repl.run("for i in range(3):\n    print(i, end=' ')\nprint()") == "0 1 2 \n"
    assert repl.run("x = 'ü€'") == ""
    assert repl.run("print(x)") == "ü€\n", "names last, and text is UTF-8"


@pytest.mark.parametrize("value", [None, True, 42, 1.5, "a'b\"c\n", b"\x00\xff", [1, {"a": (2,)}]])
def test_values_come_back(repl: Repl, value: object) -> None:
    assert repl.value(repr(value)) == value


def test_a_failure_on_the_board_is_told_by_its_last_line(repl: Repl) -> None:
    with pytest.raises(BoardFailed) as error:
        repl.run("def f():\n    raise OSError(28)\nf()")
    assert error.value.error.startswith("OSError: ")
    assert error.value.number == 28
    assert "Traceback" not in error.value.message
    assert repl.value("1 + 1") == 2, "and the board goes on"


@pytest.mark.parametrize("size", [0, 1, 1535, 1536, 1537, 10_000])
def test_a_file_is_written_and_read(board: Board, repl: Repl, size: int) -> None:
    data = os.urandom(size)
    pieces: list[int] = []
    repl.write("/some/folder/file.bin", data, pieces.append)
    assert (board.flash / "some" / "folder" / "file.bin").read_bytes() == data
    assert repl.read("/some/folder/file.bin") == data
    assert sum(pieces) == size
    assert [path.name for path in (board.flash / "some" / "folder").iterdir()] == ["file.bin"]


def test_there_is_no_such_file(repl: Repl) -> None:
    assert repl.read("/none") is None
    assert repl.read("/none/below") is None


def test_a_file_that_does_not_fit_leaves_the_old_one(board: Board) -> None:
    board.power_cut()
    (board.flash / "file.bin").write_bytes(b"old")
    board.flash_size = 5 * 4096
    board.power_on()
    with Repl(board.usb.path) as repl, pytest.raises(BoardFailed) as error:
        repl.write("/file.bin", bytes(40_000))
    assert error.value.number == errno.ENOSPC
    assert (board.flash / "file.bin").read_bytes() == b"old"
    assert not (board.flash / "file.bin.new").exists()


def test_what_was_damaged_on_its_way_is_not_kept(board: Board, repl: Repl) -> None:
    repl.load("files")
    with pytest.raises(BoardFailed) as error:
        repl.run("_put('/file.bin', 'AAAA', True, '00')")
    assert "damaged" in error.value.error
    assert not list(board.flash.glob("file.bin*"))


def test_sets_the_clock(board: Board, repl: Repl) -> None:
    repl.set_clock()
    told = repl.value("__import__('time').time()")
    assert isinstance(told, int)
    assert abs(told + 946684800 - time.time()) < 3, "which counts from 2000"


def test_the_soft_reset_gives_the_memory_back(board: Board) -> None:
    board.power_cut()
    (board.flash / "main.py").write_text("big = bytearray(500_000)\n" + MAIN)
    free = "(__import__('gc').collect(), __import__('gc').mem_free())[1]"
    figures = []
    started = board.serial.count("main: runs")
    for number, soft_reset in enumerate((False, True), 1):
        board.start(http=False)
        board.wait(lambda wanted=started + number: board.serial.count("main: runs") >= wanted)
        with Repl(board.usb.path, soft_reset=soft_reset) as repl:
            figures.append(repl.value(free))
        board.power_cut()
    occupied, cleared = figures
    assert isinstance(occupied, int)
    assert isinstance(cleared, int)
    assert cleared - occupied > 400_000


def test_on_leaving_the_application_runs_again(board: Board) -> None:
    starts = len(board.starts)
    with Repl(board.usb.path) as repl:
        repl.run("pass")
        assert board.state == "repl"
    board.wait(lambda: board.state == "/main.py" and len(board.starts) > starts + 1)


@pytest.mark.parametrize("source", ["while True: pass", "print('half a line', end='')\nwhile True: pass"])
def test_and_when_it_was_left_in_the_middle(board: Board, source: str) -> None:
    with Repl(board.usb.path) as repl, pytest.raises(NoRepl) as error:
        repl.run(source, timeout=1)
    assert "stopped answering" in error.value.message
    board.wait(lambda: board.state == "/main.py")


def test_a_board_that_restarts_in_the_middle(board: Board, repl: Repl) -> None:
    with pytest.raises(NoRepl) as error:
        repl.run("print('MPY: soft reboot')\nwhile True: pass", timeout=1)
    assert "restarted in the middle" in error.value.message


def test_follows_the_log_after_a_reset(board: Board, repl: Repl) -> None:
    repl.reset()
    assert "main: runs" in repl.lines(10)
    board.reset()
    assert "main: runs" in repl.lines(10), "of the next start, too"
    assert [line for line in repl.lines(0.1) if line.startswith("main:")] == []


def test_a_port_that_goes_and_comes_back_is_opened_again(board: Board, repl: Repl) -> None:
    """As the native USB of a chip does at each reset."""
    repl.reset()
    assert "main: runs" in repl.lines(10)
    board.usb.pull(power=False)
    board.usb.plug()
    board.reset()
    assert "main: runs" in repl.lines(10)


def test_a_port_that_stays_away_ends_it(board: Board, repl: Repl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repl_module, "_COMES_BACK", 0.2)
    repl.reset()
    board.usb.pull(power=False)
    with pytest.raises(PortGone):
        list(repl.lines(10))


def test_the_cable_is_pulled_in_the_middle(board: Board) -> None:
    with Repl(board.usb.path) as repl:
        board.usb.pull(after=100)
        with pytest.raises(PortGone) as error:
            repl.run("print(1)\n" * 50)
    assert "was the cable pulled" in error.value.message


def test_scripts_are_sent_without_what_only_people_read() -> None:
    source = "# why\ndef f(x):\n    # why\n    if x:\n        y = '# '  # why\n\n        return y\n"
    assert compact(source) == "def f(x):\n if x:\n  y = '# '\n  return y\n"


def test_every_script_compiles_as_it_is_sent() -> None:
    for script in sorted((Path(repl_module.__file__).parent / "board_scripts").glob("*.py")):
        compile(compact(script.read_text()), script.name, "exec")
