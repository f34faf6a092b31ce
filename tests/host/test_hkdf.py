"""HKDF-SHA256: the vectors of RFC 5869, and the same key on both sides."""

import pytest

from pinwarden import boardlib
from pinwarden.admin import hkdf

# RFC 5869, appendix A: the three cases with SHA-256.
RFC_5869 = [
    pytest.param(
        bytes([0x0B] * 22),
        bytes(range(13)),
        bytes(range(0xF0, 0xFA)),
        42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        id="A.1",
    ),
    pytest.param(
        bytes(range(0x50)),
        bytes(range(0x60, 0xB0)),
        bytes(range(0xB0, 0x100)),
        82,
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        id="A.2",
    ),
    pytest.param(
        bytes([0x0B] * 22),
        b"",
        b"",
        42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        id="A.3",
    ),
]


@pytest.mark.parametrize(("secret", "salt", "info", "length", "made"), RFC_5869)
def test_the_vectors_of_the_rfc(secret: bytes, salt: bytes, info: bytes, length: int, made: str) -> None:
    assert hkdf.expand(secret, salt, info, length).hex() == made


def test_the_board_makes_the_same_key() -> None:
    secret, salt = bytes(range(32)), bytes(range(32, 64))
    there = boardlib.lib("hkdf").derive(secret, salt, b"pinwarden key\0door\x002026-12")
    assert hkdf.derive(secret, salt, device="door", kid="2026-12") == there


def test_every_name_and_the_salt_make_another_key() -> None:
    secret, salt = bytes(range(32)), bytes(range(32, 64))
    made = {
        hkdf.derive(secret, salt, device="door", kid="2026-12"),
        hkdf.derive(secret, salt, device="door", kid="2026-12-2"),
        hkdf.derive(secret, salt, device="lamp", kid="2026-12"),
        hkdf.derive(secret, salt[::-1], device="door", kid="2026-12"),
        hkdf.derive(secret[::-1], salt, device="door", kid="2026-12"),
        secret,
    }
    assert len(made) == 6
