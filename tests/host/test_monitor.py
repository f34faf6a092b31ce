"""`pinwarden monitor`: a board's log over a pseudo-terminal that stands for its port."""

from __future__ import annotations

import contextlib
import fcntl
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial
from click.testing import Result

import testbed
from pinwarden.commands.monitor import _Screen
from pinwarden.device import Device
from pinwarden.errors import PortBusy, UserError
from pinwarden.monitor import board_build, follower
from pinwarden.monitor.board_build import OTHER, UNKNOWN, BoardBuild
from pinwarden.monitor.follower import Back, Event, Gone, Said
from pinwarden.monitor.tracebacks import Sources
from pinwarden.usb import ports
from pinwarden.usb.ports import Port
from pinwarden_sim import Board

from .cable import Cable
from .doctor_board import serving

Run = Callable[..., Result]
LONG = 20.0  # seconds that a test waits for what is to happen


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    """A port on which a test speaks as the board."""
    made = Cable(tmp_path)
    yield made
    made.pull()


@pytest.fixture
def following() -> Iterator[Callable[[str], Iterator[Event]]]:
    """The events of a port; they end after a while, so that a test that waits in vain fails."""
    with contextlib.ExitStack() as stack:

        def follow(port: str) -> Iterator[Event]:
            end = time.monotonic() + LONG
            events = follower.follow(port, follower.open_quietly(port), lambda: time.monotonic() > end)
            stack.callback(events.close)  # pyright: ignore
            return events

        yield follow


def test_lines_come_as_they_are_said(cable: Cable, following) -> None:
    events = following(str(cable.path))
    cable.say("wifi: connected\r\nhttp: ser")
    assert next(events) == Said("wifi: connected")
    cable.say("ving 10.0.0.2 port 80\r\n")
    assert next(events) == Said("http: serving 10.0.0.2 port 80")
    cable.say(">>> ")
    assert next(events) == Said(">>> "), "a line without end is shown after a while"


def test_a_port_that_goes_and_comes_back(cable: Cable, following) -> None:
    events = following(str(cable.path))
    cable.say("main: resetting\r\nlast wor")
    assert next(events) == Said("main: resetting")
    cable.pull()
    assert next(events) == Said("last wor")
    assert next(events) == Gone(str(cable.path))
    cable.plug()
    assert next(events) == Back(str(cable.path)), "a board that says nothing is back, too"
    cable.say("boot: here\r\n")
    assert next(events) == Said("boot: here")


