"""Keys: made strong, kept private, refused where the board would refuse them."""

import base64
import json
import os
from pathlib import Path

import pytest

from pinwarden import keys
from pinwarden.device import Device
from pinwarden.errors import BadSecrets, ExposedSecret, UnreadableFile, UserError, WeakKey

RANDOM = bytes(range(32))


def encoded(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()


def jwk(**members: object) -> dict:
    made = {"kty": "oct", "kid": "2026-11", "alg": "HS256", "k": encoded(RANDOM), **members}
    return {name: value for name, value in made.items() if value is not None}


def test_a_new_key_is_random_and_long_enough() -> None:
    one, two = keys.generate("a"), keys.generate("a")
    assert one["k"] != two["k"]
    assert len(keys.secret(one)) == 32
    assert {**one, "k": ""} == {"kty": "oct", "kid": "a", "alg": "HS256", "k": ""}


@pytest.mark.parametrize(
    ("taken", "kid"),
    [
        ([], "2026-11"),
        (["2026-10"], "2026-11"),
        (["2026-11"], "2026-11-2"),
        (["2026-11", "2026-11-2"], "2026-11-3"),
    ],
)
def test_names_keys_by_their_month(taken: list[str], kid: str) -> None:
    assert keys.next_kid(taken, 1794000000) == kid


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        ("{", BadSecrets, "keys.json:1: not JSON"),
        ('{"keys":\n[}', BadSecrets, "keys.json:2: not JSON"),
        ("[]", BadSecrets, "no list of keys"),
        ("{}", BadSecrets, "no list of keys"),
        ('{"keys": []}', BadSecrets, "is empty"),
        ('{"keys": [], "keys": []}', BadSecrets, "twice"),
        ("[" * 100000, BadSecrets, "nest too deep"),
        ("\udcff", UnreadableFile, "not UTF-8"),
    ],
)
def test_refuses_what_is_no_key_set(door: Device, content: str, error: type[UserError], says: str) -> None:
    door.keys_file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(error, match=says):
        door.keys()


@pytest.mark.parametrize(
    ("why", "key"),
    [
        ("too short", jwk(k=encoded(RANDOM[:31]))),
        ("empty", jwk(k="")),
        ("missing", jwk(k=None)),
        ("all bytes alike", jwk(k=encoded(b"\x07" * 32))),
        ("a PEM key's text (CVE-2022-29217)", jwk(k=encoded(b"-----BEGIN PUBLIC KEY-----\n" + RANDOM))),
        ("an SSH key's text", jwk(k=encoded(b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + RANDOM))),
        ("a JWK's text (CVE-2026-48526)", jwk(k=encoded(json.dumps(jwk()).encode()))),
        ("padding", jwk(k=encoded(RANDOM) + "=")),
        ("another alphabet", jwk(k="+/" + encoded(RANDOM)[2:])),
        ("spare bits that are not zero", jwk(k=encoded(RANDOM)[:-1] + "9")),
        ("another algorithm", jwk(alg="HS512")),
        ("another type", jwk(kty="RSA")),
        ("no name", jwk(kid=None)),
        ("a name that is no text", jwk(kid=1)),
        ("a number for a key", jwk(k=7)),
    ],
)
def test_refuses_a_key_that_the_board_would_refuse(door: Device, why: str, key: dict) -> None:
    keys.write(door.keys_file, [key])
    with pytest.raises((BadSecrets, WeakKey), match=r"keys\.json: ") as caught:
        door.keys()
    secret = str(key.get("k") or "…")
    assert secret == "7" or secret not in caught.value.message, why
    assert caught.value.hint


@pytest.mark.parametrize(
    "several",
    [[jwk(), jwk()], [jwk(kid=str(i), k=encoded(os.urandom(32))) for i in range(5)]],
    ids=["twins", "five"],
)
def test_refuses_twins_and_too_many(door: Device, several: list[dict]) -> None:
    keys.write(door.keys_file, several)
    with pytest.raises(BadSecrets):
        door.keys()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644])
def test_refuses_a_file_that_others_may_use(door: Device, mode: int) -> None:
    door.keys_file.chmod(mode)
    with pytest.raises(ExposedSecret, match=f"mode {mode:04o}") as caught:
        door.keys()
    assert caught.value.hint == "Run: chmod 600 door/secrets/keys.json"


def test_refuses_a_folder_that_others_may_use(door: Device) -> None:
    (door.folder / "secrets").chmod(0o755)
    with pytest.raises(ExposedSecret) as caught:
        door.keys()
    assert caught.value.hint == "Run: chmod 700 door/secrets"


def test_says_that_the_keys_are_missing(door: Device) -> None:
    door.keys_file.unlink()
    with pytest.raises(UnreadableFile, match=r"door/secrets/keys\.json is missing"):
        door.keys()
    door.wifi_file.unlink()
    (door.folder / "secrets").rmdir()
    with pytest.raises(BadSecrets, match="door/secrets is missing"):
        door.keys()


def test_a_key_file_that_is_a_folder_is_one_message(door: Device) -> None:
    door.keys_file.unlink()
    door.keys_file.mkdir(0o700)
    with pytest.raises(UnreadableFile, match="cannot be read"):
        door.keys()


def test_writes_whole_or_not_at_all(door: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    before = door.keys_file.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        keys.write(door.keys_file, [jwk()])
    assert door.keys_file.read_bytes() == before
    assert sorted(path.name for path in Path("door/secrets").iterdir()) == ["keys.json", "wifi.toml"]
