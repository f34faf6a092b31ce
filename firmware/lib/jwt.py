"""Strict verification of JSON Web Tokens (RFC 7519) signed with HS256, for small boards; and minting.

    verifier = Verifier([Key(secret, kid="2026-11")], audience="door")
    claims = verifier.verify(token, now)         # a dict, or TokenError with a .code

Fails closed: what is not listed as good is refused (RFC 8725). The key decides the algorithm, the token only
agrees; a key never comes from a token; the signature is checked before the payload is parsed; each octet
string that passes is the one canonical form of its token, so a token has one spelling only.

The caller gives the time (Unix seconds): a board counts from 2000 and may not know the time at all. Whether a
token was revoked is the caller's question too. The keys are in jwtkey.py, what makes them good in
jwtrules.py.
"""

from hashlib import sha256

try:
    # As part of a package, in a checkout.
    from . import base64url, strictjson
    from .jwtkey import Key, KeyRejected, rules
except ImportError:
    # On a board these stand beside each other in /lib.
    import base64url
    import strictjson
    from jwtkey import Key, KeyRejected, rules

# JWT names that most tokens have; see strictjson.loads.
_NAMES = {
    n.encode(): n for n in ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "scope", "alg", "typ", "kid")
}
_CONTAINERS = (dict, list)
_DATES = ("exp", "nbf", "iat")
_STRINGS = ("sub", "jti", "scope")
_MAX_DATE = 9007199254740991  # 2**53 - 1: what every JSON implementation holds (RFC 7493 section 2.2)
_HEADERS_KEPT = 4
_TOKENS_KEPT = 4


__all__ = ("Key", "KeyRejected", "TokenError", "Verifier", "encode")


class TokenError(Exception):
    """The token is refused.

    `.code` is one of: malformed alg kid crit typ signature expired not_yet_valid audience issuer
    missing_claim claim_type too_large. The message never holds what was expected, only what was wrong.
    """

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Verifier:
    """Verifies tokens against a fixed set of keys and expectations.

    `keys`: one Key, or several with different `kid`s. `audience`: what `aud` must hold; None: a token with
    `aud` is refused (RFC 7519 section 4.1.3). `issuer`: what `iss` must be; None: not looked at. `leeway`:
    seconds of clock difference. `required`: claims that must be there. `max_length`: bytes of a token,
    checked before all else. Raises KeyRejected or ValueError.
    """

    def __init__(self, keys, audience=None, issuer=None, leeway=0, required=("exp",), max_length=2048):
        keys = list(keys)
        self._keys = {}
        for key in keys:
            if key.kid in self._keys or (key.kid is None and len(keys) > 1):
                raise KeyRejected("keys: each of several needs a kid of its own")
            self._keys[key.kid] = key
        if not keys:
            raise KeyRejected("keys: at least one is needed")
        rules().check_expectations(audience, issuer, leeway, required, max_length)
        self._only = keys[0] if len(keys) == 1 else None
        self._audience = audience
        self._issuer = issuer
        self._leeway = leeway
        self._required = tuple(required)
        self._max_length = max_length
        # Only what a key of ours has signed enters these two: a stranger can neither fill nor empty them.
        self._headers = []  # (header with its dot, key)
        self._verified = {}  # sha256(token) -> (claims, whether none of them is a list or an object)
        self._order = []  # the same digests, oldest first: MicroPython's dicts have no order

    def verify(self, token, now):
        """Return the claims of `token` (str or bytes) at the time `now` (Unix seconds, an int), a dict of
        one's own.

        Raises TokenError, whatever the token holds, and nothing else.
        """
        if type(now) is not int:
            raise TypeError("now: Unix seconds, an int")
        if type(token) is not bytes:
            token = _as_bytes(token, self._max_length)
        if len(token) > self._max_length:
            raise _too_large(self._max_length)
        # Verifying takes two hashes and a parser, remembering one hash: a phone sends the same token with
        # each tap. What depends on the moment (the time here, revocation at the caller) is asked each time.
        digest = sha256(token).digest()
        known = self._verified.get(digest)
        if known is None:
            known = self._admit(self._open(token), digest, now)
        else:
            self._check_times(known[0], now)
        # A copy: what a caller does to its claims must not reach the cache.
        return known[0].copy() if known[1] else _copy(known[0])

    def forget(self):
        """Forget the tokens and headers seen, which cost memory and only save time."""
        self._headers.clear()
        self._verified.clear()
        self._order.clear()

    def _admit(self, claims, digest, now):
        """Check the claims of a token that is not remembered, and remember it: (claims, whether they are
        flat).
        """
        self._check_required(claims)
        _check_types(claims)
        self._check_parties(claims)
        self._check_times(claims, now)
        known = (claims, _is_flat(claims))
        if len(self._order) == _TOKENS_KEPT:
            del self._verified[self._order.pop(0)]
        self._verified[digest] = known
        self._order.append(digest)
        return known

    def _open(self, token):
        """Return the payload of a well-formed token with a good signature, parsed."""
        first = token.find(b".")
        last = token.find(b".", first + 1)
        if first < 1 or last < first + 2 or last + 1 == len(token) or token.find(b".", last + 1) >= 0:
            raise TokenError("malformed", "not three segments")
        key = self._known_key(token)
        if key is None:
            key = self.key_of(token[:first])
            _check_signature(key, token, first, last)
            self._keep_header(token[: first + 1], key)
        else:
            _check_signature(key, token, first, last)
        return _parse_object(token[first + 1 : last])

    def _keep_header(self, header, key):
        if len(self._headers) == _HEADERS_KEPT:
            self._headers.pop(0)
        self._headers.append((header, key))

    def _known_key(self, token):
        """Return the key of a header seen before, in the very same bytes, or None."""
        for known in self._headers:
            if token.startswith(known[0]):
                return known[1]
        return None

    def key_of(self, segment):
        """Return the key that the header `segment` names; refuse what RFC 7515 and 8725 tell to refuse."""
        header = _parse_object(segment)
        kid = header.get("kid")
        if "kid" in header and not isinstance(kid, str):
            raise TokenError("kid", "kid is not a string")
        alg = header.get("alg")
        # The keys decide, before kid is looked up: "none" is none in any spelling, whatever else the header
        # says.
        if alg != "HS256":
            raise TokenError("alg", "alg is not HS256")
        key = self._only
        if key is None or (key.kid is not None and "kid" in header):
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
        if "typ" in header and (
            not isinstance(header["typ"], str) or header["typ"].lower() not in ("jwt", "at+jwt")
        ):
            raise TokenError("typ", "typ is neither JWT nor at+jwt")
        return key

    def _check_required(self, claims):
        for name in self._required:
            if name not in claims:
                raise TokenError("missing_claim", name + " is missing")

    def _check_parties(self, claims):
        """Check who issued the token and for whom."""
        issuer = claims.get("iss", "")
        if type(issuer) is not str:
            raise TokenError("issuer", "iss is not a string")
        # == and nothing looser: no substring, no prefix, no case (CVE-2024-53861).
        if self._issuer is not None and issuer != self._issuer:
            raise TokenError("issuer", "iss is not the issuer trusted here")
        audience = claims.get("aud")
        if self._audience is None:
            if "aud" in claims:
                raise TokenError("audience", "aud names somebody, and nobody is configured here")
        elif type(audience) is str:
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


