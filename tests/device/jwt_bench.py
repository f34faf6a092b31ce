"""Tokens made by hand, for the tests of jwt.py: also those that `encode` would refuse to make."""

import json

import base64url
from jwt import Key

NOW = 1793491200  # 2026-11-01
SECRET = bytes(range(32))
OTHER = bytes(range(1, 33))
HEADER = {"alg": "HS256", "typ": "JWT"}
CLAIMS = {"sub": "anna", "exp": NOW + 60}


def segment(part):
    """A dict, or JSON text as str or bytes, as the segment of a token."""
    if isinstance(part, dict):
        part = json.dumps(part)
    return base64url.encode(part.encode() if isinstance(part, str) else part)


def token(header=HEADER, claims=CLAIMS, secret=SECRET):
    signed = segment(header) + b"." + segment(claims)
    return (signed + b"." + Key(secret).sign(signed)).decode()


def with_claims(**members):
    claims = dict(CLAIMS)
    claims.update(members)
    return token(HEADER, claims)


class Counting(Key):
    """A key that counts how often it was asked."""

    def __init__(self, secret=SECRET, kid=None):
        super().__init__(secret, kid)
        self.asked = 0

    def signs(self, signing_input, signature):
        self.asked += 1
        return super().signs(signing_input, signature)
