"""A token ends when it ends, on a board that counts from 2000 and forgets the time without power."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import httpx
import pytest

import testbed
from pinwarden.proof import sign
from pinwarden_sim import Board, runtimes

HOUR = 3600
DAY = 24 * HOUR
CLOCK = "/api/v1/clock"


def ask(board: Board, value: str) -> tuple[int, str | None, str | None]:
    """The status of the answer, its code and its reason."""
    answer = httpx.get(f"{board.url}/api/v1/device", headers=testbed.bearer(value), trust_env=False)
    body = answer.json()
    return answer.status_code, body.get("code"), body.get("reason")


@pytest.fixture
def flash(runtime: str, tmp_path: Path) -> Path:
    """The test device's, with a board that asks no time server."""
    testbed.install(tmp_path / "flash", runtime, ntp=[])
    return tmp_path / "flash"


def test_the_board_counts_from_2000(runtime: str, tmp_path: Path) -> None:
    script = tmp_path / "epoch.py"
    script.write_text("import time\nprint(time.gmtime(0)[0])\n")
    argv, env = runtimes.command(runtime, script)
    assert subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30).stdout == "2000\n"


def test_a_token_good_an_hour_ago_is_refused(runtime: str, flash: Path) -> None:
    now = int(time.time())
    value = testbed.token("pins:read", iat=now - 2 * HOUR, exp=now - HOUR // 2)
    with Board(flash, runtime, clock=now - HOUR) as board:
        board.start()
        assert ask(board, value)[0] == 200
        board.clock.set(now)
        assert ask(board, value) == (401, "invalid_token", "expired")
        board.reset()
        board.start()
        assert ask(board, value) == (401, "invalid_token", "expired"), "a reset keeps the clock"
        board.power_cut()
        board.start()
        assert ask(board, value) == (503, "clock_unset", None), "a power cut does not"


def test_no_token_is_good_while_the_clock_is_unset(runtime: str, flash: Path) -> None:
    now = int(time.time())
    in_2000 = 946684800
    with Board(flash, runtime) as board:
        board.start()
        for value in (
            testbed.token("pins:read", exp=now - HOUR),
            testbed.token("pins:read"),
            testbed.token("pins:read", iat=in_2000, exp=in_2000 + HOUR),
        ):
            assert ask(board, value) == (503, "clock_unset", None)
        health = httpx.get(f"{board.url}/healthz", trust_env=False)
        assert health.status_code == 503
        assert health.json() == {"status": "clock_unset", "detail": "no time server is set"}
        board.clock.set(now)
        assert ask(board, testbed.token("pins:read")) == (200, None, None)
        assert httpx.get(f"{board.url}/healthz", trust_env=False).json() == {"status": "ok"}


def test_a_verified_token_keeps_the_clock_from_going_back(runtime: str, flash: Path) -> None:
    now = int(time.time())
    with Board(flash, runtime, clock=now) as board:
        board.start()
        assert ask(board, testbed.token("pins:read", iat=now))[0] == 200
        board.clock.jump(-2 * HOUR)
        assert ask(board, testbed.token("pins:read", iat=now - 3 * HOUR)) == (503, "clock_unset", None)


# --- On a network that belongs to somebody else ---


def told(board: Board) -> int | None:
    """What the board takes for the time."""
    return httpx.get(f"{board.url}/api/v1/challenge", trust_env=False).json()["now"]


def is_right(board: Board) -> bool:
    now = board.clock.now()
    return now is not None and abs(now - time.time()) < 60


def line(board: Board, *parts: str, since: int = 0) -> str:
    """The first line of its log, from `since` on, that has these parts."""

    def found() -> str | None:
        return next((text for text in board.serial[since:] if all(p in text for p in parts)), None)

    return board.wait(found, timeout=20) or ""


def mark(flash: Path, board: Board) -> dict[str, int]:
    """What is kept, once it is there."""
    file = flash / "state" / "clock.json"
    board.wait(file.exists, timeout=20)
    return json.loads(file.read_text())


def connect(board: Board) -> Board:
    """Start it, and wait until it has asked a time server."""
    since = len(board.serial)
    board.start()
    line(board, "clock: ", since=since)
    return board


def test_two_servers_have_to_agree_on_a_first_time(runtime: str, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    testbed.install(flash, runtime, ntp=["a.example", "b.example"])
    now = int(time.time())
    with Board(flash, runtime) as board:
        board.ntp.server("a.example").set(now + 400 * DAY)
        connect(board)
        line(board, "the time of a.example is not taken", "far ahead")
        line(board, "the time of b.example is not taken", "far ahead")
        health = httpx.get(f"{board.url}/healthz", trust_env=False)
        assert health.status_code == 503
        assert health.json()["status"] == "clock_unset"
        assert health.json()["detail"].startswith("the time of ")
        assert ask(board, testbed.token("pins:read")) == (503, "clock_unset", None)
        board.ntp.server("a.example").set()
        board.wait(lambda: is_right(board), timeout=20)
        assert ask(board, testbed.token("pins:read")) == (200, None, None)
        assert 0 <= mark(flash, board)["mark"] - (now - 301) <= 60


def test_what_is_known_outlives_a_power_cut(runtime: str, tmp_path: Path) -> None:
    """Both servers lie, and agree: no further back than the mark. One lies: no further ahead than a day."""
    flash = tmp_path / "flash"
    testbed.install(flash, runtime, ntp=["a.example", "b.example"])
    now = int(time.time())
    expired = testbed.token("pins:read", iat=now - 2 * DAY, exp=now - DAY)
    with Board(flash, runtime) as board:
        board.start()
        board.wait(lambda: is_right(board), timeout=20)
        kept = mark(flash, board)

        board.power_cut()
        board.ntp.set(now - DAY - HOUR)
        connect(board)
        line(board, "clock: ", "earlier than this board knows it to be")
        assert ask(board, expired) == (503, "clock_unset", None)

        board.power_cut()
        board.ntp.set(now + 30 * DAY)
        board.ntp.server("b.example").down()
        connect(board)
        line(board, "the time of a.example is not taken", "far ahead")
        assert ask(board, testbed.token("pins:read")) == (503, "clock_unset", None)

        board.ntp.set(now + HOUR)
        board.wait(lambda: board.clock.now() is not None, timeout=20)
        assert ask(board, testbed.token("pins:read", ttl=HOUR // 2)) == (401, "invalid_token", "expired")
        after = mark(flash, board)
        assert kept["mark"] <= after["mark"] < now, "what one server says is not kept as certain"
        assert not [text for text in board.serial if "Traceback" in text]


def test_a_damaged_mark_fails_closed(runtime: str, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    testbed.install(flash, runtime, ntp=["a.example", "b.example"])
    (flash / "state").mkdir()
    (flash / "state" / "clock.json").write_bytes(b'{"iat": 17934')
    with Board(flash, runtime) as board:
        board.start()
        line(board, "clock: what the time was is lost")
        line(board, "the time of a.example is not taken", "far ahead")
        board.wait(lambda: is_right(board), timeout=20)
        health = httpx.get(f"{board.url}/healthz", trust_env=False).json()
        assert health == {"status": "ok", "warnings": ["clock"]}
        assert mark(flash, board)["mark"] > time.time() - DAY
        assert (flash / "state" / "clock.json.bad").read_bytes() == b'{"iat": 17934'


def tell(board: Board, now: int, token: str, challenge: str = "") -> httpx.Response:
    """The answer to an administrator who tells the time."""
    challenge = challenge or httpx.get(f"{board.url}/api/v1/challenge", trust_env=False).json()["nonce"]
    body = json.dumps({"now": now}).encode()
    host = f"127.0.0.1:{board.port}"
    fields = sign(token, "PUT", host, CLOCK, body, challenge=challenge, created=now)
    fields["Content-Type"] = "application/json"
    return httpx.put(board.url + CLOCK, headers=fields, content=body, trust_env=False)


def test_an_administrator_tells_a_board_without_a_network_the_time(runtime: str, flash: Path) -> None:
    now = int(time.time())
    admin = testbed.token("admin", cnf={"pinwarden": "proof"})
    with Board(flash, runtime) as board:
        board.start()
        old = httpx.get(f"{board.url}/api/v1/challenge", trust_env=False).json()
        assert old["now"] is None
        headers = testbed.bearer(testbed.token("admin"))
        bearer = httpx.put(board.url + CLOCK, headers=headers, json={"now": now}, trust_env=False)
        assert (bearer.status_code, bearer.json()["code"]) == (401, "bearer_disabled")
        weak = tell(board, now, testbed.token("pins:read", "pins:write"))
        assert (weak.status_code, weak.json()["code"]) == (403, "insufficient_scope")
        assert told(board) is None
        answer = tell(board, now, admin)
        assert answer.status_code == 200, answer.text
        assert answer.json()["set"] is True
        assert answer.json()["source"] == "manual"
        board.wait(lambda: is_right(board), timeout=20)
        assert ask(board, testbed.token("pins:read")) == (200, None, None)
        kept = mark(flash, board)["mark"]

        board.power_cut()
        board.start()
        assert told(board) is None
        stale = tell(board, now, admin, old["nonce"])
        assert (stale.status_code, stale.json()["code"]) == (401, "stale_nonce")
        # A token that has leaked, and expired: it would make its own time, were it not for the mark.
        leaked = testbed.token("admin", iat=now - DAY, exp=now - DAY + 60)
        back = tell(board, now - DAY, leaked)
        assert (back.status_code, back.json()["code"]) == (422, "bad_value")
        assert tell(board, now, leaked).json()["reason"] == "expired"
        assert told(board) is None
        assert tell(board, now + 1, admin).status_code == 200
        assert board.wait(lambda: is_right(board), timeout=20)
        assert mark(flash, board)["mark"] >= kept
