"""One life of the simulated chip, from power-on to power-off: a process, its serial port and the link to
it.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pinwarden_sim import runtimes

_CHUNK = 65536
_ROUNDS = 1000  # a board that prints without a pause must not go unheard for ever
# Kills the board's process when the host's end of its standard input closes, which it does however the host
# ends. The board ends by itself when its link closes, but not while the firmware is stuck in a loop.
_GUARD = 'read _; kill -KILL "$0" 2>/dev/null'


class BoardError(Exception):
    """The simulated board did not do as it was told. The text says what, with the end of what it printed."""


class Processor:
    """A running process. `publish(processor, lines, events)` gets what it printed and what its chip did;
    called on one thread.

    What is in one call happened before anything of a later call, for both streams: who has seen a line of
    the serial port has seen the pins' edges of before it, and the other way round. The last event may be
    one that ends this life: "reset" or "cut" of the firmware's, "watchdog" when that bit, "gone" when the
    process ended by itself.
    """

    def __init__(
        self,
        runtime: str,
        flash: Path,
        config: dict,
        *,
        heapsize: str | None,
        publish: Callable[[Processor, list[str], list[dict]], None],
    ) -> None:
        self._publish = publish
        self._answers: dict[int, dict] = {}
        self._answered = threading.Condition()
        self._last_id = 0
        self._gone = False  # the link has closed
        self._killed = False
        self._sending = threading.Lock()
        self._watchdog: float | None = None  # seconds the firmware has; None: not armed
        self._fed = 0.0
        if os.name != "posix":
            raise BoardError(
                "the simulated board needs Linux or macOS: it is a process that inherits a socket"
            )
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)  # a property of the connection, so it holds in the child too
        rom = runtimes.rom() if runtime == "micropython" else runtimes.ROM
        script = rom / runtime / "power_on.py"
        argv = [*runtimes.interpreter(runtime, heapsize), *_OPTIONS[runtime], str(script)]
        try:
            self._process = subprocess.Popen(
                [*argv, str(theirs.fileno()), str(flash), str(rom)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno()],
                env=_environment(),
                start_new_session=True,  # Ctrl-C in the terminal is for the host
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._link = ours
        self._send_line(config)
        self._thread = threading.Thread(target=self._read, name="board", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ask(self, command: dict, timeout: float) -> dict:
        """Send a command and wait for its answer. Raises BoardError after `timeout` seconds, or when the
        board refuses.
        """
        with self._answered:
            self._last_id += 1
            number = self._last_id
        self._send_line({**command, "id": number})
        with self._answered:
            self._answered.wait_for(lambda: number in self._answers or self._gone, timeout)
            answer = self._answers.pop(number, None)
        if answer is None:
            why = (
                "went off" if self._gone else f"did not answer within {timeout:g} s: the firmware never waits"
            )
            raise BoardError(f"the board {why} (command {command['do']!r})")
        if "error" in answer:
            raise BoardError(f"the board refuses {command['do']!r}: {answer['error']}")
        return answer

    def kill(self) -> None:
        """End the process between two instructions, as a power cut does, and read what it had said until
        then.
        """
        self._killed = True
        self._process.kill()
        self._process.wait()
        if self._guard.stdin is not None:
            self._guard.kill()
            self._guard.stdin.close()
            self._guard.wait()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _send_line(self, message: dict) -> None:
        try:
            with self._sending:
                self._link.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            raise BoardError("the board is off") from None

    def _read(self) -> None:
        """Take what the board says until the process ends."""
        stdout = self._process.stdout
        if stdout is None:
            raise TypeError("the serial port must be a pipe")
        serial, link = Stream(stdout.fileno()), Stream(self._link.fileno())
        with stdout, self._link:
            while not (serial.ended and link.ended):
                bitten = not self._wait([stream for stream in (serial, link) if not stream.ended])
                # Until both are quiet at one moment, or an edge could be told before a line that was
                # printed ahead of it.
                for _ in range(_ROUNDS):
                    if not serial.read() | link.read():
                        break
                lines = [line.decode(errors="replace").rstrip("\r") for line in serial.lines()]
                events = [json.loads(line) for line in link.lines()]
                if bitten:
                    self._watchdog = None
                    events.append({"e": "watchdog"})
                if serial.ended and link.ended and not self._killed:
                    events.append({"e": "gone"})
                self._take(lines, events)
        with self._answered:
            self._gone = True
            self._answered.notify_all()

    def _wait(self, streams: list[Stream]) -> bool:
        """Wait for the board to say something; False when the watchdog bites first."""
        left = None if self._watchdog is None else max(0, self._fed + self._watchdog - time.monotonic())
        return bool(select.select(streams, [], [], left)[0])

    def _take(self, lines: list[str], events: list[dict]) -> None:
        answers = {event.pop("answer"): event for event in events if "answer" in event}
        for event in events:
            if event.get("e") == "arm":
                self._watchdog = event["ms"] / 1000
            if event.get("e") in ("arm", "feed"):
                self._fed = time.monotonic()
        events = [event for event in events if event.get("e") not in (None, "arm", "feed")]
        if lines or events:
            self._publish(self, lines, events)
        if answers:
            with self._answered:
                self._answers.update(answers)
                self._answered.notify_all()


class Stream:
    """A descriptor that is read without waiting, cut into lines."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._data = b""
        self.ended = False
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        """For select()."""
        return self._descriptor

    def read(self) -> bool:
        """Read what has come. Returns whether there was any."""
        before = len(self._data)
        while not self.ended:
            try:
                data = os.read(self._descriptor, _CHUNK)
            except BlockingIOError:
                break
            except OSError:
                data = b""  # a connection that was killed may end by a reset
            self._data += data
            self.ended = not data
        return len(self._data) > before

    def lines(self) -> list[bytes]:
        """The whole lines so far; at the end, what is left too."""
        *whole, self._data = self._data.split(b"\n")
        if self.ended and self._data:
            whole.append(self._data)
            self._data = b""
        return whole


_OPTIONS = {
    # No site packages (-S, -s) and none of the host's environment (-E): a board has neither.
    "cpython": ["-E", "-s", "-S", "-u"],
    "micropython": [],
}


def _environment() -> dict[str, str]:
    """The little that an interpreter needs to start; the board knows nothing of its host."""
    return {
        name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT") if name in os.environ
    }
