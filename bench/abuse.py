"""`python -m bench.abuse`: ten minutes of mixed abuse of a whole board, and a good client that is answered.

The board is real MicroPython with bounded memory, as deployed, everything at its defaults. Fifty clients
misbehave at once (abusers.py), some of them from the good client's own address. Ends with 1 unless each call
was answered, the memory is where it was, and each edge of each pin was asked for.
"""

from __future__ import annotations

import argparse
import base64
import json
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jwt
from rich.console import Console
from rich.table import Table

from bench import workload
from bench.abusers import SLOW, Abusers
from pinwarden import board as files
from pinwarden import boardlib
from pinwarden_sim import Board, runtimes

RELAY, LAMP = 26, 25
# Bytes by which the free heap may have shrunk: what the audit keeps until it may write again (24 events, some
# refusals), who is remembered. An object for each request would be four million.
KEPT_BYTES = 8192
CALL_TIMEOUT = 30.0  # seconds; longer than anybody may wait for a place
AGAIN = 2  # times that it makes a call once more whose connection ended without any answer
PACE = 0.1  # seconds between the good client's calls


@dataclass
class Call:
    """What came of one call of the good client."""

    seconds: float
    status: int  # 0: no answer


@dataclass
class GoodClient:
    """Somebody with a token who switches the relay and looks at the pins, on a new connection each time."""

    port: int
    token: str
    calls: list[Call] = field(default_factory=list)
    changes: int = 0  # of the relay, asked for and answered
    again: int = 0  # times that a connection ended before any answer, and the call was made once more

    def work(self, until: Callable[[], bool]) -> None:
        while not until():
            number = len(self.calls)
            if number % 2:
                self._call(_request("GET", "/api/v1/pins", self.token))
            else:
                value = number // 2 % 2 == 0
                body = json.dumps({"value": value}).encode()
                if self._call(_request("PUT", "/api/v1/pins/relay", self.token, body)) == 200:
                    self.changes += 1
            time.sleep(PACE)

    def _call(self, data: bytes) -> int:
        start = time.monotonic()
        answer = exchange(self.port, data)
        for _ in range(AGAIN):
            if not answer:
                # Turned out before the request was there: any client asks again, and this is no toggle.
                self.again += 1
                answer = exchange(self.port, data)
        status = int(answer[9:12] or 0) if answer.startswith(b"HTTP/1.1 ") else 0
        self.calls.append(Call(time.monotonic() - start, status))
        return status


@dataclass
class Report:
    """The figures of a run."""

    client: GoodClient
    abusers: Abusers
    heap_before: int | None
    heap_after: int | None
    descriptors: int  # that the board has open, and had not before
    edges: dict[str, int]  # of each pin
    starts: int
    tracebacks: int

    @property
    def failures(self) -> int:
        return sum(call.status != 200 for call in self.client.calls)

    @property
    def unexplained(self) -> int:
        """Edges of pins that nobody with a token has asked for, and those that were asked for in vain."""
        return abs(self.edges["relay"] - self.client.changes) + self.edges["lamp"]

    def problems(self) -> list[str]:
        """What is not as it should be."""
        found = []
        if self.failures or not self.client.calls:
            told = Counter(call.status for call in self.client.calls)
            found.append(f"{self.failures} of {len(self.client.calls)} calls failed: {dict(told)}")
        if self.unexplained:
            found.append(f"{self.unexplained} edges that nobody asked for")
        if self.starts != 1 or self.tracebacks:
            found.append(f"{self.starts - 1} resets and {self.tracebacks} tracebacks")
        found += self.abusers.faults
        if self.descriptors > 0:
            found.append(f"{self.descriptors} connections were never closed")
        if self.heap_before and self.heap_after and self.heap_before - self.heap_after > KEPT_BYTES:
            found.append(f"{self.heap_before - self.heap_after} bytes of memory are gone")
        return found


def _request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: door.local\r\nAuthorization: Bearer {token}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


