"""`pinwarden monitor` as a person has it: at a terminal, with keys, and in a pipe.

Every way out puts the terminal back.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .cable import Cable
from .terminal import Terminal


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    """A port on which a test speaks as the board."""
    made = Cable(tmp_path)
    yield made
    made.pull()


@contextmanager
def monitoring(cable: Cable, *options: str) -> Iterator[Terminal]:
    """The command at a terminal, ready for keys."""
    with Terminal("monitor", "--port", str(cable.path), *options, folder=cable.path.parent) as terminal:
        terminal.expect("Following")
        terminal.expect_keys_taken()
        yield terminal


WAYS_OUT: list[tuple[Callable[[Terminal], None], int]] = [
    (lambda terminal: terminal.type(b"\x1d"), 0),
    (lambda terminal: terminal.type(b"some words\x1d"), 0),
    (lambda terminal: terminal.type(b"\x03"), 0),
    (lambda terminal: terminal.type(b"\x1c"), 131),
    (lambda terminal: terminal.signal(signal.SIGINT), 0),
    (lambda terminal: terminal.signal(signal.SIGTERM), 143),
    (lambda terminal: terminal.signal(signal.SIGHUP), 129),
]


@pytest.mark.parametrize("plugged", [True, False], ids=["plugged", "pulled"])
@pytest.mark.parametrize(("leave", "code"), WAYS_OUT)
def test_every_way_out_restores_the_terminal(
    cable: Cable, leave: Callable[[Terminal], None], code: int, plugged: bool
) -> None:
    with monitoring(cable) as terminal:
        cable.say("wifi: connected, 10.0.0.2\r\n")
        terminal.expect("connected, 10.0.0.2")
        assert cable.heard() == b""
        if not plugged:
            cable.pull()
            terminal.expect("went away")
        leave(terminal)
        assert terminal.end() == code
        assert terminal.modes() == terminal.modes_before


def test_keys_are_not_sent_to_the_board(cable: Cable) -> None:
    with monitoring(cable) as terminal:
        terminal.type(b"import machine\r\n\x04\x01")
        cable.say("main: x\r\n")
        terminal.expect("main: x")
        assert cable.heard() == b""
        terminal.type(b"\x03")
        assert terminal.end() == 0
        assert b"machine" not in terminal.text


def test_suspended_and_taken_up_again(cable: Cable) -> None:
    with monitoring(cable) as terminal:
        for _ in range(2):
            terminal.type(b"\x1a")
            terminal.expect_stopped()
            assert terminal.modes() == terminal.modes_before
            terminal.go_on()
            terminal.expect_keys_taken()
        cable.say("boot: here\r\n")
        terminal.expect("boot: here")
        terminal.type(b"\x1d")
        assert terminal.end() == 0
        assert terminal.modes() == terminal.modes_before


def test_colours_are_ours_alone(cable: Cable) -> None:
    with monitoring(cable, "--no-time") as terminal:
        cable.say(b"wifi: connected \x1b]0;owned\x07\x1b[2J\x9b\xff\r\n")
        terminal.expect("\x1b[36mwifi: connected")
        terminal.expect("\\xff")
        assert b"\x1b]0" not in terminal.text
        assert b"\x1b[2J" not in terminal.text
        terminal.type(b"\x1d")
        assert terminal.end() == 0


@contextmanager
def in_a_pipe(cable: Cable, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The command with its output in a pipe, and no terminal at all."""
    command = [sys.executable, "-m", "pinwarden", "monitor", "--port", str(cable.path), *options]
    with subprocess.Popen(
        command,
        cwd=cable.path.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), "PATH": "", "HOME": str(cable.path.parent)},
    ) as process:
        assert process.stderr
        assert process.stderr.readline().startswith("Following")
        try:
            yield process
        finally:
            process.kill()


def test_in_a_pipe(cable: Cable) -> None:
    log = cable.path.parent / "board.log"
    log.write_text("of yesterday\n")
    with in_a_pipe(cable, "--no-time", "--log", str(log)) as process:
        assert process.stdout
        for line in ("wifi: connected", "http: serving"):
            cable.say(line + "\r\n")
            assert process.stdout.readline() == line + "\n", "at once, and without colours"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")
    assert [line.split(" ", 1)[1] for line in log.read_text().splitlines()[1:]] == [
        "wifi: connected",
        "http: serving",
    ]
    assert log.read_text().startswith("of yesterday\n")


def test_a_reader_that_goes_away(cable: Cable) -> None:
    with in_a_pipe(cable) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        cable.say("one\r\ntwo\r\n")
        assert process.wait(20) == 141
        assert process.stderr.read() == ""


def test_a_log_that_cannot_be_written(cable: Cable, pinwarden) -> None:
    result = pinwarden("monitor", "--port", str(cable.path), "--log", "no/such/folder/log")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no/such/folder/log: No such file or directory" in result.stderr
