"""Getting to a raw REPL, from boards that are slow, stuck, blank or gone: what is tried, and what is said."""

from __future__ import annotations

import os
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

from pinwarden.errors import NoPort, NoRepl, PortBusy, PortGone
from pinwarden.usb import serial_line
from pinwarden.usb.serial_line import Line, diagnosis

BANNER = b"raw REPL; CTRL-B to exit\r\n>"
ROM = b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"


class Far:
    """The far end of a pseudo-terminal: `answer(data)` is what comes back for what is typed, None unplugs."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self._ours, theirs = os.openpty()
        tty.setraw(theirs)
        self.path = os.ttyname(theirs)
        self._theirs = theirs  # kept open: else a read fails before anybody has opened the other end
        self.typed = b""
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while data := self._read():
            self.typed += data
            answer = self._answer(data)
            if answer is None:
                break
            os.write(self._ours, answer)
        os.close(self._ours)

    def _read(self) -> bytes:
        try:
            return os.read(self._ours, 4096)
        except OSError:
            return b""

    def close(self) -> None:
        os.close(self._theirs)
        self._thread.join()


@pytest.fixture
def far() -> Iterator[Callable[..., Far]]:
    made: list[Far] = []

    def make(answer: Callable[[bytes], bytes | None]) -> Far:
        made.append(Far(answer))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is waited for takes a tenth of its time."""
    for name in ("_ATTEMPT", "_BOOT_TIME", "_SOFT_RESET_TIME"):
        monkeypatch.setattr(serial_line, name, getattr(serial_line, name) / 10)


def enter(path: str) -> bytes:
    """Get to the raw REPL. Returns what is left to be read then."""
    line = Line(path)
    try:
        line.enter(soft_reset=False)
        line.serial.timeout = 0.2
        return line.serial.read(100)
    finally:
        line.close()


def test_a_board_that_is_ready_answers_the_first_attempt(far) -> None:
    board = far(lambda data: BANNER if b"\x01" in data else b"")
    assert enter(board.path) == b">", "for mpremote, which reads it before the first command"
    assert board.typed == b"\r\x03\x03\r\x01"


def test_what_an_application_prints_until_it_is_interrupted_is_no_answer(far) -> None:
    chatter = b"http: serving 192.168.1.20 port 80\r\nmain: stopped\r\n>>> "
    board = far(lambda data: b"\r\n" + BANNER if b"\x01" in data else chatter)
    assert enter(board.path) == b">"


@pytest.mark.usefixtures("impatient")
def test_a_slow_boards_late_answers_are_not_taken_for_the_next_ones(far) -> None:
    asked = 0

    def answer(data: bytes) -> bytes:
        nonlocal asked
        asked += data.count(b"\x01")
        return BANNER * data.count(b"\x01") if asked > 2 else b""

    def late(data: bytes) -> bytes:
        nonlocal asked
        asked += data.count(b"\x01")
        if asked == 2 and b"\x03" in data:
            return BANNER  # to the first attempt, when the second begins
        return answer(b"\x01" * (data.count(b"\x01"))) if asked > 1 else b""

    board = far(late)
    assert enter(board.path) == b">"


@pytest.mark.usefixtures("impatient")
def test_a_silent_board_is_given_up_after_every_means(far, capsys: pytest.CaptureFixture[str]) -> None:
    board = far(lambda data: b"")
    with pytest.raises(NoRepl) as error:
        enter(board.path)
    assert error.value.reason == "silent"
    assert error.value.message == f"{board.path}: nothing answers"
    attempts = serial_line._PATIENT + serial_line._RELEASED + serial_line._AFTER_RESET
    assert board.typed.count(b"\x01") == attempts
    assert capsys.readouterr().out == "", "mpremote prints what it did not understand"


@pytest.mark.usefixtures("impatient")
def test_a_board_in_a_loop_of_resets_is_caught_while_it_starts(far) -> None:
    """Its main.py resets it before a Ctrl-A comes through, unless Ctrl-C has come first, many times."""
    interrupts = 0

    def answer(data: bytes) -> bytes:
        nonlocal interrupts
        interrupts += data == b"\x03"
        return BANNER if interrupts > 2 and b"\x01" in data else ROM

    assert enter(far(answer).path) == b">"


@pytest.mark.parametrize("typed", [b"\x03", b"\x01"])
def test_a_cable_that_is_pulled_meanwhile(far, typed: bytes) -> None:
    with pytest.raises(PortGone) as error:
        enter(far(lambda data: None if typed in data else b"").path)
    assert "was the cable pulled" in error.value.message


@pytest.mark.parametrize(
    ("heard", "reason", "told"),
    [
        (b"", "silent", "nothing answers"),
        (b"\x00\x00\r\n", "silent", "nothing answers"),
        (ROM + b"waiting for download\r\n", "bootloader", "waits for a flash tool"),
        (ROM.replace(b"SPI_FAST_FLASH_BOOT", b"DOWNLOAD(UART0)"), "bootloader", "waits for a flash tool"),
        (ROM + b"invalid header: 0xffffffff\r\n" * 9, "blank", "there is no firmware on the board"),
        (ROM + b"E (49) boot: No bootable app partitions\r\n", "blank", "there is no firmware on the board"),
        (ROM * 5, "resets", "the board resets again and again"),
        (b"Brownout detector was triggered\r\n" + ROM, "resets", "too little power"),
        (b"MicroPython v1.29.0 on 2026-08-24\r\n>>> ", "stuck", "MicroPython is there"),
        (b"sensor: 21.5\r\nsensor: 21.6\r\n", "foreign", "(it says: sensor: 21.6)"),
        (b"\xf3\xfe\x00\x80\x91\xfe" * 20, "foreign", "no text at 115200 baud"),
        (b"\x1b[31mred\x1b[0m\r\n", "foreign", "\\x1b[31mred"),
    ],
)
def test_says_what_is_wrong(heard: bytes, reason: str, told: str) -> None:
    error = diagnosis(heard, "/dev/ttyUSB0")
    assert error.reason == reason
    assert told in error.message
    assert error.message.startswith("/dev/ttyUSB0: ")
    assert error.hint
    assert error.exit_code == 3


def test_no_such_port(tmp_path: Path) -> None:
    with pytest.raises(NoPort):
        Line(str(tmp_path / "ttyUSB9"))


def test_no_port_at_all(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises((NoPort, PortGone)):
        Line(str(tmp_path / "file"))


@pytest.mark.parametrize("url", ["socket://127.0.0.1:1", "nonsense://x"])
def test_a_url_where_nothing_is(url: str) -> None:
    with pytest.raises(NoPort):
        Line(url)


def test_a_port_that_is_open_already(far) -> None:
    board = far(lambda data: b"")
    with serial.Serial(board.path, exclusive=True), pytest.raises(PortBusy):
        Line(board.path)


def test_a_device_that_is_never_silent() -> None:
    """It says no banner either: whoever waits for it is told when the time is up."""

    class Chatty:
        timeout = None

        def read(self, size: int) -> bytes:
            return b"x" * size

    line = object.__new__(Line)
    line.serial, line._heard = Chatty(), bytearray()
    assert not line._await_banner(0.2)
    assert 0 < len(line._heard) <= 4096
