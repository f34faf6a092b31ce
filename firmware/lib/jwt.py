"""Strict verification of JSON Web Tokens (RFC 7519) signed with HS256, for small boards; and minting.

    verifier = Verifier([Key(secret, kid="2026-11")], audience="door")
    claims = verifier.verify(token, now)         # a dict, or TokenError with a .code

Fails closed: what is not listed as good is refused (RFC 8725). The key decides the algorithm, the token only agrees;
a key never comes from a token; the signature is checked before the payload is parsed; each octet string that passes is
the one canonical form of its token, so a token has one spelling only.

The caller gives the time (Unix seconds): a board counts from 2000 and may not know the time at all. Whether a token was
revoked is the caller's question too. RS256 would be another kind of key: an object with `alg`, `kid` and `signs`.
"""

import json
from hashlib import sha256

try:
    # As part of a package, in a checkout.
    from . import base64url, hmac, strictjson
except ImportError:
    # On a board these stand beside each other in /lib.
    import base64url
    import hmac
    import strictjson

# JWT names that most tokens have; see strictjson.loads.
_NAMES = {n.encode(): n for n in ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "alg", "typ", "kid")}
_DATES = ("exp", "nbf", "iat")
_STRINGS = ("sub", "jti", "scope")
_MIN_SECRET = 32
_MAX_DATE = 9007199254740991  # 2**53 - 1: what every JSON implementation holds (RFC 7493 section 2.2)
_HEADERS_KEPT = 4
_TOKENS_KEPT = 8


