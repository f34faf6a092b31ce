"""What makes a key and the expectations of a verifier good. Asked when these are made, which is rare: app.py
unloads this module again.
"""

_MIN_SECRET = 32


def weakness_of(secret):
    """Return why `secret` is none, a str; None if it is a good one."""
    if type(secret) is not bytes:
        return "secret: bytes, at least 32"
    if len(secret) < _MIN_SECRET:
        return "secret: %d bytes; HS256 needs at least 32" % len(secret)
    if secret == secret[:1] * len(secret):
        return "secret: all bytes alike"
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
            return "secret: the text of a PEM or SSH key, not a random secret"
    if b'"kty"' in secret:
        return "secret: the text of a JWK, not a random secret; decode its member k"
    return None


def check_expectations(audience, issuer, leeway, required, max_length):
    """Raise ValueError unless a Verifier can do with these."""
    if type(leeway) is not int or leeway < 0:
        raise ValueError("leeway: whole seconds, not negative")
    for name, value in (("audience", audience), ("issuer", issuer)):
        if value is not None and (not isinstance(value, str) or not value):
            raise ValueError("%s: a string that is not empty, or None" % name)
    if isinstance(required, str):
        raise ValueError("required: a tuple of claim names")
    if type(max_length) is not int or max_length < 1:
        raise ValueError("max_length: bytes, at least one")
