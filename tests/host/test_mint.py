"""`pinwarden mint`: tokens that PyJWT and the board accept, within the policy, and alone on stdout."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from click.testing import Result

from pinwarden import boardlib, keys, mint
from pinwarden.device import Device
from pinwarden.errors import ClockWrong, TokenTooLong, TtlTooLong, UnknownPin, UnknownScope

Run = Callable[..., Result]
NOW = 1795000000


def claims_of(token: str) -> dict:
    return jwt.decode(token, options={"verify_signature": False})


def board_accepts(device: Device, token: str, now: int) -> dict:
    """The claims, as the verifier that runs on the board returns them."""
    lib = boardlib.lib("jwt")
    configured = device.keys()
    verifier = lib.Verifier(
        [keys.board_key(key, "") for key in configured],
        audience=device.name,
        issuer=device.settings["issuer"],
        leeway=device.settings["leeway"],
    )
    return verifier.verify(token, now)


def test_makes_what_pyjwt_and_the_board_accept(door: Device) -> None:
    scope = ["pins:read:relay", "pins:write:relay"]
    token = mint.mint_token(door, subject="anna", scope=scope, ttl=60, now=NOW)
    secret = keys.secret(door.keys()[0])
    seen = jwt.decode(
        token, secret, ["HS256"], audience="door", options={"verify_exp": False, "verify_iat": False}
    )
    assert board_accepts(door, token, NOW) == seen
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT", "kid": door.keys()[0]["kid"]}
    jti = seen.pop("jti")
    assert len(jti) == 16
    assert seen == {"aud": "door", "sub": "anna", "iat": NOW, "exp": NOW + 60, "scope": " ".join(scope)}


def test_no_two_tokens_are_alike(door: Device) -> None:
    made = {mint.mint_token(door, subject="a", scope=[], ttl=60, now=NOW) for _ in range(50)}
    assert len({claims_of(token)["jti"] for token in made}) == 50


def test_no_scope_is_no_claim(door: Device) -> None:
    assert "scope" not in claims_of(mint.mint_token(door, subject="a", scope=[], ttl=60))


def test_for_signed_requests_only(door: Device, pinwarden: Run) -> None:
    plain = claims_of(mint.mint_token(door, subject="a", scope=[], ttl=60))
    token = mint.mint_token(door, subject="a", scope=[], ttl=60, now=NOW, proof=True)
    assert "cnf" not in plain
    assert board_accepts(door, token, NOW)["cnf"] == {"pinwarden": "proof"}
    made = pinwarden("mint", "door", "--pin", "relay", "--proof", "--json")
    told = json.loads(made.stdout)
    assert told["cnf"] == {"pinwarden": "proof"} == claims_of(told["token"])["cnf"]
    assert told["link"] == f"http://door.local/#token={told['token']}"
    assert "For signed requests only" in made.stderr
    assert "signed requests" not in pinwarden("mint", "door", "--pin", "relay").stderr


def test_a_board_that_takes_signed_requests_only_is_told(door: Device, edit, pinwarden: Run) -> None:
    edit("#bearer = true", "bearer = false")
    told = pinwarden("mint", "door", "--pin", "relay").stderr
    assert "The board takes signed requests only (policy.bearer = false)" in told


def test_counts_from_a_moment_ago(door: Device) -> None:
    """A board keeps whole seconds and may lag by one: a token for "now" must not come from its future."""
    before = int(time.time())
    claims = claims_of(mint.mint_token(door, subject="a", scope=[], ttl=60))
    assert before - 3 <= claims["iat"] <= before
    assert claims["exp"] - claims["iat"] == 60


def test_names_the_issuer_where_one_is_set(door: Device, edit: Callable[[str, str], None]) -> None:
    edit('chip = "esp32"', 'chip = "esp32"\nissuer = "https://home.example"')
    device = Device.load(Path("door"))
    token = mint.mint_token(device, subject="a", scope=[], ttl=60, now=NOW)
    assert board_accepts(device, token, NOW)["iss"] == "https://home.example"


def test_the_newest_key_signs_and_older_ones_stay_good(door: Device) -> None:
    old = mint.mint_token(door, subject="a", scope=[], ttl=60, now=NOW)
    keys.write(door.keys_file, [*door.keys(), keys.generate("newer")])
    new = mint.mint_token(door, subject="a", scope=[], ttl=60, now=NOW)
    assert jwt.get_unverified_header(new)["kid"] == "newer"
    assert board_accepts(door, old, NOW)
    assert board_accepts(door, new, NOW)


@pytest.mark.parametrize(
    ("not_before", "ttl", "lives"),
    [(None, 60, 60), (NOW + 100, 60, 160), (NOW - 100, 60, 60)],
)
def test_the_time_counts_from_the_start(door: Device, not_before: int | None, ttl: int, lives: int) -> None:
    claims = claims_of(mint.mint_token(door, subject="a", scope=[], ttl=ttl, not_before=not_before, now=NOW))
    assert claims["exp"] - claims["iat"] == lives
    assert claims.get("nbf") == not_before
    assert {type(claims[name]) for name in ("iat", "exp", "nbf") if name in claims} == {int}


DAY = 86400


@pytest.mark.parametrize(
    ("ttl", "not_before", "says"),
    [
        (90 * DAY, None, None),
        (90 * DAY + 1, None, "90 days at the most .* 90 days 1 second"),
        (60 * DAY, NOW + 30 * DAY, None),
        (60 * DAY, NOW + 31 * DAY, "60 days after a start 31 days from now"),
    ],
)
def test_the_policy_holds(door: Device, ttl: int, not_before: int | None, says: str | None) -> None:
    def make() -> str:
        return mint.mint_token(door, subject="a", scope=[], ttl=ttl, not_before=not_before, now=NOW)

    if says is None:
        assert make()
    else:
        with pytest.raises(TtlTooLong, match=says) as caught:
            make()
        assert "raise max_ttl in door/device.toml" in (caught.value.hint or "")


def test_the_policy_is_the_devices(door: Device, edit: Callable[[str, str], None]) -> None:
    edit("#max_ttl = 7776000", "max_ttl = 3600")
    with pytest.raises(TtlTooLong, match="1 hour at the most"):
        mint.mint_token(Device.load(Path("door")), subject="a", scope=[], ttl=3601)


def test_a_token_fits_the_board(door: Device) -> None:
    fits = mint.mint_token(door, subject="x" * 1200, scope=["pins:read"], ttl=60, now=NOW)
    assert board_accepts(door, fits, NOW)
    with pytest.raises(TokenTooLong, match="2048 at the most"):
        mint.mint_token(door, subject="x" * 1600, scope=["pins:read"], ttl=60, now=NOW)


def test_a_clock_from_the_past_makes_no_tokens(door: Device) -> None:
    with pytest.raises(ClockWrong, match="1970-01-01"):
        mint.mint_token(door, subject="a", scope=[], ttl=60, now=1000)


@pytest.mark.parametrize(
    ("scope", "error", "hint"),
    [
        ("pins:wirte", UnknownScope, "Did you mean pins:write?"),
        ("pins", UnknownScope, "pins:read"),
        ("", UnknownScope, "pins:read"),
        ("pins:read pins:write", UnknownScope, "pins:read"),  # two in one text
        ("PINS:READ", UnknownScope, "pins:read"),
        ("pins:write:rely", UnknownPin, "Did you mean relay?"),
        ("pins:read:", UnknownPin, "relay"),
        ("admin:relay", UnknownScope, "admin"),
    ],
)
def test_knows_its_scopes(door: Device, scope: str, error: type, hint: str) -> None:
    with pytest.raises(error) as caught:
        mint.mint_token(door, subject="a", scope=[scope], ttl=60)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("args", "scope"),
    [
        (["--pin", "relay"], "pins:read:relay pins:write:relay"),
        (["--pin", "relay", "--pin", "relay"], "pins:read:relay pins:write:relay"),
        (["--pin", "relay", "--read-only"], "pins:read:relay"),
        (["--read-only"], "pins:read"),
        (["--read-only", "--scope", "audit:read"], "audit:read pins:read"),
        (["--scope", "pins:write", "--scope", "pins:read"], "pins:write pins:read"),
        (["--scope", "admin"], "admin"),
    ],
)
def test_options_make_the_scope(door: Device, pinwarden: Run, args: list[str], scope: str) -> None:
    result = pinwarden("mint", *args)
    assert result.exit_code == 0
    assert claims_of(result.stdout.strip())["scope"] == scope


def test_stdout_is_the_token_alone(door: Device, pinwarden: Run) -> None:
    result = pinwarden("mint", "door", "--pin", "relay", "--for", "anna", "--ttl", "12h", "--qr")
    token = result.stdout.removesuffix("\n")
    assert board_accepts(door, token, int(time.time()))["sub"] == "anna"
    assert "For anna, on door: pins:read:relay pins:write:relay" in result.stderr
    assert "(in 12 hours)" in result.stderr
    assert token not in result.stderr
    assert door.keys()[0]["k"] not in result.output


@pytest.mark.parametrize(
    ("address", "port", "start"),
    [
        (None, None, "http://door.local/#token=eyJ"),
        ("192.168.1.20", 80, "http://192.168.1.20/#token=eyJ"),
        ("127.0.0.1", 8080, "http://127.0.0.1:8080/#token=eyJ"),
        ("fd00::20", 80, "http://[fd00::20]/#token=eyJ"),
    ],
)
def test_the_link_goes_where_the_board_was_seen(
    door: Device, pinwarden: Run, address: str | None, port: int, start: str
) -> None:
    if address:
        door.remember(address, port)
    result = pinwarden("mint", "--pin", "relay", "--link")
    assert result.stdout.startswith(start)
    assert ("simulated board" if port == 8080 else "door.local") in result.stderr
    assert ("warning: the board was never seen" in result.stderr) == (address is None)


def test_the_link_has_the_port_of_a_board_that_was_never_seen(
    door: Device, edit: Callable[[str, str], None], pinwarden: Run
) -> None:
    edit("[http]\n#port = 80", "[http]\nport = 8080")
    assert pinwarden("mint", "--pin", "relay", "--link").stdout.startswith("http://door.local:8080/#token=")


def test_json_has_it_all(door: Device, pinwarden: Run) -> None:
    told = json.loads(pinwarden("mint", "--pin", "relay", "--json").stdout)
    assert told["link"] == f"http://door.local/#token={told['token']}"
    assert told["kid"] == door.keys()[0]["kid"]
    claims = claims_of(told["token"])
    assert {name: told[name] for name in claims} == claims
    assert told["device"] == "door"


def test_warns_of_a_holder_who_sees_nothing(door: Device, pinwarden: Run) -> None:
    assert "add --scope pins:read:relay" in pinwarden("mint", "--scope", "pins:write:relay").stderr
    assert "warning" not in pinwarden("mint", "--scope", "pins:write:relay", "--scope", "pins:read").stderr


@pytest.mark.parametrize(
    ("args", "code", "says", "hint"),
    [
        ([], 2, "the token would allow nothing", "--pin relay"),
        (["--pin", "rely"], 1, "no pin 'rely'", "Did you mean relay?"),
        (["--scope", "pins:reed"], 1, "no scope 'pins:reed'", "Did you mean pins:read?"),
        (["--pin", "relay", "--ttl", "91d"], 1, "90 days at the most", "max_ttl"),
        (["--pin", "relay", "--ttl", "1y"], 2, "the unit 'y'", "mint --help"),
        (["--pin", "relay", "--not-before", "soon"], 2, "'soon' is not a moment", "mint --help"),
        (["--pin", "relay", "--for", ""], 2, "who gets the token", "mint --help"),
        (["--pin", "relay", "--for", "a\nb"], 2, "who gets the token", "mint --help"),
        (["--pin", "relay", "--for", "x" * 1600], 1, "2048 at the most", "--for"),
        (["--read-only", "--scope", "pins:write"], 2, "contradict", "mint --help"),
        (["--read-only", "--scope", "admin"], 2, "contradict", "mint --help"),
        (["--pin", "relay", "--link", "--json"], 2, "--json", "mint --help"),
        (["--pin", "relay", "--qr-file", "code.gif"], 2, "neither a PNG nor an SVG", ".png or .svg"),
        (
            ["--pin", "relay", "--qr-file", "no/such/code.png"],
            1,
            "no/such/code.png cannot be written",
            "another place",
        ),
        (["lamp", "--pin", "relay"], 1, "no device 'lamp'", "Known here: door"),
        (["--pni", "relay"], 2, "--pni", "mint --help"),
    ],
)
def test_says_what_is_wrong(
    door: Device, pinwarden: Run, args: list[str], code: int, says: str, hint: str
) -> None:
    result = pinwarden("mint", *args)
    assert result.exit_code == code
    assert result.stdout == ""
    error, _, advice = result.stderr.partition("hint: ")
    assert error.count("error: ") == 1
    assert says in error
    assert hint in advice
