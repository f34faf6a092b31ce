"""HKDF with SHA-256 against RFC 5869."""

from binascii import unhexlify

import hkdf
from harness import cases, equal, raises


@cases(
    [
        (
            "A.1: the basic case",
            b"\x0b" * 22,
            bytes(range(13)),
            bytes(range(0xF0, 0xFA)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            "A.2: longer inputs and output",
            bytes(range(0x50)),
            bytes(range(0x60, 0xB0)),
            bytes(range(0xB0, 0x100)),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            "A.3: neither salt nor info",
            b"\x0b" * 22,
            b"",
            b"",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ]
)
def test_rfc_5869(key, salt, info, expected):
    expected = unhexlify(expected)
    equal(hkdf.derive(key, salt, info, len(expected)), expected)
    for length in (1, 31, 32, 33):  # a shorter one is a longer one's beginning
        equal(hkdf.derive(key, salt, info, length), expected[:length])
    equal(hkdf.derive(key, salt, info), expected[:32])


@cases([("no byte", 0), ("fewer", -1), ("more than 255 hashes: section 2.3", 255 * 32 + 1)])
def test_no_such_length(length):
    raises(ValueError, hkdf.derive, b"key", b"salt", b"info", length)


def test_the_longest():
    made = hkdf.derive(b"key", b"salt", b"info", 255 * 32)
    equal(len(made), 255 * 32)
    equal(len({made[i : i + 32] for i in range(0, len(made), 32)}), 255)
