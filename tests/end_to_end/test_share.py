"""A guest's token made on a running board: over the air, in use, and gone with its parent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from click.testing import CliRunner

import testbed
from pinwarden import board as files
from pinwarden.call import Answer
from pinwarden.cli import cli
from pinwarden.device import Device, create
from pinwarden.mint import mint_token
from pinwarden.signed import Client
from pinwarden_sim import Board, runtimes
from recording import Line, Recorder

TOKENS, PINS = "/api/v1/tokens", "/api/v1/pins"
TOGGLE = f"{PINS}/relay/toggle"
OWNER = ["admin", "pins:read", "pins:write", "audit:read"]
GUEST = {"sub": "guest", "scope": "pins:read:relay pins:write:relay", "ttl": 600}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Device:
    folder = tmp_path_factory.mktemp("share")
    return create("door", folder, wifi={"ssid": "simulated", "password": "simulated-air"})


@pytest.fixture(scope="module", params=runtimes.RUNTIMES)
def board(
    request: pytest.FixtureRequest, door: Device, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Board]:
    """The device's board on each runtime."""
    if not testbed.have(request.param):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    flash: Path = tmp_path_factory.mktemp("board") / "flash"
    files.install(flash, door.settings, door.secrets(), mpy=request.param == "micropython")
    with Board(flash, request.param, clock=int(time.time())) as made:
        yield made.start()


@pytest.fixture
def client(board: Board, door: Device) -> Client:
    return Client(door, f"127.0.0.1:{board.port}")


@pytest.fixture
def owner(door: Device) -> str:
    """The owner's phone's token, for signed requests only."""
    return mint_token(door, subject="anna", scope=OWNER, ttl=3600, proof=True)


def post(client: Client, path: str, token: str, body: dict[str, Any]) -> Answer:
    return client.send("POST", path, token=token, body=json.dumps(body).encode())


def unseal(owner: str, told: dict[str, Any]) -> str:
    """The token in the answer to whoever has asked with the token `owner`: see docs/token-profile.md."""
    pad = hmac.digest(octets(owner), b"pinwarden share\n" + told["token"].encode(), hashlib.sha256)
    signature = bytes(a ^ b for a, b in zip(pad, octets("." + told["sealed"]), strict=True))
    return f"{told['token']}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def octets(token: str) -> bytes:
    """Those of a token's signature."""
    return base64.urlsafe_b64decode(token.rpartition(".")[2] + "=")


def shared(client: Client, owner: str, **changes: Any) -> str:
    answer = post(client, TOKENS, owner, GUEST | changes)
    assert answer.status == 201, answer.problem
    assert isinstance(answer.data, dict)
    return unseal(owner, answer.data)


def said(answer: Answer) -> tuple[int, object, object]:
    return answer.status, answer.problem.get("code"), answer.problem.get("reason")


def test_the_guest_may_do_this_and_no_more(board: Board, client: Client, owner: str) -> None:
    guest = shared(client, owner)
    claims = jwt.decode(guest, options={"verify_signature": False})
    mine = jwt.decode(owner, options={"verify_signature": False})
    assert claims["parent"] == {name: mine[name] for name in ("jti", "sub", "iat")}
    assert claims["exp"] == claims["iat"] + 600
    before = len(board.pin(testbed.RELAY).levels)
    for value in (True, False):
        answer = post(client, TOGGLE, guest, {})
        assert (answer.status, answer.problem["value"]) == (200, value)
    assert testbed.levels(board, testbed.RELAY)[before:] == [1, 0]
    told = client.send("GET", PINS, token=guest).problem
    assert [(pin["name"], pin["writable"]) for pin in told["pins"]] == [("relay", True)]
    for path, body in ((TOKENS, GUEST), ("/api/v1/revocations", {"jti": "x"})):
        assert said(post(client, path, guest, body))[:2] == (403, "insufficient_scope")
    shown = httpx.get(board.url + PINS, headers=testbed.bearer(guest), trust_env=False)
    assert (shown.status_code, shown.json()["reason"]) == (401, "proof_required")


def test_a_listener_has_nothing(board: Board, door: Device, owner: str) -> None:
    """Not even with all that was said when the token was made, and when it was used."""
    with Recorder(board.port) as recorder:
        client = Client(door, f"127.0.0.1:{recorder.port}")
        guest = shared(client, owner)
        assert post(client, TOGGLE, guest, {}).status == 200
        heard, requests = recorder.octets(), recorder.requests()
    for token in (owner, guest):
        assert token.rpartition(".")[2].encode() not in heard
        assert token.rpartition(".")[0].encode() in heard
    signed = [request for request in requests if b"Pinwarden" in request]
    assert any(request.startswith(b"POST /api/v1/tokens ") for request in signed)
    with Line(board.port) as line:
        for request in signed:
            assert line.send(request).code in ("replayed", "stale_nonce")
    # The seal is no signature, nor is that of the parent.
    told = {"token": guest.rpartition(".")[0], "sealed": owner.rpartition(".")[2]}
    for wrong in (f"{told['token']}.{told['sealed']}", unseal(guest, told)):
        answer = post(Client(door, f"127.0.0.1:{board.port}"), TOGGLE, wrong, {})
        assert said(answer) == (401, "invalid_token", "signature")


@pytest.mark.parametrize("by", ["jti", "sub"])
def test_whoever_revokes_the_parent_revokes_the_child(client: Client, door: Device, by: str) -> None:
    owner = mint_token(door, subject="bert", scope=OWNER, ttl=3600)
    guests = [shared(client, owner, sub=name) for name in ("guest", "other")]
    mine = jwt.decode(owner, options={"verify_signature": False})
    revoked = {"jti": mine["jti"]} if by == "jti" else {"sub": "bert", "before": mine["iat"] + 1}
    admin = mint_token(door, subject="chief", scope=["admin"], ttl=60)
    assert post(client, "/api/v1/revocations", admin, revoked).status == 201
    for token in (owner, *guests):
        assert said(client.send("GET", PINS, token=token)) == (401, "invalid_token", "revoked")


def test_whoever_revokes_the_child_leaves_the_parent(client: Client, owner: str) -> None:
    guest, other = shared(client, owner, bearer=False), shared(client, owner, sub="other")
    jti = jwt.decode(guest, options={"verify_signature": False})["jti"]
    assert post(client, "/api/v1/revocations", owner, {"jti": jti}).status == 201
    assert said(client.send("GET", PINS, token=guest)) == (401, "invalid_token", "revoked")
    for token in (owner, other):
        assert client.send("GET", PINS, token=token).status == 200


def test_the_audit_tells_of_it_in_words(
    client: Client, board: Board, door: Device, owner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = shared(client, owner, sub="Zoë's phone")
    claims = jwt.decode(guest, options={"verify_signature": False})
    monkeypatch.chdir(door.folder.parent)
    look = ["audit", "door", "--address", f"127.0.0.1:{board.port}", "--accept"]  # another runtime's board
    result = CliRunner().invoke(cli, [*look, "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    rows = [row for row in told["waiting"] + told["records"] if row["what"] == "share"]
    assert (rows[0]["pin"], rows[0]["value"], rows[0]["by"]) == ("Zoë's phone", claims["jti"], "anna")
    assert rows[0]["jti"] == claims["parent"]["jti"]
    result = CliRunner().invoke(cli, look)
    assert f"shared with Zoë's phone: token {claims['jti']}" in result.stdout
