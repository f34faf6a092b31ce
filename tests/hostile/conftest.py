"""One board on each runtime, as deployed and with a board's memory; its time limits are short, so that the
tests see them pass.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import testbed
from pinwarden_sim import Board, runtimes

HEAP = "192k"  # objects are twice as large here as on the board
# Seconds; and requests a minute: as many as these tests make, but for those of test_floods.py.
LIMITS = {
    "head_timeout": 1,
    "body_timeout": 1,
    "write_timeout": 1,
    "idle_timeout": 2,
    "strangers": 6000,
}
TIMEOUT = 15.0  # seconds for what is to happen at once; a slow machine is no failure
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


class Target:
    """A board under attack, and the one question that it always has to answer."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self._token = testbed.token("pins:read")
        self._edges = self.edges()
        self.check()
        self.at_rest = self.settled()

    def edges(self) -> dict[str, int]:
        """How often each pin has changed so far."""
        return {name: len(self.board.pin(spec["gpio"]).history) for name, spec in testbed.PINS.items()}

    def descriptors(self) -> int:
        """How many descriptors the board's process has open; 0 where there is no /proc to tell."""
        folder = Path(f"/proc/{self.board.pid}/fd")
        return len(list(folder.iterdir())) if folder.is_dir() else 0

    def settled(self) -> int:
        """The same, once nobody is connected any more."""
        seen = [self.descriptors()]
        while len(seen) < 5 or len(set(seen[-5:])) > 1:
            time.sleep(0.02)
            seen.append(self.descriptors())
        return seen[-1]

    def connect(self, data: bytes = b"") -> socket.socket:
        time.sleep(
            0.01
        )  # the queue of newcomers is short on a board; whom it drops comes again only after a second
        client = socket.create_connection(("127.0.0.1", self.board.port), TIMEOUT)
        if data:
            client.sendall(data)
        return client

    def send(self, data: bytes) -> bytes:
        """What the board says to these octets, up to the end of the connection or of a first refusal."""
        with self.connect() as client:
            with suppress(OSError):  # it has heard enough; its answer may still be there
                client.sendall(data)
            return read(client)

    def reset(self, client: socket.socket) -> None:
        """Close a connection as a crashed client does."""
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()

    def request(self, path: str = "/api/v1/pins", *, method: str = "GET", fields: str = "") -> bytes:
        """A good request of somebody with a token for reading, its connection to be closed."""
        head = f"{method} {path} HTTP/1.1\r\nHost: door.local\r\nAuthorization: Bearer {self._token}\r\n"
        return f"{head}Connection: close\r\n{fields}\r\n".encode()

    def check(self) -> float:
        """The board serves, and none of its pins has moved. Returns how long it took, in seconds."""
        start = time.monotonic()
        # On a busy computer it may be turned out before its request has arrived; a browser asks again, too.
        answer = self.send(self.request()) or self.send(self.request()) or self.send(self.request())
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer
        assert answer.endswith(b"]}"), answer[-200:]
        took = time.monotonic() - start
        assert self.edges() == self._edges
        assert self.board.starts == [1], "it was reset"
        assert not [line for line in self.board.serial if "Traceback" in line], self.board.serial[-40:]
        return took


def read(client: socket.socket) -> bytes:
    """What comes until the end, or until a whole answer that says it is the last one."""
    data = b""
    while not last(data):
        try:
            part = client.recv(65536)
        except ConnectionError:
            break
        if not part:
            break
        data += part
    return data


def last(data: bytes) -> bool:
    """Whether `data` ends with an answer after which nothing comes."""
    head, end, body = data.rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")
    if not end or b"Connection: close" not in head:
        return False
    length = head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]
    return len(body) >= int(length or 0)


@pytest.fixture(scope="package", params=runtimes.RUNTIMES)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The board under attack; at the end nothing may be left of any attack."""
    if not testbed.have(request.param):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    flash = tmp_path_factory.mktemp("hostile") / "flash"
    testbed.install(flash, request.param, http=LIMITS)
    with Board(flash, request.param, clock=int(time.time()), ntp=False, heapsize=HEAP) as board:
        yield Target(board.start())
