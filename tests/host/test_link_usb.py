"""What is run on the board over the cable, and what is said of its refusals."""

from __future__ import annotations

import ast
import hashlib

import pytest

from pinwarden import keys
from pinwarden.admin.link_usb import UsbLink
from pinwarden.device import Device
from pinwarden.errors import BoardFailed, Refused, UserError
from pinwarden.keystore import Pending


class Board:
    """Keeps what it was to run; fails with `error`, the last line of a traceback."""

    def __init__(self, error: str | None = None, values: tuple[object, ...] = ()) -> None:
        self.error = error
        self.values = list(values)
        self.ran: list[str] = []

    def run(self, source: str) -> str:
        self.ran.append(source)
        if self.error is not None:
            raise BoardFailed(f"/dev/ttyUSB0: the board failed: {self.error}", "", error=self.error)
        return ""

    def value(self, expression: str) -> object:
        self.run(expression)
        return self.values.pop(0)

    def set_clock(self) -> None:
        self.ran.append("the clock")


def called(source: str) -> ast.Call:
    """The call in the last line."""
    (statement,) = ast.parse(source.splitlines()[-1]).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    return statement.value


def digest(key: dict) -> str:
    return hashlib.sha256(key["k"].encode()).hexdigest()


def test_lists(door: Device) -> None:
    ours, other = door.keys()[0], keys.generate("b")
    board = Board(values=([(ours["kid"], digest(ours)), ("b", digest(other))],))
    assert UsbLink(door, board).kids() == [ours["kid"], "b"]  # type: ignore[arg-type]


@pytest.mark.parametrize("told", [5, None, {}, [1], "x", [("a",)], [(1, 2)], [([], "b")]], ids=str)
def test_a_list_that_is_none(door: Device, told: object) -> None:
    with pytest.raises(Refused, match="no list of keys"):
        UsbLink(door, Board(values=(told,))).kids()  # type: ignore[arg-type]


def test_a_namesake_is_found_out(door: Device) -> None:
    """The board of another folder that is called the same."""
    board = Board(values=([(door.kids()[0], digest(keys.generate("")))],))
    with pytest.raises(Refused, match="is not this folder's key of that name"):
        UsbLink(door, board).kids()  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["door", "lamp", "\x1b[2J"])
def test_the_cable_may_be_in_another_board(door: Device, name: str) -> None:
    link = UsbLink(door, Board(values=(name,)))  # type: ignore[arg-type]
    if name == "door":
        link.check_name()
        return
    with pytest.raises(Refused, match="the board on this cable is") as caught:
        link.check_name()
    assert caught.value.message.isprintable()


# A name is data, whatever is in it.
NAMES = ["2026-11", "a'); import os; os.remove('/secrets.json') #", 'quote " and \\', "ä\u202e\n", "\ud800"]


@pytest.mark.parametrize("name", NAMES)
def test_names_and_keys_are_literals(door: Device, name: str) -> None:
    board = Board()
    link = UsbLink(door, board)  # type: ignore[arg-type]
    key = keys.generate(name)
    link.add(Pending(key))
    assert ast.literal_eval(called(board.ran[-1]).args[0]) == key
    link.retire(name)
    assert ast.literal_eval(called(board.ran[-1]).args[0]) == name
    link.revoke({"sub": name, "before": 1795000000})
    assert ast.literal_eval(called(board.ran[-1]).keywords[0].value) == {"sub": name, "before": 1795000000}
    assert board.ran[-2] == "the clock", "a revocation has to know the time"
    assert all(source.isascii() for source in board.ran), "so that no terminal's encoding matters"


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        ("KeyringError: it is the last key; add another one first", Refused, "refuses: it is the last key"),
        ("RevocationError: 64 are kept", Refused, "refuses: 64 are kept"),
        ("ImportError: no module named 'firmware'", Refused, "no firmware that can do this"),
        ("AttributeError: 'module' object has no attribute 'add'", Refused, "no firmware that can do this"),
        ("ValueError: /secrets.json: is missing; deploy it", Refused, "secrets.json: is missing"),
        ("OSError: 28", BoardFailed, "OSError: 28"),
        ("MemoryError: ", BoardFailed, "MemoryError"),
    ],
)
def test_a_refusal_is_told_without_the_key(
    door: Device, error: str, kind: type[UserError], says: str
) -> None:
    link = UsbLink(door, Board(error))  # type: ignore[arg-type]
    pending = Pending(keys.generate("2026-12"))
    for refused in (lambda: link.add(pending), lambda: link.retire("a"), link.kids):
        with pytest.raises(kind, match=says) as caught:
            refused()
        assert pending.key["k"] not in str(caught.value) + str(caught.value.hint)
        assert caught.value.__cause__ is None
