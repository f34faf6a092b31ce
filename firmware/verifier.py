"""What verifies tokens by the keys of /secrets.json, and which of them it was.

Loaded for that, and unloaded again: see app.py.
"""

import base64url
import jwt
import jwtproof


def make_verifier(settings, jwks):
    """Return the jwtproof.Verifier for checked `settings` and `jwks`, the member "keys" of checked secrets.

    The device's name is its audience. Raises jwt.KeyRejected, with the place of the key and never the key.
    """
    keys = []
    for i, jwk in enumerate(jwks):
        try:
            keys.append(jwt.Key(secret_of(jwk), kid=jwk["kid"], alg=jwk["alg"]))
        except ValueError as error:
            raise jwt.KeyRejected("keys[%d]: %s" % (i, error)) from None
    return jwtproof.Verifier(
        keys, audience=settings["name"], issuer=settings["issuer"], leeway=settings["leeway"]
    )


def signed_by(verifier, request):
    """Return (key, octets) of the token of a `request` that was let in: the jwt.Key that has signed it, and
    what of it that key has signed. Its signature need not have come.
    """
    value = request.fields[b"authorization"]
    token = value[value.find(b" ") :].lstrip(b" ")
    first = token.find(b".")
    last = token.find(b".", first + 1)
    return verifier.key_of(token[:first]), token[:last] if last > 0 else token


def secret_of(jwk):
    """Return the octets of a JWK (RFC 7518 section 6.4). Raises Base64Error."""
    return base64url.decode(jwk["k"].encode())
