"""Keys derived from keys: HKDF-SHA256 (RFC 5869), the same on this computer and on the board.

HTTP carries no secret in the clear, so a key that is added over HTTP is not sent. Both sides make it from a
key that they share already; the wire carries its name, that key's name and a salt.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SALT_BYTES = 32  # as long as the hash (RFC 5869 section 3.1)
KEY_BYTES = 32


def derive(secret: bytes, salt: bytes, *, device: str, kid: str) -> bytes:
    """The 32 bytes of the key `kid` of the device, from the `secret` of another of its keys.

    Whoever has that other key, and has seen the salt go by, can make this one as well.
    """
    # The names bind the key to its place: the same salt makes another key for another device, or another kid.
    # Neither name has a NUL in it, so no two pairs of names run together to the same text.
    info = b"pinwarden key\0" + device.encode() + b"\0" + kid.encode()
    return expand(secret, salt, info, KEY_BYTES)


def expand(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256, both of its steps (RFC 5869 section 2)."""
    return HKDF(SHA256(), length, salt, info).derive(secret)
