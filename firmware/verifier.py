"""What verifies tokens by the keys of /secrets.json."""

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


def secret_of(jwk):
    """Return the octets of a JWK (RFC 7518 section 6.4). Raises Base64Error."""
    return base64url.decode(jwk["k"].encode())
