"""A token of which header and payload came, and not the signature: that it is known is shown in another way.

For signed requests (firmware/proof.py). What is verified of the token is what jwt.py verifies of any.
"""

from hashlib import sha256

try:
    from . import jwt
except ImportError:
    import jwt

_SIGNATURE = 44  # bytes of a token that its signature takes, with its dot
# Bytes of a header. It is all that is parsed for a stranger: 2 kB of `[[],[],…]` would take a board's memory.
_HEADER = 256


class Verifier(jwt.Verifier):
    """A jwt.Verifier that takes both forms, and knows the claim `parent`: {"jti", "sub", "iat"} of the token
    that this one was made with, the first of them at least. Who revokes tokens asks for that one as well. A
    header is longer than 256 bytes in no token of use here.
    """

    def key_of(self, segment):
        if len(segment) > _HEADER:
            raise jwt._too_large(_HEADER)
        return super().key_of(segment)

    def _admit(self, claims, digest, now):
        if "parent" in claims:
            parent = claims["parent"]
            # What it holds more, nobody here would revoke it by.
            if (
                type(parent) is not dict
                or not parent.get("jti")
                or len(parent) != 1 + ("sub" in parent) + ("iat" in parent)
            ):
                raise jwt.TokenError("claim_type", "parent does not hold jti, sub and iat")
            jwt._check_types(parent)
        return super()._admit(claims, digest, now)

    def verify_proof(self, signing_input, prove, now):
        """Return the claims of the token whose first two segments are `signing_input` (bytes) at the time
        `now` (Unix seconds), a dict of one's own.

        `prove(mac)` gets the signature, 32 octets, which only the token's holder can know, before the payload
        is parsed; it raises unless the other side does. Raises TokenError, and what `prove` raises.
        """
        if type(now) is not int:
            raise TypeError("now: Unix seconds, an int")
        if len(signing_input) + _SIGNATURE > self._max_length:
            raise jwt._too_large(self._max_length)
        first = signing_input.find(b".")
        if first < 1 or first + 1 == len(signing_input) or signing_input.find(b".", first + 1) >= 0:
            raise jwt.TokenError("malformed", "not two segments")
        key = self._known_key(signing_input)
        is_new = key is None
        if is_new:
            key = self.key_of(signing_input[:first])
        prove(key.mac(signing_input))
        if is_new:
            self._keep_header(signing_input[: first + 1], key)
        # An octet longer than a digest: sent as a whole token, these octets must not be found remembered.
        digest = sha256(signing_input).digest() + b"p"
        known = self._verified.get(digest)
        if known is None:
            known = self._admit(jwt._parse_object(signing_input[first + 1 :]), digest, now)
        else:
            self._check_times(known[0], now)
        return known[0].copy() if known[1] else jwt._copy(known[0])
