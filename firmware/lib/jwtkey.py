"""The keys that verify and sign tokens: one algorithm each (RFC 8725 section 3.1), strong or refused.

RS256 would be another class here with the same `alg`, `kid` and `signs`.
"""

try:
    from . import base64url, hmac
except ImportError:
    import hmac

    import base64url

_MIN_SECRET = 32


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
        _check_secret(secret)
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


def _check_secret(secret):
    if type(secret) is not bytes:
        raise KeyRejected("secret: bytes, at least 32")
    if len(secret) < _MIN_SECRET:
        raise KeyRejected("secret: %d bytes; HS256 needs at least 32" % len(secret))
    if secret == secret[:1] * len(secret):
        raise KeyRejected("secret: all bytes alike")
    # A public key used as a secret is known to everybody (CVE-2022-29217, CVE-2024-33663): tools that take
    # "the key" from a file make that mistake. (Anywhere in it: a BOM or a comment may stand before. A random
    # secret holds none of these by chance.)
    for mark in (
        b"-----BEGIN ",
        b"---- BEGIN ",
        b"ssh-rsa ",
        b"ssh-dss ",
        b"ssh-ed",
        b"ecdsa-sha2-",
        b"@openssh.com",
    ):
        if mark in secret:
            raise KeyRejected("secret: the text of a PEM or SSH key, not a random secret")
    if b'"kty"' in secret:
        raise KeyRejected("secret: the text of a JWK, not a random secret; decode its member k")
