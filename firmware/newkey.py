"""A key that is to be added to those of /secrets.json: derived from one that is there, and checked.

Apart from keyring.py, and loaded for this alone: there need not be room for all of it at once.
"""

import base64url
import hkdf
import jwt
from micropython import const

from .keyring import MOST_RETIRED, KeyringError, unknown
from .verifier import secret_of

SALT_BYTES = 32  # as long as the hash (RFC 5869 section 3.1)

_LONGEST_KID = const(64)  # characters
_LONGEST_SECRET = const(512)  # bytes
_MEMBERS = ("kty", "kid", "alg", "k")


def derive(secrets, source, salt, name, kid):
    """Return the JWK called `kid` that the device `name` makes of its key `source` and a `salt` of 32 bytes.
    `secrets` are what keyring.load() has given.

    So a key is added where a secret cannot be sent. Who has the key `source`, and has seen the salt go by,
    can make it as well. Raises KeyringError.
    """
    jwks, retired = secrets["keys"], secrets.get("retired", ())
    _check_kid(kid)
    if kid in retired:
        raise KeyringError("key_retired", "a key of this name was retired, and does not come back")
    if len(retired) >= MOST_RETIRED:
        raise KeyringError("key_retired", "%d keys were retired; rotate by USB, or deploy" % MOST_RETIRED)
    if type(salt) is not bytes or len(salt) != SALT_BYTES:
        raise KeyringError("bad_value", "salt: %d random bytes" % SALT_BYTES)
    for jwk in jwks:
        if jwk["kid"] == source:
            # The names bind the key to its place: with the same salt, another device makes another key. There
            # is no NUL in them, so no two pairs of names make the same text.
            info = b"pinwarden key\0" + name.encode() + b"\0" + kid.encode()
            secret = base64url.encode(hkdf.derive(secret_of(jwk), salt, info))
            return {"kty": "oct", "kid": kid, "alg": "HS256", "k": str(secret, "utf-8")}
    raise unknown()


def check(jwk):
    """Check that `jwk` may be one of the board's keys. Raises KeyringError."""
    if type(jwk) is not dict or sorted(jwk) != sorted(_MEMBERS):
        raise KeyringError("bad_value", "a key has the members kty, kid, alg, k and no other")
    _check_kid(jwk["kid"])
    if jwk["kty"] != "oct" or jwk["alg"] != "HS256" or type(jwk["k"]) is not str:
        raise KeyringError("bad_value", "kty: oct; alg: HS256; k: base64url")
    try:
        secret = secret_of(jwk)
        if len(secret) > _LONGEST_SECRET:
            raise ValueError("secret: %d bytes; at most %d" % (len(secret), _LONGEST_SECRET))
        jwt.Key(secret, jwk["kid"], jwk["alg"])
    except ValueError as error:  # KeyRejected and Base64Error are ValueErrors
        raise KeyringError("bad_value", "k: %s" % error) from None


def _check_kid(kid):
    if type(kid) is not str or not 0 < len(kid) <= _LONGEST_KID or not _is_plain(kid):
        raise KeyringError("bad_value", "kid: 1 to %d of A-Z a-z 0-9 . _ -" % _LONGEST_KID)


def _is_plain(kid):
    # What stands in a path, a header field and a file as it is (RFC 3986 section 2.3), and in every font.
    for c in kid:
        if not ("a" <= c <= "z" or "A" <= c <= "Z" or "0" <= c <= "9" or c in "._-"):
            return False
    return True
