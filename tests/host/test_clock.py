"""`pinwarden clock`: what it shows, and when it asks before it sets; the rest is in tests/end_to_end."""

import json
import time
from collections.abc import Callable

import pytest
from click.testing import Result

from pinwarden.device import Device

from . import signatures
from .conftest import FakeBoard

Run = Callable[..., Result]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Has the board's challenge say a time that is so many seconds off; None: it has none."""

    def say(ahead: int | None) -> None:
        now = None if ahead is None else int(time.time()) + ahead
        real = signatures.Signatures.told
        monkeypatch.setattr(signatures.Signatures, "told", lambda self: (200, {**real(self)[1], "now": now}))

    return say


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (0, "as this computer's"),
        (3700, "1 hour 1 minute 40 seconds ahead of this computer's"),
        (-86400, "behind this computer's"),
    ],
)
def test_shows(door: Device, board: FakeBoard, pinwarden: Run, says, ahead: int, words: str) -> None:
    says(ahead)
    result = pinwarden("clock", "door", "--address", board.address)
    assert result.exit_code == 0
    assert words in result.stdout
    told = json.loads(pinwarden("clock", "door", "--json", "--address", board.address).stdout)
    assert abs(told["ahead"] - ahead) <= 2
    assert board.requests == [], "no token is needed for it"


def test_shows_why_it_is_not_set(door: Device, board: FakeBoard, pinwarden: Run, says) -> None:
    says(None)
    board.answer(503, {"status": "clock_unset", "detail": "no time server is set\x1b[2J"})
    result = pinwarden("clock", "door", "--address", board.address)
    assert result.exit_code == 1
    assert "door: not set: no time server is set\\x1b[2J" in result.stdout
    assert "pinwarden clock door --set" in result.stderr


@pytest.mark.parametrize(
    ("ahead", "typed", "asked", "sent"),
    [
        pytest.param(None, "", False, True, id="not set"),
        pytest.param(200, "", False, True, id="a little off"),
        pytest.param(-7200, "n\n", True, False, id="far off, and this computer may be the wrong one"),
        pytest.param(7200, "y\n", True, True, id="far off, and the board is wrong"),
    ],
)
def test_asks_before_it_sets(
    door: Device, board: FakeBoard, pinwarden: Run, says, ahead, typed, asked, sent
) -> None:
    says(ahead)
    board.answer(200, {"set": True, "source": "manual", "now": 0})
    result = pinwarden("clock", "door", "--set", "--address", board.address, stdin=typed)
    assert ("Is that right, and the board wrong?" in result.stderr) == asked
    puts = [request for request in board.requests if request["method"] == "PUT"]
    assert len(puts) == sent
    assert result.exit_code == (0 if sent else 1)
    if puts:
        (put,) = puts
        assert put["path"] == "/api/v1/clock"
        assert put["head"]["authorization"].startswith("Pinwarden "), "never a bearer"
        now = json.loads(put["body"])["now"]
        assert abs(now - time.time()) < 60, "this computer's time, not the board's"
        assert f";created={now};" in put["head"]["signature-input"]
        assert "door: set to" in result.stdout


def test_yes_asks_nothing(door: Device, board: FakeBoard, pinwarden: Run, says) -> None:
    says(86400)
    board.answer(200, {"set": True, "source": "manual", "now": 0})
    result = pinwarden("clock", "door", "--set", "--yes", "--address", board.address)
    assert (result.exit_code, len(board.requests)) == (0, 1)


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (422, {"code": "bad_value", "detail": "now: earlier than …"}, "clock door --set --usb"),
        (404, {"code": "not_found"}, "pinwarden deploy door"),
        (403, {"code": "insufficient_scope"}, None),
        (200, None, None),
    ],
)
def test_refusals(door: Device, board: FakeBoard, pinwarden: Run, says, status, body, hint) -> None:
    says(None)
    board.answer(status, body)
    result = pinwarden("clock", "door", "--set", "--address", board.address)
    assert result.exit_code == (0 if status == 200 else 1)
    if hint:
        assert hint in result.stderr


@pytest.mark.parametrize(
    "args", [["--usb"], ["--set", "--json"], ["--set", "--usb", "--address", "127.0.0.1:1"]]
)
def test_options_that_make_no_sense(door: Device, pinwarden: Run, args: list[str]) -> None:
    assert pinwarden("clock", "door", *args).exit_code == 2
