"""`pinwarden revoke`: what is meant is what the board is told, and the teller's own token outlives it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from click.testing import Result

from pinwarden import keys
from pinwarden.device import Device, create
from pinwarden.duration import local
from pinwarden.mint import mint_token

from .model_board import ModelBoard, NoAnswer

Run = Callable[..., Result]
HOUR = 3600


def token(device: Device, who: str = "anna", **options) -> str:
    return mint_token(device, subject=who, scope=["pins:read"], ttl=HOUR, **options)


def claims(text: str) -> dict:
    return jwt.decode(text, options={"verify_signature": False})


def signed(device: Device, **changes: object) -> str:
    """A token of somebody else's making; None leaves a claim out."""
    now = int(time.time())
    made = {"aud": "door", "sub": "anna", "iat": now - 60, "exp": now + HOUR, "jti": "abc", **changes}
    (key,) = device.keys()
    kept = {name: value for name, value in made.items() if value is not None}
    return jwt.encode(kept, keys.secret(key), "HS256", headers={"kid": key["kid"]})


@pytest.mark.parametrize("form", ["stdin", "stdin, a link", "file", "argument"])
def test_revokes_one_token(
    door: Device, model: ModelBoard, pinwarden: Run, tmp_path: Path, form: str
) -> None:
    lost, other = token(door), token(door)
    link = f"http://door.local/#token={lost}\n"
    stdin = {"stdin": lost + "\n", "stdin, a link": link}.get(form)
    file = tmp_path / "lost.txt"
    file.write_text(lost + "\n")
    argument = {"file": str(file), "argument": lost}.get(form, "-")
    result = pinwarden("revoke", "door", argument, "--address", model.address, stdin=stdin)
    assert result.exit_code == 0
    told = {"jti": claims(lost)["jti"], "until": claims(lost)["exp"]}
    assert model.requests == [("POST", "/api/v1/revocations", told)]
    assert result.stdout == f"door: the token {told['jti']} is revoked.\n"
    assert not model.takes(lost)
    assert model.takes(other)
    assert lost not in result.output
    assert lost.encode() not in model.seen, "the name is enough: the token itself crosses no network again"


