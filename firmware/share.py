"""A guest's token, made on the board: POST /api/v1/tokens. It allows no more than the token that asks for
it, and no longer; and it names that one, its parent, so that whoever revokes the parent revokes the child.

The signature of the child is a secret: whoever hears it could sign with it what the guest may do. So it is
sealed with that of the parent, which only who has asked and the board know: see docs/token-profile.md.

Loaded for such a request, and unloaded again: see app.py.
"""

import hmac

import base64url
import jwt
from micropython import const

from .access import Denied
from .api import members_of
from .response import json_response
from .verifier import signed_by

_CONTEXT = b"pinwarden share\n"
_JTI_BYTES = const(12)
_LONGEST_SUB = const(64)  # characters
_LONGEST_ID = const(128)  # bytes: what revocation.py can name
_LEAST_TTL = const(60)  # seconds
_LONGEST = const(2048)  # bytes of a token: jwt.Verifier's max_length
_SHOWN = const(32)  # characters of a name that the audit holds


def answer(request, parent, access, settings, random):
    """Return the Response to the request of somebody who may share, by the Grant `parent`; `random(n)` gives
    n octets. Raises Denied.
    """
    body = members_of(request)
    _check_parent(parent, body.get("bearer"))
    claims = _claims(body, parent, settings, access.clock)
    claims["scope"] = _scope(body.get("scope"), access, parent, settings["pins"])
    claims["jti"] = str(base64url.encode(random(_JTI_BYTES)), "utf-8")
    if access.revocations.is_revoked(claims):
        raise _bad("sub: the tokens of this name that are made now are revoked; choose another")
    # The key that has signed the parent: when it is retired, both end.
    key, signed = signed_by(access.verifier, request)
    token = jwt.encode(claims, key).encode()
    if len(token) > _LONGEST:
        raise _bad("the token would be longer than %d bytes; name fewer pins" % _LONGEST)
    end = token.rfind(b".")
    sealed = seal(key.mac(signed), token[:end], base64url.decode(token[end + 1 :]))
    told = {"token": str(token[:end], "utf-8"), "sealed": str(base64url.encode(sealed), "utf-8")}
    for name in ("exp", "sub", "scope"):
        told[name] = claims[name]
    response = json_response(told, 201)
    response.action = ("share", claims["sub"][:_SHOWN], claims["jti"])  # pyright: ignore[reportAttributeAccessIssue]
    return response


def seal(parent, signing_input, signature):
    """Return the 32 octets of a child's `signature` sealed with those of its parent's, or the other way
    round.
    """
    # `signing_input` holds a jti that is drawn once: so no two signatures are sealed with the same octets.
    pad = hmac.digest(parent, _CONTEXT + signing_input)
    return (int.from_bytes(pad, "big") ^ int.from_bytes(signature, "big")).to_bytes(32, "big")


def _claims(body, parent, settings, clock):
    """Return the claims of a child of `parent` as `body` asks for it, but for its id."""
    for name in body:
        if name not in ("sub", "scope", "ttl", "bearer"):
            raise _bad("the body takes sub, scope, ttl and bearer")
    sub, ttl, bearer = body.get("sub"), body.get("ttl"), body.get("bearer", False)
    if (
        type(sub) is not str
        or not 0 < len(sub) <= _LONGEST_SUB
        or len(sub.encode()) > _LONGEST_ID
        or min(sub) < " "
        or "\x7f" in sub
    ):
        raise _bad("sub: a name of 1 to %d printable characters" % _LONGEST_SUB)
    if type(ttl) is not int or ttl < _LEAST_TTL:
        raise _bad("ttl: whole seconds, at least %d" % _LEAST_TTL)
    if type(bearer) is not bool:
        raise _bad("bearer: true or false")
    now = clock.now()
    claims = {
        "aud": settings["name"],
        "sub": sub,
        # Not later than it is for certain: one time server that lies could have it made tomorrow, and what
        # revokes all that this person has now would not reach it.
        "iat": min(now, clock.certain() or 0),
        "exp": min(now + ttl, parent.expires, now + settings["max_ttl"]),
        "parent": {"jti": parent.token_id},
    }
    if parent.subject is not None:
        claims["parent"]["sub"] = parent.subject
    if parent.issued is not None:
        claims["parent"]["iat"] = parent.issued
    if settings["issuer"] is not None:
        claims["iss"] = settings["issuer"]
    if not bearer:
        claims["cnf"] = {"pinwarden": "proof"}
    if claims["exp"] <= now:
        raise _refused("the token of this request has expired; only its leeway is left")
    return claims


def _check_parent(parent, bearer):
    """Check that a token may have children: those could be revoked, and need nothing that it may not do."""
    if not 0 < len((parent.token_id or "").encode()) <= _LONGEST_ID:
        raise Denied(422, "no_jti", "the token of this request has no jti of 1 to 128 bytes to revoke it by")
    if parent.is_child:
        # Its children would outlive the revocation of the one that it comes from.
        raise _refused("a token that was shared cannot be shared")
    if bearer and parent.is_bound:
        raise _refused("a token for signed requests only has no bearers as children")


def _scope(scope, access, grant, pins):
    """Return `scope`, which may hold nothing but rights for pins that `grant` has."""
    asked = scope.split(" ") if type(scope) is str else ("",)
    for i, one in enumerate(asked):
        what, colon, name = one[5:].partition(":")
        if one[:5] != "pins:" or what not in ("read", "write") or (colon and not name) or one in asked[:i]:
            raise _bad("scope: pins:read and pins:write, with :NAME or without; each once, a space between")
        # First: which pins there are is told to those only who may know.
        access.require(grant, "pins:" + what, name or None)
        if name and name not in pins:
            raise _bad("scope: there is no pin called " + name)
    return scope


def _refused(detail):
    return Denied(403, "not_shareable", detail)


def _bad(detail):
    return Denied(422, "bad_value", detail)
