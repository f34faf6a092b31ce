"""Holders of a token who do their worst with streams: nobody is locked out, and nothing is left of them."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

import testbed

EVENTS = "/api/v1/events"
STREAMS = 2


@pytest.fixture(autouse=True)
def no_streams(target) -> None:
    """Those of the test before have gone: all are judged anew."""
    token = testbed.token("admin")
    body = b'{"jti": "nobody"}'
    head = (
        f"POST /api/v1/revocations HTTP/1.1\r\nHost: door.local\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    assert target.send(head.encode() + body).startswith(b"HTTP/1.1 201 ")


def follow(target, sub: str) -> socket.socket:
    """A client that asks for a stream, and reads nothing yet."""
    token = testbed.token("pins:read", "pins:write", sub=sub)
    head = f"GET {EVENTS} HTTP/1.1\r\nHost: door.local\r\nAuthorization: Bearer {token}\r\n\r\n"
    client = target.connect(head.encode())
    client.settimeout(15)
    return client


def status(client: socket.socket) -> bytes:
    return client.recv(65536)[9:12]


def read(client: socket.socket, text: bytes) -> None:
    """Read on until this comes."""
    data = b""
    while text not in data:
        part = client.recv(65536)
        assert part, "it has ended"
        data += part


def test_who_takes_all_streams_makes_room_for_others(target) -> None:
    """One token, ten times: each newcomer of its own ends one of its own; and so does another's."""
    with ExitStack() as stack:
        hog = [stack.enter_context(follow(target, "hog")) for _ in range(10)]
        assert all(status(client) in (b"200", b"503") for client in hog)
        owner = stack.enter_context(follow(target, "owner"))
        assert status(owner) == b"200"
        target.check()
        read(owner, b"\n:\n\n")
    target.check()


def test_they_do_not_lock_those_out_who_only_ask(target) -> None:
    """All streams, and ten silent sockets beside."""
    with ExitStack() as stack:
        streams = [stack.enter_context(follow(target, f"guest {number}")) for number in range(STREAMS)]
        for _ in range(10):
            stack.enter_context(target.connect(b"GET"))
        for _ in range(3):
            target.check()
        assert [status(client) for client in streams] == [b"200"] * STREAMS
        for client in streams:
            read(client, b"\n:\n\n")


def test_who_does_not_read_costs_nothing(target) -> None:
    """What is told is not kept: it may not read for ever, and whatever it sends is not read, either."""
    with ExitStack() as stack:
        client = stack.enter_context(follow(target, "sleeper"))
        client.setblocking(False)
        try:
            while client.send(bytes(65536)):
                pass
        except OSError:
            pass
        heap = target.board.status()["heap_free"]
        for _ in range(20):
            target.check()
        if heap is not None:
            assert target.board.status()["heap_free"] > heap - 4096
    target.check()


def test_reset_at_every_moment(target) -> None:
    for number in range(30):
        client = follow(target, "gone")
        if number % 3:
            client.recv(65536 if number % 2 else 20)
        target.reset(client)
    target.check()
    with follow(target, "next") as client:
        assert status(client) == b"200"


def test_garbage_behind_the_request(target) -> None:
    with follow(target, "chatty") as client:
        client.sendall(target.request() * 20 + b"\0" * 5000)
        data = b""
        while data.count(b"\n:\n\n") < 2:
            data += client.recv(65536)
        assert data.count(b"HTTP/1.1") == 1, "it is one answer"
    target.check()
