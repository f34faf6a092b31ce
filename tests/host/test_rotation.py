"""Which key goes on its way, by a link that carries secrets and by one that does not."""

from __future__ import annotations

import secrets

import pytest

from pinwarden import keys
from pinwarden.admin import hkdf, rotation
from pinwarden.admin.revoke import made_before
from pinwarden.device import Device
from pinwarden.errors import CannotRotate, KeysBusy, PortGone
from pinwarden.keystore import Keystore, Pending

NOW = 1795000000


class Cable:
    """A link over which random keys may go, to a board of which there is nothing but its keys.

    It is pulled at the call `pulled_at`, counted from 1, before (0) or after (1) the board has done it.
    """

    carries_secrets = True

    def __init__(self, device: Device, jwks: list[dict], pulled_at: tuple[int, int] = (0, 0)) -> None:
        self.device, self.keys, self.pulled_at, self.calls = device, jwks, pulled_at, 0

    def kids(self) -> list[str]:
        self._pull(0)
        self._pull(1)
        return [key["kid"] for key in self.keys]

    def signer(self) -> dict:
        return self.device.keys()[-1]

    def add(self, pending: Pending) -> None:
        self._pull(0)
        if pending.key not in self.keys:
            assert pending.kid not in [key["kid"] for key in self.keys]
            assert len(self.keys) < 4
            self.keys.append(pending.key)
        self._pull(1)

    def confirm(self, key: dict) -> None:
        self._pull(0)
        if key not in self.keys:
            raise CannotRotate("it has another key", "")
        self._pull(1)

    def retire(self, kid: str) -> None:
        self._pull(0)
        self.keys[:] = [key for key in self.keys if key["kid"] != kid]
        self._pull(1)

    def revoke(self, what: dict) -> None:
        raise AssertionError("nobody asked for it")

    def _pull(self, moment: int) -> None:
        self.calls += moment == 0
        if self.pulled_at == (self.calls, moment):
            raise PortGone("pulled", "")


class Air(Cable):
    """A link over which keys are derived."""

    carries_secrets = False


def derived(device: Device, kid: str) -> Pending:
    """A key that a rotation over HTTP has begun."""
    source, salt = device.keys()[-1], secrets.token_bytes(32)
    secret = hkdf.derive(keys.secret(source), salt, device=device.name, kid=kid)
    return Pending(keys.jwk(kid, secret), source["kid"], salt)


def test_a_cable_brings_a_random_key(door: Device) -> None:
    board = Cable(door, door.keys())
    done = rotation.rotate(door, board, lambda: NOW)
    assert (done.before, done.source, done.resumed) == (door.kids()[0], None, False)
    assert door.keys() == board.keys
    assert done.kid == door.kids()[-1]
    assert done.kid.startswith("2026-11"), "named by the month of the clock"


@pytest.mark.parametrize("moment", [0, 1])
@pytest.mark.parametrize("call", range(1, 6))
@pytest.mark.parametrize("begun", [None, "derived here", "derived there"])
def test_a_pulled_cable_loses_nothing(door: Device, call: int, moment: int, begun: str | None) -> None:
    board = Cable(door, door.keys(), (call, moment))
    if begun:
        Keystore(door).begin(derived(door, "2020-01"))
        if begun == "derived there":
            board.keys.append(door.pending().key)  # type: ignore[union-attr]
    old = door.keys()
    try:
        done = rotation.rotate(door, board, lambda: NOW)
    except PortGone:
        assert door.keys() == old
        assert old[0] in board.keys
        board.pulled_at = (0, 0)
        done = rotation.rotate(door, board, lambda: NOW)
    else:
        assert call > 3, "there were that many calls to be cut off"
    assert done.source is None
    assert door.keys() == board.keys == [*old, door.keys()[-1]]
    assert "2020-01" not in door.kids(), "who rotates by cable does not get what can be derived"
    assert door.retired() == (["2020-01"] if begun else []), "the board would not take that name again"
    assert door.pending() is None


