"""What the tools make of a board's audit: what is wrong with it by itself, and by what was seen before."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from click.testing import Result

from pinwarden.admin import audit
from pinwarden.admin.audit import Memory, Trail
from pinwarden.admin.link_http import HttpLink
from pinwarden.device import Device
from pinwarden.errors import Refused

from .conftest import FakeBoard

Run = Callable[..., Result]
REFUSALS = (3, 6, 9)  # of the numbers; the rest are events


def lines(numbers: Sequence[int], refusals: bool, who: str = "anna") -> list[bytes]:
    """A ring's lines with these numbers, as docs/audit.md has them."""
    made = []
    h = "0" * 16
    for number in numbers:
        what = (
            {"what": "refused", "code": "expired", "count": 2} if refusals else {"what": "set", "value": True}
        )
        row = {"n": number, "t": 1793491200 + number, **what, "by": who}
        text = json.dumps(row, separators=(",", ":"))[:-1].encode()
        h = hashlib.sha256(h.encode() + text).hexdigest()[:16]
        made.append(text + b',"h":"%s"}' % h.encode())
    return made


def both(last: int = 10, first: int = 1, **options: Any) -> list[list[bytes]]:
    """The lines of both rings with the numbers up to `last`, of which those before `first` have gone."""
    found = []
    for refusals in (False, True):
        whole = [n for n in range(1, last + 1) if (n % 3 == 0) == refusals]
        kept = sum(n >= first for n in whole)
        found.append(lines(whole, refusals, **options)[-kept:])
    return found


def trail(**options: Any) -> Trail:
    return audit.of_lines(both(**options))


def answer(rings: list[list[bytes]], **changes: Any) -> dict:
    """What a board answers whose files these are."""
    records = [json.loads(line) for ring in rings for line in ring]
    records.sort(key=lambda row: -row["n"])
    return {"chain": "whole", "dropped": 0, "waiting": [], "records": records, **changes}


def body(told: dict) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()


def test_a_good_one_leaves_no_doubt() -> None:
    for found in (trail(), trail(first=5), audit.of_lines([[], []]), audit.page(body(answer(both())))):
        assert audit.doubts(found) == []
    assert [record.number for record in trail().records] == list(range(10, 0, -1))


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        pytest.param(
            lambda events, _: events.__setitem__(2, events[2].replace(b"anna", b"bert")),
            "record 4 does not follow 2: one of them was changed",
            id="a line was changed",
        ),
        pytest.param(
            lambda events, _: events.pop(2),
            "record 5 does not follow 2: one of them was changed",
            id="one is gone",
        ),
        pytest.param(lambda events, _: events.pop(2), "record 4 is missing", id="its number is missed"),
        pytest.param(
            lambda events, _: events.__delitem__(slice(4, 6)),
            "records 7 to 8 are missing",
            id="two are gone",
        ),
        pytest.param(
            lambda _, refusals: refusals.pop(), "record 9 is missing", id="the end of one ring is gone"
        ),
        pytest.param(
            lambda events, _: events.__setitem__(2, b"x"), "1 lines on the board are no records", id="text"
        ),
        pytest.param(lambda events, _: events.__setitem__(2, b"[3]"), "1 lines on the board", id="no object"),
    ],
)
def test_a_change_is_doubted(change: Callable, doubt: str) -> None:
    rings = both()
    change(*rings)
    assert any(found.text.startswith(doubt) for found in audit.doubts(audit.of_lines(rings)))


@pytest.mark.parametrize(
    ("now", "doubt"),
    [
        pytest.param({}, None, id="the same"),
        pytest.param({"last": 14}, None, id="more"),
        pytest.param({"last": 60, "first": 40}, None, id="so many that the seen ones have gone"),
        pytest.param({"who": "bert"}, "record 10 is another", id="all written anew"),
        pytest.param({"last": 60, "who": "bert"}, "record 10 is another", id="and longer"),
        pytest.param({"last": 8}, "record 10, which was seen before", id="the end cut off"),
        pytest.param({"last": 0}, "record 10, which was seen before", id="nothing left"),
    ],
)
def test_what_was_seen_must_be_there(door: Device, now: dict, doubt: str | None) -> None:
    Memory(door).remember(trail())
    assert json.loads((door.state_folder / "audit.json").read_text()).keys() == {"events", "refusals"}
    found = Memory(door).doubts(trail(**now))
    assert [text for text in found if doubt is None or text.startswith(doubt)] == found[:1]
    assert bool(found) == (doubt is not None)


@pytest.mark.parametrize("broken", ["", "[]", '{"events": 3}', '{"events": {"n": "x", "h": "y"}}'])
def test_a_broken_memory_is_none(door: Device, broken: str) -> None:
    door.state_folder.mkdir(exist_ok=True)
    (door.state_folder / "audit.json").write_text(broken)
    assert Memory(door).doubts(trail()) == []
    Memory(door).remember(trail())
    assert Memory(door).doubts(trail(last=5)) != []


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        body({"records": [{}], "waiting": [], "chain": "whole", "dropped": 0}),
        body(answer(both(), dropped=None)),
        body(answer(both(), waiting=[3])),
        body(answer(both())).replace(b'"records":[', b'"records": ['),
        b"[" * 100_000,
    ],
)
def test_an_answer_of_something_else_is_refused(told: bytes) -> None:
    with pytest.raises(Refused):
        audit.page(told)


