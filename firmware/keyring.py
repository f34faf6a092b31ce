"""The keys of /secrets.json, made into what verifies tokens."""

import base64url
import jwt


def make_verifier(settings, jwks):
    """Return the jwt.Verifier for checked `settings` and `jwks`, the member "keys" of the checked secrets.

    The device's name is its audience. Raises jwt.KeyRejected, with the place of the key and never the key.
    """
    keys = []
    for i, jwk in enumerate(jwks):
        try:
            keys.append(jwt.Key(base64url.decode(jwk["k"].encode()), kid=jwk["kid"], alg=jwk["alg"]))
        except ValueError as error:
            raise jwt.KeyRejected("keys[%d]: %s" % (i, error)) from None
    return jwt.Verifier(keys, audience=settings["name"], issuer=settings["issuer"], leeway=settings["leeway"])
