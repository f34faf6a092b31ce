"""`pinwarden keys list`, and the files that it is made of."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from click.testing import Result

from pinwarden import keys
from pinwarden.admin import keylist
from pinwarden.device import Device
from pinwarden.keystore import Keystore, Pending

from .model_board import ModelBoard

Run = Callable[..., Result]
DAY = 86400


def random_key(kid: str) -> dict:
    return keys.generate(kid)


def test_every_state_in_the_list(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    (signs,) = door.kids()
    keys.write(door.keys_file, [random_key("a-both"), random_key("b-here"), *door.keys()])
    model.keys = [door.keys()[0], *model.keys, random_key("c-stray"), random_key("d-pending")]
    Keystore(door).begin(Pending(random_key("d-pending")))
    keys.write_atomic(door.retired_file, b'{"kids": ["e-retired"]}', 0o600)
    on_board = {
        "e-retired": "retired",
        "a-both": "both",
        "b-here": "here",
        signs: "both",
        "d-pending": "pending",
        "c-stray": "board",
    }
    result = pinwarden("keys", "list", "door", "--json", "--address", model.address)
    told = json.loads(result.stdout)
    assert told["board"] is True
    assert {key["kid"]: key["state"] for key in told["keys"]} == on_board
    assert [key["kid"] for key in told["keys"] if key["signs"]] == [signs]
    without = json.loads(pinwarden("keys", "list", "door", "--json", "--here-only").stdout)
    assert {key["kid"]: key["state"] for key in without["keys"]} == {
        **{kid: state for kid, state in on_board.items() if kid != "c-stray"},
        **dict.fromkeys(("a-both", "b-here", signs), "unknown"),
    }
    assert {key["on_board"] for key in without["keys"]} == {None}
    for shown in (result, pinwarden("keys", "list", "door", "--address", model.address)):
        for key in [*door.keys(), *model.keys, door.pending().key]:  # type: ignore[union-attr]
            assert key["k"] not in shown.output


def test_lists_what_is_here_when_the_board_is_away(door: Device, pinwarden: Run) -> None:
    door.remember("127.0.0.1", 9)
    result = pinwarden("keys", "list", "door")
    assert result.exit_code == 0
    assert result.stdout == f"{door.kids()[0]}  signs  here\n"
    assert "warning: what the board has is not known: 127.0.0.1:9: " in result.stderr
    assert pinwarden("keys", "list", "door", "--address", "127.0.0.1:9").exit_code == 3, (
        "it was said to be there"
    )


def test_tells_when_the_last_tokens_end(door: Device, model: ModelBoard, edit, pinwarden: Run) -> None:
    edit("#max_ttl = 7776000", "max_ttl = 864000")
    begun = int(time.time())
    first = door.kids()[0]
    for count in (2, 3):
        assert pinwarden("keys", "rotate", "door", "--address", model.address).exit_code == 0
        assert len(door.kids()) == count
    edit("max_ttl = 864000", "max_ttl = 60")
    rows = keylist.survey(Device.load(door.folder), model.kids)
    ends = [row.ends_by for row in rows]
    assert ends[2] is None, "it still signs"
    for end in ends[:2]:
        assert end is not None
        assert begun + 10 * DAY <= end <= time.time() + 10 * DAY, "by max_ttl as it was at the rotation"
    assert [row.source for row in rows] == [None, first, f"{first}-2"]
    (door.state_folder / "rotations.json").write_text("{")
    assert [row.ends_by for row in keylist.survey(door, None)] == [None, None, None], (
        "a note that may be lost"
    )


@pytest.mark.parametrize("name", ["keys.json", "pending.json", "retired.json"])
@pytest.mark.parametrize("command", [["list"], ["rotate"], ["retire"]])
def test_what_others_can_read_is_not_used(
    door: Device, model: ModelBoard, pinwarden: Run, name: str, command: list[str]
) -> None:
    Keystore(door).begin(Pending(random_key("2032-01")))
    keys.write_atomic(door.retired_file, b'{"kids": []}', 0o600)
    door.keys_file.with_name(name).chmod(0o644)
    kid = ["2032-01", "--yes"] if command == ["retire"] else []
    result = pinwarden("keys", *command, "door", *kid, "--address", model.address)
    assert result.exit_code == 1
    assert f"chmod 600 door/secrets/{name}" in result.stderr
    assert model.kids == door.kids() if name != "keys.json" else len(model.kids) == 1


BROKEN = [
    ("pending.json", b"{", "not JSON"),
    ("pending.json", b"[]", "not a JSON object"),
    ("pending.json", b"\xff", "not UTF-8"),
    ("pending.json", b"{}", "no key on its way"),
    ("pending.json", b'{"key": {}, "from": null, "salt": null, "replaces": null}', "no key on its way"),
    ("retired.json", b"{", "not JSON"),
    ("retired.json", b"{}", "no list of names"),
    ("retired.json", b'{"kids": [1]}', "no list of names"),
    ("retired.json", b"[" * 100000, "not JSON"),
]


@pytest.mark.parametrize(("name", "content", "says"), BROKEN)
def test_a_broken_file_is_one_message(
    door: Device, pinwarden: Run, name: str, content: bytes, says: str
) -> None:
    keys.write_atomic(door.keys_file.with_name(name), content, 0o600)
    for command in (["check", "door"], ["keys", "list", "door", "--here-only"]):
        result = pinwarden(*command)
        assert result.exit_code == 1
        assert says in result.stderr
        assert f"door/secrets/{name}" in result.stderr
        assert result.stderr.count("error: ") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"from": "2026-11"},
        {"salt": "AAAA"},
        {"from": 1, "salt": "AAAA"},
        {"replaces": 1},
        {"salt": "=", "from": "x"},
        {"key": {"kty": "oct", "kid": "x", "alg": "HS256", "k": "c2hvcnQ"}},
    ],
)
def test_a_pending_key_is_checked_as_others_are(door: Device, pinwarden: Run, change: dict) -> None:
    good = {"key": random_key("x"), "from": None, "salt": None, "replaces": None}
    keys.write_atomic(door.pending_file, json.dumps({**good, **change}).encode(), 0o600)
    result = pinwarden("check", "door")
    assert result.exit_code == 1
    assert "no key on its way" in result.stderr
    assert "c2hvcnQ" not in result.output
