"""Asking a board over a kept connection, with tokens that are made as they are needed."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from types import MappingProxyType
from typing import Any

import jwt

from pinwarden import proof
from pinwarden_sim import Board

NAME = "door"  # of the board
AN_HOUR = 3600
LOST = (OSError, http.client.HTTPException)


def signed(secret: bytes, kid: str, scope: str, **claims: Any) -> str:
    """A token that was made a moment ago, and is good for an hour."""
    now = int(time.time())
    every = {"aud": NAME, "sub": "chief", "iat": now - 5, "exp": now + AN_HOUR, "scope": scope, **claims}
    return jwt.encode(every, secret, algorithm="HS256", headers={"kid": kid})


def client(board: Board) -> http.client.HTTPConnection:
    """A connection that is opened at the first request, and kept."""
    return http.client.HTTPConnection("127.0.0.1", board.port, timeout=10)


def ask(
    line: http.client.HTTPConnection,
    method: str,
    path: str,
    value: str | None = None,
    body: dict[str, Any] | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, Any]:
    """The status and the JSON of the answer. `value` is the token; `more` are header fields, which may take
    its place. Raises one of LOST.
    """
    fields = {"Host": NAME, "Content-Type": "application/json"}
    if value is not None:
        fields["Authorization"] = f"Bearer {value}"
    fields |= more
    data = None if body is None else json.dumps(body)
    line.request(method, path if path.startswith("/") else f"/api/v1/{path}", data, fields)
    answer = line.getresponse()
    content = answer.read()
    return answer.status, json.loads(content) if content else {}


def sign_for(
    line: http.client.HTTPConnection, method: str, path: str, body: dict[str, Any] | None, value: str
) -> dict[str, str]:
    """The fields that sign such a request with the token `value`. Raises one of LOST."""
    _, told = ask(line, "GET", "challenge")
    octets = json.dumps(body).encode()
    return proof.sign(
        value, method, NAME, f"/api/v1/{path}", octets, challenge=told["nonce"], created=int(time.time())
    )


@contextmanager
def toggling(board: Board, value: str) -> Iterator[list[int]]:
    """Somebody else uses it meanwhile, until it answers no more. Gives how many were answered, in the end."""
    ended, answered = threading.Event(), []

    def toggle() -> None:
        count = 0
        with closing(client(board)) as line, suppress(*LOST):
            while not ended.is_set():
                ask(line, "POST", "pins/relay/toggle", value, {})
                count += 1
        answered.append(count)

    thread = threading.Thread(target=toggle, daemon=True)
    thread.start()
    try:
        yield answered
    finally:
        ended.set()
        thread.join()
