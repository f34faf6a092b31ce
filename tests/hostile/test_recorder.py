"""An hour between a board and its phones is recorded, and nothing of it is good for anything: whole, cut,
mixed; at the same board, at a restarted one, at another one with the same key and name.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

import testbed
from pinwarden.proof import sign
from pinwarden_sim import Board, runtimes
from recording import Heard, Line, Recorder, send_part

STEP = 10  # seconds of the simulated hour from one request to the next
STEPS = 360
CUTS, MIXED = 90, 25  # in each assault; whole requests are sent all
TOLERANCE = 4096  # bytes of heap between one assault and the next, as long; a leak at each request is more

# Each pin gets every command that it takes, and so that its limits let some of each through.
COMMANDS = [
    *(("PUT", f"/{name}", {"value": True}) for name in testbed.PINS if name != "opener"),
    *(("PUT", f"/{name}", {"value": False}) for name in testbed.PINS if name != "opener"),
    *(("POST", f"/{name}/toggle", {}) for name in ("relay", "lamp")),
    ("POST", "/opener/pulse", {}),
    ("POST", "/relay/pulse", {"ms": 20}),
    ("GET", "", None),
]
# To what is not a whole request. 0 is silence; 501 has a cut method, 505 a cut version.
REFUSALS = [0, 400, 401, 408, 501, 503, 505]
# What makes a signed request, each on a line of its own.
PARTS = [b"Host", b"Authorization", b"Content-Digest", b"Signature-Input", b"Signature", b"Content-Length"]


class Phone:
    """Does as the page does: asks for the challenge, signs, and signs once more what is stale."""

    def __init__(self, port: int, *scopes: str, sub: str = "anna") -> None:
        self._authority = f"127.0.0.1:{port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._challenge = ""
        self.token = testbed.token(*scopes, ttl=3 * 3600, sub=sub)
        self.now = int(time.time())  # Unix seconds, by its clock

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, value: dict | None) -> Heard:
        """What the board says in the end."""
        path = "/api/v1/pins" + path
        body = b"" if value is None else json.dumps(value).encode()
        if not self._challenge:
            self._challenge = self._send("GET", "/api/v1/challenge", b"", {})[1]["nonce"]
        status, told = self._signed(method, path, body)
        if told.get("code") == "stale_nonce":
            self._challenge = told["nonce"]
            status, told = self._signed(method, path, body)
        return Heard(status, told.get("code"))

    def _signed(self, method: str, path: str, body: bytes) -> tuple[int, dict]:
        target, how = (self._authority, path), {"challenge": self._challenge, "created": self.now}
        return self._send(method, path, body, sign(self.token, method, *target, body, **how))

    def _send(self, method: str, path: str, body: bytes, fields: dict[str, str]) -> tuple[int, dict]:
        fields["Content-Type"] = "application/json"
        self._connection.request(method, path, body or None, fields)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())


class Hour(NamedTuple):
    """What was recorded."""

    board: Board
    second: Path  # flash of a board with the same key and name
    requests: list[bytes]  # the signed ones
    air: bytes  # every octet, in both directions
    tokens: list[str]
    end: int  # Unix seconds, by the board's clock


@pytest.fixture(scope="module", params=runtimes.RUNTIMES)
def hour(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hour]:
    """A phone for everything and one for the relay, for an hour, in which each pin moves."""
    if not testbed.have(request.param):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    first, second = (tmp_path_factory.mktemp("recorded") / "flash" for _ in range(2))
    for flash in (first, second):
        # Strangers may ask as often as they like: no replay is to be saved by that limit.
        testbed.install(flash, request.param, http={"strangers": 0})
    draw = random.Random(4)
    with Board(first, request.param, clock=int(time.time()), ntp=False) as board:
        board.start()
        with (
            Recorder(board.port) as air,
            closing(Phone(air.port, "pins:read", "pins:write")) as anna,
            closing(Phone(air.port, "pins:read:relay", "pins:write:relay", sub="guest")) as guest,
        ):
            heard = Counter()
            for _ in range(STEPS):
                phone = guest if draw.random() < 0.2 else anna
                heard[phone.ask(*draw.choice(COMMANDS))] += 1
                board.clock.jump(STEP)
                anna.now = guest.now = guest.now + STEP
            assert {said.status for said in heard} <= {200, 403, 409, 429}, heard
            assert heard[Heard(200)] > STEPS / 2
            requests = [said for said in air.requests() if b"\r\nAuthorization: " in said]
            assert len(requests) > STEPS  # some were signed again, under the next challenge
            settle(board)
            assert min(edges(board).values()) >= 2  # every pin has moved
            yield Hour(board, second, requests, air.octets(), [anna.token, guest.token], anna.now)


@pytest.mark.parametrize("where", ["the same board", "the restarted one", "a second one"])
def test_a_replay_moves_nothing(hour: Hour, where: str) -> None:
    if where == "a second one":
        with Board(hour.second, hour.board.runtime, clock=hour.end, ntp=False) as board:
            replay(board.start(), hour, {"stale_nonce"})
    elif where == "the restarted one":
        hour.board.power_cut()
        hour.board.clock.set(hour.end)  # a friendly one: the last five minutes are as if they had just been
        replay(hour.board.start(), hour, {"stale_nonce"})
    else:
        replay(hour.board, hour, {"stale_nonce", "replayed"})


def replay(board: Board, hour: Hour, codes: set[str]) -> None:
    """Send all of it, twice; the board says one of `codes` to what is whole."""
    settle(board)
    before = edges(board)
    heap = []
    for seed in (1, 2):
        draw = random.Random(seed)
        shuffled = draw.sample(hour.requests, len(hour.requests))
        with Line(board.port) as line:
            said = Counter(line.send(request) for request in [*hour.requests, *shuffled])
            assert {heard.status for heard in said} == {401}
            assert {heard.code for heard in said} == codes, said
            challenge = line.challenge()
        for octets in [*mixed(hour.requests, challenge, draw), *cut(hour.requests, draw)]:
            heard = send_part(board.port, octets)
            assert heard.status in REFUSALS, (heard, octets)
        heap.append(board.status()["heap_used"] or 0)
    assert edges(board) == before
    assert heap[1] - heap[0] < TOLERANCE
    assert not [line for line in board.serial if "Traceback" in line]
    # It is not that it does nothing any more, or that this would not be seen.
    with closing(Phone(board.port, "pins:write")) as phone:
        phone.now = board.clock.now() or 0
        assert phone.ask("POST", "/relay/toggle", {}) == Heard(200)
    assert edges(board) == {**before, "relay": before["relay"] + 1}


def cut(requests: list[bytes], draw: random.Random) -> Iterator[bytes]:
    """Beginnings, ends, and beginnings with another request behind them."""
    for count in range(CUTS):
        request, other = draw.choice(requests), draw.choice(requests)
        at = draw.randrange(1, len(request))
        if count % 3 == 0:
            body = request.find(b"\r\n\r\n") + 4
            at = draw.choice([body - 1, body - 2, body - 4, min(body, len(request) - 1), len(request) - 1])
        yield [request[:at], request[at:], request[:at] + other][count % 3]


def mixed(requests: list[bytes], challenge: str, draw: random.Random) -> Iterator[bytes]:
    """Whole requests that were never sent so: of parts of two, with parts missing, under the challenge of
    now.
    """
    for _ in range(MIXED):
        request, other = draw.choice(requests), draw.choice(requests)
        changed = request
        for name in draw.sample(PARTS, draw.choice([1, 1, 2, 4])):
            changed = with_line(changed, name, line_of(other, name) if draw.random() < 0.8 else b"")
        yield changed
        head, end, body = request.partition(b"\r\n\r\n")
        other_head, _, other_body = other.partition(b"\r\n\r\n")
        yield other_head.split(b"\r\n")[0] + head[head.find(b"\r\n") :] + end + body  # another's request line
        if body and other_body:
            sized = with_line(head + end, b"Content-Length", b"\r\nContent-Length: %d" % len(other_body))
            yield sized + other_body
        yield re.sub(rb'nonce="[^.]+', b'nonce="' + challenge.encode(), request)
        # As a bearer: what was shown, and with the request's signature for the token's.
        shown = re.search(rb"Pinwarden (\S+)", head)
        used = re.search(rb"\nSignature: pw=:(\S+)=:", head)
        assert shown
        assert used
        mac = used[1].replace(b"+", b"-").replace(b"/", b"_")
        for token in (shown[1], shown[1] + b".", shown[1] + b"." + mac):
            yield with_line(request, b"Authorization", b"\r\nAuthorization: Bearer " + token)


def line_of(request: bytes, name: bytes) -> bytes:
    """The header line, with the end of the line before it; nothing if there is none."""
    found = re.search(rb"\r\n" + name + rb": [^\r]*", request)
    return found[0] if found else b""


def with_line(request: bytes, name: bytes, line: bytes) -> bytes:
    """The request with another line for this field, or with none."""
    old = line_of(request, name)
    return request.replace(old, line, 1) if old else request.replace(b"\r\n", line + b"\r\n", 1)


@pytest.mark.parametrize("why", ["clock_unset", "created_out_of_window"])
@pytest.mark.parametrize("runtime", runtimes.RUNTIMES)
def test_what_was_refused_for_its_time_is_not_good_later(runtime: str, why: str, tmp_path: Path) -> None:
    """Its sender was told that it was not done. It stays so when the board's clock is right, or is where the
    sender's was.
    """
    if not testbed.have(runtime):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    testbed.install(tmp_path / "flash", runtime)
    with (
        Board(tmp_path / "flash", runtime, clock=int(time.time()), ntp=False) as board,
        Recorder(board.start().port) as air,
        closing(Phone(air.port, "pins:write")) as phone,
    ):
        assert phone.ask("PUT", "/relay", {"value": False}) == Heard(200)
        if why == "clock_unset":
            board.clock.unset()
        else:
            phone.now += 1000
        heard = phone.ask("PUT", "/relay", {"value": True})
        assert heard.code == why
        board.clock.set(phone.now)
        with Line(board.port) as line:
            assert line.send(air.requests()[-1]).status == 401
        assert testbed.levels(board, testbed.RELAY) == [0]
        phone.now = board.clock.now() or 0
        assert phone.ask("PUT", "/relay", {"value": True}) == Heard(200)


def test_the_token_never_crosses_the_air(hour: Hour) -> None:
    """Its last segment, in any spelling. What would be found in a recording of a bearer."""
    for token in hour.tokens:
        head = token.rpartition(".")[0].encode()
        assert head in hour.air
        assert not found(token, hour.air)
        assert found(token, b"Authorization: Bearer " + token.encode())
        assert found(token, base64.b64encode(b"user:" + token.encode()))


def found(token: str, octets: bytes) -> list[bytes]:
    """The spellings of the token's signature that are in the octets."""
    text = token.rpartition(".")[2]
    raw = base64.urlsafe_b64decode(text + "=")
    spellings = [raw, raw.hex().encode()]
    for secret in (raw, text.encode()):
        # In base64 it looks different by where it begins; its ends depend on what is beside it.
        for before in range(3):
            inner = base64.b64encode(bytes(before) + secret)[4:-4]
            spellings += [inner, inner.replace(b"+", b"-").replace(b"/", b"_")]
    lower = octets.lower()
    return [spelling for spelling in spellings if spelling in octets or spelling in lower]


def edges(board: Board) -> dict[str, int]:
    """How often each pin has changed so far."""
    board.status()  # what it reports before its answer to this is noted by then
    return {name: len(board.pin(spec["gpio"]).history) for name, spec in testbed.PINS.items()}


def settle(board: Board) -> None:
    """Wait for the end of a pulse."""
    board.wait(lambda: board.pin(testbed.OPENER).level == 0)
