"""`pinwarden doctor` finds the board, leaves a healthy one alone, ends in time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pinwarden.device import Device
from pinwarden.doctor import reach, usb, visit
from pinwarden.doctor.examination import Examination, Finding, failed, ok, warning
from pinwarden.errors import NoPort
from pinwarden.usb.ports import Port

from .doctor_board import serving

Run = Callable[..., Result]
Check = dict[str, str]

pytestmark = pytest.mark.usefixtures("nothing_attached")


def test_a_name_that_is_found(door: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.1.20", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: answer * 2)
    assert reach.resolve(door, None, found) == ok("door.local is 192.168.1.20")
    door.remember("192.168.1.20", 80)
    assert reach.resolve(door, None, []).state == "ok"
    door.remember("192.168.1.7", 80)
    finding = reach.resolve(door, None, [])
    assert (finding.state, "last answered at 192.168.1.7" in finding.found) == ("warning", True)
    assert reach.candidates(door, None, found) == ["192.168.1.7", "192.168.1.20"]
    assert reach.candidates(door, "10.0.0.1:8080", found) == ["10.0.0.1:8080"]


def test_a_name_that_nobody_answers_for(door: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: never.wait(30))
    monkeypatch.setattr(reach, "RESOLVE_TIME", 0.05)
    finding = reach.resolve(door, None, [])
    never.set()
    assert (finding.state, finding.found) == ("warning", "no answer for door.local within 0 s")


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_remedy_for_names_is_the_systems(platform: str) -> None:
    remedy = reach.name_remedy(platform)
    assert {"linux": "avahi", "darwin": "macOS", "win32": "Windows"}[platform] in remedy
    assert "Android" in remedy


@pytest.mark.parametrize(
    ("place", "parts"),
    [
        ("door.local", ("door.local", 80)),
        ("10.0.0.1:81", ("10.0.0.1", 81)),
        ("[fe80::1]", ("fe80::1", 80)),
        ("[fe80::1]:8080", ("fe80::1", 8080)),
    ],
)
def test_the_parts_of_an_address(place: str, parts: tuple[str, int]) -> None:
    assert reach.split(place) == parts


def test_the_board_is_found_by_its_name_where_it_is_not_any_more(
    door: Device, edit, examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(door) as board, socket.create_server(("127.0.0.1", 0)) as server:
        gone = server.getsockname()[1]
        server.close()
        edit("#port = 80", f"port = {board.port}")
        door.remember("127.0.0.1", gone)
        others = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *more: others("127.0.0.1" if host == "door.local" else host, *more),
        )
        code, checks = examine()
    assert (code, [check["found"] for check in checks.values() if check["state"] == "failed"]) == (0, [])
    assert board.address in checks["http connect"]["found"]


def test_where_the_board_is_is_remembered(door: Device, examine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "is_loopback", lambda _host: False)
    with serving(door, secret=bytes(32)) as board:
        examine("--address", board.address)
        assert door.last_seen() is None, "what takes no token of ours may be anybody"
    with serving(door) as board:
        examine("--address", board.address)
    assert (door.last_seen() or {})["port"] == board.port


class Looked:
    """Stands for the look over USB."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ports: list[str]) -> None:
        self.at: list[str] = []
        found = [Port(name, "bridge", 0x10C4, 0xEA60, None) for name in ports]
        monkeypatch.setattr("pinwarden.usb.ports.all_ports", lambda: found)
        monkeypatch.setattr("pinwarden.usb.ports._checked", lambda port: port)
        monkeypatch.setattr(usb, "examine", self)

    def __call__(self, examination: Examination, _device: Device, port: str, _ours: object) -> None:
        self.at.append(port)
        for name in ("port", "repl"):
            examination.note("usb", name, ok(port))


