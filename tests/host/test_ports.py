"""The board's port: found, chosen, and every reason why it cannot be used."""

from __future__ import annotations

import errno
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
import serial
from click.testing import Result
from serial.tools import list_ports_common

from boot_rom import boot_rom
from pinwarden import params
from pinwarden.errors import NoPort, PortBusy, PortDenied, PortGone, SeveralPorts, UserError
from pinwarden.usb import ports
from pinwarden.usb.ports import Port

CP2102 = ("/dev/ttyUSB0", 0x10C4, 0xEA60, "0001")
CH340 = ("/dev/ttyUSB1", 0x1A86, 0x7523, None)
NATIVE = ("/dev/ttyACM0", 0x303A, 0x1001, "24:0A:C4:00:00:01")
MODEM = ("/dev/ttyACM1", 0x12D1, 0x1506, None)
ONBOARD = ("/dev/ttyS0", None, None, None)


@pytest.fixture
def attached(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has these ports, as tuples like the above, on this computer."""

    def attach(*found: tuple[str, int | None, int | None, str | None]) -> None:
        infos = []
        for device, vid, pid, number in found:
            info = list_ports_common.ListPortInfo(device, skip_link_detection=True)
            info.vid, info.pid, info.serial_number = vid, pid, number
            infos.append(info)
        monkeypatch.setattr("serial.tools.list_ports.comports", lambda: infos)
        monkeypatch.setattr(ports, "_checked", lambda port: port)
        monkeypatch.setattr(ports, "without_driver", lambda: [])

    return attach


@pytest.fixture
def line() -> Iterator[str]:
    """The path of a pseudo-terminal, which is as good as a port."""
    ends = pty.openpty()
    yield os.ttyname(ends[1])
    for end in ends:
        os.close(end)


@pytest.mark.parametrize(
    ("vid", "pid", "name"),
    [
        (0x10C4, 0xEA60, "Silicon Labs CP210x"),
        (0x1A86, 0x7523, "WCH CH340, CH343 or CH9102"),
        (0x1A86, 0x55D4, "WCH CH340, CH343 or CH9102"),
        (0x0403, 0x6001, "FTDI"),
        (0x303A, 0x1001, "Espressif's own USB"),
        (0x067B, 0x2303, "Prolific PL2303"),
        (0x067B, 0x9999, None),
        (0x12D1, 0x1506, None),
        (None, None, None),
    ],
)
def test_bridges(vid: int | None, pid: int | None, name: str | None) -> None:
    assert ports.bridge_name(vid, pid) == name


def test_the_only_board(attached: Callable[..., None]) -> None:
    attached(ONBOARD, MODEM, CP2102)
    assert ports.choose(None) == "/dev/ttyUSB0"
    assert ports.list_ports() == [Port("/dev/ttyUSB0", "n/a", 0x10C4, 0xEA60, "0001")]


def test_several_and_nobody_to_ask(attached: Callable[..., None]) -> None:
    attached(CP2102, CH340, NATIVE)
    with pytest.raises(SeveralPorts) as caught:
        ports.choose(None)
    for word in (
        "3 boards",
        "/dev/ttyUSB0 (Silicon Labs CP210x, serial number 0001)",
        "/dev/ttyUSB1",
        "ttyACM0",
    ):
        assert word in caught.value.message
    assert "--port" in (caught.value.hint or "")


def test_several_on_a_terminal(attached: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    attached(CP2102, CH340)
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "prompt", lambda text, **options: 2)
    assert ports.choose(None) == "/dev/ttyUSB1"


@pytest.mark.parametrize(
    ("found", "says", "remedy"),
    [
        ((), "this computer has no serial port", "data cable"),
        ((ONBOARD,), "there is only /dev/ttyS0", "data cable"),
        ((ONBOARD, MODEM), "there is /dev/ttyACM1, which is no bridge", "--port /dev/ttyACM1"),
    ],
)
def test_none(attached: Callable[..., None], found: tuple, says: str, remedy: str) -> None:
    attached(*found)
    with pytest.raises(NoPort) as caught:
        ports.choose(None)
    assert says in caught.value.message
    assert remedy in (caught.value.hint or "")
    assert caught.value.exit_code == 3


def test_bridge_without_a_driver(tmp_path: Path) -> None:
    """As Linux shows a CH340 that brltty has taken, beside a CP2102 that works, and a hub."""
    for name, vid, pid, below in (
        ("1-1", "1a86", "7523", "1-1:1.0/nothing"),
        ("1-2", "10c4", "ea60", "1-2:1.0/ttyUSB0"),
        ("1-0:1.0", None, None, "x"),
        ("usb1", "1d6b", "0002", "1-0:1.0"),
    ):
        (tmp_path / name / below).mkdir(parents=True)
        if vid and pid:
            (tmp_path / name / "idVendor").write_text(vid + "\n")
            (tmp_path / name / "idProduct").write_text(pid + "\n")
    assert ports.without_driver(tmp_path) == ["WCH CH340, CH343 or CH9102, 1a86:7523"]
    assert ports.without_driver(tmp_path / "nowhere") == []


def test_bridge_without_a_driver_is_told(
    attached: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    attached(ONBOARD)
    monkeypatch.setattr(ports, "without_driver", lambda: ["WCH CH340, 1a86:7523"])
    with pytest.raises(NoPort, match="no serial port of it") as caught:
        ports.choose(None)
    assert "brltty" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("platform", "release", "word"),
    [
        ("win32", "", "driver"),
        ("darwin", "", "driver"),
        ("linux", "5.15.90.1-microsoft-standard-WSL2", "usbipd"),
    ],
)
def test_remedy_of_the_platform(
    attached: Callable[..., None], monkeypatch: pytest.MonkeyPatch, platform: str, release: str, word: str
) -> None:
    attached()
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "uname", lambda: ("", "", release))
    with pytest.raises(NoPort) as caught:
        ports.choose(None)
    assert word in (caught.value.hint or "")


def test_named(line: str) -> None:
    assert ports.choose(line) == line
    assert ports.choose("socket://127.0.0.1:9876") == "socket://127.0.0.1:9876"
    assert ports.choose("rfc2217://shelf.lan:4000") == "rfc2217://shelf.lan:4000"


@pytest.mark.parametrize("name", ["/dev/ttyUSB77", "COM3", "", "a\0b", "/nowhere/at/all"])
def test_named_and_not_there(name: str) -> None:
    with pytest.raises(NoPort, match="there is no port"):
        ports.choose(name)


def test_named_and_no_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(NoPort, match="is no serial port"):
            ports.choose(str(path))


def test_not_allowed(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PortDenied) as caught:
        ports.choose(line)
    assert re.search(r"sudo usermod -aG \w+ \$USER", caught.value.hint or "")


HOLD = """
import serial, sys, time
port = serial.Serial(sys.argv[1], exclusive=True)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held(line: str) -> Iterator[tuple[str, int]]:
    """A port that another process has open, and that process's id."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield line, holder.pid
        holder.communicate()


def opened(port: str) -> UserError:
    """The error that opening a port ends in."""
    with pytest.raises((OSError, serial.SerialException)) as caught:
        serial.serial_for_url(port, exclusive=True)
    return ports.failed(port, caught.value)


def test_busy(held: tuple[str, int]) -> None:
    port, holder = held
    error = opened(port)
    assert isinstance(error, PortBusy)
    if sys.platform == "linux":
        assert f"(process {holder})" in error.message
        assert str(os.getpid()) not in error.message


def test_flashing_a_busy_port(held: tuple[str, int], pinwarden: Callable[..., Result]) -> None:
    result = pinwarden("flash", "--port", held[0])
    assert result.exit_code == 3
    assert "is in use by" in result.output
    assert "Close it" in result.output


TWO_READERS = (
    "device reports readiness to read but returned no data (device disconnected or multiple access on port?)"
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.EBUSY, "Device or resource busy"), PortBusy),
        (OSError(errno.EACCES, "Permission denied"), PortDenied),
        (OSError(errno.EIO, "Input/output error"), PortGone),
        (OSError(errno.ENODEV, "No such device"), PortGone),
        (serial.SerialException(errno.ENOENT, "could not open port"), NoPort),
        (serial.SerialException("Could not configure port: (25, 'Inappropriate ioctl for device')"), NoPort),
        (serial.SerialException("[Errno 16] Device or resource busy: '/dev/ttyACM0'"), PortBusy),
        (serial.SerialException("Could not exclusively lock port /dev/x"), PortBusy),
        (serial.SerialException(TWO_READERS), PortBusy),
        (OSError(errno.EPIPE, "Broken pipe"), PortGone),
    ],
)  # fmt: skip
def test_what_went_wrong(line: str, error: Exception, kind: type[UserError]) -> None:
    made = ports.failed(line, error)
    assert type(made) is kind
    assert made.exit_code == 3
    assert made.hint


def test_gone_when_its_path_is(tmp_path: Path) -> None:
    error = serial.SerialException("read failed")
    assert isinstance(ports.failed(str(tmp_path / "ttyUSB0"), error), PortGone)


def test_a_url_where_nothing_answers() -> None:
    error = opened("socket://127.0.0.1:9")
    assert isinstance(error, NoPort)
    assert "nothing answers at socket://127.0.0.1:9" in error.message


def test_no_terminal() -> None:
    assert isinstance(opened("/dev/null"), NoPort)


def test_option(monkeypatch: pytest.MonkeyPatch) -> None:
    """--port, or PINWARDEN_PORT."""
    command = click.command()(params.port_option()(lambda port: click.echo(port)))
    from click.testing import CliRunner

    monkeypatch.setenv("PINWARDEN_PORT", "/dev/ttyS3")
    assert CliRunner().invoke(command).output == "/dev/ttyS3\n"
    assert CliRunner().invoke(command, ["--port", "COM4"]).output == "COM4\n"


def test_a_mock_board_on_each_kind_of_port() -> None:
    """The fixture that the tests of flashing stand on."""
    for terminal in (False, True):
        with boot_rom("esp32", pty=terminal) as rom:
            assert ports.choose(rom.port) == rom.port
            assert ports.is_url(rom.port) is not terminal
