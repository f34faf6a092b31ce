"""What goes wrong at the serial port: Ctrl-C at any moment, the cable pulled, the power gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from pinwarden_sim import Board
from pinwarden_sim.board import HARD_RESET, PWRON_RESET

RAW = b"raw REPL; CTRL-B to exit\r\n>"


@pytest.fixture
def port() -> Iterator[Callable[[Board], serial.Serial]]:
    """`port(board)`: its serial port, opened; what is not there after 20 seconds is an error."""
    opened: list[serial.Serial] = []

    def connect(board: Board) -> serial.Serial:
        opened.append(serial.Serial(board.usb.path, exclusive=True, timeout=20))
        return opened[-1]

    yield connect
    for one in opened:
        one.close()


def expect(tool: serial.Serial, ending: bytes) -> bytes:
    """Read until the output ends so."""
    data = tool.read_until(ending)
    assert data.endswith(ending), data
    return data


def read_on(tool: serial.Serial) -> None:
    """Read until the port is gone, which raises."""
    while tool.read(1):
        pass


def enter(tool: serial.Serial) -> None:
    """Stop what runs, and enter the raw REPL."""
    tool.write(b"\r\x03\x01")
    expect(tool, RAW)


def run(tool: serial.Serial, code: str) -> bytes:
    """Run it in the raw REPL; what it printed and, after \\x04, raised."""
    tool.write(code.encode() + b"\x04")
    return expect(tool, b"\x04>")[2:-2]


@pytest.mark.parametrize(
    "busy",
    [
        pytest.param("time.sleep(600)", id="asleep"),
        pytest.param("while True: pass", id="in a loop that calls nothing"),
        pytest.param("asyncio.run(asyncio.sleep(600))", id="in asyncio"),
        pytest.param("sys.stdin.read(1)", id="reading the serial port"),
        pytest.param("while True: open('/f', 'w').write('x')", id="writing"),
        pytest.param("while True: time.time()", id="busy with a stand-in"),
    ],
)
def test_ctrl_c_stops_main(usb_board, port, busy):
    board = usb_board(
        f"""
        import asyncio, sys, time
        print("go")
        try:
            {busy}
        except KeyboardInterrupt:
            print("stopped")
        """,
        runs=True,
    )
    board.wait(lambda: "go" in board.serial)
    tool = port(board)
    tool.write(b"\x03")
    expect(tool, b"stopped\r\n")
    expect(tool, b">>> ")
    assert board.starts == [PWRON_RESET]


def test_ctrl_c_stops_what_runs_from_the_raw_repl_and_the_paste_mode(usb_board, port):
    tool = port(usb_board())
    enter(tool)
    tool.write(b"print('go')\nwhile True: pass\x04")
    expect(tool, b"go\r\n")
    tool.write(b"\x03")
    assert b"KeyboardInterrupt" in expect(tool, b"\x04>")
    tool.write(b"\x05A\x01")
    expect(tool, b"R\x01\x80\x00\x01")
    tool.write(b"print('go')\nwhile True: pass\x04")
    expect(tool, b"go\r\n")
    tool.write(b"\x03")
    assert b"KeyboardInterrupt" in expect(tool, b"\x04>")
    tool.write(b"1/0\x03print(2)\x04")
    assert expect(tool, b"\x04>") == b"OK2\r\n\x04\x04>", "at the prompt it clears the line"


def test_no_ctrl_c_is_lost_and_none_tears_anything(usb_board, port):
    """The stand-ins write to the link and to the flash all the time."""
    board = usb_board(
        """
        import machine, time
        relay = machine.Pin(26, machine.Pin.OUT)
        number = 0
        while True:
            try:
                while True:
                    relay.toggle()
                    with open("/f", "w") as file:
                        file.write("x" * 50)
                    time.sleep_ms(0)
            except KeyboardInterrupt:
                number += 1
                print("stopped", number)
        """,
        runs=True,
    )
    board.wait(lambda: len(board.pin(26).levels) > 2)
    board.power_cut(after_bytes=10**9)  # counts each byte
    tool = port(board)
    for number in range(100):
        tool.write(b"\x03")
        expect(tool, b"stopped %d\r\n" % (number + 1))
    tool.write(b"\x03\x03\x03")
    expect(tool, b"stopped 101\r\n")
    board.wait(lambda: "stopped 101" in board.serial)
    levels = board.pin(26).levels
    assert levels == [number % 2 for number in range(len(levels))]


def test_ctrl_c_is_a_character_where_code_wants_it_so(usb_board, port):
    tool = port(usb_board())
    enter(tool)
    tool.write(
        b"import micropython, sys\nmicropython.kbd_intr(-1)\nprint('go')\nprint(ord(sys.stdin.read(1)))\x04"
    )
    expect(tool, b"go\r\n")
    tool.write(b"\x03")
    expect(tool, b"3\r\n\x04\x04>")


def test_what_is_typed_while_it_starts_is_kept(usb_board, port):
    board = usb_board("print('main')")
    tool = port(board)
    board.reset()
    tool.write(b"\x01")
    expect(tool, RAW)
    board.wait(lambda: board.serial.count("main") == 2)


def test_the_cable_is_pulled(usb_board, port):
    board = usb_board("print('main')")
    tool = port(board)
    board.usb.pull()
    with pytest.raises(serial.SerialException):
        tool.read(100)
    assert not board.alive
    assert not Path(board.usb.path).exists()
    with pytest.raises(serial.SerialException):
        port(board)
    board.usb.plug()
    board.wait(lambda: board.state == "repl")
    enter(port(board))
    assert board.starts == [PWRON_RESET, PWRON_RESET]


def test_the_cable_is_pulled_from_a_board_with_its_own_power(usb_board, port):
    board = usb_board(
        """
        import time
        while True:
            time.sleep_ms(10)
            print("tick")
        """,
        runs=True,
    )
    expect(port(board), b"tick\r\n")
    board.usb.pull(power=False)
    before = len(board.serial)
    board.wait(lambda: len(board.serial) > before + 5)
    board.usb.plug()
    expect(port(board), b"tick\r\n")
    assert board.starts == [PWRON_RESET]


CODE = b"open('/f', 'w').write('whole')\x04"


@pytest.mark.parametrize("missing", [0, 1, 10])
@pytest.mark.parametrize("power", [True, False])
def test_the_cable_is_pulled_at_a_byte(usb_board, port, missing, power):
    board = usb_board()
    tool = port(board)
    enter(tool)
    board.usb.pull(after=len(CODE) - missing, power=power)
    tool.write(CODE)
    with pytest.raises(serial.SerialException):
        read_on(tool)
    board.wait(lambda: board.alive is not power)
    assert (board.flash / "f").exists() == (missing == 0)
    board.usb.plug()
    board.wait(lambda: board.state == "repl")
    again = port(board)
    again.write(b"\x03\x02")
    expect(again, b">>> ")


def test_the_power_fails_at_a_byte_that_a_tool_has_written(usb_board, port):
    """Set before the tool came: it holds over its Ctrl-C and its soft reset."""
    board = usb_board("import time\ntime.sleep(600)", runs=True)
    board.power_cut(after_bytes=23)
    tool = port(board)
    enter(tool)
    run(tool, "open('/a', 'w').write('x' * 10)")
    board.wait(lambda: board._flash.cut_after == 13)  # the count is the host's over a soft reset
    tool.write(b"\x04")
    expect(tool, RAW)
    tool.write(b"open('/b', 'w').write('x' * 100)\x04")
    with pytest.raises(serial.SerialException):
        read_on(tool)
    board.wait(lambda: not board.alive)
    assert ((board.flash / "a").stat().st_size, (board.flash / "b").stat().st_size) == (10, 13)
    board.power_on()
    board.wait(lambda: board.state == "/main.py")
    again = port(board)
    enter(again)
    assert run(again, "print(open('/b', 'w').write('x' * 100))") == b"100\r\n\x04", "it fails once"


@pytest.mark.parametrize("when", ["off", "at the prompt"])
def test_the_power_failure_is_set_while_nothing_runs(usb_board, port, when):
    board = usb_board()
    if when == "off":
        board.power_cut()
    board.power_cut(after_bytes=5)
    board.power_on()
    board.wait(lambda: board.state == "repl")
    tool = port(board)
    enter(tool)
    tool.write(b"open('/a', 'w').write('0123456789')\x04")
    board.wait(lambda: not board.alive)
    assert (board.flash / "a").read_text() == "01234"


def test_a_reset_at_the_repl(usb_board, port):
    board = usb_board("print('main')")
    tool = port(board)
    enter(tool)
    tool.write(b"import machine; machine.reset()\x04")
    expect(tool, b"main\r\n")
    expect(tool, b">>> ")
    assert board.starts == [PWRON_RESET, HARD_RESET]


def test_a_chip_with_its_own_usb_is_gone_while_it_resets(usb_board, port):
    board = usb_board("print('main')")
    board.usb.native = True
    tool = port(board)
    enter(tool)
    tool.write(b"import machine; machine.reset()\x04")
    with pytest.raises(serial.SerialException):
        read_on(tool)
    board.wait(lambda: board.starts[1:] == [HARD_RESET] and board.state == "repl")
    again = port(board)
    expect(again, b"main\r\n")
    enter(again)


def test_a_crash_of_the_process_is_a_loss_of_power(usb_board, port):
    board = usb_board()
    tool = port(board)
    enter(tool)
    assert board.pid is not None
    os.kill(board.pid, signal.SIGSEGV)
    with pytest.raises(serial.SerialException):
        tool.read(100)
    board.wait(lambda: not board.alive)