def exchange(port: int, data: bytes) -> bytes:
    """What the board says to these octets, up to its end of the connection; nothing if that comes at once."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), CALL_TIMEOUT) as connection:
            connection.sendall(data)
            while part := connection.recv(65536):
                answer += part
    except OSError:
        return answer
    return answer


def install(flash: Path, runtime: str, http: Mapping[str, int]) -> None:
    """Make the flash of a device with a relay and a lamp; `http` are settings of its server."""
    pins = {"relay": {"kind": "switch", "gpio": RELAY}, "lamp": {"kind": "switch", "gpio": LAMP}}
    settings = boardlib.firmware("settings").check_settings(
        {"version": 1, "name": "door", "chip": "esp32", "pins": pins, "http": dict(http)}
    )
    secret = base64.urlsafe_b64encode(workload.SECRET.encode()).rstrip(b"=").decode()
    key = {"kty": "oct", "kid": "bench", "alg": "HS256", "k": secret}
    secrets = {"wifi": {"ssid": "simulated", "password": "simulated-air"}, "keys": [key]}
    files.install(flash, settings, secrets, mpy=runtime == "micropython")


def free(board: Board) -> int | None:
    """The free heap in bytes, the most that is seen within two seconds: a refused client stays for one."""
    seen = []
    end = time.monotonic() + 2
    while time.monotonic() < end:
        seen.append(board.status()["heap_free"])
        time.sleep(0.1)
    return max(seen) if seen[0] is not None else None


def descriptors(board: Board) -> int:
    """How many descriptors the board's process has open; 0 where there is no /proc to tell."""
    folder = Path(f"/proc/{board.pid}/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def run(board: Board, seconds: float, connections: int, hold: float = 8.0) -> Report:
    """Abuse a started board that `install` has made."""
    now = int(time.time())
    tokens = workload.tokens(now)
    claims = {
        "sub": "owner",
        "aud": "door",
        "iat": now - 60,
        "exp": now + 86400,
        "scope": "pins:read pins:write",
    }
    client = GoodClient(board.port, jwt.encode(claims, workload.SECRET, algorithm="HS256"))
    warm_up = iter(range(20))
    client.work(lambda: next(warm_up, None) is None)
    before, opened = free(board), descriptors(board)
    client.calls.clear()
    with Abusers(board.port, connections, tokens, hold=hold) as abusers:
        end = time.monotonic() + seconds
        client.work(lambda: time.monotonic() > end)
    # The last ones have their time, too: a minute at most, for a reader that is slow but not too slow.
    end = time.monotonic() + 60
    while descriptors(board) > opened and time.monotonic() < end:
        time.sleep(0.1)
    left = descriptors(board) - opened
    after = free(board)
    pins = {"relay": RELAY, "lamp": LAMP}
    # What each pin did before the first call is the start's doing: boot.py's safe level.
    edges = {name: len(board.pin(gpio).history) - 1 for name, gpio in pins.items()}
    lines = [line for line in board.serial if "Traceback" in line]
    return Report(client, abusers, before, after, left, edges, len(board.starts), len(lines))


def show(report: Report, console: Console) -> None:
    """Print the figures."""
    times = sorted(call.seconds for call in report.client.calls)
    table = Table(title="Fifty who misbehave", title_justify="left")
    for column in ("", "connections", "cut by the board", "longest, s", "answers"):
        table.add_column(column, justify="right" if column and column != "answers" else "left")
    for name, opened in sorted(report.abusers.opened.items()):
        told = ", ".join(f"{n} x {status}" for status, n in sorted(report.abusers.answers[name].items()))
        longest = f"{report.abusers.longest.get(name, 0):.1f}" if name in SLOW else ""
        table.add_row(name, str(opened), str(report.abusers.cut[name]), longest, told)
    console.print(table)
    console.print(
        f"The good client: {len(times)} calls, {report.failures} failed, {report.client.again} made again; "
        f"median {statistics.median(times) * 1e3:.1f} ms, 99 % within "
        f"{times[len(times) * 99 // 100] * 1e3:.0f} ms, worst {times[-1] * 1e3:.0f} ms"
    )
    console.print(f"Free heap: {report.heap_before} bytes before, {report.heap_after} after")
    console.print(
        f"Edges: {report.edges['relay']} of the relay, {report.client.changes} asked for; "
        f"{report.edges['lamp']} of the lamp; unexplained: {report.unexplained}"
    )


def main() -> int:
    """Abuse, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.abuse", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=50, help="at once (default: %(default)s)")
    parser.add_argument("--heap", default="256k", help="MicroPython's heap (default: %(default)s)")
    parser.add_argument("--runtime", choices=runtimes.RUNTIMES, default="micropython")
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        flash = Path(folder) / "flash"
        install(flash, options.runtime, {})
        with Board(flash, options.runtime, clock=int(time.time()), ntp=False, heapsize=options.heap) as board:
            report = run(board.start(), options.seconds, options.connections)
    show(report, console)
    for problem in report.problems():
        console.print(f"FAILED: {problem}")
    return 1 if report.problems() else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
