"""Who may do what: from the credential of a request to a Grant; and what a Grant allows.

A token comes as a bearer (RFC 6750), or is only used to sign the request (docs/signed-requests.md).
"""

import gc

import jwt
from micropython import const

from . import proof
from .request import JOINED

LATER = b"Retry-After: 5\r\n"
_CONFIRMATION = {"pinwarden": "proof"}  # the claim cnf (RFC 7800) of a token for signed requests only
_NEVER = const(4102444800)  # Unix seconds, of the year 2100: no clock of ours tells it
_LONGEST = const(2200)  # octets of the field: the longest token, 2048 bytes, and some spaces before it


class Denied(Exception):
    """The request is refused before anything is done.

    `.status` and `.code` go into the answer, `.challenge` (bytes) are its WWW-Authenticate fields, `.reason`
    is a TokenError's code or None. `.more` are further members of the answer. `.stranger` tells that nobody
    with a key has asked.
    """

    more = {}
    stranger = True

    def __init__(self, status, code, detail, challenge=b"", reason=None):
        super().__init__(detail)
        self.status = status
        self.code = code
        self.challenge = challenge
        self.reason = reason


class Grant:
    """What a verified token allows. `.subject` is its `sub` or None, `.token_id` its `jti` or None, `.scopes`
    a list of str; `.issued` (or None) and `.expires` are Unix seconds. `.is_child` tells that it was made
    with another one, `.is_bound` that it is for signed requests only.
    """

    # Not the claims as they are: a stream keeps its grant for hours.
    def __init__(self, claims):
        self.subject = claims.get("sub")
        self.token_id = claims.get("jti")
        self.issued = claims.get("iat")
        self.expires = claims["exp"]
        self.is_child = "parent" in claims
        self.is_bound = "cnf" in claims
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
    """Asks for a token, verifies it, and asks whether it was revoked. `realm` is the device's name.

    `verifier` is a jwtproof.Verifier, `proofs` judges signed requests, a proof.Proofs. Without `bearer`
    nothing else is taken.
    """

    def __init__(self, verifier, clock, realm, revocations, proofs, bearer=True):
        self.verifier = verifier
        self.clock = clock
        self._realm = realm.encode()
        self.revocations = revocations
        self._proofs = proofs
        self._latest = 0  # what time it has been, Unix seconds
        self._takes_bearer = bearer

    def use(self, verifier):
        """Verify by other keys from now on. What the old verifier remembers goes with it."""
        self.verifier = verifier

    def forget(self):
        """Let go of what is only remembered for speed."""
        self.verifier.forget()

    def challenge(self):
        """Return what a client needs to sign a request: {"nonce", "now"}, the latter in Unix seconds or
        None.
        """
        return {"nonce": str(self._proofs.challenge(), "utf-8"), "now": self.clock.now()}

    def authorize(self, request, at=None):
        """Return the Grant of the request's token. Raises Denied.

        The credential is looked for in the one place where it does not reach logs, histories and Referer
        fields: never in a URL or a body (RFC 6750 section 2.3, RFC 9700 section 4.3.2).

        With `at` (Unix seconds), for a board that is to be told the time by an administrator, the times of
        the token and of the request are held against it. Only a signed request is taken then: whoever is told
        the time by a recording is told a time that has passed.
        """
        value = request.fields.get(b"authorization")
        signed = value is not None and proof.is_signed(value)
        now = self.clock.now() if at is None else at
        if signed:
            parsed = self._parse(request)
            claims = self._prove(request, parsed, self._known(now, at), at)
        else:
            token = self._bearer(value, at is None and self._takes_bearer)
            claims = self._verify(token, self._known(now, at))
            self._check(claims, False, at)
        # A child's is this board's own: it would make certain what one time server has said.
        if "iat" in claims and "parent" not in claims and at is None:
            # Within the leeway it may be ahead of us: that is no proof that it is later than we think.
            self.clock.saw_iat(min(claims["iat"], now))
        return Grant(claims)

    def _check(self, claims, signed, at):
        """Check what the verifier knows nothing of, for remembered tokens, too. Raises Denied."""
        if "cnf" in claims and not (signed and claims["cnf"] == _CONFIRMATION):
            # Whoever shows it may have it from a log or from the air (RFC 9449 section 7.2).
            raise self._denied(
                401, "invalid_token", "this token is for signed requests only", "proof_required", True
            )
        if self.revocations.is_revoked(claims, at):
            raise self._denied(401, "invalid_token", "the token was revoked", "revoked", signed)

    def _bearer(self, value, is_taken):
        """Return the token in the value of Authorization (bytes or None)."""
        how = "Authorization: Bearer TOKEN" if is_taken else "a signed request, Authorization: Pinwarden"
        if value is None:
            raise self._denied(401, "missing_token", "an access token is needed: " + how)
        if value[:7].lower() == b"bearer ":
            if not is_taken:
                raise self._denied(401, "bearer_disabled", "only signed requests are taken here", None, True)
            if len(value) > _LONGEST:  # before it is copied: that needs room in one piece
                raise self._denied(401, "invalid_token", "the field is too long", "too_large")
            return value[7:].lstrip(b" ")
        if value.lower() == b"bearer":
            raise self._denied(400, "invalid_request", "Authorization holds no token")
        if JOINED in value:
            raise self._denied(400, "invalid_request", "Authorization stands twice")
        raise self._denied(401, "missing_token", "only this is understood: " + how)

    def _verify(self, token, now):
        try:
            return self._again(self.verifier.verify, token, now)
        except jwt.TokenError as error:
            refused = error
        if b" " in token or b"," in token:  # the comma of two fields, too
            raise self._denied(400, "invalid_request", "Authorization holds more than one token")
        raise self._denied(401, "invalid_token", str(refused), refused.code)

    def _known(self, now, at):
        """Return `now` if it is known what time it is. Raises Denied."""
        if now is None:
            self._latest = _NEVER
            # About 2000 then, and every token looks unexpired.
            raise Denied(
                503, "clock_unset", "the board does not know the time yet, so it can admit no token", LATER
            )
        if at is None:
            if now < self._latest:
                # It was unset, or is turned back. What was refused then, and is not remembered, as it was for
                # ever, would be good now: for whoever has recorded it.
                self._proofs.renew()
            self._latest = now
        return now

    def _again(self, verify, *what):
        """Return verify(*what); try again, with what is only remembered forgotten, if memory is short: of
        that there may be enough, in pieces too small for a long token.
        """
        try:
            return verify(*what)
        except MemoryError:
            pass
        self.forget()
        gc.collect()
        return verify(*what)

    def _parse(self, request):
        """Return the Proof of a signed request."""
        try:
            return proof.parse(request.fields)
        except proof.ProofError as error:
            refused = error
        raise self._denied(400, "invalid_request", str(refused), None, True)

    def _prove(self, request, parsed, now, at):
        """Return the claims of the token that has signed `request`, and remember that it was used.

        Who has recorded a request must not be able to have it carried out later, whatever came of it. So each
        that was signed well is remembered, but for those whose refusal is for ever as long as no clock is
        turned back (see _known): of a token that has expired, was revoked or is another device's. Its holder
        would fill the memory in which those of the others are.
        """
        proofs = self._proofs
        try:
            try:
                claims = self._again(
                    self.verifier.verify_proof,
                    parsed.token,
                    lambda key: proofs.check(request, parsed, key),
                    now,
                )
            except jwt.TokenError as error:
                if error.code == "not_yet_valid" and at is None:
                    proofs.use(parsed)
                if error.code == "not_yet_valid" or error.code == "expired":
                    # Made by a clock that is off, perhaps: then that is what its owner is to be told.
                    proof.check_time(parsed, now)
                raise
            self._check(claims, True, at)
            if at is not None:
                # Else any token that has expired long ago would be good for filling that memory.
                self.require(Grant(claims), "admin")
            proofs.use(parsed)
            proof.check_time(parsed, now)
            return claims
        except (jwt.TokenError, proof.ProofError) as error:
            refused = error
        except MemoryError:
            # It is answered with 503, and its sender signs it again. Before its signature was found good it
            # is anybody's, and nothing can be done for it.
            proofs.use(parsed)
            raise
        code = refused.code
        if isinstance(refused, jwt.TokenError) or code == "signature":
            raise self._denied(401, "invalid_token", str(refused), code, True)
        if code == "invalid_request":
            raise self._denied(400, code, str(refused), None, True)
        denied = self._denied(401, code, str(refused), None, True)
        # A client asks the board's time of the board itself, and signs again with the challenge of now.
        denied.more = self.challenge()
        # Its signature was right. With an old challenge it is a good client's, after a restart perhaps, or a
        # recording. To be asked often, that must have been made just now: by the board's own clock.
        now = self.clock.now()
        denied.stranger = code != "stale_nonce" or now is None or abs(parsed.created - now) > proof.WINDOW
        raise denied

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

    def _denied(self, status, code, detail, reason=None, signed=False):
        """Refuse; the challenge is for bearers, or for requests that are `signed`, or for both where no
        credential came.
        """
        challenge = b""
        # RFC 6750 section 3.1: no error code for a request without any credential.
        anonymous = code == "missing_token"
        if not signed and (self._takes_bearer or not anonymous):
            challenge = b'WWW-Authenticate: Bearer realm="%s"' % self._realm
            if not anonymous:
                # error_description takes neither " nor \ (RFC 6750 section 3); the words are ours, so there
                # are none.
                challenge += b', error="%s", error_description="%s"' % (code.encode(), detail.encode())
            challenge += b"\r\n"
        if signed or anonymous:
            error = b"" if anonymous else b', error="%s"' % code.encode()
            nonce = self._proofs.challenge()
            challenge += b'WWW-Authenticate: Pinwarden realm="%s"%s, nonce="%s"\r\n' % (
                self._realm,
                error,
                nonce,
            )
        return Denied(status, code, detail, challenge, reason)


def _is_plain(name):
    """Tell whether a thing may be called so: see settings.py. It may stand in a scope, and in a field, as it
    is.
    """
    for c in name:
        if c not in "abcdefghijklmnopqrstuvwxyz0123456789_-":
            return False
    return len(name) <= 24