@pytest.mark.parametrize(
    ("answers", "ports", "args", "env", "looked_at"),
    [
        (True, ["/dev/ttyUSB0"], [], {}, []),
        (True, ["/dev/ttyUSB0"], [], {"PINWARDEN_PORT": "/dev/ttyUSB0"}, []),
        (True, [], ["--port", "/dev/ttyUSB7"], {}, ["/dev/ttyUSB7"]),
        (False, ["/dev/ttyUSB0"], [], {}, ["/dev/ttyUSB0"]),
        (False, ["/dev/ttyUSB0"], [], {"PINWARDEN_PORT": "/dev/ttyUSB9"}, ["/dev/ttyUSB9"]),
        (False, ["/dev/ttyUSB0"], ["--no-usb"], {}, []),
        (False, ["/dev/ttyUSB0", "/dev/ttyUSB1"], [], {}, []),
        (False, [], [], {}, []),
    ],
)
def test_a_board_that_answers_is_not_disturbed(
    door: Device,
    examine,
    monkeypatch: pytest.MonkeyPatch,
    answers: bool,
    ports: list[str],
    args: list[str],
    env: dict[str, str],
    looked_at: list[str],
) -> None:
    looked = Looked(monkeypatch, ports)
    with serving(door) as board:
        address = board.address if answers else "127.0.0.1:1"
        code, checks = examine("--address", address, *args, env=env)
    assert looked.at == looked_at
    assert checks["usb port"]["state"] == ("ok" if looked_at else "skipped")
    assert code == (0 if answers else 1 if looked_at else 3)


def test_what_answers_but_is_no_board_is_looked_into(
    door: Device, examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Looked(monkeypatch, ["/dev/ttyUSB0"])
    with serving(door, health=(200, b"<html>")) as board:
        examine("--address", board.address)
    assert looked.at == ["/dev/ttyUSB0"]


def test_a_port_that_is_asked_for_and_is_not_there_fails(
    door: Device, examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(door) as board:
        code, checks = examine("--address", board.address, "--port", "/dev/no-such-port")
    assert (code, checks["usb port"]["state"]) == (1, "failed")
    code, _ = examine("--address", "127.0.0.1:1", "--port", "/dev/no-such-port")
    assert code == 3


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--no-usb", "--port", "/dev/ttyUSB0"], "contradict"),
        (["--address", "http://door"], "no address"),
    ],
)
def test_wrong_usage(door: Device, pinwarden: Run, args: list[str], says: str) -> None:
    result = pinwarden("doctor", "door", *args)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_question_has_a_time_limit() -> None:
    never = threading.Event()
    examination = Examination()

    def wait() -> Finding:
        never.wait(30)
        return ok("late")

    assert examination.ask("here", "slow", wait, limit=0.05).state == "failed"
    never.set()
    assert examination.exit_status == 1
    assert Examination(longest=0).ask("here", "late", lambda: ok("")).state == "skipped"


def test_a_user_error_is_a_failure_with_its_remedy() -> None:
    def fail() -> Finding:
        raise NoPort("no port", "Plug it in.")

    examination = Examination()
    assert examination.ask("usb", "port", fail) == failed("no port", "Plug it in.")
    assert examination.exit_status == 3
    with pytest.raises(ZeroDivisionError):
        examination.ask("usb", "fault", lambda: ok(str(1 // 0)))


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([("http", "connect", ok("")), ("http", "heap", warning(""))], 0),
        ([("http", "connect", failed(""))], 3),
        ([("http", "connect", failed("")), ("usb", "port", failed(""))], 3),
        ([("http", "connect", failed("")), ("usb", "repl", ok(""))], 1),
        ([("http", "connect", ok("")), ("usb", "port", failed(""))], 1),
        ([("http", "connect", failed("")), ("here", "keys", failed(""))], 1),
    ],
)
def test_the_exit_status(found: list[tuple[str, str, Finding]], status: int) -> None:
    examination = Examination()
    for group, name, finding in found:
        examination.note(group, name, finding)
    assert examination.exit_status == status


def test_every_check_is_in_the_documentation(door: Device, examine) -> None:
    page = (Path(__file__).parents[2] / "docs/troubleshooting.md").read_text()
    _, checks = examine("--no-usb", "--address", "127.0.0.1:1")
    assert len(checks) == 8 + 21 + 14
    assert [name for name in checks if f"`{name}`" not in page] == []
