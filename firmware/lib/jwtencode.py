"""Minting of tokens; a board only verifies them, and never loads this."""

import json

try:
    from . import base64url, strictjson
except ImportError:
    import base64url
    import strictjson


def encode(claims, key):
    """Return a token (str) of `claims` (a dict) signed by `key` (a Key).

    Raises ValueError for claims that a strict reader would read otherwise or not at all.
    """
    if not isinstance(claims, dict):
        raise ValueError("claims: a dict")
    for name in ("exp", "nbf", "iat"):
        date = claims.get(name, 0)
        if type(date) is not int or not 0 <= date <= 9007199254740991:  # as jwt.py takes them
            raise ValueError("%s: whole Unix seconds, an int" % name)
    header = {"alg": key.alg, "typ": "JWT"}
    if key.kid is not None:
        header["kid"] = key.kid
    segments = []
    for part in (header, claims):
        text, same = b"", False
        try:
            text = json.dumps(part, separators=(",", ":")).encode()
            same = strictjson.loads(text) == part
        except (TypeError, ValueError, RuntimeError):  # the last: nested beyond the stack
            pass
        if not same:
            raise ValueError("claims: cannot be written as JSON")
        segments.append(base64url.encode(text))
    signing_input = b".".join(segments)
    return str(signing_input + b"." + key.sign(signing_input), "utf-8")
