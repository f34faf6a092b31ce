"""Who did what, as a running board keeps it: over restarts, power cuts, a full flash and a flood; and as
`pinwarden audit` looks at it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

import testbed
from pinwarden import board as files
from pinwarden.admin import audit as trails
from pinwarden.cli import cli
from pinwarden.device import Device, create
from pinwarden.mint import mint_token
from pinwarden_sim import Board, runtimes

ENOUGH = 10  # events are written at once
TOGGLE = "/api/v1/pins/relay/toggle"
PEOPLE = 4
RECORDED = 5 * PEOPLE

turn = count()

Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(board: Board) -> Iterator[Ask]:
    """`ask("GET", path, token, body)`: the answer."""
    with httpx.Client(trust_env=False) as client:

        def send(method: str, path: str, token: str | None, body: object = None) -> httpx.Response:
            headers = testbed.bearer(token) if token else {}
            return client.request(method, board.url + path, headers=headers, json=body)

        yield send


def token(*scopes: str, **claims: Any) -> str:
    return testbed.token(*(scopes or ("pins:write", "audit:read")), **{"jti": "j1", **claims})


def trail(ask: Ask, query: str = "?limit=50") -> trails.Trail:
    answer = ask("GET", f"/api/v1/audit{query}", token())
    assert answer.status_code == 200, answer.text
    return trails.page(answer.content)


def sound(ask: Ask) -> trails.Trail:
    """The trail, of which neither the board nor the tools have doubts."""
    found = trail(ask)
    assert trails.doubts(found) == []
    assert found.chain == "whole"
    return found


def said(record: dict) -> list[object]:
    """The record but for what changes from run to run."""
    return [value for name, value in record.items() if name not in ("n", "t", "h", "from")]


def toggle(ask: Ask, times: int) -> None:
    """One after another of four people: of one's commands five are recorded, and of four people's each."""
    for _ in range(times):
        assert ask("POST", TOGGLE, token(sub=f"p{next(turn) % PEOPLE}"), {}).status_code == 200


def restart(board: Board) -> None:
    board.power_cut()
    board.clock.set(int(time.time()))
    board.start()


def test_who_did_what(board: Board, ask: Ask) -> None:
    """Everything that changes something, and a summary of what was refused; nothing that only looked."""
    admin = token("admin", sub="chief")
    before = int(time.time())
    ask("PUT", "/api/v1/pins/relay", token(), {"value": True})
    ask("POST", TOGGLE, token(), {})
    ask("POST", "/api/v1/pins/opener/pulse", token(), {"ms": 20})
    rotation = {"kid": "other", "from": testbed.KID, "salt": "A" * 43}
    for _ in range(2):  # the second changes nothing
        assert ask("POST", "/api/v1/keys", admin, rotation).status_code in (200, 201)
    assert ask("DELETE", "/api/v1/keys/other", admin).status_code == 204
    now = int(time.time())
    for body in ({"jti": "lost"}, {"sub": "bert", "before": now}):
        assert ask("POST", "/api/v1/revocations", admin, body).status_code == 201
    for path in ("/", "/healthz", "/api/v1/device", "/api/v1/audit"):
        assert ask("GET", path, token()).status_code == 200
    assert ask("PUT", "/api/v1/pins/up", token(), {"value": True}).status_code == 200
    for _ in range(3):
        assert ask("PUT", "/api/v1/pins/down", token(), {"value": True}).status_code == 409
    assert ask("GET", "/api/v1/pins", None).status_code == 401
    assert ask("GET", "/api/v1/pins", token(jti="lost")).json()["reason"] == "revoked"

    ask("POST", "/api/v1/pins/lamp/pulse", token(), {})
    board.wait(lambda: trail(ask).records)
    found = sound(ask)
    assert [said(record.data) for record in reversed(found.records)] == [
        ["start", "pwron"],
        ["set", "relay", True, "anna", "j1"],
        ["toggle", "relay", False, "anna", "j1"],
        ["pulse", "opener", 20, "anna", "j1"],
        ["key added", "other", "chief", "j1"],
        ["key retired", "other", "chief", "j1"],
        ["revoked", "jti lost", "chief", "j1"],
        ["revoked", "sub bert", "chief", "j1"],
        ["set", "up", True, "anna", "j1"],
        ["pulse", "lamp", "anna", "j1"],
    ]
    assert [said(row) for row in reversed(found.waiting)] == [
        ["refused", "anna", "interlocked", 3],
        ["refused", "missing_token", 1],
        ["refused", "revoked", 1],
    ]
    for row in [*found.waiting, *(record.data for record in found.records[:-1])]:
        assert row["from"] == "127.0.0.1"
        assert before - 1 <= row["t"] <= int(time.time()) + 1, "its clock was set by ours"
    page = ask("GET", "/api/v1/audit?limit=2&before=4", token()).json()
    assert [record["n"] for record in page["records"]] == [3, 2]


def test_it_is_for_those_who_may_read_it(ask: Ask) -> None:
    assert ask("GET", "/api/v1/audit", token("admin", "pins:read")).json()["code"] == "insufficient_scope"
    assert ask("GET", "/api/v1/audit", None).status_code == 401
    assert ask("POST", "/api/v1/audit", token(), {}).status_code == 405
    for query in ("?limit=51", "?before=x", "?since=1"):
        assert ask("GET", f"/api/v1/audit{query}", token()).json()["code"] == "invalid_request"
    answer = ask("HEAD", "/api/v1/audit", token())
    assert (answer.status_code, answer.content) == (200, b"")


def test_it_goes_on_after_a_restart_and_loses_no_more_than_what_waited(
    board: Board, ask: Ask, flash: Path
) -> None:
    events = flash / "state/audit/events"
    toggle(ask, ENOUGH - 1)
    board.wait(events.exists)
    toggle(ask, 3)
    restart(board)
    toggle(ask, ENOUGH - 1)
    board.wait(lambda: len(events.read_bytes().splitlines()) > 1 + 2 * ENOUGH - 1)
    found = sound(ask)
    assert [record.data["what"] for record in found.records] == (
        ["toggle"] * (ENOUGH - 1) + ["start"] + ["toggle"] * (ENOUGH - 1) + ["start"]
    )
    assert [record.number for record in found.records] == list(range(2 * ENOUGH, 0, -1))


def test_the_power_goes_while_it_is_written(board: Board, flash: Path, ask: Ask) -> None:
    """At some bytes of a write. What was whole before it stays; the rest of it is told as torn."""
    events = flash / "state/audit/events"
    toggle(ask, ENOUGH - 1)
    board.wait(events.exists)
    before = events.read_bytes()
    torn = 0
    for after in (1, 333, 500):
        board.power_cut(after_bytes=after)
        with contextlib.suppress(httpx.TransportError):
            toggle(ask, ENOUGH)
        board.wait(lambda: board.state == "off")
        cut = events.read_bytes()
        assert cut.startswith(before)
        assert len(cut) == len(before) + after
        torn += cut[-1:] != b"\n"
        whole = cut[: cut.rfind(b"\n") + 1]
        restart(board)
        assert trail(ask).chain == "whole"
        toggle(ask, ENOUGH - 1)
        board.wait(lambda: not trail(ask).waiting)
        before = events.read_bytes()
        assert before.startswith(whole)
        told = [record.data.get("value") for record in sound(ask).records if record.data["what"] == "torn"]
        assert told == ["events"] * torn
    assert torn > 1
    assert "Traceback" not in "\n".join(board.serial)


def test_on_a_real_littlefs_a_write_is_there_or_not() -> None:
    """At each operation on the flash, of which the last may be done by half; no line is ever torn there."""
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    script = Path(__file__).parents[1] / "device/littlefs_audit.py"
    argv, env = runtimes.command("micropython", script, heapsize="8M")
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))
    assert told["cuts"] > 50
    assert {0, 5} < set(told["kept"]), "and those that fill one file, where the rest goes to the next"
    assert told["erased"] < 1.2, "docs/audit.md counts with this"


def test_a_full_flash_stops_nothing_and_is_warned_of(board: Board, ask: Ask) -> None:
    board.flash_size = 1
    toggle(ask, RECORDED)
    health = board.wait(lambda: (told := ask("GET", "/healthz", None).json()).get("warnings") and told)
    assert health == {"status": "ok", "warnings": ["audit"]}
    found = trail(ask)
    assert (found.records, len(found.waiting)) == ([], 12), "there is room for four more people"
    assert found.dropped == RECORDED + 1 - 12
    said = [line for line in board.serial if line.startswith("audit: ")]
    assert len(said) == 1, said
    assert "Traceback" not in "\n".join(board.serial)


def test_a_flood_of_refusals_leaves_commands_and_memory_alone(board: Board, ask: Ask, flash: Path) -> None:
    toggle(ask, ENOUGH - 1)
    board.wait(lambda: trail(ask).records)

    def flood(count: int) -> None:
        for number in range(count):
            scope = f"pins:read:{number % 7}"
            assert ask("POST", TOGGLE, token(scope, sub=f"bot {number % 3}"), {}).status_code == 403
            assert ask("PUT", "/api/v1/pins/ghost", token(), {"value": True}).status_code == 404
            assert ask("PUT", "/api/v1/pins/relay", token(), {"value": 1}).status_code == 422
        ask("GET", "/api/v1/audit", token())

    flood(30)
    heap = board.status()["heap_free"]
    flood(100)
    if heap is not None:
        assert board.status()["heap_free"] > heap - 2048
    found = sound(ask)
    assert len(found.records) == ENOUGH
    counts = {row["code"]: row["count"] for row in found.waiting}
    assert counts == {"insufficient_scope": 130, "unknown_pin": 130, "bad_value": 130}
    assert not (flash / "state/audit/refusals").exists(), "a minute has not passed"


@pytest.fixture
def door(tmp_path: Path) -> Device:
    """A device folder in the command's working directory."""
    return create("door", tmp_path, wifi={"ssid": "simulated", "password": "simulated-air"})


