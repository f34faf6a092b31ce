"""Signed requests as the client makes them, held against another implementation of RFC 9421."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from http_message_signatures.exceptions import InvalidSignature

import testbed
from pinwarden.proof import sign

from .signatures import verified

CHALLENGE = "AAECAwQFBgcICQoL"
OWN = "own-nonce-1"

CASES = [
    ("a command", "PUT", "door.local", "/api/v1/pins/relay", b'{"value":true}'),
    ("no body: the digest of nothing", "GET", "door.local", "/api/v1/pins", b""),
    ("a query", "GET", "192.168.1.20", "/api/v1/audit?limit=5&before=17", b""),
    ("a port that is not 80", "POST", "127.0.0.1:8080", "/api/v1/pins/relay/toggle", b"{}"),
    ("port 80 is left out of @authority", "POST", "door.local:80", "/api/v1/pins/relay/toggle", b"{}"),
    ("capitals in the host", "GET", "Door.LOCAL", "/api/v1/pins", b""),
    ("an escape in the path stays as it is", "DELETE", "door.local", "/api/v1/keys/a%20b", b""),
]


@pytest.mark.parametrize(
    ("method", "host", "target", "body"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_another_implementation_verifies_it(method: str, host: str, target: str, body: bytes) -> None:
    token = testbed.token("pins:write")
    fields = sign(token, method, host, target, body, challenge=CHALLENGE, created=1_700_000_000, own=OWN)
    message = SimpleNamespace(method=method, url=f"http://{host}{target}", headers=fields)
    verified(token, message, body)
    with pytest.raises(InvalidSignature):
        verified(token, message, body + b" ")
    with pytest.raises(InvalidSignature):
        verified(testbed.token("pins:write", sub="other"), message, body)


def test_the_tokens_signature_is_nowhere_in_it() -> None:
    token = testbed.token("pins:write")
    fields = sign(token, "GET", "door.local", "/", b"", challenge=CHALLENGE, created=1_700_000_000)
    assert token.rpartition(".")[2] not in "\n".join(fields.values())
    assert fields["Authorization"] == "Pinwarden " + token.rpartition(".")[0]


def test_no_two_nonces_are_alike() -> None:
    token = testbed.token("pins:write")
    made = {
        sign(token, "GET", "door.local", "/", b"", challenge=CHALLENGE, created=1_700_000_000)["Signature"]
        for _ in range(100)
    }
    assert len(made) == 100


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ("a.b", "three segments"),
        ("a.b.c.d", "three segments"),
        ("a.b.c", "32 octets"),
        ("a.b." + "A" * 44, "32 octets"),  # of HS384 it has 64, of RS256 342
        ("a.b." + "A" * 42 + "=", "32 octets"),
    ],
)
def test_what_is_no_token_is_refused(token: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        sign(token, "GET", "door.local", "/", b"", challenge=CHALLENGE, created=1_700_000_000)
