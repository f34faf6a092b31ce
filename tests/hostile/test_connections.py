"""Clients that are slow, silent, many, or gone: nobody else notices."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import ExitStack

import pytest

# Seconds for one answer. Whoever meets a full queue of the network, which is short on a board, comes again by
# itself after one second, and then after two; and each newcomer before it may have waited for one second, for
# those who are just being written to.
AT_ONCE = 10
DRIBBLERS = 10


def test_ten_dribbling_clients_and_a_good_one(target) -> None:
    """They send an octet at a time and come back when they are closed; the good one's calls all succeed at
    once.
    """
    stop = threading.Event()
    opened = [0] * DRIBBLERS

    def dribble(number: int) -> None:
        data = target.request() * 3
        while not stop.is_set():
            try:
                with target.connect() as client:
                    opened[number] += 1
                    for octet in data:
                        client.sendall(bytes([octet]))
                        if stop.wait(0.05):
                            return
            except OSError:
                stop.wait(0.05)  # it was turned out

    threads = [threading.Thread(target=dribble, args=(number,)) for number in range(DRIBBLERS)]
    for thread in threads:
        thread.start()
    try:
        slowest = 0.0
        for _ in range(30):
            slowest = max(slowest, target.check())
            time.sleep(0.05)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert slowest < AT_ONCE
    assert min(opened) > 0
    assert sum(opened) > DRIBBLERS  # some were turned out for others


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="silent"),
        pytest.param(b"GET /api", id="half of a head"),
        pytest.param(
            b"PUT /api/v1/pins/relay HTTP/1.1\r\nHost: door.local\r\nContent-Length: 9\r\n\r\n{",
            id="half of a body",
        ),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: door.local\r\n\r\n", id="idle"),
        pytest.param(b"GET /icon-512.png HTTP/1.1\r\nHost: door.local\r\n\r\n" * 300, id="not reading"),
    ],
)
def test_twenty_that_take_every_place(target, data: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(target.connect())
            client.setblocking(False)
            client.send(data or b"\r")
        for _ in range(5):
            assert target.check() < AT_ONCE
    target.check()


def test_turned_out_with_a_reason(target) -> None:
    with ExitStack() as stack:
        oldest = stack.enter_context(target.connect(b"GET /"))
        time.sleep(0.05)
        for _ in range(6):
            stack.enter_context(target.connect(b"GET /"))
            time.sleep(0.02)
        answer = oldest.recv(65536)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 1\r\n" in answer


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="after connecting"),
        pytest.param(b"GET /api/v1/pi", id="in a head"),
        pytest.param(b"PUT / HTTP/1.1\r\nHost: door.local\r\nContent-Length: 100\r\n\r\nabc", id="in a body"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: door.local\r\n\r\n", id="in an answer"),
        pytest.param(b"GET /icon-512.png HTTP/1.1\r\nHost: door.local\r\n\r\n" * 200, id="in many answers"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n", id="refused"),
    ],
)
def test_resets(target, data: bytes) -> None:
    for round_ in range(20):
        client = target.connect()
        client.setblocking(False)
        if data:
            client.send(data)
        time.sleep(0.002 * (round_ % 4))  # at different moments of the server's
        target.reset(client)
    target.check()


def test_a_client_that_leaves_at_once_gets_nothing_done(target) -> None:
    """Nor does a reset between a head and its body do anything."""
    for _ in range(20):
        head = target.request("/api/v1/pins/relay/toggle", method="POST", fields="Content-Length: 2\r\n")
        client = target.connect(head)
        target.reset(client)
    target.check()


def test_pipelined_requests_are_all_answered(target) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: door.local\r\n\r\n"
    with target.connect(one * 99 + target.request("/healthz")) as client:
        data = b""
        while part := client.recv(65536):
            data += part
    assert data.count(b"HTTP/1.1 200 OK\r\n") == 100


def test_octet_by_octet(target) -> None:
    with target.connect() as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in target.request("/healthz"):
            client.send(bytes([octet]))
        answer = b""
        while part := client.recv(65536):
            answer += part
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"status": "ok"}


def test_nothing_is_left_open(target) -> None:
    """Of all those connections no descriptor is left once their time is over; and there never are many."""
    if not target.at_rest:
        pytest.skip("no /proc here: only Linux has it")
    target.board.wait(lambda: target.descriptors() == target.at_rest, timeout=10)
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(target.connect(b"GET /"))
        target.check()
        assert target.descriptors() <= target.at_rest + 4 + 1  # the places, and one that is being turned out
    target.board.wait(lambda: target.descriptors() == target.at_rest, timeout=10)
