"""A guard with a known key and a clock of its own: for the tests of access.py and api.py."""

import jwt
from firmware.access import Access
from firmware.request import parse_head

NOW = 1793491200  # 2026-11-01
KEY = jwt.Key(bytes(range(1, 33)), kid="2026-11")
OTHER_KEY = jwt.Key(bytes(range(33, 65)), kid="2026-11")


class Clock:
    """clock.Clock, as far as the guard uses it."""

    def __init__(self, unix=NOW):
        self.unix = unix
        self.newest = None

    def now(self):
        return self.unix

    def saw_iat(self, iat):
        self.newest = iat


def token(*scopes, key=KEY, **claims):
    """A token for `scopes`; `claims` replace those that it would have, None leaves one out."""
    every = {"aud": "door", "sub": "anna", "iat": NOW - 60, "exp": NOW + 3600, "scope": " ".join(scopes)}
    every.update(claims)
    return jwt.encode({name: value for name, value in every.items() if value is not None}, key)


class Revocations:
    """revocation.Revocations, as far as the guard uses it: `ids` are revoked."""

    def __init__(self, *ids):
        self.ids = ids

    def is_revoked(self, claims):
        return claims.get("jti") in self.ids


def access_of(clock, *revoked):
    return Access(jwt.Verifier([KEY], audience="door"), clock, "door", Revocations(*revoked))


def request_of(method, path, *fields, body=b""):
    """A request as it comes out of a head with these fields (str or bytes)."""
    lines = [f"{method} {path} HTTP/1.1".encode(), b"Host: door"]
    lines.extend([field if type(field) is bytes else field.encode() for field in fields])
    request = parse_head(b"\r\n".join(lines))
    request.body = body
    return request
