"""A board for the doctor's tests: it answers /healthz and /api/v1/device as a good one does, or as a bad one.

It checks tokens with PyJWT: nothing of the tools or of the firmware judges the tools.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

from pinwarden import boardlib
from pinwarden.device import Device

from .signatures import PATH, Signatures

_REASONS = {
    jwt.ExpiredSignatureError: "expired",
    jwt.ImmatureSignatureError: "not_yet_valid",
    jwt.InvalidSignatureError: "signature",
    jwt.InvalidAudienceError: "audience",
}


@dataclass
class DoctorBoard:
    """`told` are members of /device that differ from a healthy board's, `careless` the reasons for which it
    should refuse a token and does not ("no token" is one). `clock` is how far its clock is ahead, in seconds.
    """

    name: str
    secret: bytes
    kids: list[str]
    told: dict[str, object] = field(default_factory=dict)
    careless: set[str] = field(default_factory=set)
    mixes_up: dict[str, str] = field(default_factory=dict)  # reasons that it gives for others
    clock: int = 0
    health: tuple[int, object] = (200, {"status": "ok"})
    refuses_all: tuple[int, dict] | None = None  # what a request for /device gets, whatever its token
    raw: bytes | None = None  # what every request gets
    port: int = 0
    takes_bearer: bool = True
    too_old: bool = False  # for signed requests
    tokens: list[str | None] = field(default_factory=list)  # those that it was asked with, whole
    shown: list[str] = field(default_factory=list)  # those of them that crossed the network

    @property
    def address(self) -> str:
        """HOST:PORT"""
        return f"127.0.0.1:{self.port}"

    def device(self) -> dict:
        """The answer to /device."""
        clock = {"set": True, "source": "ntp", "now": int(time.time()) + self.clock}
        told = {
            "name": self.name,
            "version": boardlib.version(),
            "build": None,
            "slot": "a",
            "uptime_s": 90000,
            "clock": clock,
            "heap": {"free": 90000, "used": 60000},
            "flash": {"free": 1500000, "size": 2097152},
            "reset_cause": "pwron",
            "signal_dbm": -55,
            "network": "station",
            "chip": "esp32",
            "micropython": "1.29.0",
            "rolled_back": None,
            "crashes": None,
        }
        return {**told, **self.told}

    def answer(self, path: str, token: str | None, *, signed: bool = False) -> tuple[int, object]:
        """Status and body."""
        if path == "/healthz":
            return self.health
        if path == PATH:
            if self.too_old:
                return 404, {"code": "not_found", "status": 404}
            return Signatures(clock=self.clock).told()
        self.tokens.append(token)
        if token is not None and not signed:
            self.shown.append(token)
        if self.refuses_all:
            return self.refuses_all
        if token is None:
            refused = (401, {"code": "missing_token", "status": 401, "detail": "a token is needed"})
            return refused if "no token" not in self.careless else (200, self.device())
        if not (signed or self.takes_bearer):
            return 401, {"code": "bearer_disabled", "status": 401, "detail": "signed requests only"}
        reason = self._reason(token, signed)
        if reason is None or reason in self.careless:
            return 200, self.device()
        reason = self.mixes_up.get(reason, reason)
        return 401, {
            "code": "invalid_token",
            "status": 401,
            "reason": reason,
            "detail": f"says the board: {reason}",
        }

    def _reason(self, token: str, signed: bool) -> str | None:
        now = int(time.time()) + self.clock
        if jwt.get_unverified_header(token)["kid"] not in self.kids:
            return "kid"
        try:
            # The times are checked below: by this board's clock.
            off = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
            claims = jwt.decode(token, self.secret, ["HS256"], audience=self.name, options=off)  # pyright: ignore
        except tuple(_REASONS) as error:
            return _REASONS[type(error)]
        if claims["exp"] <= now:
            return "expired"
        if claims.get("iat", 0) > now:
            return "not_yet_valid"
        return "proof_required" if "cnf" in claims and not signed else None


@contextmanager
def serving(device: Device, **changes: object) -> Iterator[DoctorBoard]:
    """The device's own board on 127.0.0.1, healthy but for `changes`."""
    own = device.keys()
    secret = base64.urlsafe_b64decode(own[-1]["k"] + "==")
    board = DoctorBoard(device.name, secret, [key["kid"] for key in own])
    for name, value in changes.items():
        assert hasattr(board, name)
        setattr(board, name, value)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if board.raw is not None:
                self.wfile.write(board.raw)
                return
            scheme, _, token = self.headers.get("Authorization", "").partition(" ")
            assert scheme in ("", "Bearer", "Pinwarden")
            if signed := scheme == "Pinwarden":
                head = {name.lower(): value for name, value in self.headers.items()}
                keys = dict.fromkeys(board.kids, board.secret)
                judged = Signatures(clock=board.clock).token("GET", self.path, head, b"", keys)
                assert isinstance(judged, str), judged
                token = judged
            status, body = board.answer(self.path, token or None, signed=signed)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", f'Bearer realm="{board.name}"')
            if not isinstance(body, bytes):
                self.send_header("Content-Type", "application/problem+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        board.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield board
        finally:
            server.shutdown()
            thread.join()
