"""The administrator's routes of a running board: effective at once, the same after a restart, whole after a
power cut.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

import testbed
from pinwarden import keys
from pinwarden.admin import hkdf
from pinwarden_sim import Board

KEYS, REVOKED = "/api/v1/keys", "/api/v1/revocations"
OTHER_KID = "2026-12"
SALT = bytes(range(100, 132))
DERIVED = hkdf.derive(testbed.SECRET, SALT, device=testbed.NAME, kid=OTHER_KID)
ROTATION = {"kid": OTHER_KID, "from": testbed.KID, "salt": keys.encode(SALT)}

Ask = Callable[..., httpx.Response]


def admin(**claims: Any) -> str:
    return testbed.token("admin", **claims)


def new_admin() -> str:
    """An administrator's token of the key that is added."""
    return admin(secret=DERIVED, kid=OTHER_KID)


@pytest.fixture
def ask(board: Board) -> Ask:
    """`ask("GET", path, token, body)`: the answer."""

    def send(method: str, path: str, token: str, body: object = None) -> httpx.Response:
        headers = testbed.bearer(token)
        return httpx.request(method, board.url + path, headers=headers, json=body, trust_env=False)

    return send


def reset(board: Board) -> None:
    """A restart that keeps the clock."""
    board.reset()
    board.start()


def power_cycle(board: Board) -> None:
    board.power_cut()
    board.clock.set(int(time.time()))
    board.start()


def kids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [key["kid"] for key in answer.json()["keys"]]