def test_names_in_records_cannot_steer_the_terminal(board: FakeBoard, door: Device, pinwarden: Run) -> None:
    name = "\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}"
    refused = {"t": None, "what": "refused", "by": name, "code": name, "count": 3, "from": "10.0.0.1"}
    board.answer(200, answer([], waiting=[refused, {"t": 1793491200, "what": name}], dropped=4))
    result = pinwarden("audit", "door", "--address", board.address)
    assert "\x1b" not in result.output
    assert result.stdout.count("\\x1b[2J\\u202e") == 3
    assert "(clock unset)" in result.stdout
    assert "4 more happened too fast to be recorded" in result.stderr
    assert result.exit_code == 0


def test_a_board_whose_audit_never_ends_is_left(board: FakeBoard, door: Device, pinwarden: Run) -> None:
    board.answer(200, {})
    board.body = body(answer(both(last=1)))
    result = pinwarden("audit", "door", "--address", board.address)
    assert result.exit_code == 1
    assert len(board.requests) == 20


def changed(at: int, last: int = 10) -> list[list[bytes]]:
    """The rings up to `last`, of which the record `at`, an event, was changed."""
    events, refusals = both(last)
    place = next(i for i, line in enumerate(events) if json.loads(line)["n"] == at)
    events[place] = events[place].replace(b"anna", b"bert")
    return [events, refusals]


def test_what_was_accepted_is_not_told_again(
    door: Device, pinwarden: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(rings: list[list[bytes]], code: int, *options: str, chain: str | None = "broken at 4") -> str:
        found = dataclasses.replace(audit.of_lines(rings), chain=chain)
        monkeypatch.setattr(HttpLink, "audit", lambda _: found)
        result = pinwarden("audit", "door", "--address", "127.0.0.1:9", *options)
        assert result.exit_code == code, result.output
        return result.stderr

    for _ in range(2):  # it is said until it is accepted
        told = look(changed(4), 1)
        assert "its chain is broken at 4" in told
        assert "record 4 does not follow 2" in told
        assert "pinwarden audit door --accept" in told
    assert "does not follow" in look(changed(4), 0, "--accept")
    for rings in (changed(4), changed(4, last=20)):
        assert "broken" not in look(rings, 0)
    look(changed(4, last=20), 0, chain=None)  # by USB
    # What comes later is something else.
    told = look(changed(11, last=20), 1, chain="broken at 11")
    assert "record 11 does not follow 10" in told
    assert "pinwarden audit door --accept" in told
    look(changed(11, last=20), 0, "--accept", chain="broken at 11")
    look(changed(11, last=20), 0, chain="broken at 11")
    assert "does not follow" in look(changed(4, last=20), 1), "what was accepted before goes"


@pytest.mark.parametrize(("count", "told"), [(1, "refused: expired (once)"), (2, "(2 times)")])
def test_how_often(board: FakeBoard, door: Device, pinwarden: Run, count: int, told: str) -> None:
    board.answer(200, answer([], waiting=[{"t": None, "what": "refused", "code": "expired", "count": count}]))
    assert told in pinwarden("audit", "door", "--address", board.address).stdout


def test_a_refusal_of_the_board_is_told(board: FakeBoard, door: Device, pinwarden: Run) -> None:
    board.answer(404, {"code": "not_found", "detail": "there is nothing here", "status": 404})
    result = pinwarden("audit", "door", "--address", board.address)
    assert result.exit_code == 1
    assert "too old" in result.stderr
    assert not (door.state_folder / "audit.json").exists()


def test_a_row_fits_the_terminal(
    board: FakeBoard, door: Device, pinwarden: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The longer ones go on in a second line, and causes are words."""
    rows = [
        {"t": 1793491200, "what": "start", "value": "hard"},
        {"t": 1793491200, "what": "clock", "value": "ntp"},
        {"t": 1793491200, "what": "set", "pin": "relay", "value": True, "by": "anna", "jti": "x" * 16}
        | {"from": "192.168.1.20"},
    ]
    board.answer(200, answer([], waiting=rows))
    monkeypatch.setenv("FORCE_COLOR", "1")  # makes the console take itself for a terminal
    monkeypatch.setenv("COLUMNS", "60")
    narrow = pinwarden("audit", "door", "--address", board.address).stdout.splitlines()
    assert max(map(len, narrow)) <= 60
    assert [line.split("  ")[-1] for line in narrow] == [
        "started by a reset",
        "clock set by a time server",
        "set relay on",
        f"token {'x' * 16}",
    ]
    monkeypatch.setenv("COLUMNS", "120")
    assert len(pinwarden("audit", "door", "--address", board.address).stdout.splitlines()) == 3
