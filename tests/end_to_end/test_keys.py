"""Keys and revocations of the board's own firmware, over HTTP and over the cable, and with the power cut."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import jwt
import pytest

import testbed
from pinwarden import board as files
from pinwarden import keys
from pinwarden.device import Device, create
from pinwarden.keystore import Keystore, Pending
from pinwarden_sim import Board

from .conftest import TIMEOUT, Command, environment

MICROPYTHON = "micropython"
WIFI = {"ssid": "simulated", "password": "simulated-air"}


@pytest.fixture
def door(tmp_path: Path) -> Device:
    """A device folder in the command's working directory."""
    return create("door", tmp_path, wifi=WIFI)


def installed(door: Device, runtime: str, flash: Path, **options) -> Board:
    """The device's board, off. It gets the time from the network, as a board does after a power cut."""
    files.install(flash, door.settings, door.secrets(), mpy=runtime == MICROPYTHON)
    return Board(flash, runtime, **options)


@pytest.fixture
def board(runtime: str, door: Device, tmp_path: Path) -> Iterator[Board]:
    """The device's board, started; on MicroPython with a cable in it."""
    with installed(door, runtime, tmp_path / "flash", usb=runtime == MICROPYTHON) as made:
        yield started(made)


@pytest.fixture
def cabled(door: Device, tmp_path: Path) -> Iterator[Board]:
    """The same where there is a raw REPL: on MicroPython."""
    if not testbed.have(MICROPYTHON):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    with installed(door, MICROPYTHON, tmp_path / "flash", usb=True) as made:
        yield started(made)


def started(board: Board) -> Board:
    """The board when it answers, and knows the time."""
    board.start()
    board.wait(lambda: board.clock.now() is not None, timeout=10)
    return board


def restarted(board: Board) -> Board:
    """The board when it runs its application again, after a tool has left the cable."""
    board.wait(lambda: board.state == "/main.py", timeout=10)
    return started(board)


def at(board: Board) -> list[str]:
    return ["--address", f"127.0.0.1:{board.port}"]


def asked(board: Board, token: str) -> str:
    """ "ok", or why the board does not take the token."""
    answer = httpx.get(f"{board.url}/api/v1/device", headers=testbed.bearer(token), trust_env=False)
    return "ok" if answer.status_code == 200 else answer.json()["reason"]


def mint(pinwarden, who: str = "anna") -> str:
    return pinwarden("mint", "door", "--pin", "relay", "--for", who, "--ttl", "10m").strip()


def secrets_of(device: Device) -> list[str]:
    """The keys in every form in which they could get out."""
    found = [key["k"] for key in device.keys()]  # noqa: SIM118
    return found + [keys.secret({"k": text}).hex() for text in found]


def test_a_key_more_and_a_key_less(runtime: str, board: Board, door: Device, pinwarden) -> None:
    (old,), before, shown = door.kids(), mint(pinwarden), []
    shown.append(pinwarden("keys", "rotate", "door", *at(board)))
    after, secrets = mint(pinwarden), secrets_of(door)
    new = door.kids()[-1]
    assert jwt.get_unverified_header(after)["kid"] == new != old
    assert (asked(board, before), asked(board, after)) == ("ok", "ok")
    shown.append(pinwarden("keys", "list", "door", *at(board)))
    assert f"{new}  signs  here and on the board; derived from {old}" in shown[-1]
    board.power_cut()
    started(board)
    assert (asked(board, before), asked(board, after)) == ("ok", "ok"), "it was on the flash at once"
    shown.append(pinwarden("keys", "retire", "door", old, "--yes", *at(board)))
    assert (asked(board, before), asked(board, after)) == ("kid", "ok")
    board.power_cut()
    started(board)
    assert (asked(board, before), asked(board, after)) == ("kid", "ok")
    told = "\n".join([*shown, *board.serial])
    assert not [secret for secret in secrets if secret in told]
    assert "eyJ" not in told


