"""`pinwarden keys rotate` and `retire`: a key more, a key less, and what must stay stays."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pinwarden import keys
from pinwarden.device import Device
from pinwarden.keystore import Keystore, Pending
from pinwarden.mint import mint_token

from .model_board import ModelBoard, NoAnswer

Run = Callable[..., Result]


def token(device: Device) -> str:
    return mint_token(device, subject="anna", scope=["pins:read"], ttl=3600)


def random_key(kid: str) -> dict:
    return keys.generate(kid)


def add_here(door: Device, *kids: str) -> list[dict]:
    """Further keys in keys.json alone."""
    keys.write(door.keys_file, [*door.keys(), *map(random_key, kids)])
    return door.keys()


def unreachable(*_: str) -> None:
    raise NoAnswer


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_rotates(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    (old,), before = door.kids(), token(door)
    result = pinwarden("keys", "rotate", "door", "--address", model.address)
    assert result.exit_code == 0
    kids = door.kids()
    assert kids == [old, f"{old}-2"] == model.kids
    assert door.keys() == model.keys, "both sides have derived the same secret"
    assert model.takes(before), "the tokens of the old key stay good"
    assert model.takes(token(door))
    assert f"{old}-2 signs from now on" in result.stdout
    assert "(in 90 days)" in result.stdout, "when the last token of the old key expires: max_ttl"
    assert f"pinwarden keys retire door {old}" in result.stdout
    assert f"derived from {old}" in result.stderr
    assert "Rotating over USB does" in result.stderr
    assert files_in(door.keys_file.parent) == {"keys.json", "wifi.toml"}
    assert door.keys_file.stat().st_mode & 0o777 == 0o600


def test_only_names_and_the_salt_leave_this_process(
    door: Device, model: ModelBoard, pinwarden: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = door.kids()
    # A program that is started has arguments, which everybody on this computer can see.
    monkeypatch.setattr(subprocess, "Popen", None)
    monkeypatch.setattr(os, "posix_spawn", None)
    result = pinwarden("keys", "rotate", "door", "--address", model.address)
    assert result.exit_code == 0
    ((body,),) = [[body for _, _, body in model.requests if body]]
    assert body.keys() == {"kid", "from", "salt"}
    assert (body["kid"], body["from"], len(body["salt"])) == (f"{old}-2", old, 43)
    for text in [key["k"] for key in model.keys]:
        assert text.encode() not in model.seen


def test_two_rotations_use_two_salts(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    for _ in range(2):
        assert pinwarden("keys", "rotate", "door", "--address", model.address).exit_code == 0
    salts = [body["salt"] for _, _, body in model.requests if body]
    assert len(set(salts)) == len(salts) == 2
    assert len(model.kids) == 3


def test_a_board_that_makes_another_key_of_it_is_found_out(
    door: Device, model: ModelBoard, pinwarden: Run
) -> None:
    """A list of names proves nothing: the board is asked to take what the new key signs."""
    (old,) = door.kids()

    def fault(when: str, method: str, _path: str) -> None:
        if (when, method) == ("after", "POST"):
            model.keys = [model.keys[0], random_key(model.kids[-1])]

    model.fault = fault
    result = pinwarden("keys", "rotate", "door", "--address", model.address)
    assert result.exit_code == 1
    assert f"does not take what the new key {old}-2 signs" in result.stderr
    assert door.kids() == [old]
    assert pinwarden("keys", "rotate", "door", "--address", model.address).exit_code == 1, "key_exists"
    given_up = pinwarden("keys", "retire", "door", f"{old}-2", "--yes", "--address", model.address)
    assert given_up.exit_code == 0
    assert (door.pending(), door.retired(), model.kids) == (None, [f"{old}-2"], [old])
    model.fault = lambda when, method, path: None
    assert pinwarden("keys", "rotate", "door", "--address", model.address).exit_code == 0
    assert door.kids() == [old, f"{old}-3"], "a retired name is not used again"


@pytest.mark.parametrize("where", ["here", "board"])
def test_a_fifth_key_is_refused_before_anything_is_made(
    door: Device, model: ModelBoard, pinwarden: Run, where: str
) -> None:
    more = [random_key(kid) for kid in ("b", "c", "d")]
    if where == "here":
        keys.write(door.keys_file, [*door.keys(), *more])
    model.keys = [*model.keys, *more]
    result = pinwarden("keys", "rotate", "door", "--address", model.address)
    assert result.exit_code == 1
    assert "4 keys" in result.stderr
    assert "pinwarden keys retire door" in result.stderr
    assert door.pending() is None
    assert [method for method, _, _ in model.requests] == ["GET"]


def test_the_newest_key_that_the_board_has_signs_the_requests(
    door: Device, model: ModelBoard, pinwarden: Run
) -> None:
    """keys.json may be ahead of the board, which was not deployed to since."""
    (old, _) = (key["kid"] for key in add_here(door, "2031-01"))
    told = json.loads(pinwarden("keys", "list", "door", "--json", "--address", model.address).stdout)
    assert {key["kid"]: key["state"] for key in told["keys"]} == {old: "both", "2031-01": "here"}
    result = pinwarden("keys", "rotate", "door", "--address", model.address)
    assert result.exit_code == 0
    assert [body["from"] for _, _, body in model.requests if body] == [old]
    assert model.takes(token(door))


def test_no_key_in_common_is_told(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    model.keys = [random_key(door.kids()[0])]
    result = pinwarden("keys", "rotate", "door", "--address", model.address)
    assert result.exit_code == 1
    assert "The board has other keys than this folder" in result.stderr
    assert door.pending() is None


def test_a_board_with_old_firmware_is_told(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    model.answer = lambda *_: (404, {"title": "No", "code": "not_found"})  # type: ignore[method-assign]
    for command in (["keys", "rotate", "door"], ["revoke", "door", "--jti", "x"]):
        result = pinwarden(*command, "--address", model.address)
        assert result.exit_code == 1
        assert "firmware on the board is too old" in result.stderr
        assert "pinwarden deploy door" in result.stderr


def test_retires(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    before = token(door)
    pinwarden("keys", "rotate", "door", "--address", model.address)
    old, new = door.kids()
    result = pinwarden("keys", "retire", "door", old, "--yes", "--address", model.address)
    assert result.exit_code == 0
    assert result.stdout == f"door: {old} is retired, on the board and here.\n"
    assert f"Tokens that {old} signed may be good until" in result.stderr
    assert door.kids() == model.kids == [new]
    assert door.retired() == [old]
    assert door.retired_file.stat().st_mode & 0o777 == 0o600
    assert not model.takes(before)
    assert model.takes(token(door))
    again = pinwarden("keys", "retire", "door", old, "--yes", "--address", model.address)
    assert again.exit_code == 0, "asked for again, it is so already"


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_retiring_is_asked_for(
    door: Device, model: ModelBoard, pinwarden: Run, answer: str, code: int
) -> None:
    pinwarden("keys", "rotate", "door", "--address", model.address)
    old = door.kids()[0]
    result = pinwarden("keys", "retire", "door", old, "--address", model.address, stdin=answer)
    assert result.exit_code == code
    assert (old in model.kids) == (code != 0)


@pytest.mark.parametrize("way", [[], ["--here-only"]])
def test_what_cannot_be_retired_is_not_asked_for(
    door: Device, model: ModelBoard, pinwarden: Run, way: list[str]
) -> None:
    pinwarden("keys", "rotate", "door", "--address", model.address)
    result = pinwarden("keys", "retire", "door", "x", *(way or ["--address", model.address]), stdin="y\n")
    assert result.exit_code == 1
    assert "there is no key 'x'" in result.stderr
    assert "Retire the key" not in result.output
    model.fault = unreachable
    old = door.kids()[0]
    result = pinwarden("keys", "retire", "door", old, "--address", model.address, stdin="y\n")
    assert result.exit_code == 3
    assert "Nothing has changed here" in result.stderr
    assert "Retire the key" not in result.output


def test_what_must_stay_stays(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    def refused(kid: str, *way: str) -> str:
        before = (model.kids, door.keys(), door.retired())
        result = pinwarden("keys", "retire", "door", kid, "--yes", *(way or ("--address", model.address)))
        assert result.exit_code == 1
        assert (model.kids, door.keys(), door.retired()) == before
        assert "hint: " in result.stderr
        return result.stderr

    (only,) = door.kids()
    assert "is the only key" in refused(only)
    assert "there is no key 'x'" in refused("x")
    assert "there is no key 'x'" in refused("x", "--here-only")
    pinwarden("keys", "rotate", "door", "--address", model.address)
    assert "newest key, which signs" in refused(f"{only}-2")
    add_here(door, "2031-01")
    assert "does not have 2031-01, which signs new tokens" in refused(only), (
        "or the board would take no token"
    )
    Keystore(door).begin(Pending(random_key("2032-01")))
    assert "rotation to 2032-01 is on its way" in refused(only)


def test_a_board_out_of_reach_changes_nothing(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    pinwarden("keys", "rotate", "door", "--address", model.address)
    old, new = door.kids()

    model.fault = unreachable
    result = pinwarden("keys", "retire", "door", old, "--yes", "--address", model.address)
    assert result.exit_code == 3
    assert "Nothing has changed here" in result.stderr
    assert "--here-only" in result.stderr
    assert (door.kids(), door.retired()) == ([old, new], [])


def test_retires_here_only(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    pinwarden("keys", "rotate", "door", "--address", model.address)
    old, new = door.kids()
    count = len(model.requests)
    result = pinwarden("keys", "retire", "door", old, "--yes", "--here-only")
    assert result.exit_code == 0
    assert "until the next: pinwarden deploy door" in result.stderr
    assert len(model.requests) == count
    assert (door.kids(), door.retired(), model.kids) == ([new], [old], [old, new])
    listed = pinwarden("keys", "list", "door", "--address", model.address).stdout
    assert f"{old}           retired, on the board; the next deploy removes it" in listed
    later = pinwarden("keys", "retire", "door", old, "--yes", "--address", model.address)
    assert later.exit_code == 0
    assert model.kids == [new]


def test_a_key_that_only_the_board_has_can_be_removed(
    door: Device, model: ModelBoard, pinwarden: Run
) -> None:
    model.keys = [random_key("stray/ä"), *model.keys]
    assert "stray/ä" in pinwarden("keys", "list", "door", "--address", model.address).stdout
    assert pinwarden("keys", "retire", "door", "stray/ä", "--yes", "--address", model.address).exit_code == 0
    assert model.kids == door.kids()
    assert door.retired() == ["stray/ä"]


def test_a_board_that_keeps_a_retired_key_is_found_out(
    door: Device, model: ModelBoard, pinwarden: Run
) -> None:
    pinwarden("keys", "rotate", "door", "--address", model.address)
    old, kept = door.kids()[0], model.keys

    def fault(when: str, method: str, _path: str) -> None:
        if (when, method) == ("after", "DELETE"):
            model.keys = kept

    model.fault = fault
    result = pinwarden("keys", "retire", "door", old, "--yes", "--address", model.address)
    assert result.exit_code == 1
    assert "the board still has" in result.stderr
    assert old in door.kids()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["rotate", "door", "--port", "/dev/ttyUSB0", "--address", "127.0.0.1:9"], "--address is for HTTP"),
        (["rotate", "door", "--usb", "--address", "127.0.0.1:9"], "--address is for HTTP"),
        (["rotate", "door", "--address", "http://door"], "no address"),
        (["list", "door", "--here-only", "--address", "127.0.0.1:9"], "asks no board"),
        (["retire", "door", "x", "--here-only", "--usb"], "asks no board"),
        (["retire", "door"], "missing argument"),
        (["forget"], "no such command"),
    ],
)
def test_says_what_is_used_wrongly(door: Device, pinwarden: Run, args: list[str], says: str) -> None:
    result = pinwarden("keys", *args)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_port_in_the_environment_stops_no_board(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    env = {"PINWARDEN_PORT": "/dev/no-such-port"}
    assert pinwarden("keys", "list", "door", "--address", model.address, env=env).exit_code == 0
    assert pinwarden("keys", "list", "door", "--usb", env=env).exit_code == 3, "but --usb goes by it"


def test_a_token_for_an_administrator_should_be_short(door: Device, pinwarden: Run) -> None:
    long = pinwarden("mint", "door", "--scope", "admin", "--ttl", "2d")
    assert long.exit_code == 0
    assert "change keys and revoke tokens for 2 days" in long.stderr
    for args in (["--scope", "admin", "--ttl", "1d"], ["--scope", "audit:read", "--ttl", "30d"]):
        assert "warning" not in pinwarden("mint", "door", *args).stderr
