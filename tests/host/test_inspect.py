"""`pinwarden inspect`: the board's verdict, in words for humans; and no token's text acts on the terminal."""

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from click.testing import Result

from pinwarden import keys
from pinwarden.device import Device, create
from pinwarden.inspect import decode, judge, token_in
from pinwarden.mint import mint_token

Run = Callable[..., Result]
NOW = 1795000000
HEX = "0123456789abcdef" * 2


def signed(device: Device, claims: dict, **header: object) -> str:
    """A token by PyJWT with the device's key and just these claims."""
    key = device.keys()[-1]
    return jwt.encode(claims, keys.secret(key), "HS256", headers={"kid": key["kid"], **header})


def segment(data: object) -> str:
    text = data if isinstance(data, str) else json.dumps(data)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


GOOD = {"aud": "door", "iat": NOW - 10, "exp": NOW + 3 * 86400}


@pytest.mark.parametrize(
    ("claims", "header", "code", "reason"),
    [
        ({}, {}, None, "good, expires in 3 days"),
        ({"cnf": {"pinwarden": "proof"}}, {}, None, "good, for signed requests only, expires in 3 days"),
        ({"cnf": {"jkt": "x"}}, {}, "proof_required", "bound to a key"),
        ({"cnf": None}, {}, "proof_required", "bound to a key"),
        ({"exp": NOW}, {}, "expired", "it expired now"),
        ({"exp": NOW - 7200}, {}, "expired", "it expired 2 hours ago"),
        ({"nbf": NOW + 86400 * 2}, {}, "not_yet_valid", "it is good only in 2 days"),
        ({"iat": NOW + 90}, {}, "not_yet_valid", "it is good only in 90 seconds"),
        ({"aud": "lamp"}, {}, "audience", "it is for 'lamp', not for 'door'"),
        ({"aud": None}, {}, "audience", "not for 'door'"),
        ({"exp": float(NOW + 60)}, {}, "claim_type", "exp"),
        ({"sub": 7}, {}, "claim_type", "sub"),
        ({}, {"kid": "2020-01"}, "kid", "it names the key '2020-01', and the device has "),
        ({}, {"typ": "JWE"}, "typ", "typ"),
        ({}, {"crit": ["exp"]}, "crit", "crit"),
        ({"sub": "x" * 3000}, {}, "too_large", "2048"),
    ],
)
def test_gives_the_boards_verdict(
    door: Device, claims: dict, header: dict, code: str | None, reason: str
) -> None:
    token = signed(door, {**GOOD, **claims}, **header)
    verdict = judge(token, door.folder, NOW)
    assert verdict.code == code
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("name", "code", "reason"),
    [
        ("no signature", "malformed", "it is not signed"),
        ("no exp", "missing_claim", "exp"),
        ("another key", "signature", "it was not signed with the device's key"),
        ("alg none", "alg", "alg"),
        ("duplicate claim", "malformed", "malformed"),
    ],
)
def test_gives_the_boards_verdict_on_forgeries(door: Device, name: str, code: str, reason: str) -> None:
    kid = door.keys()[0]["kid"]
    token = {
        "no exp": signed(door, {"aud": "door"}),
        "another key": jwt.encode(GOOD, HEX, "HS256", headers={"kid": kid}),
        "no signature": segment({"alg": "none"}) + "." + segment(GOOD) + ".",
        "alg none": segment({"alg": "none"}) + "." + segment(GOOD) + ".AAAA",
        "duplicate claim": jwt.api_jws.PyJWS().encode(
            b'{"aud":"door","exp":1,"exp":2}', keys.secret(door.keys()[0]), "HS256", {"kid": kid}
        ),
    }[name]
    verdict = judge(token, door.folder, NOW)
    assert verdict.code == code
    assert reason in verdict.reason


@pytest.mark.parametrize(
    ("text", "token"),
    [
        (" eyJ.a.b\n", "eyJ.a.b"),
        ("http://192.168.1.20/#token=eyJ.a.b", "eyJ.a.b"),
        ("'http://door.local:8080/#x=1&token=eyJ.a.b'", "eyJ.a.b"),
        ("Bearer eyJ.a.b", "eyJ.a.b"),
        ("Authorization: bearer eyJ.a.b", "eyJ.a.b"),
    ],
)
def test_takes_what_people_paste(text: str, token: str) -> None:
    assert token_in(text) == token


def test_shows_the_token_and_every_verdict(door: Device, pinwarden: Run) -> None:
    create("lamp", Path())
    token = mint_token(door, subject="anna", scope=["pins:read"], ttl=3 * 86400)
    result = pinwarden("inspect", token)
    assert result.exit_code == 0
    for text in ("HS256", "anna", "pins:read", "(in 3 days)", "accepted: good", "refused: it was not signed"):
        assert text in result.stdout
    assert "only the board knows" in result.stderr, "inspect asks none whether it was revoked"
    assert token.rpartition(".")[2] not in result.output
    assert door.keys()[0]["k"] not in result.output


