"""A board's log: octets into lines, colours, and what to do about what the chip's loader says."""

from __future__ import annotations

import pytest

from pinwarden.monitor.serial_log import LONGEST, Splitter, hint_for, style_of


@pytest.mark.parametrize(
    ("pieces", "lines", "rest"),
    [
        ([b"wifi: connected\r\n"], ["wifi: connected"], None),
        ([b"a\nb\n\nc\n"], ["a", "b", "", "c"], None),
        ([b"wi", b"fi: x", b"\r", b"\nnext"], ["wifi: x"], "next"),
        ([b">>> "], [], ">>> "),
        ([b"\r"], [], None),
        ([b"caf\xc3", b"\xa9\n"], ["caf\u00e9"], None),
        ([b"\xff\xfe noise \xc3\n"], ["\\xff\\xfe noise \\xc3"], None),
        ([b"\xed\xa0\x80\n"], ["\\xed\\xa0\\x80"], None),
        ([b"a\x00b\x1b[2Jc\n"], ["a\x00b\x1b[2Jc"], None),
    ],
)
def test_lines(pieces: list[bytes], lines: list[str], rest: str | None) -> None:
    splitter = Splitter()
    assert [line for piece in pieces for line in splitter.feed(piece)] == lines
    assert splitter.flush() == rest
    assert splitter.flush() is None


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("octet", [b"x", "\u00e9".encode(), "\U0001f511".encode(), b"\x80"])
@pytest.mark.parametrize("shift", [0, 1, 2, 3])
def test_a_line_without_end_is_bounded_and_whole(octet: bytes, end: bytes, shift: int) -> None:
    said = b"y" * shift + octet * (3 * LONGEST)
    splitter = Splitter()
    lines = []
    for start in range(0, len(said), 700):
        lines += splitter.feed(said[start : start + 700])
    lines += splitter.feed(end)
    rest = splitter.flush()
    assert all(len(line.encode()) <= 4 * LONGEST for line in lines)
    assert len(lines) >= len(said) // LONGEST - 1
    text = said.decode("utf-8", "backslashreplace")
    assert "".join(lines) + (rest or "") == text, "no character is cut in two, none lost"


def test_one_piece_may_be_longer_than_a_line() -> None:
    assert [len(line) for line in Splitter().feed(b"x" * (2 * LONGEST + 5) + b"\n")] == [LONGEST, LONGEST, 5]


@pytest.mark.parametrize(
    ("line", "style"),
    [
        ("wifi: connected, 10.0.0.2", "cyan"),
        ("http: serving 10.0.0.2 port 80", "green"),
        ("main: stopped from the serial port; the pins are safe", "magenta"),
        ("slots: rolled back to a: it bit", "yellow"),
        ("safe mode: the pins stay safe", "bold red"),
        ("Traceback (most recent call last):", "bold red"),
        ("OSError: [Errno 28] ENOSPC", "red"),
        ("rst:0x1 (POWERON_RESET),boot:0x13", "dim"),
        ("a line of somebody else's", ""),
        ("mode of somebody else's", ""),
    ],
)
def test_colours(line: str, style: str) -> None:
    assert style_of(line) == style


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("Brownout detector was triggered", "too little power"),
        ("rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))", "BOOT button"),
        ("waiting for download", "BOOT button"),
        ("invalid header: 0xffffffff", "pinwarden flash"),
        ("rst:0x8 (TG1WDT_SYS_RST),boot:0xc (SPI_FAST_FLASH_BOOT)", "watchdog"),
        ("safe mode: the pins stay safe", "pinwarden doctor"),
        ("wifi: connected", None),
    ],
)
def test_hints(line: str, says: str | None) -> None:
    hint = hint_for(line)
    assert hint is None if says is None else says in (hint or "")