@pytest.fixture
def own(runtime: str, door: Device, tmp_path: Path) -> Iterator[Board]:
    """The device's board, which has ten records."""
    files.install(tmp_path / "own", door.settings, door.secrets(), mpy=runtime == "micropython")
    with Board(tmp_path / "own", runtime, clock=int(time.time()), usb=runtime == "micropython") as made:
        made.start()
        yield made


@pytest.fixture
def looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`looked("--json", code=1)`: what `pinwarden audit door` says, on stdout, or on stderr if it fails."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str, code: int = 0) -> str:
        result = CliRunner().invoke(cli, ["audit", "door", *args])
        assert "Traceback" not in result.output
        assert result.exit_code == code, result.output
        return result.stderr if code else result.stdout

    return run


def writer(door: Device, number: int = 0) -> dict[str, str]:
    return testbed.bearer(mint_token(door, subject=f"anna{number}", scope=["pins:write"], ttl=600))


def test_the_command_shows_it_and_notices_another_history(
    own: Board, door: Device, looked: Callable[..., str], tmp_path: Path
) -> None:

    def call(*args: str, code: int = 0) -> str:
        return looked("--address", f"127.0.0.1:{own.port}", *args, code=code)

    def switch(count: int) -> None:
        for number in range(count):
            headers = writer(door, number)
            answer = httpx.post(own.url + TOGGLE, headers=headers, json={}, trust_env=False)
            assert answer.status_code == 200, answer.text

    events = tmp_path / "own/state/audit/events"
    switch(ENOUGH - 1)
    own.wait(events.exists)
    httpx.get(own.url + "/api/v1/pins", trust_env=False)
    shown = call("--limit", "5")
    lines = shown.splitlines()
    assert len(lines) == 6
    assert "refused: missing_token (once)" in lines[0]
    assert lines[1].startswith("10  ")
    assert "toggle relay on" in lines[1]
    assert "anna" in lines[1]
    assert "127.0.0.1" in lines[1]
    told = json.loads(call("--json"))
    assert (len(told["records"]), told["doubts"]) == (10, [])
    seen = json.loads((door.state_folder / "audit.json").read_text())
    assert seen == {"events": {"n": 10, "h": told["records"][0]["h"]}}

    own.power_cut()
    history = events.read_bytes().replace(b'"by":"anna', b'"by":"bert')
    events.write_bytes(history)
    own.start()
    complaint = call(code=1)
    assert "the board itself says that its chain is broken at 2" in complaint

    own.power_cut()
    forged = [b'{"n":0,"h":"0000000000000000"}']
    rows = [json.loads(line) for line in history.splitlines()[1:]]
    h = "0" * 16
    for row in rows:
        text = json.dumps({name: row[name] for name in row if name != "h"}, separators=(",", ":"))[
            :-1
        ].encode()
        h = hashlib.sha256(h.encode() + text).hexdigest()[:16]
        forged.append(text + b',"h":"%s"}' % h.encode())
    events.write_bytes(b"\n".join([*forged, b""]))
    own.start()
    for _ in range(2):  # it is said until it is accepted
        complaint = call(code=1)
        assert "record 10 is another than the one that was seen before" in complaint
        assert "chain" not in complaint
    call("--accept")
    assert "bert" in call()

    own.power_cut()
    events.unlink()
    own.start()
    complaint = call(code=1)
    assert "record 10, which was seen before, is not there any more" in complaint


@pytest.mark.parametrize("runtime", ["micropython"], indirect=True)  # the other has no raw REPL
def test_the_command_reads_it_over_usb(own: Board, door: Device, looked: Callable[..., str]) -> None:
    """What waited is written when the application is stopped."""
    answer = httpx.post(own.url + TOGGLE, headers=writer(door), json={}, trust_env=False)
    assert answer.status_code == 200
    told = json.loads(looked("--port", str(own.usb.path), "--json"))
    assert [record["what"] for record in told["records"]] == ["toggle", "start"]
    assert told["records"][0]["by"] == "anna0"
    assert (told["waiting"], told["doubts"]) == ([], [])
