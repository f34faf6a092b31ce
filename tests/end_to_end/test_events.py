"""Streams of what pins do, of a running board: two phones in step, and when they end."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

import testbed
from pinwarden.proof import sign
from pinwarden_sim import Board, runtimes

TIMEOUT = 20.0  # seconds; a busy computer is slow
EVENTS, RELAY, REVOKED = "/api/v1/events", "/api/v1/pins/relay", "/api/v1/revocations"
ADMINISTRATION = [
    pytest.param("POST", REVOKED, {"jti": "another"}, id="a revocation"),
    pytest.param("POST", "/api/v1/keys", {"kid": "new", "from": testbed.KID, "salt": "A" * 43}, id="a key"),
    pytest.param("DELETE", "/api/v1/keys/ghost", None, id="no key"),
]


class Stream:
    """One stream, read as it comes. A context manager."""

    def __init__(self, board: Board, token: str, fields: dict[str, str] | None = None) -> None:
        self._socket = socket.create_connection(("127.0.0.1", board.port), TIMEOUT)
        self._file = self._socket.makefile("rb")
        fields = {"Host": "door.local", **(fields or testbed.bearer(token))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._socket.sendall(f"GET {EVENTS} HTTP/1.1\r\n{head}\r\n".encode())
        self.status = int(self._file.readline().split()[1])
        self.fields: dict[str, str] = {}
        while (line := self._file.readline().decode().rstrip()) != "":
            name, _, value = line.partition(": ")
            self.fields[name] = value

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()
        self._socket.close()

    def next(self) -> tuple[str, Any]:
        """What comes next: an event's name and its data, (":", None) for a comment, ("", None) at the end."""
        lines = []
        while (line := self._file.readline()) not in (b"", b"\n"):
            lines.append(line.decode().rstrip("\n"))
        if not lines:
            return "", None
        if lines == [":"]:
            return ":", None
        assert len(lines) == 2, lines
        assert lines[0].startswith("event: "), lines
        assert lines[1].startswith("data: "), lines
        return lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))

    def event(self) -> tuple[str, Any]:
        """The next one that is no comment."""
        while (found := self.next())[0] == ":":
            pass
        return found

    def until(self, value: object) -> None:
        """Wait for the event that the relay has this value."""
        while True:
            kind, data = self.event()
            assert kind == "pin", "it has ended"
            if (data["name"], data["value"]) == ("relay", value):
                return

    def wait_for_its_end(self) -> list[str]:
        """What has still come."""
        seen = []
        while (kind := self.next()[0]) != "":
            seen.append(kind)
        return seen


Follow = Callable[..., Stream]