def test_revokes_by_name(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    lost = token(door)
    jti = claims(lost)["jti"]
    assert pinwarden("revoke", "door", f"--jti={jti}", "--address", model.address).exit_code == 0
    assert model.requests[0][2] == {"jti": jti}
    assert not model.takes(lost)


@pytest.mark.parametrize("args", [["--sub", "anna"], ["--all", "--yes"]], ids=["of one", "all"])
def test_everything_until_now(door: Device, model: ModelBoard, pinwarden: Run, args: list[str]) -> None:
    """Within one second: a token from before, the revocation, and one from after."""
    before, others = token(door), token(door, "berta")
    result = pinwarden("revoke", "door", *args, "--address", model.address)
    assert result.exit_code == 0
    assert not model.takes(before)
    assert model.takes(others) == (args[0] == "--sub")
    assert model.takes(token(door)), "what is minted next is not from before"
    assert "made until now are revoked" in result.stdout
    again = pinwarden("revoke", "door", *args, "--address", model.address)
    assert again.exit_code == 0


def test_the_messenger_is_not_revoked_by_its_message(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    """A board may check again before it answers, and an answer that was lost is asked for again."""
    tokens: list[str] = []
    answer = model.answer

    def check_twice(method: str, path: str, token: str, body: dict | None) -> tuple[int, dict | None]:
        tokens.append(token)
        done = answer(method, path, token, body)
        return done if model.takes(token) else (401, {"code": "invalid_token", "reason": "revoked"})

    model.answer = check_twice  # type: ignore[method-assign]
    for args in (["--all", "--yes"], ["--sub", "pinwarden"]):
        assert pinwarden("revoke", "door", *args, "--address", model.address).exit_code == 0
    assert all(model.takes(one) for one in tokens[1:])
    for one in tokens:
        assert claims(one)["scope"] == "admin"
        assert claims(one)["exp"] - claims(one)["iat"] == 60


@pytest.mark.parametrize(
    ("spelled", "seconds_ago"),
    [(lambda _: "2h", 2 * HOUR), (lambda _: "30m", HOUR // 2), (local, 3 * HOUR)],
    ids=["hours ago", "minutes ago", "a date"],
)
def test_before_a_moment(
    door: Device, model: ModelBoard, pinwarden: Run, spelled: Callable[[int], str], seconds_ago: int
) -> None:
    then = int(time.time()) - seconds_ago
    older, younger = (
        mint_token(door, subject="anna", scope=[], ttl=24 * HOUR, now=then + minutes * 60)
        for minutes in (-1, 1)
    )
    args = ["--all", "--yes", "--before", spelled(then)]
    assert pinwarden("revoke", "door", *args, "--address", model.address).exit_code == 0
    assert model.refusal(older) == "revoked"
    assert model.takes(younger)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
def test_all_is_asked_for(door: Device, model: ModelBoard, pinwarden: Run, answer: str, code: int) -> None:
    result = pinwarden("revoke", "door", "--all", "--address", model.address, stdin=answer)
    assert result.exit_code == code
    assert bool(model.requests) == (code == 0)
    assert "Revoke every token of door that was made before now?" in result.stderr


def test_a_token_without_a_name_is_told(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    nameless = signed(door, jti=None, sub="anna b")
    result = pinwarden("revoke", "door", "-", "--address", model.address, stdin=nameless)
    assert result.exit_code == 1
    assert "has no name (jti)" in result.stderr
    assert "--sub 'anna b'" in result.stderr
    assert "--all" in result.stderr
    assert not model.requests


def test_every_token_of_ours_has_a_name(door: Device, pinwarden: Run) -> None:
    made = pinwarden("mint", "door", "--pin", "relay").stdout.strip()
    assert len(claims(made)["jti"]) == 16


def test_an_expired_token_needs_nothing(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    old = token(door, now=int(time.time()) - 2 * HOUR)
    result = pinwarden("revoke", "door", "-", "--address", model.address, stdin=old)
    assert result.exit_code == 0
    assert "nothing to revoke" in result.stderr
    assert not model.requests


def test_a_token_for_later_is_revoked(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    later = token(door, not_before=int(time.time()) + HOUR)
    assert pinwarden("revoke", "door", "-", "--address", model.address, stdin=later).exit_code == 0
    assert model.requests[0][2] == {"jti": claims(later)["jti"], "until": claims(later)["exp"]}


def test_a_token_of_another_device_is_told(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    lamp = create("lamp", Path())
    for other, says in (
        (token(lamp), "was not signed with the device's key"),
        (signed(door, aud="lamp"), "it is for 'lamp'"),
        (token(door)[:-4] + "AAAA", "was not signed with the device's key"),
    ):
        result = pinwarden("revoke", "door", "-", "--address", model.address, stdin=other)
        assert result.exit_code == 1
        assert "the token is none of door's" in result.stderr
        assert says in result.stderr
        assert f"--jti={claims(other)['jti']}" in result.stderr, "for who means it all the same"
        assert other not in result.output
    assert not model.requests


def test_a_name_cannot_steer_a_shell_or_a_terminal(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    result = pinwarden(
        "revoke", "door", "-", "--address", model.address, stdin=signed(door, jti="x; rm\x1b[2J", aud="lamp")
    )
    assert "rm" not in result.output
    done = pinwarden(
        "revoke", "door", "-", "--address", model.address, stdin=signed(door, jti="x\x1b[2J\u202e")
    )
    assert done.exit_code == 0
    assert not set(done.output) & set("\x1b\u202e")


@pytest.mark.parametrize(
    ("args", "stdin", "code", "says"),
    [
        ([], None, 2, "one of them"),
        (["-", "--all"], "a.b.c", 2, "one of them"),
        (["--jti", "a", "--sub", "b"], None, 2, "one of them"),
        (["--jti", "a", "--before", "1h"], None, 2, "--before goes with"),
        (["--sub", ""], None, 2, "empty name"),
        (["--all", "--before", "2099-01-01"], None, 2, "in the future"),
        (["--all", "--before", "soon"], None, 2, '"2h" (ago)'),
        (["--all", "--before", "5"], None, 2, "no unit"),
        (["-"], "", 1, "no token here"),
        (["-"], "hello", 1, "three parts"),
        (["-"], "a.b.c", 1, "cannot be read"),
        (["no-such-file.txt"], None, 1, "this has 2"),
        (["x" * 5000], None, 1, "three parts"),
        (["secrets.txt"], None, 1, "not UTF-8"),
    ],
)
def test_says_what_cannot_be_revoked(
    door: Device, pinwarden: Run, args: list[str], stdin: str | None, code: int, says: str
) -> None:
    door.remember("127.0.0.1", 9)  # nothing may be sent; should it be, it stays on this computer
    Path("secrets.txt").write_bytes(b"\xff")
    result = pinwarden("revoke", "door", *args, stdin=stdin)
    assert result.exit_code == code
    assert says in result.stderr


def test_no_answer_is_told(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    def fault(*_: str) -> None:
        raise NoAnswer

    model.fault = fault
    result = pinwarden("revoke", "door", "--jti", "abc", "--address", model.address)
    assert result.exit_code == 3
    assert "revoked" not in result.stdout


def test_a_full_board_is_told(door: Device, model: ModelBoard, pinwarden: Run) -> None:
    full = {"title": "Conflict", "code": "too_many_revocations", "detail": "64 are kept"}
    model.answer = lambda *_: (409, full)  # type: ignore[method-assign]
    result = pinwarden("revoke", "door", "--jti", "abc", "--address", model.address)
    assert result.exit_code == 1
    assert "64 are kept" in result.stderr
    assert "pinwarden revoke door --all" in result.stderr


@pytest.mark.parametrize("far", [True, False], ids=["a board in the network", "this computer"])
def test_plain_http_proves_nothing(
    door: Device, model: ModelBoard, pinwarden: Run, monkeypatch: pytest.MonkeyPatch, far: bool
) -> None:
    if far:
        monkeypatch.setattr("pinwarden.admin.link.is_loopback", lambda _host: False)
    result = pinwarden("revoke", "door", "--jti", "abc", "--address", model.address)
    told = (
        "The answer came over plain HTTP, where it can be faked. To be sure: the same once more with --usb\n"
    )
    assert result.exit_code == 0
    assert result.stderr == (told if far else "")


def test_the_help_says_that_a_token_is_a_secret(pinwarden: Run) -> None:
    told = " ".join(pinwarden("revoke", "--help").stdout.split())
    assert "A token is a secret: give it by - or in a file." in told
