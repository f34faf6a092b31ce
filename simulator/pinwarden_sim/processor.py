"""One life of the simulated chip, from power-on to power-off: a process, its serial port and the link to
it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pinwarden_sim import interrupt, runtimes
from pinwarden_sim.stream import Stream
from pinwarden_sim.uart import Uart

SOFT_RESET = 5  # of machine.reset_cause()

_LOOK_AGAIN = 0.05  # seconds; a board that comes to its REPL answers no more
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
        uart: Uart | None = None,
        watchdog: Watchdog | None = None,
    ) -> None:
        self._publish = publish
        self.uart = uart
        self._answers: dict[int, dict] = {}
        self._answered = threading.Condition()
        self._last_id = 0
        self._gone = False  # the link has closed
        self._killed = False
        self._sending = threading.Lock()
        self.watchdog = watchdog or Watchdog()
        if os.name != "posix":
            raise BoardError(
                "the simulated board needs Linux or macOS: it is a process that inherits a socket"
            )
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)  # a property of the connection, so it holds in the child too
        rom = runtimes.rom() if runtime == "micropython" else runtimes.ROM
        script = rom / runtime / "power_on.py"
        options = ["-i"] if uart else _OPTIONS[runtime]  # -i: MicroPython's own REPL at the end
        argv = [*runtimes.interpreter(runtime, heapsize), *options, str(script)]
        try:
            self._process = subprocess.Popen(
                [*argv, str(theirs.fileno()), str(flash), str(rom)],
                stdin=subprocess.PIPE if uart else subprocess.DEVNULL,
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
        if uart and self._process.stdin:
            uart.connect(self._process.pid, self._process.stdin.fileno(), self._interrupt)
        self._link = ours
        self._send_line(config)
        self._thread = threading.Thread(target=self._read, name="board", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def ask(self, command: dict, timeout: float) -> dict:
        """Send a command and wait for its answer. Raises BoardError after `timeout` seconds, or when the
        board refuses or is at MicroPython's own REPL, where the stand-ins do not run.
        """
        number = self._request(command)
        answer = None
        end = time.monotonic() + timeout
        while answer is None and not self._gone and time.monotonic() < end:
            if self.uart and self.uart.is_idle():
                raise BoardError(f"the board is at its REPL and hears nothing (command {command['do']!r})")
            with self._answered:
                self._answered.wait_for(
                    lambda: number in self._answers or self._gone, min(_LOOK_AGAIN, timeout)
                )
                answer = self._answers.pop(number, None)
        if answer is None:
            why = (
                "went off" if self._gone else f"did not answer within {timeout:g} s: the firmware never waits"
            )
            raise BoardError(f"the board {why} (command {command['do']!r})")
        if "error" in answer:
            raise BoardError(f"the board refuses {command['do']!r}: {answer['error']}")
        return answer

    def tell(self, command: dict) -> None:
        """Send a command. It is obeyed before the next write to the flash, or when the firmware waits."""
        with contextlib.suppress(BoardError):
            self._send_line({**command, "id": None})

    def kill(self) -> None:
        """End the process between two instructions, as a power cut does, and read what it had said until
        then.
        """
        self._killed = True
        if self.uart:
            self.uart.disconnect()
        self._process.kill()
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        if self._guard.stdin is not None:
            self._guard.kill()
            self._guard.stdin.close()
            self._guard.wait()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _request(self, command: dict) -> int:
        with self._answered:
            self._last_id += 1
            number = self._last_id
        self._send_line({**command, "id": number})
        return number

    def _interrupt(self) -> bool:
        """Ctrl-C. False when it is a character like any other now."""
        if interrupt.waits(self.pid):
            return False
        try:
            number = self._request({"do": "interrupt", "now": True})
        except BoardError:
            return True  # it is gone
        done = interrupt.interrupt(self.pid, lambda: number in self._answers or self._killed or self._gone)
        if self._answers.pop(number, None) is None:
            self.tell({"do": "interrupt", "now": False})
        return done

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
        serial = Stream(stdout.fileno(), self.uart.output if self.uart else None)
        link = Stream(self._link.fileno())
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
                    self.watchdog = Watchdog()
                    events.append({"e": "watchdog"})
                if serial.ended and link.ended and not self._killed:
                    events.append(self._end())
                self._take(lines, events)
        with self._answered:
            self._gone = True
            self._answered.notify_all()

    def _end(self) -> dict:
        """The last event of a process that ended by itself. MicroPython's own REPL does a soft reset so."""
        if self.uart and self.uart.ready:
            self.uart.disconnect()
            if self._process.wait() >= 0:
                return {"e": "reset", "cause": SOFT_RESET}
        return {"e": "gone"}

    def _wait(self, streams: list[Stream]) -> bool:
        """Wait for the board to say something; False when the watchdog bites first."""
        return bool(select.select(streams, [], [], self.watchdog.left())[0])

    def _take(self, lines: list[str], events: list[dict]) -> None:
        answers = {event.pop("answer"): event for event in events if "answer" in event}
        answers.pop(None, None)  # nobody waits for it
        for event in events:
            if event.get("e") in ("arm", "feed"):
                self.watchdog.feed(event.get("ms"))
            if event.get("e") == "run" and self.uart:
                self.uart.ready = True
        events = [event for event in events if event.get("e") not in (None, "arm", "feed")]
        if lines or events:
            self._publish(self, lines, events)
        if answers:
            with self._answered:
                self._answers.update(answers)
                self._answered.notify_all()


class Watchdog:
    """The timer that resets a board whose firmware does not feed it. A soft reset does not stop it."""

    def __init__(self) -> None:
        self._seconds: float | None = None  # None: not armed
        self._fed = 0.0

    def feed(self, ms: int | None = None) -> None:
        """Start the time anew; with `ms`, that is how long it is from now on."""
        if ms is not None:
            self._seconds = ms / 1000
        self._fed = time.monotonic()

    def left(self) -> float | None:
        """Seconds until it bites; None: never."""
        return None if self._seconds is None else max(0, self._fed + self._seconds - time.monotonic())


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