def test_a_revoked_token_stays_revoked(runtime: str, board: Board, door: Device, pinwarden, tmp_path) -> None:
    lost, of_anna, of_berta = mint(pinwarden), mint(pinwarden), mint(pinwarden, "berta")
    (tmp_path / "lost.txt").write_text(lost)
    assert "is revoked" in pinwarden("revoke", "door", "lost.txt", *at(board))
    assert [asked(board, one) for one in (lost, of_anna, of_berta)] == ["revoked", "ok", "ok"]
    assert "tokens of anna" in pinwarden("revoke", "door", "--sub", "anna", *at(board))
    assert [asked(board, one) for one in (of_anna, of_berta, mint(pinwarden))] == ["revoked", "ok", "ok"]
    assert "all tokens" in pinwarden("revoke", "door", "--all", "--yes", *at(board))
    young = mint(pinwarden)
    for _ in range(2):
        assert [asked(board, one) for one in (lost, of_anna, of_berta)] == ["revoked"] * 3
        assert asked(board, young) == "ok", "made in the second after"
        board.power_cut()
        started(board)


# Octets of the new secrets.json when the power goes: it has some 300 with two keys, 200 with one.
CUTS = (1, 150, 400)


def test_the_power_cut_while_keys_change(runtime: str, board: Board, door: Device, pinwarden) -> None:
    cut = 0
    for octets in CUTS:
        before = mint(pinwarden)
        code = run_cut(board, pinwarden, octets, "keys", "rotate", "door")
        assert asked(board, before) == "ok"
        assert asked(board, mint(pinwarden)) == "ok", "what signs here is good there, in between, too"
        if code:
            pinwarden("keys", "rotate", "door", *at(board))
        assert on_board(board) == door.keys()
        assert len(door.keys()) == 2
        assert (asked(board, before), asked(board, mint(pinwarden))) == ("ok", "ok")
        old = door.kids()[0]
        cut += code != 0
        code = run_cut(board, pinwarden, octets, "keys", "retire", "door", old, "--yes")
        assert asked(board, mint(pinwarden)) == "ok"
        if code:
            assert old in door.kids(), "it stays here until the board has shown that it is gone"
            pinwarden("keys", "retire", "door", old, "--yes", *at(board))
        assert on_board(board) == door.keys()
        assert asked(board, before) == "kid"
        cut += code != 0
    assert cut >= 4, "the power was cut in the middle, and not after it all"


def run_cut(board: Board, pinwarden, octets: int, *args: str) -> int:
    """Run a command while the board loses its power at so many octets from now; have it running again."""
    board.power_cut(after_bytes=octets)
    code = outcome(pinwarden, *args, *at(board))
    if board.alive:  # it wrote less than that
        board.power_cut()
    started(board)
    return code


def outcome(pinwarden: Command, *args: str) -> int:
    """Run a command that a fault may reach or not: 0, or 3 and one message."""
    command = [sys.executable, "-m", "pinwarden", *args]
    done = subprocess.run(
        command, cwd=pinwarden.folder, env=environment(), capture_output=True, text=True, timeout=TIMEOUT
    )
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 3), done.stderr
    assert done.stderr.count("error: ") == (done.returncode != 0)
    return done.returncode


def on_board(board: Board) -> list[dict]:
    """The keys on its flash."""
    return json.loads((board.flash / "secrets.json").read_bytes())["keys"]


def test_a_random_key_over_the_cable(cabled: Board, door: Device, tmp_path: Path, pinwarden) -> None:
    (old,), before = door.kids(), mint(pinwarden)
    usb = ["--port", cabled.usb.path]
    shown = [pinwarden("keys", "rotate", "door", *usb), pinwarden("keys", "list", "door", *usb)]
    assert f"{door.kids()[-1]}  signs  here and on the board\n" in shown[1], "derived from none"
    secrets = secrets_of(door)
    restarted(cabled)
    assert on_board(cabled) == door.keys()
    assert (asked(cabled, before), asked(cabled, mint(pinwarden))) == ("ok", "ok")
    shown.append(pinwarden("keys", "retire", "door", old, "--yes", *usb))
    restarted(cabled)
    assert (asked(cabled, before), asked(cabled, mint(pinwarden))) == ("kid", "ok")
    told = "\n".join([*shown, *cabled.serial])
    assert not [secret for secret in secrets if secret in told], "the board echoes nothing"
    create("lamp", tmp_path)
    for command in (["keys", "rotate", "lamp"], ["revoke", "lamp", "--all", "--yes"]):
        assert "is 'door', not 'lamp'" in pinwarden(*command, *usb, code=1)
        restarted(cabled)
    assert on_board(cabled) == door.keys()


