"""A token ends when it ends, on a board that counts from 2000 and forgets the time without power."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import httpx
import pytest

import testbed
from pinwarden_sim import Board, runtimes

HOUR = 3600


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
        assert (health.status_code, health.json()) == (503, {"status": "clock_unset"})
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
