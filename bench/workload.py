"""What is put to the servers and the verifier: tokens, and requests on a new connection each."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import jwt

from pinwarden import proof

SECRET = "a secret of the bench, 32 bytes.."
TOKENS = 12  # more than the verifier remembers
_START_TIMEOUT = 60.0  # seconds: under valgrind Python starts fifty times slower


@dataclass(frozen=True)
class Exchange:
    """A request and the status that its answer must have; a `peer` is asked the same in another way, or
    not at all.
    """

    name: str
    request: Callable[[], bytes]
    status: bytes
    has_peer: bool = True


def tokens(now: int) -> list[str]:
    """Good tokens, each with a `jti` of its own, about 220 bytes long."""
    claims = {"sub": "anna", "aud": "door", "iat": now - 10, "exp": now + 86400, "scope": "pins:write"}
    return [jwt.encode({**claims, "jti": f"7f3a9c{i:02d}"}, SECRET, algorithm="HS256") for i in range(TOKENS)]


def forged(token: str) -> str:
    """The same token with another signature."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{signature[::-1].replace(signature[-1], 'A')}"[: len(token) - 1] + "A"


def exchanges(token: str) -> list[Exchange]:
    """The requests that the servers are compared by."""
    get, good, bad = _request("GET", "/healthz"), _bearer(token), _bearer(forged(token))
    return [
        Exchange("GET", lambda: get, b"200"),
        Exchange("POST, good token", lambda: good, b"200"),
        Exchange("POST, forged token", lambda: bad, b"401"),
        Exchange("POST, signed", lambda: _signed(token), b"200", has_peer=False),
    ]


_TOGGLE = "/api/v1/pins/relay/toggle"


def _bearer(token: str) -> bytes:
    return _request("POST", _TOGGLE, {"Authorization": f"Bearer {token}"})


def _signed(token: str) -> bytes:
    """A signed request, another one each time; the bench's board has no other challenge than this."""
    now = int(time.time())
    return _request(
        "POST",
        _TOGGLE,
        proof.sign(token, "POST", "127.0.0.1", _TOGGLE, b"{}", challenge="A" * 16, created=now),
    )


def _request(method: str, path: str, credential: dict[str, str] | None = None) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "User-Agent: bench",
        "Accept: */*",
        "Connection: close",
    ]
    if credential is not None:
        lines += [f"{name}: {value}" for name, value in credential.items()]
        lines += ["Content-Type: application/json", "Content-Length: 2"]
    return ("\r\n".join(lines) + "\r\n\r\n" + ("{}" if credential is not None else "")).encode()


def caller(port: int, exchange: Exchange, count: int) -> Callable[[subprocess.Popen[bytes]], None]:
    """Work for a measured server: `count` exchanges, then it is told to end."""

    def work(process: subprocess.Popen[bytes]) -> None:
        _wait_until_up(port, process)
        for _ in range(count):
            answer = _exchange(port, exchange.request())
            if answer[9:12] != exchange.status:
                raise AssertionError(f"{exchange.name}: {answer[:200]!r}")
        _exchange(port, _request("GET", "/quit"))

    return work


def _exchange(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def _wait_until_up(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def free_port() -> int:
    """A TCP port on the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
