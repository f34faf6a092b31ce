"""The whole application on MicroPython, as deployed and in a board's memory: what a thousand requests leave
behind, and that it never runs out.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count, pairwise
from typing import Any

import pytest

import testbed
from pinwarden import proof
from pinwarden_sim import Board

EVERY_KIND = {**testbed.PINS, **testbed.KINDS, "door": {**testbed.KINDS["door"], "gpio": 4}}
del EVERY_KIND["gate"]  # has the opener's GPIO
REQUESTS = 1000
WARM_UP = 400  # until all that is kept has been there once: the free heap is then the same to the byte

# Bytes by which the free heap may have shrunk. A leak of one object for each request would be 32 bytes times
# 1,000, or times 100 for an administrator's. What may differ for other reasons: which of a few tokens is
# remembered, the second that the clock has told last, and a word on the stack that happens to look like a
# pointer, to a part of a module perhaps that was unloaded.
TOLERANCE = 2048

JSON = {"Content-Type": "application/json"}
TOGGLE = "/api/v1/pins/relay/toggle"
KEYS, REVOKED = "/api/v1/keys", "/api/v1/revocations"
CHALLENGE, AUDIT = "/api/v1/challenge", "/api/v1/audit?limit=50"
TOKENS, EVENTS = "/api/v1/tokens", "/api/v1/events"
ADMINISTRATION = [
    (201, "POST", KEYS, json.dumps({"kid": "KID", "from": testbed.KID, "salt": "A" * 43})),
    (200, "GET", KEYS, None),
    (204, "DELETE", f"{KEYS}/KID", None),
    (201, "POST", REVOKED, '{"jti": "lost"}'),
    (200, "GET", REVOKED, None),
    (200, "GET", AUDIT, None),
    (201, "POST", TOKENS, '{"sub": "guest", "scope": "pins:read:relay pins:write:relay", "ttl": 600}'),
]


@pytest.fixture
def caller(board: Board) -> Iterator[Caller]:
    with closing(Caller(board)) as made:
        yield made


class Caller:
    """A client that keeps its connection, and takes another one where the board has closed it."""

    def __init__(self, board: Board) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", board.port, timeout=10)
        self._challenge: str | None = None

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: str | None = None, **fields: str) -> int:
        """The status of the answer."""
        return self._ask(method, path, body, fields)[0]

    def sign(self, method: str, path: str, body: str, value: str, **fields: str) -> int:
        """The same for a request that is signed with the token `value`."""
        challenge = self._challenge or self._ask("GET", CHALLENGE, None, {})[1]["nonce"]
        while True:
            self._challenge = challenge
            signature = proof.sign(
                value,
                method,
                "door.local",
                path,
                body.encode(),
                challenge=challenge,
                created=int(time.time()),
            )
            status, answer = self._ask(method, path, body, fields | signature)
            if answer.get("code") != "stale_nonce":
                return status
            assert answer["nonce"] != challenge
            challenge = answer["nonce"]

    def _ask(self, method: str, path: str, body: str | None, fields: dict[str, str]) -> tuple[int, Any]:
        self._connection.request(method, path, body, {"Host": "door.local", **fields})
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text.startswith(b"{") else {}


def token(*scopes: str, **claims: Any) -> dict[str, str]:
    return testbed.bearer(testbed.token(*scopes, iss="home", **claims))


def refusals() -> list[tuple[int, str, str, str | None, dict[str, str]]]:
    """(status, method, path, body, fields): a refusal of each kind that is made before, at and after the
    guard.
    """
    good = token("pins:write")
    return [
        (401, "POST", TOGGLE, "{}", JSON),
        (401, "POST", TOGGLE, "{}", JSON | token("pins:write", ttl=-1)),
        (401, "POST", TOGGLE, "{}", JSON | token("pins:write", secret=testbed.OTHER_SECRET)),
        (401, "GET", "/api/v1/device", None, testbed.bearer("x" * 1500)),
        (403, "POST", TOGGLE, "{}", JSON | token("pins:read")),
        (403, "POST", TOGGLE, "{}", JSON | good | {"Origin": "http://evil.example"}),
        (404, "GET", "/api/v1/nothing", None, {}),
        (404, "GET", "/api/v1/pins/ghost", None, token("pins:read")),
        (403, "GET", KEYS, None, good),
        (409, "DELETE", f"{KEYS}/{testbed.KID}", None, token("admin")),
        (422, "POST", REVOKED, '{"jti": 1}', JSON | token("admin")),
        (400, "POST", TOGGLE, "{", JSON | good),
        (400, "POST", TOGGLE, "{}", JSON | {"Authorization": "Bearer a b"}),
        (400, "POST", TOGGLE, "{}", JSON | {"Authorization": "Pinwarden a.b"}),
        (400, "GET", "/", None, {"Transfer-Encoding": "chunked"}),
        (405, "DELETE", TOGGLE, None, good),
        (413, "POST", TOGGLE, "x" * 3000, JSON | good),
        (415, "POST", TOGGLE, "{}", good),
        (421, "GET", "/", None, {"Host": "evil.example"}),
        (422, "POST", TOGGLE, '{"a": 1}', JSON | good),
    ]


def free(board: Board, caller: Caller) -> int:
    """The free bytes after a collection, with nothing going on but the caller's one connection.

    The board lets go of a refused client a second later at the latest: the greatest number seen until then
    is that without any; what has leaked is missing in all of them.
    """
    seen = []
    for _ in range(15):
        caller.ask("GET", "/healthz")
        seen.append(board.status()["heap_free"])
        time.sleep(0.1)
    return max(seen)


with_every_kind = pytest.mark.parametrize("pins", [testbed.PINS, EVERY_KIND], ids=["switches", "every kind"])


@with_every_kind
def test_a_thousand_requests_leave_nothing_behind(board: Board, caller: Caller) -> None:
    # Different ones: the verifier remembers some, and forgets the oldest.
    writers = [token("pins:read", "pins:write", sub=f"phone-{number}") for number in range(10)]
    refused = refusals()

    def toggle(times: int) -> None:
        for number in range(times):
            fields = writers[number % len(writers)]
            if number % 2:
                assert caller.ask("POST", TOGGLE, "{}", **JSON, **fields) == 200
            else:
                value = fields["Authorization"].removeprefix("Bearer ")
                assert caller.sign("POST", TOGGLE, "{}", value, **JSON) == 200

    def be_refused(times: int) -> None:
        for number in range(times):
            status, method, path, body, fields = refused[number % len(refused)]
            assert caller.ask(method, path, body, **fields) in (status, 503), (method, path, fields)

    def left() -> int:
        """What is free when the verifier remembers as many tokens as it can."""
        toggle(WARM_UP)
        return free(board, caller)

    toggle(WARM_UP)
    be_refused(WARM_UP)
    seen = [left()]
    toggle(REQUESTS)
    seen.append(left())
    be_refused(REQUESTS)
    seen.append(left())

    print("free heap in bytes:", *seen)
    assert all(earlier - later < TOLERANCE for earlier, later in pairwise(seen)), seen
    assert board.pin(testbed.RELAY).history[-1].level == 0
    assert len(board.pin(testbed.RELAY).history) >= REQUESTS + 4 * WARM_UP
    said = "\n".join(board.serial)
    assert " out_of_memory" not in said
    assert "Traceback" not in said
    assert board.starts == [1]


@with_every_kind
def test_administration_leaves_nothing_behind(board: Board, caller: Caller) -> None:
    """Each request loads modules that no other needs."""
    kids = (f"key-{number}" for number in count())  # for ever: a retired one may not come back

    def administer(rounds: int) -> int:
        fields = JSON | token("admin", "audit:read", "pins:read", "pins:write", jti="administrator")
        for _ in range(rounds):
            kid = next(kids)
            for status, method, path, body in ADMINISTRATION:
                path, body = path.replace("KID", kid), body and body.replace("KID", kid)
                assert caller.ask(method, path, body, **fields) == status, (method, path)
        return free(board, caller)

    seen = [administer(4), administer(10), administer(10)]
    print("free heap in bytes:", *seen)
    assert all(earlier - later < TOLERANCE for earlier, later in pairwise(seen)), seen
    assert board.starts == [1]


@with_every_kind
def test_streams_leave_nothing_behind(board: Board, caller: Caller) -> None:
    """Two of them all the time, one after another, while pins change and their owners are judged anew."""
    phones = [token("pins:read", sub=f"phone-{number}") for number in range(3)]
    admin, writer = JSON | token("admin"), JSON | token("pins:write")

    def follow(times: int) -> int:
        for number in range(times):
            with closing(socket.create_connection(("127.0.0.1", board.port), 10)) as client:
                fields = {"Host": "door.local", **phones[number % len(phones)]}
                head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
                client.sendall(f"GET {EVENTS} HTTP/1.1\r\n{head}\r\n".encode())
                heard = b""
                while b'"name": "up"' not in heard:  # the last of the first event
                    part = client.recv(65536)
                    assert part, heard
                    heard += part
                assert caller.ask("POST", TOGGLE, "{}", **writer) == 200
                while heard.count(b"event: pin\n") < 1:
                    heard += client.recv(65536)
                if number % 2:
                    assert caller.ask("POST", REVOKED, '{"jti": "lost"}', **admin) == 201
                    while client.recv(65536):
                        pass
        assert caller.ask("POST", REVOKED, '{"jti": "lost"}', **admin) == 201
        return free(board, caller)

    seen = [follow(20), follow(40), follow(40)]
    print("free heap in bytes:", *seen)
    assert all(earlier - later < TOLERANCE for earlier, later in pairwise(seen)), seen
    assert "Traceback" not in "\n".join(board.serial)
    assert board.starts == [1]


@with_every_kind
def test_a_token_of_the_greatest_length_fits(caller: Caller) -> None:
    """Among many others, and beside heads of strangers that are as large as they may be."""
    made = (testbed.token("pins:read", iss="home", pad="x" * size) for size in range(1200, 1500))
    greatest = max((value for value in made if len(value) <= 2048), key=len)
    assert len(greatest) > 2044
    for number in range(60):
        assert caller.ask("GET", "/api/v1/pins", **testbed.bearer(greatest)) == 200
        assert caller.ask("GET", "/api/v1/pins", **token("pins:read", sub=f"phone-{number}")) == 200
        assert caller.ask("GET", "/healthz", Padding="x" * 3900) in (200, 503)
        assert caller.sign("GET", "/api/v1/pins", "", greatest.removeprefix("Bearer ")) == 200