def reason(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("reason")


def test_a_rotation(board: Board, ask: Ask, flash: Path) -> None:
    """The secret never crosses the air: the host and the board come to the same one, each by its own code."""
    assert reason(ask("GET", KEYS, new_admin())) == (401, "kid")
    answer = ask("POST", KEYS, admin(), ROTATION)
    assert (answer.status_code, answer.json()) == (201, {"kid": OTHER_KID, "alg": "HS256"})
    assert ask("POST", KEYS, admin(), ROTATION).status_code == 200, "the first answer may have been lost"
    for restart in (reset, power_cycle):
        for token in (admin(), new_admin()):
            assert kids(ask("GET", KEYS, token)) == [testbed.KID, OTHER_KID]
        restart(board)

    old = admin(jti="remembered")
    assert ask("GET", KEYS, old).status_code == 200
    assert ask("DELETE", f"{KEYS}/{testbed.KID}", old).json()["code"] == "key_in_use"
    answer = ask("DELETE", f"{KEYS}/{quote(testbed.KID)}", new_admin())
    assert (answer.status_code, answer.content) == (204, b"")
    for restart in (reset, power_cycle):
        assert reason(ask("GET", KEYS, old)) == (401, "kid"), "at once, though it was verified a moment ago"
        assert kids(ask("GET", KEYS, new_admin())) == [OTHER_KID]
        restart(board)
    assert ask("DELETE", f"{KEYS}/{OTHER_KID}", new_admin()).json()["code"] == "last_key"

    secrets = json.loads((flash / "secrets.json").read_text())
    assert secrets["wifi"]["ssid"] == "simulated"
    assert keys.secret(secrets["keys"][0]) == DERIVED
    said = "\n".join(board.serial)
    assert "Traceback" not in said
    assert secrets["keys"][0]["k"] not in said


def test_a_recorded_rotation_brings_no_retired_key_back(board: Board, ask: Ask) -> None:
    """Whoever has the retired key, and has heard how it was derived, would have a key of the board again."""
    assert ask("POST", KEYS, admin(), ROTATION).status_code == 201
    assert ask("DELETE", f"{KEYS}/{OTHER_KID}", admin()).status_code == 204
    for restart in (reset, power_cycle):
        answer = ask("POST", KEYS, admin(), ROTATION)
        assert (answer.status_code, answer.json()["code"]) == (409, "key_retired")
        assert reason(ask("GET", KEYS, new_admin())) == (401, "kid")
        restart(board)
    assert ask("POST", KEYS, admin(), {**ROTATION, "kid": "2027-01"}).status_code == 201


def test_revocations(board: Board, ask: Ask) -> None:
    now = int(time.time())
    lost, anna, bob = (
        testbed.token("pins:read", jti=jti, sub=sub)
        for jti, sub in (("lost", "anna"), ("kept", "anna"), ("other", "bob"))
    )

    def refused() -> list[bool]:
        answers = [reason(ask("GET", "/api/v1/device", token)) for token in (lost, anna, bob)]
        assert set(answers) <= {(200, None), (401, "revoked")}
        return [status == 401 for status, _ in answers]

    assert refused() == [False, False, False]
    chief = {"sub": "chief", "iat": now - 5}  # not ahead of a board whose seconds begin later
    body: dict[str, Any]
    for body, expected in (
        ({"jti": "lost", "until": now + 3600}, [True, False, False]),
        ({"sub": "anna", "before": now - 10}, [True, True, False]),
        ({"before": now - 10}, [True, True, True]),
    ):
        assert ask("POST", REVOKED, admin(**chief), body).status_code == 201
        for restart in (reset, power_cycle):
            assert refused() == expected, "at once, and after a restart"
            restart(board)
    listed = ask("GET", REVOKED, admin(**chief)).json()["revocations"]
    # All that was made before now covers hers; the id's token may be of the last five minutes.
    assert [sorted(entry) for entry in listed] == [["before"], ["before", "jti", "until"]]


@pytest.mark.parametrize("clock_is_set", [True, False], ids=["the time is known", "the time comes later"])
def test_a_damaged_file_fails_closed(runtime: str, flash: Path, clock_is_set: bool) -> None:
    (flash / "state").mkdir()
    file = flash / "state" / "revocations.json"
    file.write_bytes(b'{"revocations": [{"jti": "lo')
    now = int(time.time())
    with Board(flash, runtime, clock=now if clock_is_set else None, ntp=False) as board:
        board.start()

        def ask(token: str) -> tuple[int, str | None]:
            headers = testbed.bearer(token)
            return reason(httpx.get(f"{board.url}/api/v1/device", headers=headers, trust_env=False))

        if not clock_is_set:
            assert ask(testbed.token()) == (503, None)
            board.power_cut()  # what was damaged has been set aside, and there is nothing in its place
            assert not file.exists()
            board.start()
            board.clock.set(int(time.time()))
        for _ in range(2):
            assert ask(testbed.token(iat=now - 1)) == (401, "revoked")
            assert ask(testbed.token(iat=None)) == (401, "revoked")
            board.clock.jump(60)
            assert ask(testbed.token(iat=now + 60)) == (200, None)
            headers = testbed.bearer(admin(iat=now + 60))
            for body in ({"jti": "a"}, {"jti": "b"}):
                answer = httpx.post(board.url + REVOKED, headers=headers, json=body, trust_env=False)
                assert answer.status_code == 201, answer.text
            assert ask(testbed.token(iat=now + 60, jti="b")) == (401, "revoked")
            reset(board)
        assert file.with_name("revocations.json.bad").read_bytes() == b'{"revocations": [{"jti": "lo'
        told = [line for line in board.serial if line.startswith("revocations: ")]
        assert len(told) == (1 if clock_is_set else 2), board.serial
        assert "no token from before now" in told[0]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("POST", KEYS, ROTATION, id="adding a key"),
        pytest.param("POST", REVOKED, {"jti": "lost"}, id="revoking"),
    ],
)
def test_a_full_flash(board: Board, ask: Ask, flash: Path, method: str, path: str, body: object) -> None:
    """Said so, and nothing is half done: not on the flash, and not in memory."""
    before = (flash / "secrets.json").read_bytes()
    size = board.flash_size
    board.flash_size = 1
    answer = ask(method, path, admin(), body)
    assert (answer.status_code, answer.json()["code"]) == (507, "insufficient_storage")
    board.flash_size = size
    assert (flash / "secrets.json").read_bytes() == before
    assert not [path for path in flash.rglob("*") if path.suffix == ".new" or path.stem == "revocations"]
    assert kids(ask("GET", KEYS, admin(jti="lost"))) == [testbed.KID]
    assert ask(method, path, admin(), body).status_code == 201
    assert "Traceback" not in "\n".join(board.serial)


PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    ("method", "path", "body", "file"),
    [
        pytest.param("DELETE", f"{KEYS}/{OTHER_KID}", None, "secrets.json", id="retiring a key"),
        pytest.param("POST", REVOKED, {"jti": "x"}, "state/revocations.json", id="revoking"),
    ],
)
def test_the_power_fails_at_each_byte(
    runtime: str, tmp_path: Path, part: int, method: str, path: str, body: object, file: str
) -> None:
    """Each byte that one change writes; on CPython, which starts more slowly, at a few of them."""
    flash = tmp_path / "flash"
    testbed.install(flash, runtime)
    secrets = json.loads((flash / "secrets.json").read_text())
    other = keys.jwk(OTHER_KID, DERIVED)
    (flash / "secrets.json").write_text(json.dumps({"wifi": None, "keys": [*secrets["keys"], other]}))
    (flash / "state").mkdir()
    (flash / "state/revocations.json").write_text('{"revocations": [{"jti": "lost"}]}')
    (flash / "state/clock.json.new").mkdir()  # so the mark is not written: its octets would be counted, too
    before = (flash / file).read_text()
    headers = {"Host": "door.local", **testbed.bearer(admin())}
    lost = {"Host": "door.local", **testbed.bearer(testbed.token(jti="lost"))}

    size, step = 1 + part, (3 if runtime == "micropython" else 23) * PARTS
    with Board(flash, runtime, clock=int(time.time())) as board:
        while True:
            board.start()
            board.clock.set(int(time.time()))
            listed = httpx.get(board.url + KEYS, headers=headers, trust_env=False)
            assert kids(listed) == [testbed.KID, OTHER_KID]
            assert reason(httpx.get(board.url + KEYS, headers=lost, trust_env=False)) == (401, "revoked")
            board.power_cut(after_bytes=size)
            try:
                answer = httpx.request(method, board.url + path, headers=headers, json=body, trust_env=False)
            except httpx.TransportError:
                board.wait(lambda: board.state == "off")
                assert (flash / file).read_text() == before
                size += step
                continue
            assert answer.status_code in (201, 204)
            break
        after = (flash / file).read_text()
        assert after != before
        assert size - step <= len(after) < size, "each byte, or each so many, to the last"


USB = """
import slots
slots.enter()
from firmware import keyring
from firmware.revocation import Revocations
kids = lambda: [key["kid"] for key in keyring.describe()]
print("usb", kids())
print("usb", keyring.add({jwk}), keyring.add({jwk}), keyring.retire("ghost"))
print("usb", keyring.retire("2026-11"), kids())
revocations = Revocations()
revocations.revoke(jti="lost", until={until})
print("usb", [(found["jti"], found["until"]) for found in revocations.list()])
print("usb", revocations.is_revoked({{"jti": "lost"}}))
try:
    keyring.retire("2026-12")
except ValueError as error:
    print("usb", error.code, error)
"""


def test_over_usb_with_no_application_running(runtime: str, flash: Path) -> None:
    """What the tools run in the raw REPL."""
    application = (flash / "main.py").read_bytes()
    jwk, now = keys.jwk(OTHER_KID, DERIVED), int(time.time())
    (flash / "main.py").write_text(USB.format(jwk=jwk, until=now + 3600))
    with Board(flash, runtime, clock=now) as board:
        board.start(http=False)
        board.wait(lambda: board.state == "repl")
        said = [line[4:] for line in board.serial if line.startswith("usb ")]
        assert said == [
            "['2026-11']",
            "True False False",
            "True ['2026-12']",
            f"[('lost', {now + 3600})]",
            "True",
            "last_key it is the last key; add another one first",
        ], board.serial
        (flash / "main.py").write_bytes(application)
        board.reset()
        board.start()

        def ask(token: str) -> tuple[int, str | None]:
            return reason(httpx.get(board.url + KEYS, headers=testbed.bearer(token), trust_env=False))

        assert ask(new_admin()) == (200, None)
        assert ask(admin()) == (401, "kid")
        assert ask(admin(secret=DERIVED, kid=OTHER_KID, jti="lost")) == (401, "revoked")
