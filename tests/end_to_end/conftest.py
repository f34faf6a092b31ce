"""The command and the simulated board, each as a process of its own, from an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import testbed
from pinwarden_sim import Board, runtimes

TIMEOUT = 30.0  # seconds, for a process to do one thing


@pytest.fixture(params=runtimes.RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    """Each test runs once for each runtime."""
    if not testbed.have(request.param):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    return request.param


@pytest.fixture
def flash(runtime: str, tmp_path: Path) -> Path:
    """The folder of a board's flash with the test device."""
    testbed.install(tmp_path / "flash", runtime)
    return tmp_path / "flash"


@pytest.fixture
def board(flash: Path, runtime: str) -> Iterator[Board]:
    """That board, started; its clock is right."""
    with Board(flash, runtime, clock=int(time.time())) as made:
        yield made.start()


def environment() -> dict[str, str]:
    """Nothing of the developer's own: no default device, no token, no colours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PINWARDEN_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1", "PYTHONUTF8": "1"}


@dataclass
class Command:
    """Runs `pinwarden` in a folder; whatever it does, it shows no traceback."""

    folder: Path

    def __call__(self, *args: str, code: int = 0) -> str:
        """What it prints on stdout; for an expected failure (`code`), what it says on stderr."""
        done = subprocess.run(
            [sys.executable, "-m", "pinwarden", *args],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
        assert "Traceback" not in done.stdout + done.stderr
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout


@dataclass
class Simulation:
    """A running `pinwarden simulate`, and the lines it has printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    ended: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        """Collect its lines to the end."""
        assert self.process.stdout
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def expect(self, pattern: str) -> re.Match[str]:
        """The first line so far, or to come, with this pattern."""
        end = time.monotonic() + TIMEOUT
        compiled = re.compile(pattern)
        with self.changed:
            while True:
                for line in self.lines:
                    if match := compiled.search(line):
                        return match
                if self.ended or time.monotonic() > end:
                    raise AssertionError(f"no {pattern!r} in:\n" + "\n".join(self.lines))
                self.changed.wait(1)


@pytest.fixture
def pinwarden(tmp_path: Path) -> Command:
    """The command, in an empty folder."""
    return Command(tmp_path)


@pytest.fixture
def simulate(tmp_path: Path) -> Iterator[Callable[..., Simulation]]:
    """`simulate("door", "--runtime", …)`: the command in a pipe, on a free port; it ends with the test."""
    with ExitStack() as running:

        def start(*args: str) -> Simulation:
            process = subprocess.Popen(
                [sys.executable, "-m", "pinwarden", "simulate", "--port", "0", *args],
                cwd=tmp_path,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            made = Simulation(process)
            reader = threading.Thread(target=made.read)
            reader.start()
            running.callback(end, made, reader)
            return made

        yield start


def end(simulation: Simulation, reader: threading.Thread) -> None:
    """Stop it as a service manager does. It leaves quietly."""
    simulation.process.terminate()
    try:
        simulation.process.wait(TIMEOUT)
    finally:
        simulation.process.kill()
        simulation.process.wait()
        reader.join()
        if simulation.process.stdout:
            simulation.process.stdout.close()
    assert not [line for line in simulation.lines if "Traceback" in line]
