"""The keys of /secrets.json: which there are, one more, one less.

A change is one atomic replacement of the file, and what else stands in it stays. Over USB, after
slots.enter(), it needs no running application, and holds from the next start on:

    from firmware import keyring
    keyring.add({"kty": "oct", "kid": "2026-12", "alg": "HS256", "k": "…"})
    keyring.retire("2026-11")

The names of retired keys stay in the file. Without them, whoever recorded the request that had a key derived
could bring that key back by sending it again, for as long as the key that it was derived from is there. When
there are 32, no key is derived any more, rather than one name forgotten: a deploy begins a new list.

Whatever is taken here, settings.py takes as well: a board must not find at its next start that its secrets
are wrong. For a running application admin.py does the same step by step, to have the new verifier ready
before the file changes.
"""

import hmac
import json

from micropython import const

from . import storage

SECRETS = "/secrets.json"
MOST_RETIRED = 32

_MOST_KEYS = const(4)


class KeyringError(ValueError):
    """The change is refused, and nothing has changed. The text holds no secret.

    `.code` is one of: bad_value key_exists too_many_keys unknown_key last_key key_retired.
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def describe(path=SECRETS):
    """Return [{"kid", "alg"}], the newest key last. Raises ValueError if the file cannot be used."""
    return [{"kid": jwk["kid"], "alg": jwk["alg"]} for jwk in load(path)["keys"]]


def add(jwk, path=SECRETS):
    """Add a key (a dict, RFC 7517) as the newest. Return False if the very same is there already.

    Raises KeyringError, ValueError if the file cannot be used, OSError if it cannot be written.
    """
    secrets = load(path)
    jwks = with_key(secrets["keys"], jwk)
    if jwks is None:
        return False
    store(secrets, jwks, path)
    return True


def retire(kid, path=SECRETS):
    """Remove the key called `kid`. Return False if there is none. Raises as add() does."""
    secrets = load(path)
    try:
        jwks = without_key(secrets["keys"], kid)
    except KeyringError as error:
        if error.code != "unknown_key":
            raise
        return False
    store(secrets, jwks, path)
    return True


def load(path=SECRETS):
    """Return all that the file holds, a dict; its "keys" are a list of JWKs. Raises ValueError."""
    secrets = storage.load(path)
    if type(secrets) is not dict or not _are_keys(secrets.get("keys")):
        raise ValueError("%s: has no list of keys; deploy it again" % path)
    if type(secrets.get("retired", [])) is not list:
        raise ValueError("%s: has no list of retired keys; deploy it again" % path)
    return secrets


def store(secrets, jwks, path=SECRETS):
    """Write what load() has given, with the keys `jwks`; those that are not among them are retired. Raises
    OSError, ValueError.
    """
    kids = [jwk["kid"] for jwk in jwks]
    retired = list(secrets.get("retired", ()))
    for jwk in secrets["keys"]:
        if jwk["kid"] not in kids and jwk["kid"] not in retired:
            retired.append(jwk["kid"])
    secrets = dict(secrets)
    secrets["keys"] = jwks
    if retired:
        secrets["retired"] = retired[-MOST_RETIRED:]
    # What is not ours is copied, too. It must not be lost to what this runtime's json cannot write.
    for value in secrets.values():
        if json.loads(json.dumps(value)) != value:
            raise ValueError("%s: holds what the board cannot write again; deploy it again" % path)
    storage.write_atomic(path, _json(secrets))


def _json(secrets):
    # Member by member: in one piece, with a certificate, it is more than a board may have in one.
    before = b"{"
    for name, value in secrets.items():
        yield before + json.dumps(name).encode() + b": " + json.dumps(value).encode()
        before = b", "
    yield b"}"


def with_key(jwks, jwk):
    """Return the list with the key `jwk` at its end; None if the very same is in it. Raises KeyringError."""
    from .newkey import check

    check(jwk)
    for known in jwks:
        if known["kid"] == jwk["kid"]:
            if hmac.compare_digest(known["k"].encode(), jwk["k"].encode()):
                return None
            raise KeyringError("key_exists", "there is another key with this kid")
    if len(jwks) >= _MOST_KEYS:
        raise KeyringError("too_many_keys", "the board has %d keys; retire one" % _MOST_KEYS)
    return jwks + [jwk]


def without_key(jwks, kid):
    """Return the list without the key called `kid`. Raises KeyringError."""
    rest = [jwk for jwk in jwks if jwk["kid"] != kid]
    if len(rest) == len(jwks):
        raise unknown()
    if not rest:
        raise KeyringError("last_key", "it is the last key; add another one first")
    return rest


def _are_keys(jwks):
    if type(jwks) is not list:
        return False
    for jwk in jwks:
        if type(jwk) is not dict:
            return False
        for name in ("kid", "alg", "k"):
            if type(jwk.get(name)) is not str:
                return False
    return True


def unknown():
    """Return the refusal of a kid that no key has."""
    return KeyringError("unknown_key", "there is no key with this kid")
