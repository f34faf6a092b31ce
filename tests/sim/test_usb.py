"""The board's serial port, as the real mpremote finds it: program and transport."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from pinwarden import board as files
from pinwarden.device import create
from pinwarden_sim import Board, BoardError
from pinwarden_sim.board import HARD_RESET, PWRON_RESET, SOFT_RESET, WDT_RESET

TIMEOUT = 20  # seconds


def mpremote(board: Board, *arguments: str) -> str:
    """Run the program; its output."""
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.usb.path, *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def transport() -> Iterator[Callable[[Board], SerialTransport]]:
    """`transport(board)`: mpremote's own connection, closed at the end."""
    opened: list[SerialTransport] = []

    def connect(board: Board) -> SerialTransport:
        opened.append(SerialTransport(board.usb.path))
        return opened[-1]

    yield connect
    for one in opened:
        one.serial.close()


def test_the_program_copies_and_reads(usb_board, tmp_path):
    board = usb_board("print('main')")
    data = bytes(range(256)) * 20
    (tmp_path / "data.bin").write_bytes(data)
    out = mpremote(
        board, "cp", str(tmp_path / "data.bin"), ":/data.bin", "+", "sha256sum", ":/data.bin", "+", "ls"
    )
    assert hashlib.sha256(data).hexdigest() in out
    assert f"{len(data)} data.bin" in out
    assert (board.flash / "data.bin").read_bytes() == data
    mpremote(board, "cp", ":/data.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == data


def test_the_program_says_what_code_printed_and_raised(usb_board):
    board = usb_board()
    assert mpremote(board, "exec", "print('a'); print('b')") == "a\nb\n"
    with pytest.raises(AssertionError, match=r'File "<stdin>", line 1[\s\S]*ZeroDivisionError'):
        mpremote(board, "exec", "1/0")


def test_the_program_resets(usb_board):
    board = usb_board("print('main')")
    mpremote(board, "soft-reset")
    assert board.starts == [PWRON_RESET, SOFT_RESET]
    mpremote(board, "reset")
    board.wait(lambda: board.starts[-1] == HARD_RESET)
    board.wait(lambda: board.serial[-5:].count("main") == 1)
    assert mpremote(board, "resume", "exec", "print(1)") == "1\n", "no soft reset in between"


def test_it_looks_as_a_board(usb_board, transport):
    tool = transport(usb_board(chip="esp32c3", flash_size=1 << 20))
    tool.enter_raw_repl()
    tool.exec("import machine, network, esp32, neopixel, ntptime, os, sys, gc")
    path = tool.eval("sys.path")
    assert path[-3:] == ["", ".frozen", "/lib"]
    assert [folder for folder in path if not folder.startswith("/.rom/")] == path[-3:]
    assert tool.eval("(os.getcwd(), os.listdir())") == ("/", ["main.py"])
    assert tool.eval("(len(machine.unique_id()), machine.reset_cause())") == (6, SOFT_RESET)
    assert tool.eval("sys.implementation._mpy & 0xff") == 6
    assert "ESP32C3" in tool.eval("os.uname()[4]")
    assert tool.eval("os.statvfs('/')[:5]") == (4096, 4096, 256, 256, 256)
    tool.exec("with open('/a', 'wb') as f: f.write(b'x' * 5000)\nos.sync()\nos.rename('/a', '/b')")
    assert tool.eval("(os.stat('/b')[6], os.statvfs('/')[3], sorted(os.ilistdir('/')))") == (
        5000,
        254,
        [("b", 0x8000, 0, 5000), ("main.py", 0x8000, 0, 0)],
    )
    assert not [name for name in tool.eval("dir()") if name in ("mount", "die", "rom", "vfs")]


COUNTED = """
import machine
relay = machine.Pin(26, machine.Pin.OUT)
print("boot", machine.reset_cause())
"""


def test_a_soft_reset_in_raw_mode_leaves_main_out(usb_board, transport):
    board = usb_board("relay.on()\nprint('main')", files={"boot.py": COUNTED})
    tool = transport(board)
    tool.enter_raw_repl(soft_reset=False)
    tool.exec("left = 1")
    assert tool.eval("(relay.value(), left)") == (1, 1)
    board.serial.clear()
    tool.enter_raw_repl(soft_reset=True)
    shown = [line for line in board.serial if line.startswith(("MPY", "boot", "main"))]
    assert shown == ["MPY: soft reboot", f"boot {SOFT_RESET}"]
    assert tool.eval("'left' in globals()") is False
    assert board.pin(26).levels == [0, 1], "a soft reset does not touch the pins"


def test_a_soft_reset_in_friendly_mode_runs_main(usb_board, transport):
    board = usb_board("print('main')", files={"boot.py": COUNTED})
    tool = transport(board)
    tool.enter_raw_repl()
    tool.exit_raw_repl()
    board.serial.clear()
    tool.serial.write(b"\x04")
    tool.read_until(1, b"main\r\n")
    assert [line for line in board.serial if line.startswith(("MPY", "boot", "main"))] == [
        "MPY: soft reboot",
        f"boot {SOFT_RESET}",
        "main",
    ]


@pytest.mark.parametrize("code", ["import sys; sys.exit()", "import machine; machine.soft_reset()"])
def test_code_that_asks_for_a_soft_reset_at_the_repl(usb_board, transport, code):
    board = usb_board("print('main')")
    tool = transport(board)
    tool.enter_raw_repl(soft_reset=False)
    tool.exec_raw_no_follow(code)
    tool.read_until(1, b"MPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>")
    assert board.starts == [PWRON_RESET, SOFT_RESET]
    assert board.serial.count("main") == 1


def test_the_whole_firmware_is_stopped_with_its_pins_safe(micropython, tmp_path, transport):
    device = create("door", tmp_path)
    flash = tmp_path / "flash"
    wifi = {"ssid": "home", "password": "a password"}
    files.install(flash, device.settings, {**device.secrets(), "wifi": wifi}, mpy=True)
    with Board(flash, "micropython", heapsize="224k", usb=True) as board:
        board.start()
        tool = transport(board)
        tool.enter_raw_repl(soft_reset=False)
        assert "main: stopped from the serial port; the pins are safe" in board.serial
        assert board.pin(26).level == 0
        tool.enter_raw_repl(soft_reset=True)
        assert tool.eval("__import__('machine').Pin(26).value()") == 0
        assert board.pin(26).levels == [0]


def test_two_tools_at_once(usb_board, transport):
    board = usb_board()
    transport(board)
    with pytest.raises(TransportError, match="failed to access"):
        transport(board)


def test_nobody_listens(usb_board, transport):
    """The board prints at its own pace, and a tool hears what is said from then on."""
    board = usb_board(
        """
        import time
        for number in range(20000):
            print(number, "x" * 50)
        print("all said")
        while True:
            time.sleep_ms(20)
            print("tick")
    """,
        runs=True,
    )
    board.wait(lambda: "all said" in board.serial)
    heard = transport(board).read_until(1, b"tick\r\n")
    assert heard.endswith(b"tick\r\n")
    assert len(heard) < 3 * len(b"tick\r\n"), heard


def test_a_tool_that_does_not_read(usb_board, transport):
    board = usb_board(
        """
        import sys
        sys.stdin.read(1)
        for number in range(20000):
            print(number, "x" * 50)
        print("all said")
    """,
        runs=True,
    )
    tool = transport(board)
    tool.serial.write(b"!")
    board.wait(lambda: "all said" in board.serial)
    assert tool.read_until(1, b"0 " + b"x" * 50 + b"\r\n").endswith(b"x\r\n"), "what fitted was kept"


def test_a_board_at_its_repl_says_that_it_hears_nothing_else(usb_board, transport):
    board = usb_board()
    with pytest.raises(BoardError, match="at its REPL"):
        board.status(timeout=60)
    tool = transport(board)
    tool.enter_raw_repl(soft_reset=False)
    tool.exec_raw_no_follow("import time\nprint('runs')\nfor _ in range(9000): time.sleep_ms(1)")
    tool.read_until(1, b"runs\r\n")
    assert board.status()["uptime_ms"] > 0, "while code waits, it does"


def test_the_watchdog_goes_on_over_a_soft_reset(usb_board, transport):
    board = usb_board("import machine\nif machine.reset_cause() == 1: machine.WDT(timeout=2000)")
    tool = transport(board)
    tool.enter_raw_repl(soft_reset=True)
    board.wait(lambda: board.starts == [PWRON_RESET, SOFT_RESET, WDT_RESET])


def test_there_is_no_usb_without_asking_nor_on_cpython(tmp_path):
    with pytest.raises(BoardError, match="usb=True"):
        Board(tmp_path, "cpython").usb.pull()
    with pytest.raises(BoardError, match="runtime micropython"):
        Board(tmp_path, "cpython", usb=True)


def test_the_path_goes_with_the_board(micropython, tmp_path):
    with Board(tmp_path, "micropython", usb=True) as board:
        folder = Path(board.usb.path).parent
        assert not Path(board.usb.path).exists(), "it has no power yet"
        board.start(http=False)
        assert Path(board.usb.path).exists()
    assert not folder.exists()