def test_revoking_over_the_cable_needs_no_time_server(door: Device, tmp_path: Path, pinwarden) -> None:
    if not testbed.have(MICROPYTHON):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    with installed(door, MICROPYTHON, tmp_path / "flash", usb=True, ntp=False) as board:
        board.start()
        assert board.clock.now() is None
        lost = mint(pinwarden)
        (tmp_path / "lost.txt").write_text(lost)
        said = pinwarden("revoke", "door", "lost.txt", "--port", board.usb.path)
        assert "is revoked" in said
        restarted(board)  # by the time that the cable brought
        assert asked(board, lost) == "revoked"
        assert asked(board, mint(pinwarden)) == "ok"
        assert abs(board.clock.now() - time.time()) < 5  # type: ignore[operator]


# Octets from the tool until the cable is pulled: some 400 make a rotation.
PULLS = tuple(range(5, 425, 60))


@pytest.mark.parametrize("power", [True, False], ids=["with the power", "alone"])
def test_the_cable_pulled_while_keys_change(cabled: Board, door: Device, pinwarden, power: bool) -> None:
    usb, old, cut = ["--port", cabled.usb.path], door.keys(), 0
    fresh = (cabled.flash / "secrets.json").read_bytes()
    for octets in PULLS:
        keys.write(door.keys_file, old)
        (cabled.flash / "secrets.json").write_bytes(fresh)
        cabled.usb.pull(after=octets, power=power)
        cut += outcome(pinwarden, "keys", "rotate", "door", *usb) != 0
        assert old == door.keys() or door.keys() == on_board(cabled)
        assert old[0] in on_board(cabled)
        cabled.usb.plug()
        going_on = door.pending() is not None or door.keys() == old
        pinwarden("keys", "rotate" if going_on else "list", "door", *usb)
        assert door.keys() == on_board(cabled) == [*old, door.keys()[-1]]
        assert door.pending() is None
    assert cut >= len(PULLS) // 2
    restarted(cabled)
    assert asked(cabled, mint(pinwarden)) == "ok"


def test_the_next_deploy_ends_what_was_retired_out_of_reach(cabled: Board, door: Device, pinwarden) -> None:
    deploy = ["deploy", "door", "--port", cabled.usb.path, *at(cabled)]
    old, before = door.kids()[0], mint(pinwarden)
    pinwarden("keys", "rotate", "door", *at(cabled))
    pinwarden("keys", "retire", "door", old, "--yes", "--here-only")
    assert asked(cabled, before) == "ok", "the board knows of nothing"
    pinwarden(*deploy)
    restarted(cabled)
    assert (asked(cabled, before), asked(cabled, mint(pinwarden))) == ("kid", "ok")
    assert on_board(cabled) == door.keys()
    assert f"{old}           retired, not on the board" in pinwarden("keys", "list", "door", *at(cabled))


def test_what_was_begun_in_the_air_ends_by_cable_with_a_random_key(
    cabled: Board, door: Device, pinwarden
) -> None:
    """After a leak: what the old key can derive must not stay on the board."""
    (old,) = door.kids()
    pinwarden("keys", "rotate", "door", *at(cabled))
    derived = door.keys()[-1]
    # As a power cut before the last steps would have left it.
    keys.write(door.keys_file, door.keys()[:1])
    Keystore(door).begin(Pending(derived, old, bytes(32)))
    pinwarden("keys", "rotate", "door", "--port", cabled.usb.path)
    assert on_board(cabled) == door.keys()
    assert derived["kid"] not in door.kids()
    assert derived["k"] not in (cabled.flash / "secrets.json").read_text()
    restarted(cabled)
    assert asked(cabled, mint(pinwarden)) == "ok"
