"""A guard with a known key and a clock of its own, and requests to it: for the tests of access.py and
api.py.
"""

import hmac
from binascii import b2a_base64
from hashlib import sha256

import base64url
import jwt
import jwtproof
from firmware.access import Access
from firmware.proof import Proofs
from firmware.request import parse_head

NOW = 1793491200  # 2026-11-01
KEY = jwt.Key(bytes(range(1, 33)), kid="2026-11")
OTHER_KEY = jwt.Key(bytes(range(33, 65)), kid="2026-11")


class Clock:
    """clock.Clock, as far as the guard uses it."""

    problem = None

    def __init__(self, unix=NOW):
        self.unix = unix
        self.behind = 0  # what is certain, by so much
        self.newest = None

    def now(self):
        return self.unix

    def certain(self):
        return None if self.behind is None else self.unix - self.behind

    def saw_iat(self, iat):
        self.newest = iat


def token(*scopes, key=KEY, **claims):
    """A token for `scopes`; `claims` replace those that it would have, None leaves one out."""
    every = {"aud": "door", "sub": "anna", "iat": NOW - 60, "exp": NOW + 3600, "scope": " ".join(scopes)}
    every.update(claims)
    return jwt.encode({name: value for name, value in every.items() if value is not None}, key)


class Revocations:
    """revocation.Revocations, as far as the guard uses it: `ids` are revoked. `times` are those that it was
    asked about.
    """

    def __init__(self, *ids):
        self.ids = ids
        self.times = []

    def is_revoked(self, claims, at=None):
        self.times.append(at)
        return claims.get("jti") in self.ids


def access_of(clock, *revoked, bearer=True):
    """The guard; its random numbers are zeros."""
    verifier = jwtproof.Verifier([KEY], audience="door")
    return Access(verifier, clock, "door", Revocations(*revoked), Proofs(bytes), bearer)


def request_of(method, path, *fields, body=b""):
    """A request as it comes out of a head with these fields (str or bytes)."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: door"]
    lines.extend([field if type(field) is bytes else field.encode() for field in fields])
    request = parse_head(b"\r\n".join(lines))
    request.body = body
    return request


def signed(value, method, path, own="own-nonce", created=NOW, challenge="A" * 16, body=b"", shown=None):
    """The fields that make a request a signed one, by docs/signed-requests.md and not by proof.py; `shown` is
    the token that goes along, if it is not the one that signs.
    """
    head, _, signature = value.rpartition(".")
    head = (shown or value).rpartition(".")[0]
    parameters = (
        '("@method" "@authority" "@path" "@query" "authorization" "content-digest");created=%d'
        ';keyid="token";alg="hmac-sha256";nonce="%s.%s";tag="pinwarden"' % (created, challenge, own)
    )
    digest = "sha-256=:%s:" % _base64(sha256(body).digest())
    path, _, query = path.partition("?")
    base = [
        '"@method": ' + method,
        '"@authority": door',
        '"@path": ' + path,
        '"@query": ?' + query,
        '"authorization": Pinwarden ' + head,
        '"content-digest": ' + digest,
        '"@signature-params": ' + parameters,
    ]
    mac = hmac.digest(base64url.decode(signature.encode()), "\n".join(base).encode())
    return [
        "Authorization: Pinwarden " + head,
        "Content-Digest: " + digest,
        "Signature-Input: pw=" + parameters,
        "Signature: pw=:%s:" % _base64(mac),
    ]


def _base64(data):
    return str(b2a_base64(data), "utf-8").rstrip("\n")
