"""The signing client: what it sends again, what it never does, and what crosses the network."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import httpx
import pytest

from pinwarden import signed
from pinwarden.device import Device
from pinwarden.errors import NotAToken, Refused, Unreachable
from pinwarden.mint import mint_token
from pinwarden.signed import Client

from .conftest import FakeBoard
from .model_board import ModelBoard, NoAnswer
from .signatures import PATH, Refusal, Signatures

REVOCATIONS = "/api/v1/revocations"
KEYS = "/api/v1/keys"


def admin(device: Device, **options: Any) -> str:
    return mint_token(device, subject="anna", scope=["admin"], ttl=3600, **options)


def revoke(client: Client, token: str, **options: Any):
    """A command: to carry it out twice would be seen."""
    return client.send("POST", REVOCATIONS, token=token, body=b'{"jti": "lost"}', **options)


def client_of(door: Device, board: ModelBoard) -> Client:
    return Client(door, board.address)


def asked(board: ModelBoard) -> int:
    """How often the challenge was asked for."""
    return board.seen.count(f"GET {PATH}\n".encode())


def test_the_challenge_is_asked_for_once(door: Device, model: ModelBoard) -> None:
    client, token = client_of(door, model), admin(door)
    answers = [client.send("GET", KEYS, token=token) for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3
    assert asked(model) == 1
    assert model.signatures.refused == []
    assert len(model.signatures.used) == 3


def test_the_tokens_signature_crosses_no_network(door: Device, model: ModelBoard) -> None:
    token = admin(door)
    assert revoke(client_of(door, model), token).status == 201
    head, _, signature = token.rpartition(".")
    assert head.encode() in model.seen
    raw = base64.urlsafe_b64decode(signature + "=")
    for form in (signature.encode(), base64.b64encode(raw), raw.hex().encode()):
        assert form not in model.seen


def test_a_restarted_board_is_asked_again(door: Device, model: ModelBoard) -> None:
    client, token = client_of(door, model), admin(door)
    for _ in range(2):
        model.signatures.renew()
        assert revoke(client, token).status == 201
    assert model.signatures.refused == ["stale_nonce"]
    assert (len(model.revocations), asked(model)) == (2, 1)


def test_stale_twice_is_an_answer(door: Device, model: ModelBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    client, token = client_of(door, model), admin(door)
    assert client.send("GET", KEYS, token=token).status == 200
    of_board = Signatures.token

    def restarting(self: Signatures, *request: Any) -> str | Refusal:
        self.renew()
        return of_board(self, *request)

    monkeypatch.setattr(Signatures, "token", restarting)
    answer = revoke(client, token)
    assert (answer.status, answer.problem["code"]) == (401, "stale_nonce")
    assert model.signatures.refused == ["stale_nonce"] * 2
    assert model.revocations == []


class Liar(Signatures):
    """Takes what was signed, keeps it, and says that it was nothing."""

    def __init__(self, code: str, **more: object) -> None:
        super().__init__()
        self._lie = code, more
        self.kept: list[str] = []

    def token(self, *request: Any, **rest: Any) -> str | Refusal:
        whole = super().token(*request, **rest)
        assert isinstance(whole, str), whole
        self.kept.append(whole)
        status, body, fields = self._refuse(self._lie[0])
        return status, body | self._lie[1], fields


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("stale_nonce", {}),  # and names the challenge that the request was signed under
        ("created_out_of_window", {}),  # and tells a time for which the request was signed well
        ("created_out_of_window", {"now": int(time.time()) + 200}),
        ("created_out_of_window", {"now": int(time.time()) + 8 * 3600}),
        ("created_out_of_window", {"now": "soon"}),
        ("created_out_of_window", {"now": None}),
        ("created_out_of_window", {"now": True}),
        ("replayed", {}),
        ("invalid_token", {"reason": "signature"}),
        ("clock_unset", {}),
    ],
)
def test_nobody_gets_two_good_signatures_for_one_command(
    door: Device, model: ModelBoard, code: str, more: dict
) -> None:
    """Whoever stands between could carry out both, one after the other."""
    liar = model.signatures = Liar(code, **more)
    answer = revoke(client_of(door, model), admin(door))
    assert answer.problem["code"] == code
    assert len(liar.kept) == 1


@pytest.mark.parametrize("ahead", [3600, -86400, 100, 0])
def test_the_boards_clock_is_followed(door: Device, model: ModelBoard, ahead: int) -> None:
    model.signatures.clock = ahead
    assert revoke(client_of(door, model), admin(door)).status == 201
    assert model.signatures.refused == []


def test_a_small_difference_is_not_followed(door: Device, model: ModelBoard) -> None:
    """Who changes the answers could move a request into the future by it, bit by bit."""
    model.signatures.clock = 50
    now = int(time.time())
    assert revoke(Client(door, model.address, clock=lambda: now), admin(door)).status == 201
    assert f";created={now};".encode() in model.seen


def test_a_clock_that_was_set_meanwhile(door: Device, model: ModelBoard) -> None:
    client, token = client_of(door, model), admin(door)
    assert client.send("GET", KEYS, token=token).status == 200
    model.signatures.clock = 7200
    assert revoke(client, token).problem["code"] == "created_out_of_window", "and is not signed twice"
    assert revoke(client, token).status == 201
    assert len(model.revocations) == 1
    model.signatures.clock = 0
    assert client.send("GET", KEYS, token=token).status == 200, "which may be"
    assert model.signatures.refused == ["created_out_of_window"] * 2


def test_both_have_changed(door: Device, model: ModelBoard) -> None:
    """A restart and another time: each is met once."""
    client, token = client_of(door, model), admin(door)
    assert client.send("GET", KEYS, token=token).status == 200
    model.signatures.renew()
    model.signatures.clock = 7200
    assert revoke(client, token).problem["code"] == "created_out_of_window"
    assert revoke(client, token).status == 201
    assert model.signatures.refused == ["stale_nonce", "created_out_of_window"]
    assert len(model.revocations) == 1


def test_a_time_that_was_given_is_kept(door: Device, model: ModelBoard) -> None:
    """For a board that is to be told the time, its own does not count."""
    model.signatures.clock = -86400
    at = int(time.time()) + 1000
    answer = revoke(client_of(door, model), admin(door), at=at)
    assert (answer.status, answer.problem["code"]) == (401, "created_out_of_window")
    assert model.signatures.refused == ["created_out_of_window"]
    assert f";created={at};".encode() in model.seen


def test_a_challenge_that_is_not_told_comes_with_a_refusal(door: Device, model: ModelBoard) -> None:
    """Who has no token is turned away in a flood. Who can sign is not."""
    model.signatures.tells = False
    client, token = client_of(door, model), admin(door)
    for _ in range(2):
        assert revoke(client, token).status == 201
    assert model.signatures.refused == ["stale_nonce"]
    assert len(model.revocations) == 2


@pytest.mark.parametrize(
    "told", [{}, {"nonce": None}, {"nonce": "x"}, {"nonce": 'A" ;x="AAAAAAAA'}, {"nonce": "A" * 17}, [], 5]
)
def test_what_is_no_challenge_is_not_signed(door: Device, model: ModelBoard, told: object) -> None:
    model.signatures.told = lambda: (200, told)  # type: ignore[method-assign, return-value]
    assert revoke(client_of(door, model), admin(door)).status == 201
    assert model.signatures.refused == ["stale_nonce"]


@pytest.mark.parametrize("code", ["not_found", "missing_token"])
def test_firmware_that_is_too_old_is_told(door: Device, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """And nothing is sent to it in another way."""
    sent: list[str] = []

    def answer(_address: str, _method: str, path: str, **_: object) -> signed.Answer:
        sent.append(path)
        body = json.dumps({"code": code}).encode()
        headers = httpx.Headers({"content-type": "application/problem+json"})
        return signed.Answer(404 if code == "not_found" else 401, headers, body, None)

    monkeypatch.setattr(signed, "send", answer)
    with pytest.raises(Refused, match="too old") as caught:
        revoke(Client(door, "door.local"), admin(door))
    assert caught.value.hint == "Deploy this version to it: pinwarden deploy door"
    assert sent == [PATH]


def test_a_lost_connection_is_not_asked_again(door: Device, model: ModelBoard) -> None:
    def fault(when: str, method: str, _path: str) -> None:
        if (when, method) == ("after", "POST"):
            raise NoAnswer

    model.fault = fault
    client, token = client_of(door, model), admin(door)
    with pytest.raises(Unreachable) as caught:
        revoke(client, token)
    assert len(model.revocations) == len(model.requests) == 1
    assert "broke off" in caught.value.message
    assert (caught.value.hint or "").startswith("Whether the board has done it is not known: look before")


def test_what_changes_nothing_may_be_asked_again(door: Device, model: ModelBoard) -> None:
    def fault(*_: str) -> None:
        raise NoAnswer

    model.fault = fault
    with pytest.raises(Unreachable) as caught:
        client_of(door, model).send("GET", KEYS, token=admin(door))
    assert "not known" not in (caught.value.hint or "")


@pytest.mark.parametrize("token", ["a.b.c", "a.b", "", "a.b." + "A" * 86])
def test_what_cannot_sign_is_told(door: Device, model: ModelBoard, token: str) -> None:
    with pytest.raises(NotAToken, match="no request can be signed"):
        revoke(client_of(door, model), token)
    assert model.requests == []


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("127.0.0.1", f"{KEYS}/a%20b"),
        ("LOCALHOST", KEYS),
        ("localhost", f"{KEYS}?"),
        ("127.0.0.1", f"{KEYS}?a=b&c=%2F%3F"),
        ("127.0.0.1", f'{KEYS}/"{{}}`'),
        ("127.0.0.1", f"{KEYS}/../keys/./x"),
        ("127.0.0.1", f"{KEYS}//x"),
    ],
)
def test_what_is_signed_is_what_is_sent(door: Device, model: ModelBoard, host: str, path: str) -> None:
    """The client's library may write an address in another way than it was given."""
    answer = Client(door, f"{host}:{model.port}").send("GET", path, token=admin(door))
    assert answer.problem.get("reason") is None, "the signature is right"
    assert answer.status in (200, 404)


def test_a_refusal_for_another_reason_is_the_answer(door: Device, board: FakeBoard) -> None:
    board.answer(429, {"code": "rate_limited", "status": 429, "detail": "later"}, Retry_After="7")
    answer = revoke(Client(door, board.address), admin(door))
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")
    assert len(board.requests) == 1
