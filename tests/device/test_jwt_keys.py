"""Keys: what is refused as one (rule 14), and what it signs."""

import hmac

import base64url
from harness import cases, equal, raises
from jwt import Key, KeyRejected
from jwt_bench import OTHER, SECRET

TEXT = b"0123456789abcdef0123456789abcdef"


@cases(
    [
        ("nothing", b""),
        ("an octet", b"x"),
        ("31 octets", SECRET[:31]),
        ("a word", b"secret"),
        ("all bytes alike: zeros", bytes(32)),
        ("all bytes alike: 64 of 0xFF", b"\xff" * 64),
        ("all bytes alike: a letter", b"a" * 33),
        ("a str, which has an encoding and little randomness", TEXT.decode()),
        ("None", None),
        ("an int, of which bytes() would make zeros", 32),
        ("a list", [1] * 32),
        ("a bytearray, which its owner may change", bytearray(SECRET)),
        ("a memoryview", memoryview(SECRET)),
        (
            "a PEM public key (CVE-2022-29217)",
            b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD\n",
        ),
        ("a PEM RSA key", b"-----BEGIN RSA PUBLIC KEY-----\nMIIBCgKCAQEA"),
        ("a PEM private key", b"-----BEGIN PRIVATE KEY-----\nMIIBCgKCAQEA"),
        ("a PEM certificate", b"-----BEGIN CERTIFICATE-----\nMIIBCgKCAQEA"),
        ("a PEM after white space", b"\r\n  -----BEGIN PUBLIC KEY-----\nMFkwEwYHKo"),
        ("a PEM after a comment", b"# the door's\n-----BEGIN PUBLIC KEY-----\nMFkwEwYHKo"),
        ("a PEM after a byte order mark", b"\xef\xbb\xbf-----BEGIN PUBLIC KEY-----\nMFkwEwYHKo"),
        ("an SSH key, RSA", b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 anna@home"),
        (
            "an SSH key, Ed25519",
            b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
        ),
        ("an SSH key, ECDSA (CVE-2024-33663)", b"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAI"),
        ("an SSH key, DSA", b"ssh-dss AAAAB3NzaC1kc3MAAACBAJ3hB5SAF6mBXPlZ"),
        ("an SSH key in hardware", b"sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t"),
        ("an SSH key in hardware, ECDSA", b"sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTIt"),
        ("an SSH certificate", b"ssh-rsa-cert-v01@openssh.com AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNz"),
        ("an SSH key after options", b'command="x" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkV'),
        ("an SSH key, RFC 4716", b"---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAAD"),
        (
            "a JWK, a public one",
            b'{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}',
        ),
        (
            "a JWK, a secret one: k was meant",
            b'{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"}',
        ),
        (
            "a JWK, white space and another order",
            b' {\n "use": "sig",\n "kty" : "oct", "k": "AyM1SysPpbyDfgZl" }',
        ),
        ("a JWK after a byte order mark", b'\xef\xbb\xbf{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObw"}'),
        ("a set of JWKs", b'{"keys":[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMko"}]}'),
        ("a list of JWKs", b'[{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMko"}]'),
    ]
)
def test_no_secret(secret):
    assert str(raises(KeyRejected, Key, secret)).startswith("secret: ")
    raises(KeyRejected, Key, secret, "a")


@cases(
    [
        ("32 octets", SECRET),
        ("33", SECRET + b"x"),
        ("a block of SHA-256", bytes(range(64))),
        ("longer than a block", bytes(range(65))),
        ("much longer", bytes(range(250)) * 4),
        ("printable", TEXT),
        ("31 alike and another", b"a" * 31 + b"b"),
        ("another, and 31 alike", b"b" + b"a" * 31),
        ("white space at its ends is part of it", b" " + SECRET + b"\n"),
        ("a brace to begin with", b"{" + SECRET),
        ("dashes to begin with", b"-----" + SECRET),
    ]
)
def test_signs(secret):
    key = Key(secret)
    signature = key.sign(b"header.payload")
    equal(signature, base64url.encode(hmac.digest(secret, b"header.payload", "sha256")))
    equal((type(signature), len(signature)), (bytes, 43))
    assert key.signs(b"header.payload", signature)
    assert not key.signs(b"header.payloae", signature)
    assert not key.signs(b"header.payload", signature[:-1])
    assert not key.signs(b"header.payload", signature + b"A")
    assert not key.signs(b"header.payload", b"")
    assert not Key(OTHER).signs(b"header.payload", signature)


@cases(
    [
        ("none", "none"),
        ("HS384", "HS384"),
        ("HS512", "HS512"),
        ("RS256", "RS256"),
        ("in small letters", "hs256"),
        ("None", None),
        ("empty", ""),
        ("bytes", b"HS256"),
        ("a list of it", ["HS256"]),
    ]
)
def test_one_algorithm(alg):
    assert str(raises(KeyRejected, Key, SECRET, "a", alg)).startswith("alg: ")


@cases([("empty", ""), ("bytes", b"a"), ("a number", 1), ("zero", 0), ("false", False), ("a list", ["a"])])
def test_kid_is_a_name_or_none(kid):
    assert str(raises(KeyRejected, Key, SECRET, kid)).startswith("kid: ")


def test_what_a_key_tells():
    key = Key(SECRET, "2026-11")
    equal((key.kid, key.alg), ("2026-11", "HS256"))
    equal(Key(SECRET).kid, None)
    # Nothing that is printed of a key holds its secret.
    for text in (repr(key), str(key)):
        assert "\\x01\\x02" not in text
        assert "\x01\x02" not in text


def test_the_refusal_holds_no_secret():
    error = raises(KeyRejected, Key, b"correct horse battery")
    assert "horse" not in str(error)
