"""Signed requests as a board judges them (docs/signed-requests.md), for boards that are left out.

The signature is judged by the package http-message-signatures, and the token's own is made with the standard
library: nothing of the tools or of the firmware judges the tools.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace

from http_message_signatures.algorithms import HMAC_SHA256  # pyright: ignore[reportPrivateImportUsage]
from http_message_signatures.exceptions import InvalidSignature
from http_message_signatures.resolvers import HTTPSignatureKeyResolver
from http_message_signatures.signatures import HTTPMessageVerifier

REQUIRED = ("@method", "@authority", "@path", "@query", "authorization", "content-digest")
PATH = "/api/v1/challenge"
WINDOW = 300
_INPUT = re.compile(r'.*;created=([0-9]{10});.*;nonce="([A-Za-z0-9_-]{16})\.[A-Za-z0-9_-]{8,32}";.*')

Refusal = tuple[int, dict, dict[str, str]]  # status, body, fields


class KeyOf(HTTPSignatureKeyResolver):
    """Resolves the one key id to the token's signature."""

    def __init__(self, token: str) -> None:
        segment = token.rpartition(".")[2]
        self._key = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))

    def resolve_public_key(self, key_id: str) -> bytes:
        assert key_id == "token"
        return self._key


def verified(token: str, message: SimpleNamespace, body: bytes) -> None:
    """Raise InvalidSignature unless the message was signed with the token."""
    verifier = HTTPMessageVerifier(signature_algorithm=HMAC_SHA256, key_resolver=KeyOf(token))
    verifier.max_clock_skew = timedelta(days=1000)  # the board judges that, by a clock of its own
    verifier.verify(message, max_age=None, expect_tag="pinwarden", require_components=REQUIRED, body=body)


@dataclass
class Signatures:
    """`clock` is how far the board's is ahead, in seconds; `refused` are the codes that were answered."""

    challenge: str = "AAECAwQFBgcICQoL"
    clock: int = 0
    tells: bool = True  # the challenge to who asks for it
    used: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)

    def renew(self) -> None:
        """Another challenge, as after a restart."""
        self.challenge = secrets.token_urlsafe(12)
        self.used = set()

    def now(self) -> int:
        """The board's time, Unix seconds."""
        return int(time.time()) + self.clock

    def told(self) -> tuple[int, dict]:
        """The answer to GET /api/v1/challenge: status and body."""
        if not self.tells:
            return 429, {"code": "rate_limited", "status": 429, "detail": "later"}
        return 200, {"nonce": self.challenge, "now": self.now()}

    def token(
        self, method: str, path: str, head: Mapping[str, str], body: bytes, keys: Mapping[str, bytes]
    ) -> str | Refusal:
        """The whole token that the request was signed with; one whose signature is wrong, where it was signed
        with another; or why it is refused. `keys` are secrets by kid.
        """
        scheme, _, token = head["authorization"].partition(" ")
        assert scheme == "Pinwarden"
        header, dot, payload = token.partition(".")
        assert dot, "header and payload"
        assert "." not in payload, "the token's signature is not for the network"
        secret = keys.get(json.loads(base64.urlsafe_b64decode(header + "=="))["kid"])
        if secret is None:
            return f"{token}.{'A' * 43}"
        mac = hmac.digest(secret, token.encode(), hashlib.sha256)
        whole = f"{token}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        fields = {
            name: head[name.lower()]
            for name in ("Authorization", "Content-Digest", "Signature-Input", "Signature")
        }
        message = SimpleNamespace(method=method, url=f"http://{head['host']}{path}", headers=fields)
        try:
            verified(whole, message, body)
        except InvalidSignature:
            return f"{token}.{'A' * 43}"
        created, nonce = _INPUT.fullmatch(fields["Signature-Input"]).groups()  # type: ignore[union-attr]
        if nonce != self.challenge:
            return self._refuse("stale_nonce")
        if fields["Signature"] in self.used:
            return self._refuse("replayed")
        if abs(int(created) - self.now()) > WINDOW:
            return self._refuse("created_out_of_window")
        self.used.add(fields["Signature"])
        return whole

    def _refuse(self, code: str) -> Refusal:
        self.refused.append(code)
        field = f'Pinwarden realm="door", error="{code}", nonce="{self.challenge}"'
        body = {"status": 401, "title": "No", "detail": f"It says {code}.", "code": code, "now": self.now()}
        return 401, body, {"WWW-Authenticate": field}