def test_a_port_that_flutters_is_told_once(
    cable: Cable, following, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A port that can be opened and fails at once, as while a chip resets, is not back."""
    events = following(str(cable.path))
    (tmp_path / "spare").mkdir()
    spare = Cable(tmp_path / "spare")
    spare.pull()
    cable.pull()
    assert next(events) == Gone(str(cable.path))
    opened: list[str] = []
    really = follower.open_quietly

    def flutter(port: str) -> serial.Serial:
        opened.append(port)
        if len(opened) < 4:
            spare.plug()
            lost = really(str(spare.path))
            spare.pull()
            return lost
        cable.plug()
        good = really(port)
        cable.say("boot: here\r\n")
        return good

    monkeypatch.setattr(follower, "open_quietly", flutter)
    assert [next(events), next(events)] == [Back(str(cable.path)), Said("boot: here")]
    assert len(opened) == 4


def test_the_same_device_under_another_name(
    cable: Cable, following, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    known = [Port(str(cable.path), "bridge", 0x303A, 0x1001, "AA:BB")]
    monkeypatch.setattr(ports, "all_ports", lambda: known)
    events = following(str(cable.path))
    cable.pull()
    assert next(events) == Gone(str(cable.path))
    (tmp_path / "other").mkdir()
    other = Cable(tmp_path / "other")
    known[:] = [Port(str(other.path), "bridge", 0x303A, 0x1001, "AA:BB")]
    assert next(events) == Back(str(other.path))
    events.close()
    other.pull()
    cable.plug()


def test_nothing_is_sent(cable: Cable, following) -> None:
    events = following(str(cable.path))
    cable.say("x\n")
    assert next(events) == Said("x")
    assert cable.heard() == b""
    events.close()


class Lines(serial.Serial):
    """A port that notes how its control lines are set, and when it is opened."""

    seen: list[tuple[str, bool]]

    def _update_dtr_state(self) -> None:
        self.seen.append(("dtr", bool(self._dtr_state)))  # pyright: ignore

    def _update_rts_state(self) -> None:
        self.seen.append(("rts", bool(self._rts_state)))  # pyright: ignore


@pytest.mark.parametrize(
    ("vid", "set_lines"),
    [
        (0x10C4, [("dtr", True), ("rts", False), ("dtr", False)]),
        (0x303A, [("dtr", True), ("rts", True)]),
        (None, [("dtr", True), ("rts", False), ("dtr", False)]),
    ],
)
def test_no_board_is_reset(
    cable: Cable, monkeypatch: pytest.MonkeyPatch, vid: int | None, set_lines: list[tuple[str, bool]]
) -> None:
    """The system raises both lines as it opens a port. RTS up while DTR is down would be a reset."""
    seen: list[tuple[str, bool]] = []
    monkeypatch.setattr(Lines, "seen", seen, raising=False)
    monkeypatch.setattr(
        serial, "serial_for_url", lambda port, baud, do_not_open, **more: _closed(port, **more)
    )
    monkeypatch.setattr(ports, "all_ports", lambda: [Port(str(cable.path), "", vid, None, None)])
    follower.open_quietly(str(cable.path)).close()
    assert seen == set_lines
    state = {"dtr": True, "rts": True}
    for line, up in seen:
        state[line] = up
        assert state["dtr"] or not state["rts"], "this resets the board"


def _closed(port: str, **more: object) -> Lines:
    made = Lines(**more)  # pyright: ignore
    made.port = port
    return made


def test_a_port_that_cannot_be_opened(cable: Cable, pinwarden: Run) -> None:
    result = pinwarden("monitor", "--port", "/dev/no-such-port")
    assert result.exit_code == 3
    with open(cable.path, "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(PortBusy):
            follower.open_quietly(str(cable.path))
        result = pinwarden("monitor", "--port", str(cable.path))
    assert (result.exit_code, result.stdout) == (3, "")
    assert "in use" in result.stderr
    for port in ("socket://127.0.0.1:1", "nonsense://x", ""):
        with pytest.raises(UserError):
            follower.open_quietly(port)


def screen(**options: object) -> _Screen:
    chosen = {"show_time": False, "log": None, **options}
    return _Screen(Sources(), BoardBuild(None), **chosen)  # pyright: ignore


EVIL = "\x1b]0;owned\x07\x9b2J\u202e\x08\x7f"


def test_a_board_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        shown = screen(log=log)
        shown.show(Said(f"wifi: {EVIL}"))
        shown.show(Said(f'  File "/firmware/{EVIL}.py", line 3'))
        shown.show(Said("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"))
        shown.show(Gone(EVIL))
    out, err = capsys.readouterr()
    kept = (tmp_path / "log").read_text()
    for text in (out, err, kept):
        assert not set(text) & set(EVIL) - set("]0;owned2J")
        assert "eyJ" not in text
    assert "\\x1b]0;owned" in out


def test_time_log_and_source(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        shown = screen(show_time=True, log=log)
        for event in (
            Said("Traceback (most recent call last):"),
            Said('  File "/firmware/wifi.py", line 1, in _connect'),
            Said("OSError: 28"),
            Gone("/dev/ttyUSB0"),
            Back("/dev/ttyUSB1"),
        ):
            shown.show(event)
    out, err = capsys.readouterr()
    clock = r"[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3} "
    assert all(re.match(clock, line) for line in out.splitlines())
    lines = [re.sub(clock, "", line) for line in out.splitlines()]
    assert re.fullmatch(r'    -> .*firmware/wifi\.py:1  """The Wi-Fi.*', lines[2])
    assert (lines[0], lines[3]) == ("Traceback (most recent call last):", "OSError: 28")
    assert err.splitlines() == [UNKNOWN, "/dev/ttyUSB0 went away; waiting for it …", "/dev/ttyUSB1 is back."]
    kept = [
        re.sub(r"^[0-9-]{10}T[0-9:.]{12}[+-][0-9:]{5} ", "", line)
        for line in (tmp_path / "log").read_text().splitlines()
    ]
    assert kept == [*lines, "-- /dev/ttyUSB0 went away; waiting for it …", "-- /dev/ttyUSB1 is back."]


def test_a_doubt_and_a_hint_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    shown = screen()
    for _ in range(3):
        shown.show(Said('  File "/firmware/wifi.py", line 2'))
        shown.show(Said("Brownout detector was triggered"))
    err = capsys.readouterr().err
    assert err.count(UNKNOWN) == 1
    assert err.count("too little power") == 1


def test_the_board_is_asked_what_it_runs(door: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    class Made:
        build = "0123456789ab"

    monkeypatch.setattr(board_build, "build", lambda _device: Made())
    asked = BoardBuild(door)
    for told, doubt in (("0123456789ab", None), ("ba9876543210", OTHER), (None, OTHER)):
        with serving(door, told={"build": told}) as board:
            door.remember("127.0.0.1", board.port)
            asked.ask()
            asked.wait(LONG)
        assert asked.doubt == doubt
    asked.ask()
    asked.wait(LONG)
    assert asked.doubt == OTHER, "a board that does not answer changes nothing"
    assert BoardBuild(None).doubt == UNKNOWN


def remark(events: Iterator[Event]) -> Event:
    """The next event that is no line."""
    return next(event for event in events if not isinstance(event, Said))


def test_a_simulated_board(following, tmp_path: Path) -> None:
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    testbed.install(tmp_path / "flash", "micropython")
    with Board(tmp_path / "flash", usb=True, clock=int(time.time())) as board:
        board.start()
        path, starts = board.usb.path, len(board.starts)
        events = following(path)
        board.reset()
        assert Said("wifi: connected, 127.0.0.1") in events
        assert Said("http: serving 127.0.0.1 port 80") in events
        board.usb.native = True  # from here on, the port goes away when the chip is reset
        board.reset()
        assert [remark(events), remark(events)] == [Gone(path), Back(path)]
        board.usb.pull()
        assert remark(events) == Gone(path)
        board.usb.plug()
        assert remark(events) == Back(path)
        assert len(board.starts) == starts + 3, "the monitor itself resets nothing"