@pytest.mark.parametrize("there", [False, True])
def test_a_random_key_does_not_go_on_through_the_air(door: Device, there: bool) -> None:
    """Unless the board has it already: then nothing of it needs to be sent."""
    pending = Pending(keys.generate("2020-01"))
    Keystore(door).begin(pending)
    board = Air(door, [*door.keys(), pending.key] if there else door.keys())
    if there:
        assert rotation.rotate(door, board, lambda: NOW).kid == "2020-01"
        assert door.keys() == board.keys
        return
    with pytest.raises(CannotRotate, match="does not go over HTTP") as caught:
        rotation.rotate(door, board, lambda: NOW)
    assert "keys rotate door --usb" in (caught.value.hint or "")
    assert "keys retire door 2020-01" in (caught.value.hint or "")
    assert door.pending() == pending


def test_one_that_was_derived_goes_on_through_the_air(door: Device) -> None:
    pending = derived(door, "2020-01")
    Keystore(door).begin(pending)
    board = Air(door, door.keys())
    done = rotation.rotate(door, board, lambda: NOW)
    assert (done.kid, done.source, done.resumed) == ("2020-01", door.kids()[0], True)


def test_a_rotation_cut_off_at_its_very_end_ends_without_the_board(door: Device) -> None:
    pending = Pending(keys.generate("2020-01"))
    keys.write(door.keys_file, [*door.keys(), pending.key])
    Keystore(door).begin(pending)
    board = Cable(door, [], (1, 0))
    done = rotation.rotate(door, board, lambda: NOW)
    assert (done.kid, done.before, done.resumed) == ("2020-01", door.kids()[0], True)
    assert door.pending() is None
    assert board.calls == 0


def test_a_board_with_other_keys_is_left_alone(door: Device) -> None:
    board = Cable(door, [keys.generate("2020-01")])
    with pytest.raises(CannotRotate, match="none of this folder's keys"):
        rotation.rotate(door, board, lambda: NOW)
    assert len(board.keys) == 1
    assert door.pending() is None


def test_two_keys_of_one_name_are_told(door: Device) -> None:
    keys.write(door.keys_file, [*door.keys(), keys.generate("2020-01")])
    Keystore(door).begin(Pending(keys.generate("2020-01")))
    before = door.keys()
    with pytest.raises(CannotRotate, match="are different keys"):
        rotation.rotate(door, Cable(door, []), lambda: NOW)
    assert door.keys() == before
    assert door.pending() is not None


def test_the_lock_ends_with_its_holder(door: Device) -> None:
    one, two = Keystore(door), Keystore(door)
    with one.locked(), pytest.raises(KeysBusy), two.locked():
        pass
    with two.locked():
        pass


def test_what_a_kill_left_is_removed(door: Device) -> None:
    for name in (".keys.json.0011aabb", ".pending.json.0011aabb", ".retired.json.0011aabb"):
        keys.write_atomic(door.keys_file.with_name(name), b"a key", 0o600)
    with Keystore(door).locked():
        pass
    assert {path.name for path in door.keys_file.parent.iterdir()} == {"keys.json", "wifi.toml"}


class Clock:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("asked", "now", "before", "then"),
    [
        (None, NOW + 0.25, NOW - 1, NOW + 1),  # what was minted until now has an iat of NOW - 2 at the most
        (None, NOW, NOW - 1, NOW + 1),
        (NOW - 3600, NOW + 0.25, NOW - 3600, NOW + 0.25),
        (NOW - 2, NOW + 0.25, NOW - 2, NOW + 0.25),
        (NOW - 1, NOW + 0.25, NOW - 1, NOW + 1),  # "now", in other words
        (NOW, NOW + 0.25, NOW - 1, NOW + 1),
    ],
)
def test_now_ends_a_second(asked: int | None, now: float, before: int, then: float) -> None:
    """No token from before is as young as `before`, none from after is older, the admin's own among them."""
    clock = Clock(now)
    assert made_before(asked, clock=clock, sleep=clock.sleep) == before
    assert clock() == then
