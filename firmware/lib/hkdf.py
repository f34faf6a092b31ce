"""HKDF with SHA-256 (RFC 5869): a key for one purpose, made from another key.

    secret = derive(key, salt, b"what it is for")     # 32 bytes

The input has to be as hard to guess as a key is. This makes no key of a password.
"""

try:
    from . import hmac
except ImportError:
    import hmac

_HASH = 32


def derive(key, salt, info, length=_HASH):
    """Return `length` bytes for the purpose `info`, from the secret `key` and a `salt` that may be public:
    all bytes.

    Raises ValueError for more than 8160 bytes (RFC 5869 section 2.3).
    """
    if not 0 < length <= 255 * _HASH:
        raise ValueError("length: 1 to 8160 bytes")
    keyed = hmac.new(hmac.digest(salt, key))
    block = made = b""
    for i in range(1, (length + _HASH - 1) // _HASH + 1):
        mac = keyed.copy()
        mac.update(block + info + bytes([i]))
        block = mac.digest()
        made += block
    return made[:length]
