"""Who may do what: from the credential of a request to a Grant, by RFC 6750; and what a Grant allows."""

import jwt
from micropython import const

from .request import JOINED

_LATER = b"Retry-After: 5\r\n"
_ENOUGH = const(2200)  # octets of the field: the longest token, 2048 bytes, and some spaces before it


class Denied(Exception):
    """The request is refused before anything is done.

    `.status` and `.code` go into the answer, `.challenge` (bytes) is its WWW-Authenticate field, `.reason` a
    TokenError's code or None.
    """

    def __init__(self, status, code, detail, challenge=b"", reason=None):
        super().__init__(detail)
        self.status = status
        self.code = code
        self.challenge = challenge
        self.reason = reason


class Grant:
    """What a verified token allows. `.subject` is its `sub` or None, `.scopes` a list of str, `.expires` Unix
    seconds.
    """

    def __init__(self, claims):
        self.subject = claims.get("sub")
        self.token_id = claims.get("jti")
        self.expires = claims["exp"]
        self.scopes = claims.get("scope", "").split(" ")
        if "privileges" in claims:
            self.scopes += claims["privileges"]

    def allows(self, scope, name=None):
        """Tell whether `scope` is granted, for everything or for the one thing called `name`."""
        return scope in self.scopes or (name is not None and scope + ":" + name in self.scopes)

    def allows_some(self, scope):
        """Tell whether `scope` is granted for anything at all."""
        for granted in self.scopes:
            if granted == scope or granted.startswith(scope + ":"):
                return True
        return False


class Access:
    """Asks for a bearer token, verifies it, and asks whether it was revoked. `realm` is the device's name."""

    def __init__(self, verifier, clock, realm, revocations):
        self._verifier = verifier
        self._clock = clock
        self._realm = realm.encode()
        self._revocations = revocations

    def use(self, verifier):
        """Verify by other keys from now on. What the old verifier remembers goes with it."""
        self._verifier = verifier

    def forget(self):
        """Let go of what is only remembered for speed."""
        self._verifier.forget()

    def authorize(self, request):
        """Return the Grant of the request's token. Raises Denied.

        The credential is looked for in the one place where it does not reach logs, histories and Referer
        fields: never in a URL or a body (RFC 6750 section 2.3, RFC 9700 section 4.3.2).
        """
        token = self._bearer(request.fields.get(b"authorization"))
        now = self._clock.now()
        if now is None:
            # About 2000 then, and every token looks unexpired.
            raise Denied(
                503, "clock_unset", "the board does not know the time yet, so it can admit no token", _LATER
            )
        claims = self._verify(token, now)
        # For remembered tokens, too: the verifier knows nothing of it.
        if self._revocations.is_revoked(claims):
            raise self._denied(401, "invalid_token", "the token was revoked", "revoked")
        if "iat" in claims:
            # Within the leeway it may be ahead of us: that is no proof that it is later than we think.
            self._clock.saw_iat(min(claims["iat"], now))
        return Grant(claims)

    def _bearer(self, value):
        """Return the token in the value of Authorization (bytes or None)."""
        if value is None:
            raise self._denied(401, "missing_token", "an access token is needed: Authorization: Bearer TOKEN")
        if value[:7].lower() == b"bearer ":
            # No more than tells that it is too long: a copy of thousands of octets needs room in one piece.
            return value[7:_ENOUGH].lstrip(b" ")
        if value.lower() == b"bearer":
            raise self._denied(400, "invalid_request", "Authorization holds no token")
        if JOINED in value:
            raise self._denied(400, "invalid_request", "Authorization stands twice")
        raise self._denied(401, "missing_token", "only Authorization: Bearer TOKEN is understood")

    def _verify(self, token, now):
        try:
            return self._verifier.verify(token, now)
        except jwt.TokenError as error:
            refused = error
        if b" " in token or b"," in token:  # the comma of two fields, too
            raise self._denied(400, "invalid_request", "Authorization holds more than one token")
        raise self._denied(401, "invalid_token", str(refused), refused.code)

    def require(self, grant, scope, name=None):
        """Raise Denied unless `grant` allows `scope` for `name`."""
        if not grant.allows(scope, name):
            # The name is the request's: what can be none, a quotation mark in it at worst, has no place in a
            # field.
            wanted = scope + ":" + name if name and _is_plain(name) else scope
            raise self._insufficient(wanted)

    def require_some(self, grant, scope):
        """Raise Denied unless `grant` allows `scope` for anything."""
        if not grant.allows_some(scope):
            raise self._insufficient(scope)

    def _insufficient(self, wanted):
        challenge = b'WWW-Authenticate: Bearer realm="%s", error="insufficient_scope", scope="%s"\r\n'
        return Denied(
            403,
            "insufficient_scope",
            "the token does not allow " + wanted,
            challenge % (self._realm, wanted.encode()),
        )

    def _denied(self, status, code, detail, reason=None):
        challenge = b'WWW-Authenticate: Bearer realm="%s"' % self._realm
        if (
            code != "missing_token"
        ):  # RFC 6750 section 3.1: no error code for a request without any credential
            # error_description takes neither " nor \ (RFC 6750 section 3); the words are ours, so there are
            # none.
            challenge += b', error="%s", error_description="%s"' % (code.encode(), detail.encode())
        return Denied(status, code, detail, challenge + b"\r\n", reason)


def _is_plain(name):
    """Tell whether a thing may be called so: see settings.py. It may stand in a scope, and in a field, as it
    is.
    """
    for c in name:
        if c not in "abcdefghijklmnopqrstuvwxyz0123456789_-":
            return False
    return len(name) <= 24