def encode(claims, key):
    """Return a token (str) of `claims` (a dict) signed by `key` (a Key): see jwtencode.py."""
    try:
        from . import jwtencode
    except ImportError:
        import jwtencode
    return jwtencode.encode(claims, key)


def _as_bytes(token, max_length):
    if type(token) is not str:
        raise TokenError("malformed", "not a string")
    if len(token) > max_length:
        raise _too_large(max_length)
    try:
        return token.encode()
    except ValueError:  # CPython: a lone surrogate
        raise TokenError("malformed", "not ASCII") from None


def _too_large(max_length):
    return TokenError("too_large", "longer than %d bytes" % max_length)


def _check_signature(key, token, first, last):
    if not key.signs(memoryview(token)[:last], token[last + 1 :]):  # a view: the token may be long
        # A flaw of form is told as such (RFC 7515 section 5.2, step 2); only now, for nobody needs it sooner.
        _decode(token[first + 1 : last])
        _decode(token[last + 1 :])
        raise TokenError("signature", "not signed by this key")


def _is_date(value):
    # Integers only: the board's floats are off by minutes, and to isinstance True is one.
    return type(value) is int and 0 <= value <= _MAX_DATE


def _check_types(claims):
    for name in _DATES:
        if name in claims and not _is_date(claims[name]):
            raise TokenError("claim_type", name + " is not a whole number of seconds since 1970")
    for name in _STRINGS:
        if name in claims and type(claims[name]) is not str:
            raise TokenError("claim_type", name + " is not a string")
    if "privileges" in claims and not _is_strings(claims["privileges"]):
        raise TokenError("claim_type", "privileges is not a list of strings")


def _is_flat(claims):
    """Tell whether a shallow copy of `claims` copies all there is."""
    for value in claims.values():
        if isinstance(value, _CONTAINERS):
            return False
    return True


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
    """Return `value` with dicts and lists of its own: what a caller does to its claims never reaches the
    cache.
    """
    if type(value) is dict:
        copied = value.copy()
        for name, item in value.items():
            if type(item) is dict or type(item) is list:
                copied[name] = _copy(item)
        return copied
    if type(value) is list:
        return [_copy(item) for item in value]
    return value