def test_a_parent_that_boards_do_not_take(door: Device, pinwarden: Run) -> None:
    for parent, code in (({"jti": "x"}, 0), ("x", 1)):
        token = signed(door, {**GOOD, "exp": int(time.time()) + 60, "parent": parent})
        assert pinwarden("inspect", token).exit_code == code


@pytest.mark.parametrize("wrap", ["{}", "http://door.local/#token={}\n"])
def test_reads_stdin(door: Device, pinwarden: Run, wrap: str) -> None:
    token = mint_token(door, subject="anna", scope=["pins:read"], ttl=60)
    assert pinwarden("inspect", "-", stdin=wrap.format(token)).exit_code == 0


def test_json_is_for_programs(door: Device, pinwarden: Run) -> None:
    token = signed(door, {**GOOD, "exp": int(time.time()) - 5})
    result = pinwarden("inspect", token, "--json")
    told = json.loads(result.stdout)
    assert result.exit_code == 1
    assert told["accepted"] is False
    assert told["header"]["alg"] == "HS256"
    assert told["claims"]["aud"] == "door"
    assert [(v["device"], v["accepted"], v["code"]) for v in told["verdicts"]] == [("door", False, "expired")]


def test_knows_the_devices_of_the_list(door: Device, pinwarden: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    token = mint_token(door, subject="anna", scope=["pins:read"], ttl=60)
    Path("empty").mkdir()
    home = Path.cwd()
    monkeypatch.chdir("empty")
    result = pinwarden("inspect", token)
    assert result.exit_code == 1
    assert "No device is known here" in result.stderr
    assert pinwarden("inspect", token, env={"PINWARDEN_DEVICES": str(home)}).exit_code == 0


def test_a_broken_device_cannot_tell(door: Device, pinwarden: Run) -> None:
    token = mint_token(door, subject="anna", scope=["pins:read"], ttl=60)
    door.keys_file.chmod(0o644)
    result = pinwarden("inspect", token)
    assert result.exit_code == 1
    assert "unknown: cannot tell: door/secrets/keys.json holds secrets" in result.stdout


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no token here"),
        ("Bearer ", "there is no token here"),
        ("hello", "three parts"),
        ("a.b.c.d.e", "three parts"),  # a JWE
        ("!!.e30.x", "its header cannot be read"),
        ("e30.!!.x", "its claims part cannot be read"),
        ("W10.e30.x", "its header is not a JSON object"),
        ("http://door.local/#x=1", "the link has no token in it"),
        (segment("[" * 20000) + ".e30.x", "its header cannot be read"),
        ("e30." + "A" * 70000 + ".x", "too long"),
    ],
)
def test_says_what_is_no_token(door: Device, pinwarden: Run, text: str, says: str) -> None:
    result = pinwarden("inspect", "-", stdin=text)
    assert result.exit_code == 1
    assert says in result.stderr
    assert "hint: " in result.stderr or "not a JSON object" in says


def test_says_what_a_token_for_signed_requests_is_good_for(door: Device, pinwarden: Run) -> None:
    token = pinwarden("mint", "door", "--pin", "relay", "--proof").stdout.strip()
    told = pinwarden("inspect", "-", stdin=token)
    assert told.exit_code == 0
    assert "(for signed requests only: refused where it is sent itself, as a bearer)" in told.stdout
    assert "good, for signed requests only" in told.stdout


def test_says_that_a_device_takes_signed_requests_only(door: Device, edit, pinwarden: Run) -> None:
    edit("#bearer = true", "bearer = false")
    told = pinwarden("inspect", "-", stdin=signed(door, {**GOOD, "exp": NOW * 2})).stdout
    assert "good, for signed requests only" in told


def test_stdin_that_is_no_text(pinwarden: Run) -> None:
    result = pinwarden("inspect", "-", stdin=b"\xff\xfe\x00")  # type: ignore[arg-type]
    assert result.exit_code == 1
    assert "no text" in result.stderr


def test_a_claim_cannot_steer_the_terminal(door: Device, pinwarden: Run) -> None:
    evil = "\x1b]0;pwned\x07\x9b2J\u202e[bold]x[/bold]"
    token = signed(door, {**GOOD, "sub": evil, evil: 1}, evil=evil)
    result = pinwarden("inspect", token)
    assert not set(result.output) & set("\x1b\x07\x9b\u202e")
    assert "[bold]x[/bold]" in result.output


def test_decode_believes_nothing_but_shows_all() -> None:
    header, claims = decode(segment({"alg": "none"}) + "." + segment({"sub": "x"}) + ".")
    assert (header, claims) == ({"alg": "none"}, {"sub": "x"})
