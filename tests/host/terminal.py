"""A pseudo-terminal with a shell that knows one job: what a person at a terminal has, and can do."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

LONG = 20.0  # seconds that something may take

# Runs argv[3:] in the foreground of its terminal. Writes the job's id, and "stopped" when it is, to the
# file descriptor argv[1]; goes on when a byte comes from argv[2]. Ends as the job does.
_SHELL = """
import fcntl, os, signal, subprocess, sys, termios
tell, told = int(sys.argv[1]), int(sys.argv[2])
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
before = termios.tcgetattr(0)
job = subprocess.Popen(sys.argv[3:], process_group=0)
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
os.tcsetpgrp(0, job.pid)
os.write(tell, b"%d\\n" % job.pid)
while True:
    _, status = os.waitpid(job.pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        code = os.waitstatus_to_exitcode(status)
        sys.exit(code if code >= 0 else 128 - code)
    os.tcsetpgrp(0, os.getpid())
    os.write(tell, b"stopped\\n")
    os.read(told, 1)
    os.tcsetpgrp(0, job.pid)
    os.kill(job.pid, signal.SIGCONT)
"""


class Terminal:
    """Runs `python -m pinwarden ARGS` in a terminal; a context manager, at the end of which all is ended."""

    def __init__(self, *args: str, folder: Path) -> None:
        self.text = b""
        self._ours, self._theirs = pty.openpty()
        self.modes_before = self.modes()
        self._heard, tell = os.pipe()
        told, self._say = os.pipe()
        command = [sys.executable, "-m", "pinwarden", *args]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "TERM": "xterm",
            "COLUMNS": "200",
        }
        environment.pop("NO_COLOR", None)
        self._shell = subprocess.Popen(
            [sys.executable, "-c", _SHELL, str(tell), str(told), *command],
            cwd=folder,
            env=environment,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
            pass_fds=(tell, told),
        )
        os.close(tell)
        os.close(told)
        self._job = int(self._line())

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shell.poll() is None:
            os.kill(self._job, signal.SIGKILL)
            os.kill(self._job, signal.SIGCONT)
        self._shell.kill()
        self._shell.wait()
        for descriptor in (self._ours, self._theirs, self._heard, self._say):
            os.close(descriptor)

    def modes(self) -> list:
        """The terminal's modes."""
        return termios.tcgetattr(self._theirs)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._ours, keys)

    def signal(self, number: int) -> None:
        """Send the job a signal."""
        os.kill(self._job, number)

    def expect(self, text: str) -> None:
        """Wait until the text is on the screen."""
        end = time.monotonic() + LONG
        while text.encode() not in self.text:
            assert time.monotonic() < end, f"no {text!r} in {self.text!r}"
            self._read(0.1)

    def expect_keys_taken(self) -> None:
        """Wait until keys come at once and are not echoed."""
        end = time.monotonic() + LONG
        while self.modes()[3] & (termios.ECHO | termios.ICANON):
            assert time.monotonic() < end, "the terminal is as it was"
            self._read(0.02)

    def expect_stopped(self) -> None:
        """Wait until the job is suspended."""
        assert self._line() == "stopped"

    def go_on(self) -> None:
        """Take the job to the foreground again."""
        os.write(self._say, b"x")

    def end(self) -> int:
        """Wait for its end, and return the exit code."""
        end = time.monotonic() + LONG
        while self._shell.poll() is None:
            assert time.monotonic() < end, f"it does not end: {self.text!r}"
            self._read(0.05)
        self._read(0)
        assert b"Traceback" not in self.text
        return self._shell.returncode

    def _line(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._heard], [], [], LONG)
            assert ready, f"the shell says nothing: {self.text!r}"
            line += os.read(self._heard, 1)
        return line.decode().strip()

    def _read(self, seconds: float) -> None:
        while select.select([self._ours], [], [], seconds)[0]:
            self.text += os.read(self._ours, 4096)
            seconds = 0
