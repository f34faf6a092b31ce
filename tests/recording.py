"""Somebody who listens between clients and a board, and later sends what was heard."""

from __future__ import annotations

import json
import re
import socket
import threading
from contextlib import suppress
from typing import NamedTuple

_CHUNK = 65536
_TIMEOUT = 20.0  # seconds; a busy computer is slow
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Recorder:
    """Relays connections to the port `target` of this computer, and keeps every octet. A context manager.

    `lose(start)` has the answer to the next request that begins so (bytes) not arrive: the board has got
    it, and then the connection breaks.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._lost: bytes | None = None
        self._changed = threading.Lock()
        self._heard: list[bytearray] = []  # of each connection, what the client has said
        self._answered: list[bytearray] = []
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()  # from here on there are no new ones
        for end in self._ends:
            _hang_up(end)
        for thread in self._threads:
            thread.join()

    def lose(self, start: bytes) -> None:
        with self._changed:
            self._lost = start

    def requests(self) -> list[bytes]:
        """Every whole request, in the order of the connections."""
        with self._changed:
            return [request for stream in self._heard for request in split(bytes(stream))]

    def octets(self) -> bytes:
        """All that crossed the air, in both directions."""
        with self._changed:
            return b"\n".join([*self._heard, *self._answered])

    def _start(self, target, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                board = socket.create_connection(("127.0.0.1", self._target), _TIMEOUT)
            except OSError:
                client.close()  # the board is off
                continue
            for end in (client, board):
                end.settimeout(None)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            heard, answered = bytearray(), bytearray()
            with self._changed:
                self._heard.append(heard)
                self._answered.append(answered)
            self._ends += client, board
            self._start(self._relay, client, board, heard, None)
            self._start(self._relay, board, client, answered, heard)

    def _relay(
        self, source: socket.socket, sink: socket.socket, stream: bytearray, asked: bytearray | None
    ) -> None:
        with suppress(OSError):
            while data := source.recv(_CHUNK):
                with self._changed:
                    stream += data
                    if asked and self._lost and split(bytes(asked))[-1].startswith(self._lost):
                        self._lost = None
                        break
                sink.sendall(data)
        _hang_up(source)
        _hang_up(sink)


class Heard(NamedTuple):
    """What a board said to a request. Nothing at all is status 0."""

    status: int
    code: str | None = None  # of the problem


class Line:
    """A connection to a board for requests one after another; a new one whenever the board has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *exception: object) -> None:
        self._drop()

    def send(self, request: bytes) -> Heard:
        """The answer to a request."""
        return heard(self._send(request))

    def challenge(self) -> str:
        """The board's challenge of now."""
        answer = self._send(b"GET /api/v1/challenge HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return json.loads(answer.partition(b"\r\n\r\n")[2])["nonce"]

    def _send(self, request: bytes) -> bytes:
        for _ in range(2):
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), _TIMEOUT)
            with suppress(ConnectionError):
                self._socket.sendall(request)
                if answer := self._read():
                    return answer
            self._drop()  # it was closed meanwhile
        return b""

    def _read(self) -> bytes:
        assert self._socket is not None
        data = b""
        while not (split(data)):
            part = self._socket.recv(_CHUNK)
            if not part:
                break
            data += part
        if b"\r\nConnection: close\r\n" in data:
            self._drop()
        return data

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def send_part(port: int, data: bytes) -> Heard:
    """Send this much, and that it was all; the board's first answer."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), _TIMEOUT) as client, suppress(ConnectionError):
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while part := client.recv(_CHUNK):
            answer += part
    return heard(answer)


def split(stream: bytes) -> list[bytes]:
    """The whole messages at the beginning of what one side of a connection has said."""
    messages = []
    while (end := stream.find(b"\r\n\r\n") + 4) > 3:
        length = _LENGTH.search(stream, 0, end)
        end += int(length[1]) if length else 0
        if len(stream) < end:
            break
        messages.append(stream[:end])
        stream = stream[end:]
    return messages


def heard(answer: bytes) -> Heard:
    """What an answer says, if it is whole as far as its head."""
    head, end, _ = answer.partition(b"\r\n\r\n")
    if not end:
        return Heard(0)
    code = None
    if b"\r\nContent-Type: application/problem+json\r\n" in head and (whole := split(answer)):
        code = json.loads(whole[0][len(head) + 4 :])["code"]
    return Heard(int(head.split(b" ")[1]), code)


def _hang_up(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
