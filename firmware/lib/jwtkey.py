"""The keys that verify and sign tokens: one algorithm each (RFC 8725 section 3.1), strong or refused.

RS256 would be another class here with the same `alg`, `kid` and `signs`.
"""

try:
    from . import base64url, hmac
except ImportError:
    import hmac

    import base64url


class KeyRejected(ValueError):
    """The key is too weak, of the wrong kind, or not told apart from another."""


class Key:
    """A secret, the one algorithm it is for, and the name by which tokens ask for it (`kid`, None for an only
    key).

    `secret` is bytes, at least 32 of them (RFC 7518 section 3.2). Raises KeyRejected.
    """

    def __init__(self, secret, kid=None, alg="HS256"):
        if alg != "HS256":
            raise KeyRejected("alg: only HS256 is supported")
        if kid is not None and (not isinstance(kid, str) or not kid):
            raise KeyRejected("kid: a string that is not empty, or None")
        weakness = rules().weakness_of(secret)
        if weakness is not None:
            raise KeyRejected(weakness)
        self.kid = kid
        self.alg = alg
        self._mac = hmac.new(secret, digestmod="sha256")

    def mac(self, signing_input):
        """Return the signature of `signing_input` (bytes or a view of them) as it is, 32 octets."""
        mac = self._mac.copy()
        mac.update(signing_input)
        return mac.digest()

    def sign(self, signing_input):
        """Return the signature of `signing_input` (bytes) as base64url."""
        return base64url.encode(self.mac(signing_input))

    def signs(self, signing_input, signature):
        """Tell whether `signature` (base64url, bytes) is that of `signing_input`, in constant time."""
        # Compared as text: the signature then has one spelling, and base64's leniency is never asked.
        return hmac.compare_digest(self.sign(signing_input), signature)


def rules():
    """Return the module jwtrules."""
    try:
        from . import jwtrules
    except ImportError:
        import jwtrules
    return jwtrules
