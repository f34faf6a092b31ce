"""Properties: what holds for every input, tried on inputs that Hypothesis invents. On the host, with the
standard library and PyJWT as judges of what the board's code says. Here is what they share.
"""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from pinwarden.boardlib import lib

jwt = lib("jwt")
strictjson = lib("strictjson")
base64url = lib("base64url")
board_hmac = lib("hmac")

# How often each is tried. Time limits are pytest-timeout's business: a busy machine is no reason to fail.
some = settings(deadline=None, max_examples=150)
many = settings(some, max_examples=500)

NOW = 1793491200  # 2026-11-01
SECRET = bytes(range(32))
MAX_DEPTH = 8
CODES = frozenset(
    "malformed alg kid crit typ signature expired not_yet_valid audience issuer missing_claim claim_type "
    "too_large".split()
)

# Code points that some UTF-8 can hold.
texts = st.text(st.characters(codec="utf-8"), max_size=12)
# Beyond 2**53 a float's neighbours are further than 1 apart, and beyond 308 digits there are none to us.
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts


def values(depth: int = MAX_DEPTH - 2) -> st.SearchStrategy[Any]:
    """JSON values, nested at most so deep."""
    strategy: st.SearchStrategy[Any] = scalars
    for _ in range(min(depth, 4)):
        strategy = scalars | st.lists(strategy, max_size=3) | st.dictionaries(texts, strategy, max_size=3)
    return strategy


objects = st.dictionaries(texts, values(), max_size=5)


def segment(part: object) -> bytes:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def sealed(signed: bytes, secret: bytes = SECRET) -> bytes:
    """`signed` with its good signature."""
    return signed + b"." + base64.urlsafe_b64encode(hmac.digest(secret, signed, "sha256")).rstrip(b"=")


def token(header: object, claims: object) -> bytes:
    return sealed(segment(header) + b"." + segment(claims))


def verdict(verifier: Any, text: str | bytes, now: int = NOW) -> Any:
    """The claims, or the refusal's code."""
    try:
        return verifier.verify(text, now)
    except jwt.TokenError as error:
        code = error.code
    assert code in CODES
    return code


def alike(a: Any, b: Any) -> bool:
    """Equal, types included: to == True is 1 and 1 is 1.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(alike(value, b[name]) for name, value in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(map(alike, a, b))
    return a == b
