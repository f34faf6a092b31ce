"""A board's keys and revocations in a few lines, as docs/http-api.md has them, for faults at every step.

What it knows survives everything, as flash does. It takes signed requests only, checks tokens with
PyJWT and derives keys with the standard library: nothing of the tools or of the firmware judges the tools.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import unquote

import jwt

from .signatures import PATH, Signatures

API = "/api/v1/"


class NoAnswer(Exception):
    """Raised by a fault: the connection ends here."""


@dataclass
class ModelBoard:
    """`keys` are JWKs, newest last. `fault(moment, method, path)` is called "before" and "after" each request
    is carried out; it may raise NoAnswer. `seen` is all that crossed the network, both ways.
    """

    name: str
    keys: list[dict]
    revocations: list[dict] = field(default_factory=list)
    fault: Callable[[str, str, str], None] = lambda moment, method, path: None
    requests: list[tuple[str, str, dict | None]] = field(default_factory=list)
    seen: bytes = b""
    port: int = 0
    signatures: Signatures = field(default_factory=Signatures)

    @property
    def address(self) -> str:
        """HOST:PORT"""
        return f"127.0.0.1:{self.port}"

    @property
    def kids(self) -> list[str]:
        """The keys' names."""
        return [key["kid"] for key in self.keys]

    def takes(self, token: str) -> bool:
        """Whether the token is good here and not revoked."""
        return self.refusal(token) is None

    def refusal(self, token: str) -> str | None:
        """The reason for which the board does not take the token, None for a good one."""
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in self.kids:
            return "kid"
        key = decoded(self.keys[self.kids.index(kid)]["k"])
        try:
            claims = jwt.decode(token, key, ["HS256"], audience=self.name)
        except jwt.InvalidSignatureError:
            return "signature"
        except jwt.ImmatureSignatureError:
            return "not_yet_valid"
        except jwt.ExpiredSignatureError:
            return "expired"
        return "revoked" if any(_is_meant(claims, one) for one in self.revocations) else None

    def answer(self, method: str, path: str, token: str, body: dict | None) -> tuple[int, dict | None]:
        """Carry a request out."""
        if reason := self.refusal(token):
            return problem(401, "invalid_token", reason=reason)
        if "admin" not in jwt.decode(token, options={"verify_signature": False})["scope"].split():
            return problem(403, "insufficient_scope")
        match method, path.removeprefix(API).split("/"):
            case "GET", ["keys"]:
                return 200, {"keys": [{"kid": key["kid"], "alg": key["alg"]} for key in self.keys]}
            case "POST", ["keys"] if body is not None:
                return self._add(body)
            case "DELETE", ["keys", kid]:
                return self._retire(unquote(kid), jwt.get_unverified_header(token)["kid"])
            case "POST", ["revocations"] if body is not None:
                self.revocations.append(body)
                return 201, body
        return problem(404, "not_found")

    def _add(self, body: dict) -> tuple[int, dict | None]:
        if body["from"] not in self.kids:
            return problem(404, "unknown_key")
        secret = decoded(self.keys[self.kids.index(body["from"])]["k"])
        info = b"pinwarden key\0" + self.name.encode() + b"\0" + body["kid"].encode()
        extracted = hmac.digest(decoded(body["salt"]), secret, hashlib.sha256)
        made = base64.urlsafe_b64encode(hmac.digest(extracted, info + b"\x01", hashlib.sha256))
        key = {"kty": "oct", "kid": body["kid"], "alg": "HS256", "k": made.rstrip(b"=").decode()}
        if key in self.keys:
            return 200, {"kid": key["kid"], "alg": "HS256"}
        if key["kid"] in self.kids:
            return problem(409, "key_exists")
        if len(self.keys) == 4:
            return problem(409, "too_many_keys")
        self.keys = [*self.keys, key]
        return 201, {"kid": key["kid"], "alg": "HS256"}

    def _retire(self, kid: str, signer: str) -> tuple[int, dict | None]:
        if kid not in self.kids:
            return problem(404, "unknown_key")
        if len(self.keys) == 1:
            return problem(409, "last_key")
        if kid == signer:
            return problem(409, "key_in_use")
        self.keys = [key for key in self.keys if key["kid"] != kid]
        return 204, None


@contextmanager
def serving(board: ModelBoard) -> Iterator[ModelBoard]:
    """The board, answering on 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            raw = self.rfile.read(length)
            board.seen += f"{self.command} {self.path}\n{self.headers}".encode() + raw
            if self.path == PATH:
                self._answer(*board.signatures.told())
                return
            head = {name.lower(): value for name, value in self.headers.items()}
            known = {key["kid"]: decoded(key["k"]) for key in board.keys}
            token = board.signatures.token(self.command, self.path, head, raw, known)
            if isinstance(token, tuple):
                self._answer(*token)
                return
            body = json.loads(raw) if raw else None
            board.requests.append((self.command, self.path, body))
            try:
                board.fault("before", self.command, self.path)
                status, data = board.answer(self.command, self.path, token, body)
                board.fault("after", self.command, self.path)
            except NoAnswer:
                self.close_connection = True
                return
            self._answer(status, data)

        def _answer(self, status: int, data: dict | None, fields: Mapping[str, str] | None = None) -> None:
            kind = "application/json" if status < 400 else "application/problem+json"
            sent = b"" if data is None else json.dumps(data).encode()
            board.seen += sent
            self.send_response(status)
            for name, value in (fields or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a test reads `requests`."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        # A client that a test has killed is not this server's fault.
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        board.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield board
        finally:
            server.shutdown()
            thread.join()


def problem(status: int, code: str, **more: str) -> tuple[int, dict]:
    """A refusal (RFC 9457)."""
    return status, {"title": "No", "status": status, "detail": f"It says {code}.", "code": code, **more}


def decoded(text: str) -> bytes:
    """The bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _is_meant(claims: dict, revocation: dict) -> bool:
    if "jti" in revocation:
        return (
            claims.get("jti") == revocation["jti"] and revocation.get("until", time.time() + 1) > time.time()
        )
    whose = revocation.get("sub", claims.get("sub"))
    return claims.get("sub") == whose and claims.get("iat", -1) < revocation["before"]
