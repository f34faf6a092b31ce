"""The board's HKDF beside that of `cryptography`."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from pinwarden.boardlib import lib
from properties.boards import base64url, some

hkdf = lib("hkdf")


def judge(key: bytes, salt: bytes, info: bytes, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(key)


@some
@given(
    st.binary(min_size=1, max_size=200), st.binary(max_size=100), st.binary(max_size=100), st.integers(1, 200)
)
def test_is_that_of_cryptography(key: bytes, salt: bytes, info: bytes, length: int) -> None:
    assert hkdf.derive(key, salt, info, length) == judge(key, salt, info, length)


def test_the_key_that_the_device_tests_expect() -> None:
    """tests/device/test_keyring.py has it as it comes from here."""
    made = judge(bytes(range(1, 33)), bytes(range(32, 64)), b"pinwarden key\0door\x002026-12")
    assert base64url.encode(made) == b"EKROVabLH6F82_NySJ3N1OifVL12tnQrZN-p5q57xHI"
