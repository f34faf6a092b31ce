"""A refusal says what to do about it, and no answer acts on the terminal."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from pinwarden.device import Device

from .conftest import FakeBoard

Run = Callable[..., Result]
NTP = '#ntp = ["pool.ntp.org", "time.cloudflare.com"]'


def problem(code: str, **more: object) -> dict:
    return {"title": "No", "status": 0, "detail": "Says the board.", "code": code, **more}


@pytest.mark.parametrize(
    ("status", "body", "headers", "hint"),
    [
        (401, problem("missing_token"), {}, "leave --token out"),
        (401, problem("invalid_token", reason="expired"), {}, "Mint a new token"),
        (401, problem("invalid_token", reason="not_yet_valid"), {}, "clocks differ"),
        (401, problem("invalid_token", reason="signature"), {}, "other keys"),
        (401, problem("invalid_token", reason="kid"), {}, "Deploy"),
        (401, problem("invalid_token", reason="audience"), {}, "another device"),
        (401, problem("invalid_token", reason="brand_new"), {}, "pinwarden inspect"),
        (401, problem("invalid_token", reason="proof_required"), {}, "leave --bearer out"),
        (401, problem("bearer_disabled"), {}, "leave --bearer out"),
        (401, problem("stale_nonce"), {}, "Nothing was done. Try again."),
        (401, problem("replayed"), {}, "pinwarden call door GET pins"),
        (401, problem("created_out_of_window"), {}, "pinwarden doctor door"),
        (
            403,
            problem("insufficient_scope"),
            {"WWW_Authenticate": 'Bearer scope="pins:write"'},
            "--scope pins:write",
        ),
        (
            403,
            problem("insufficient_scope"),
            {"WWW_Authenticate": 'Bearer scope="a; rm -rf /"'},
            "--scope SCOPE",
        ),
        (403, problem("forbidden_origin"), {}, "origins"),
        (404, problem("not_found"), {}, "pinwarden call door GET pins"),
        (405, problem("method_not_allowed"), {"Allow": "GET, HEAD"}, "GET, HEAD"),
        (400, problem("bad_value"), {}, "--data '{\"value\": true}'"),
        (409, problem("interlocked"), {}, "interlock"),
        (404, problem("unknown_key"), {}, "pinwarden keys list door"),
        (409, problem("key_exists"), {}, "pinwarden keys list door"),
        (409, problem("too_many_keys"), {}, "Retire one"),
        (409, problem("last_key"), {}, "pinwarden keys rotate door"),
        (409, problem("key_in_use"), {}, "pinwarden keys rotate door"),
        (409, problem("too_many_revocations"), {}, "--all"),
        (507, problem("insufficient_storage"), {}, "Remove files"),
        (429, problem("too_soon"), {"Retry_After": "3"}, "Try again in 3 s"),
        (429, problem("too_soon"), {"Retry_After": "soon"}, "Try again."),
        (415, problem("unsupported_media_type"), {}, "JSON"),
        (421, problem("misdirected"), {}, "hosts in device.toml"),
        (503, problem("clock_unset"), {}, "reach the servers under ntp in device.toml"),
        (308, {}, {"Location": "https://door.local/"}, "tls = true"),
        (503, problem("safe_mode"), {}, "pinwarden check"),
        (503, {}, {"Retry_After": "1"}, "Try again in 1 s"),
        (431, "x", {}, "max_head"),
    ],
)
def test_a_refusal_has_a_remedy(
    door: Device, board: FakeBoard, pinwarden: Run, status: int, body: object, headers: dict, hint: str
) -> None:
    board.answer(status, body, **headers)
    result = pinwarden("call", "door", "GET", "pins", "--address", board.address)
    assert result.exit_code == 1
    assert result.stdout == ""
    error, _, advice = result.stderr.partition("hint: ")
    assert error.startswith(f"error: {status} ")
    if isinstance(body, dict) and body:
        assert f"Says the board. [{body['code']}]" in error
    assert hint in advice


def test_a_board_without_a_time_server_is_told_the_time(
    door: Device, board: FakeBoard, pinwarden: Run, edit: Callable[..., None]
) -> None:
    edit(NTP, "ntp = []")
    board.answer(503, problem("clock_unset"))
    result = pinwarden("call", "door", "GET", "pins", "--address", board.address)
    assert "tell it the time: pinwarden clock door --set" in result.stderr
    assert "servers" not in result.stderr


def test_json_has_the_refusal_too(door: Device, board: FakeBoard, pinwarden: Run) -> None:
    board.answer(403, problem("insufficient_scope"))
    result = pinwarden("call", "door", "GET", "pins", "--address", board.address, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"status": 403, "body": problem("insufficient_scope")}


def test_what_is_no_board_is_told(door: Device, board: FakeBoard, pinwarden: Run) -> None:
    board.answer(404)
    board.body, board.headers = b"<html>\x1b[2J</html>", {"Content-Type": "text/html"}
    result = pinwarden("call", "door", "GET", "pins", "--address", board.address)
    assert result.exit_code == 1
    assert "is this address a Pinwarden board?" in result.stderr


@pytest.mark.parametrize("body", [b"\x1b]0;x\x07\x9b", b'"\xe2\x80\xae\\u001b[2J"', b"\xff"])
@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
def test_an_answer_cannot_steer_the_terminal(
    door: Device, board: FakeBoard, pinwarden: Run, body: bytes, kind: str
) -> None:
    board.body, board.headers = body, {"Content-Type": kind}
    for options in ([], ["--json"]):
        result = pinwarden("call", "door", "GET", "pins", "--address", board.address, *options)
        assert result.exit_code == 0
        assert not set(result.output) & set("\x1b\x07\x9b\u202e")
