"""What the application leaves of MicroPython's memory when it starts, and how many names it has."""

from __future__ import annotations

import http.client
import json
from contextlib import closing

import pytest
from bench.heap import NAMES_THAT_FIT, figures

import testbed
from pinwarden_sim import Board

# Bytes. A long token in a long head, an administrator's request and a flush of the audit each need several
# pieces of 2 to 4 kB. What a change takes of it shows in `python -m bench.heap`.
FREE = 36_000
LARGEST = 24_000
FREE_LATER = 34_000

NAMES = 1240  # of those that fit, with nearly all loaded that can be


def use_everything(board: Board) -> None:
    """Have each part loaded that is loaded when it is asked for."""
    fields = {"Host": "door.local", "Content-Type": "application/json"}
    fields |= testbed.bearer(testbed.token("admin", "pins:write", "audit:read", iss="home", jti="parent"))
    derived = json.dumps({"kid": "other", "from": testbed.KID, "salt": "A" * 43})
    with closing(http.client.HTTPConnection("127.0.0.1", board.port, timeout=10)) as connection:
        for status, method, path, body in [
            (200, "GET", "/", None),
            (200, "POST", "/api/v1/pins/relay/toggle", "{}"),
            (422, "POST", "/api/v1/pins/relay/toggle", '{ "a": [-1.5, "\\n"] }'),
            (200, "GET", "/api/v1/device", None),
            (201, "POST", "/api/v1/keys", derived),
            (204, "DELETE", "/api/v1/keys/other", None),
            (201, "POST", "/api/v1/revocations", '{"jti": "lost"}'),
            (200, "GET", "/api/v1/revocations", None),
            (201, "POST", "/api/v1/tokens", '{"sub": "guest", "scope": "pins:write:relay", "ttl": 600}'),
            (200, "GET", "/api/v1/audit", None),
            (200, "GET", "/api/v1/challenge", None),
            (401, "PUT", "/api/v1/clock", '{"now": 1800000000}'),
        ]:
            status_now, said = 503, b""
            for _ in range(5):  # 503: no room for the administrator's part at this moment; nothing was done
                connection.request(method, path, body, fields)
                answer = connection.getresponse()
                status_now, said = answer.status, answer.read()
                if status_now != 503:
                    break
            assert status_now == status, (method, path, said)


def test_memory_and_names(board: Board) -> None:
    at_start = figures(board)
    use_everything(board)
    later = figures(board)
    print(at_start, later)
    assert at_start.free >= FREE
    assert at_start.largest >= LARGEST
    assert later.free >= FREE_LATER
    assert at_start.names < later.names < NAMES < NAMES_THAT_FIT


@pytest.mark.parametrize("pins", [{**testbed.KINDS, "up": testbed.PINS["lamp"]}])
def test_names_of_every_kind(board: Board) -> None:
    use_everything(board)
    told = figures(board)
    print(told)
    assert told.names < NAMES