class TokenError(Exception):
    """The token is refused.

    `.code` is one of: malformed alg kid crit typ signature expired not_yet_valid audience issuer missing_claim
    claim_type too_large. The message never holds what was expected, only what was wrong.
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class KeyRejected(ValueError):
    """The key is too weak, of the wrong kind, or not told apart from another."""


class Key:
    """A secret, the one algorithm it is for, and the name by which tokens ask for it (`kid`, None for an only key).

    `secret` is bytes, at least 32 of them (RFC 7518 section 3.2). Raises KeyRejected.
    """

    def __init__(self, secret, kid=None, alg="HS256"):
        if alg != "HS256":
            raise KeyRejected("alg: only HS256 is supported")
        if kid is not None and (not isinstance(kid, str) or not kid):
            raise KeyRejected("kid: a string that is not empty, or None")
        _check_secret(secret)
        self.kid = kid
        self.alg = alg
        self._mac = hmac.new(secret, digestmod="sha256")

    def sign(self, signing_input):
        """Return the signature of `signing_input` (bytes) as base64url."""
        mac = self._mac.copy()
        mac.update(signing_input)
        return base64url.encode(mac.digest())

    def signs(self, signing_input, signature):
        """Tell whether `signature` (base64url, bytes) is that of `signing_input`, in constant time."""
        # Compared as text: the signature then has one spelling, and base64's leniency is never asked.
        return hmac.compare_digest(self.sign(signing_input), signature)


def _check_secret(secret):
    if type(secret) is not bytes:
        raise KeyRejected("secret: bytes, at least 32")
    if len(secret) < _MIN_SECRET:
        raise KeyRejected("secret: %d bytes; HS256 needs at least 32" % len(secret))
    if secret == secret[:1] * len(secret):
        raise KeyRejected("secret: all bytes alike")
    # A public key used as a secret is known to everybody (CVE-2022-29217, CVE-2024-33663): tools that take "the key"
    # from a file make that mistake.
    start = secret.strip()
    if b"-----BEGIN " in secret or start.startswith((b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-")):
        raise KeyRejected("secret: the text of a PEM or SSH key, not a random secret")
    if start[:1] in (b"{", b"[") and b'"kty"' in secret:
        raise KeyRejected("secret: the text of a JWK, not a random secret; decode its member k")


class Verifier:
    """Verifies tokens against a fixed set of keys and expectations.

    `keys`: one Key, or several with different `kid`s. `audience`: what `aud` must hold; None: a token with `aud` is
    refused (RFC 7519 section 4.1.3). `issuer`: what `iss` must be; None: not looked at. `leeway`: seconds of clock
    difference. `required`: claims that must be there. `max_length`: bytes of a token, checked before all else.
    Raises KeyRejected or ValueError.
    """

    def __init__(self, keys, audience=None, issuer=None, leeway=0, required=("exp",), max_length=2048):
        keys = list(keys)
        self._keys = {}
        for key in keys:
            if key.kid in self._keys or key.kid is None and len(keys) > 1:
                raise KeyRejected("keys: each of several needs a kid of its own")
            self._keys[key.kid] = key
        if not keys:
            raise KeyRejected("keys: at least one is needed")
        if type(leeway) is not int or leeway < 0:
            raise ValueError("leeway: whole seconds, not negative")
        for name, value in (("audience", audience), ("issuer", issuer)):
            if value is not None and (not isinstance(value, str) or not value):
                raise ValueError("%s: a string that is not empty, or None" % name)
        if isinstance(required, str):
            raise ValueError("required: a tuple of claim names")
        self._only = keys[0] if len(keys) == 1 else None
        self._audience = audience
        self._issuer = issuer
        self._leeway = leeway
        self._required = tuple(required)
        self._max_length = max_length
        # Only what a key of ours has signed enters these two: a stranger can neither fill nor empty them.
        self._headers = []  # (header with its dot, key)
        self._verified = {}  # sha256(token) -> claims
        self._order = []  # the same digests, oldest first: MicroPython's dicts have no order
        self._flat = set()  # those of them whose claims hold no list and no object

    def verify(self, token, now):
        """Return the claims of `token` (str or bytes) at the time `now` (Unix seconds, an int), a dict of one's own.

        Raises TokenError, whatever the token holds, and nothing else.
        """
        if type(now) is not int:
            raise TypeError("now: Unix seconds, an int")
        if type(token) is str:
            if len(token) > self._max_length:
                raise TokenError("too_large", "longer than %d bytes" % self._max_length)
            try:
                token = token.encode()
            except ValueError:  # CPython: a lone surrogate
                raise TokenError("malformed", "not ASCII") from None
        elif type(token) is not bytes:
            raise TokenError("malformed", "not a string")
        if len(token) > self._max_length:
            raise TokenError("too_large", "longer than %d bytes" % self._max_length)
        # Verifying takes two hashes and a parser, remembering one hash: a phone sends the same token with each tap. What
        # depends on the moment (the time here, revocation at the caller) is asked each time.
        digest = sha256(token).digest()
        claims = self._verified.get(digest)
        if claims is None:
            claims = self._open(token)
            self._check_claims(claims)
            self._check_times(claims, now)
            self._remember(digest, claims)
        else:
            self._check_times(claims, now)
        # A copy: what a caller does to its claims must not reach the cache.
        return claims.copy() if digest in self._flat else _copy(claims)

    def _open(self, token):
        """Return the payload of a well-formed token with a good signature, parsed."""
        first = token.find(b".")
        last = token.rfind(b".")
        payload = token[first + 1 : last]
        signature = token[last + 1 :]
        if first < 1 or not payload or not signature or b"." in payload:
            raise TokenError("malformed", "not three segments")
        key = None
        for known, its_key in self._headers:
            if token.startswith(known):
                key = its_key
                break
        known = key is not None
        if key is None:
            key = self._key_of(token[:first])
        if not key.signs(token[:last], signature):
            # A flaw of form is told as such (RFC 7515 section 5.2, step 2); only now, for nobody needs it sooner.
            _decode(payload)
            _decode(signature)
            raise TokenError("signature", "not signed by this key")
        if not known:
            if len(self._headers) == _HEADERS_KEPT:
                self._headers.pop(0)
            self._headers.append((token[: first + 1], key))
        return _parse_object(payload)

    def _key_of(self, segment):
        """Return the key that the header `segment` names; refuse what RFC 7515 and RFC 8725 tell to refuse."""
        header = _parse_object(segment)
        kid = header.get("kid")
        if "kid" in header and not isinstance(kid, str):
            raise TokenError("kid", "kid is not a string")
        alg = header.get("alg")
        # The keys decide, before kid is looked up: "none" is none in any spelling, whatever else the header says.
        if alg != "HS256":
            raise TokenError("alg", "alg is not HS256")
        key = self._only
        if key is None or key.kid is not None and "kid" in header:
            key = self._keys.get(kid) if kid is not None else None
            if key is None:
                raise TokenError("kid", "kid is missing" if kid is None else "kid names no key here")
        if alg != key.alg:
            raise TokenError("alg", "alg is not that of the key")
        # No extension is understood (RFC 7515 section 4.1.11). The others change what the payload is.
        for name in ("crit", "zip", "enc"):
            if name in header:
                raise TokenError("crit", name + " is not supported")
        if header.get("b64", True) is not True:
            raise TokenError("crit", "b64 is not supported")
        if "cty" in header and (not isinstance(header["cty"], str) or header["cty"].lower().endswith("jwt")):
            raise TokenError("crit", "nested tokens are not supported")
        if "typ" in header and (not isinstance(header["typ"], str) or header["typ"].lower() not in ("jwt", "at+jwt")):
            raise TokenError("typ", "typ is neither JWT nor at+jwt")
        return key

    def _check_claims(self, claims):
        """Check all that time does not change."""
        for name in self._required:
            if name not in claims:
                raise TokenError("missing_claim", name + " is missing")
        for name in _DATES:
            # Integers only: the board's floats are off by minutes, and to isinstance True is one.
            if name in claims and (type(claims[name]) is not int or not 0 <= claims[name] <= _MAX_DATE):
                raise TokenError("claim_type", name + " is not a whole number of seconds since 1970")
        for name in _STRINGS:
            if name in claims and type(claims[name]) is not str:
                raise TokenError("claim_type", name + " is not a string")
        if "privileges" in claims and not _is_strings(claims["privileges"]):
            raise TokenError("claim_type", "privileges is not a list of strings")
        if "iss" in claims and not isinstance(claims["iss"], str):
            raise TokenError("issuer", "iss is not a string")
        # == and nothing looser: no substring, no prefix, no case (CVE-2024-53861).
        if self._issuer is not None and claims.get("iss") != self._issuer:
            raise TokenError("issuer", "iss is not the issuer trusted here")
        audience = claims.get("aud")
        if self._audience is None:
            if "aud" in claims:
                raise TokenError("audience", "aud names somebody, and nobody is configured here")
        elif isinstance(audience, str):
            if audience != self._audience:
                raise TokenError("audience", "aud is another")
        elif not _is_strings(audience) or self._audience not in audience:
            raise TokenError("audience", "aud does not name this audience")

    def _check_times(self, claims, now):
        # Compared only, never added to the claim: each sum of Unix times is a new object on the board.
        leeway = self._leeway
        if "exp" in claims and claims["exp"] <= now - leeway:
            raise TokenError("expired", "exp has passed")
        if "iat" in claims and claims["iat"] > now + leeway:
            raise TokenError("not_yet_valid", "iat is in the future")
        if "nbf" in claims and claims["nbf"] > now + leeway:
            raise TokenError("not_yet_valid", "nbf is in the future")

    def _remember(self, digest, claims):
        if len(self._order) == _TOKENS_KEPT:
            oldest = self._order.pop(0)
            del self._verified[oldest]
            self._flat.discard(oldest)
        self._verified[digest] = claims
        for value in claims.values():
            if type(value) is dict or type(value) is list:
                break
        else:
            self._flat.add(digest)
        self._order.append(digest)


def encode(claims, key):
    """Return a token (str) of `claims` (a dict) signed by `key` (a Key).

    Raises ValueError for claims that a strict reader would read otherwise or not at all.
    """
    for name in _DATES:
        if name in claims and type(claims[name]) is not int:
            raise ValueError("%s: whole Unix seconds, an int" % name)
    header = {"alg": key.alg, "typ": "JWT"}
    if key.kid is not None:
        header["kid"] = key.kid
    segments = []
    for part in (header, claims):
        try:
            text = json.dumps(part, separators=(",", ":")).encode()
            same = strictjson.loads(text) == part
        except (TypeError, ValueError):
            same = False
        if not same:
            raise ValueError("claims: cannot be written as JSON")
        segments.append(base64url.encode(text))
    signing_input = b".".join(segments)
    return str(signing_input + b"." + key.sign(signing_input), "utf-8")


def _decode(segment):
    try:
        return base64url.decode(segment)
    except base64url.Base64Error:
        raise TokenError("malformed", "a segment is not canonical base64url") from None


def _parse_object(segment):
    data = _decode(segment)
    try:
        value = strictjson.loads(data, names=_NAMES)
    except strictjson.JSONError as error:
        raise TokenError("malformed", str(error)) from None
    if type(value) is not dict:
        raise TokenError("malformed", "not a JSON object")
    return value


def _is_strings(value):
    if type(value) is not list:
        return False
    for item in value:
        if not isinstance(item, str):
            return False
    return True


def _copy(value):
    """Return `value` with dicts and lists of its own: what a caller does to its claims never reaches the cache."""
    if type(value) is dict:
        copied = value.copy()
        for name, item in value.items():
            if type(item) is dict or type(item) is list:
                copied[name] = _copy(item)
        return copied
    if type(value) is list:
        return [_copy(item) for item in value]
    return value