@pytest.fixture(scope="module", params=runtimes.RUNTIMES)
def device(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """One board on each runtime."""
    if not testbed.have(request.param):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    with testbed.device(tmp_path_factory.mktemp("events") / "flash", request.param) as made:
        yield made


@pytest.fixture
def board(device: Board) -> Board:
    """The same, with the relay off, and without the streams of the test before."""
    ask(device, "PUT", RELAY, body={"value": False})
    assert ask(device, "POST", REVOKED, "admin", body={"jti": "another"}).status_code == 201
    return device


@pytest.fixture
def follow(board: Board) -> Iterator[Follow]:
    """`follow("pins:read", sub="anna")`: a stream of such a token, its first event read."""
    with ExitStack() as stack:

        def open_(*scopes: str, **claims: Any) -> Stream:
            stream = stack.enter_context(Stream(board, testbed.token(*scopes, **claims)))
            if stream.status == 200:
                assert stream.next()[0] == "pins"
            return stream

        yield open_


def ask(board: Board, method: str, path: str, *scopes: str, body: object = None) -> httpx.Response:
    headers = testbed.bearer(testbed.token(*(scopes or ("pins:read", "pins:write"))))
    return httpx.request(method, board.url + path, headers=headers, json=body, trust_env=False)


def test_first_all_then_each_change(board: Board) -> None:
    token = testbed.token("pins:read", "pins:write:relay")
    with Stream(board, token) as stream:
        assert stream.status == 200
        assert stream.fields["Content-Type"] == "text/event-stream"
        assert stream.fields["Cache-Control"] == "no-store"
        assert stream.fields["Connection"] == "close"
        assert "Content-Length" not in stream.fields
        kind, told = stream.next()
        listed = httpx.get(f"{board.url}/api/v1/pins", headers=testbed.bearer(token), trust_env=False)
        assert (kind, told) == ("pins", listed.json())
        assert [stream.next() for _ in range(2)] == [(":", None)] * 2

        answer = ask(board, "PUT", RELAY, body={"value": True})
        assert stream.event() == ("pin", answer.json())
        ask(board, "POST", "/api/v1/pins/opener/pulse", body={"ms": 300})
        seen = [stream.event()[1] for _ in range(2)]
        assert [(pin["name"], pin["value"], pin["writable"]) for pin in seen] == [
            ("opener", True, False),
            ("opener", False, False),
        ]
        assert 0 < seen[0]["remaining_ms"] <= 300
        assert "remaining_ms" not in seen[1]


def test_two_phones_in_step(board: Board, follow: Follow) -> None:
    """Each sees what the other does, and what the board does by itself."""
    phones = [follow("pins:read", sub=name) for name in ("anna", "bert")]
    for value in (True, False) * 5:
        assert ask(board, "PUT", RELAY, body={"value": value}).status_code == 200
        for phone in phones:
            phone.until(value)


def test_whoever_may_see_one_pin_hears_of_one(board: Board, follow: Follow) -> None:
    with Stream(board, testbed.token("pins:read:relay")) as stream:
        assert [pin["name"] for pin in stream.next()[1]["pins"]] == ["relay"]
        for path in ("/api/v1/pins/lamp/toggle", "/api/v1/pins/relay/toggle"):
            assert ask(board, "POST", path, body={}).status_code == 200
        assert stream.event()[1]["name"] == "relay"
    assert follow("pins:write").status == 403
    assert follow("pins:read", secret=testbed.OTHER_SECRET).status == 401


def test_a_signed_request(board: Board) -> None:
    """As the page asks: it reads the stream with fetch, for the token must not stand in an address."""
    token = testbed.token("pins:read", cnf={"pinwarden": "proof"})
    challenge = httpx.get(f"{board.url}/api/v1/challenge", trust_env=False).json()["nonce"]
    fields = sign(token, "GET", "door.local", EVENTS, b"", challenge=challenge, created=int(time.time()))
    with Stream(board, token, fields) as stream:
        assert (stream.status, stream.next()[0]) == (200, "pins")
    with Stream(board, token) as stream:
        assert stream.status == 401


def test_it_ends_with_its_token(board: Board, follow: Follow) -> None:
    stream = follow("pins:read", ttl=3)
    assert set(stream.wait_for_its_end()) == {":"}
    assert ask(board, "GET", RELAY).status_code == 200


@pytest.mark.parametrize(("method", "path", "body"), ADMINISTRATION)
def test_all_are_judged_anew_when_an_administrator_has_asked(
    board: Board, follow: Follow, method: str, path: str, body: object
) -> None:
    streams = [follow("pins:read", sub=name) for name in ("anna", "bert")]
    assert ask(board, "GET", REVOKED, "admin").status_code == 200
    assert streams[0].next() == (":", None), "who only looks ends nothing"
    assert ask(board, method, path, "admin", body=body).status_code in (201, 404)
    for stream in streams:
        assert "pin" not in stream.wait_for_its_end()
    assert follow("pins:read", sub="anna").status == 200


def test_whose_token_was_revoked_hears_nothing_more(board: Board, follow: Follow) -> None:
    stream = follow("pins:read", jti="lost")
    assert ask(board, "POST", REVOKED, "admin", body={"jti": "lost"}).status_code == 201
    assert ask(board, "PUT", RELAY, body={"value": True}).status_code == 200
    assert "pin" not in stream.wait_for_its_end()
    assert follow("pins:read", jti="lost").status == 401


def test_it_ends_when_nobody_knows_the_time(board: Board, follow: Follow) -> None:
    stream = follow("pins:read")
    board.ntp.down()
    board.clock.unset()
    try:
        assert "pin" not in stream.wait_for_its_end()
        assert follow("pins:read").status == 503
    finally:
        board.clock.set(int(time.time()))
        board.ntp.up()


def test_a_third_asks_for_the_pins_instead(board: Board, follow: Follow) -> None:
    streams = [follow("pins:read", sub=name) for name in ("anna", "bert")]
    token = testbed.token("pins:read", sub="carl")
    answer = httpx.get(board.url + EVENTS, headers=testbed.bearer(token), trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (503, "too_many_streams")
    assert int(answer.headers["Retry-After"]) > 0
    assert ask(board, "GET", "/api/v1/pins").status_code == 200
    streams[0].__exit__()
    board.wait(lambda: follow("pins:read", sub="carl").status == 200)
    ask(board, "PUT", RELAY, body={"value": True})
    streams[1].until(True)


def test_head(board: Board) -> None:
    """It takes no place."""
    for _ in range(5):
        assert ask(board, "HEAD", EVENTS).status_code == 200
    for _ in range(3):
        answer = ask(board, "POST", EVENTS, body={})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
