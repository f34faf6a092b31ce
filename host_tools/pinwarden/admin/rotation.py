"""A new key beside the old, and an old one's end: on the board and here, each step safe to be interrupted.

rotate: pending.json, the board, keys.json. The new key signs only after the board has shown that it has it.
retire: the board, retired.json, keys.json. The old key stays here until the board has shown that it is gone.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from pinwarden import keys
from pinwarden.admin import hkdf
from pinwarden.admin.link import KeyLink
from pinwarden.device import Device
from pinwarden.errors import CannotRetire, CannotRotate
from pinwarden.keystore import Keystore, Pending

MOST_KEYS = 4  # that a board takes


@dataclass(frozen=True)
class Rotation:
    """What a rotation came to: `kid` signs from now on, in place of `before`.

    `source` is the key that the new one was derived from, None for a random one; `resumed` says that an
    earlier run began it.
    """

    kid: str
    before: str
    source: str | None
    resumed: bool


def rotate(device: Device, board: KeyLink, clock: Callable[[], float] = time.time) -> Rotation:
    """Make a new key, or go on with one that an earlier run left on its way, and let it sign.

    `clock` tells Unix seconds.
    Raises KeysBusy, CannotRotate, and what the link and the device's files raise. After any of it, the next
    rotation goes on with the same key.
    """
    store = Keystore(device)
    with store.locked():
        known, pending = device.keys(), device.pending()
        resumed = pending is not None
        if pending is not None and pending.kid in _names(known):
            return _finished(device, store, known, pending, int(clock()))
        on_board = board.kids()
        if not set(_names(known)) & set(on_board):
            raise CannotRotate(
                "the board has none of this folder's keys, so a new one would be the only one in common",
                f"Is this the right board? Its keys are brought by: pinwarden deploy {device.name}",
            )
        fitting = _fitting(device, board, pending, on_board)
        if fitting is None:
            fitting = _new(device, board, pending, on_board, int(clock()))
            _refuse_full(device, known, on_board, fitting)
            store.begin(fitting)
        if fitting.replaces in on_board:
            board.retire(fitting.replaces)
        if fitting.replaces is not None:
            store.retire(fitting.replaces)  # a board that had it takes no key of this name again
        if fitting.source is not None or board.carries_secrets:
            board.add(fitting)
        board.confirm(fitting.key)
        store.commit(fitting, int(clock()))
        return Rotation(fitting.kid, known[-1]["kid"], fitting.source, resumed)


def check_retirable(device: Device, kid: str) -> None:
    """Raise CannotRetire for the last key, for the one that signs, and while a rotation is on its way."""
    known, pending = device.kids(), device.pending()
    if pending is not None and pending.kid != kid:
        raise CannotRetire(
            f"a rotation to {pending.kid} is on its way",
            f"Finish it with: pinwarden keys rotate {device.name} - or give it up with: "
            f"pinwarden keys retire {device.name} {pending.kid}",
        )
    if kid not in known:
        return
    if len(known) == 1:
        raise CannotRetire(
            f"{kid} is the only key: without it there are no tokens for {device.name}",
            f"Make another first: pinwarden keys rotate {device.name}",
        )
    if kid == known[-1]:
        raise CannotRetire(
            f"{kid} is the newest key, which signs new tokens",
            f"Make another first: pinwarden keys rotate {device.name}",
        )


def look(device: Device, board: KeyLink | None, kid: str) -> None:
    """Raise CannotRetire where `retire` would; nothing is changed. Raises what the link raises."""
    check_retirable(device, kid)
    known, pending = device.kids(), device.pending()
    here = kid in known or (pending is not None and pending.kid == kid)
    if board is not None:
        _is_there(device, board, kid, known, here)
    elif not here:
        raise _unknown(kid, known)


def retire(device: Device, board: KeyLink | None, kid: str) -> None:
    """Remove a key from the board and then from here; without a board, from here alone.

    Without a board, the next deployment removes it there. A key that is on its way is given up, one that only
    the board has is removed there. Raises KeysBusy, CannotRetire, and what the link and the device's files
    raise.
    """
    store = Keystore(device)
    with store.locked():
        check_retirable(device, kid)
        known, pending = device.kids(), device.pending()
        here = kid in known or (pending is not None and pending.kid == kid)
        if board is not None:
            _retire_there(device, board, kid, known, here)
        elif not here:
            raise _unknown(kid, known)
        try:
            store.retire(kid)
        except OSError as error:
            if board is None:
                raise
            where = error.filename or device.name
            raise CannotRetire(
                f"{kid} is gone from the board, but not from here: {where}: {error.strerror}",
                "Run the same command again when that is put right; until then a deploy brings the key back.",
            ) from None
        if pending is not None:
            store.drop_pending()


def _is_there(device: Device, board: KeyLink, kid: str, known: list[str], here: bool) -> bool:
    """Whether the board has the key. Raises CannotRetire where nobody has, or where the board needs it."""
    on_board = board.kids()
    if kid not in on_board:
        if not here and kid not in device.retired():
            raise _unknown(kid, [*known, *(one for one in on_board if one not in known)])
        return False
    if kid in known and known[-1] not in on_board:
        raise CannotRetire(
            f"the board does not have {known[-1]}, which signs new tokens: it would take none of them",
            f"Bring it there first: pinwarden deploy {device.name}",
        )
    return True


def _retire_there(device: Device, board: KeyLink, kid: str, known: list[str], here: bool) -> None:
    if not _is_there(device, board, kid, known, here):
        return
    board.retire(kid)
    if kid in board.kids():
        raise CannotRetire(
            f"the board still has {kid}, though it was told to remove it", "Try it over --usb."
        )


def _finished(device: Device, store: Keystore, known: list[dict], pending: Pending, now: int) -> Rotation:
    """The rotation was interrupted at its very end: the key signs already."""
    if pending.key not in known:
        raise CannotRotate(
            f"{pending.kid} in {device.pending_file.name} and in {device.keys_file.name} are different keys",
            "One of the files was put there by hand. Remove the one that is wrong.",
        )
    store.commit(pending, now)
    before = _names(known)[max(0, len(known) - 2)]
    return Rotation(pending.kid, before, pending.source, resumed=True)


def _fitting(device: Device, board: KeyLink, pending: Pending | None, on_board: list[str]) -> Pending | None:
    """The key that is on its way, if it can go on by this link; None if another has to be made."""
    if pending is None:
        return None
    if board.carries_secrets:
        # Who rotates by cable wants a key that nobody can derive. Nothing was signed with the derived one.
        return pending if pending.source is None else None
    if pending.source is None and pending.kid not in on_board:
        raise CannotRotate(
            f"a rotation to {pending.kid} was begun over USB, and a random key does not go over HTTP",
            f"Go on with: pinwarden keys rotate {device.name} --usb - or give it up with: "
            f"pinwarden keys retire {device.name} {pending.kid}",
        )
    return pending


def _new(
    device: Device, board: KeyLink, instead_of: Pending | None, on_board: list[str], now: int
) -> Pending:
    taken = [*device.kids(), *device.retired(), *on_board]
    replaces = None if instead_of is None else instead_of.kid
    kid = keys.next_kid(taken if replaces is None else [*taken, replaces], now)
    if board.carries_secrets:
        return Pending(keys.generate(kid), replaces=replaces)
    source, salt = board.signer(), secrets.token_bytes(hkdf.SALT_BYTES)
    derived = hkdf.derive(keys.secret(source), salt, device=device.name, kid=kid)
    return Pending(keys.jwk(kid, derived), source["kid"], salt)


def _refuse_full(device: Device, known: list[dict], on_board: list[str], new: Pending) -> None:
    there = [kid for kid in on_board if kid != new.replaces]
    if len(known) < MOST_KEYS and len(there) < MOST_KEYS:
        return
    if len(known) >= MOST_KEYS:
        where, oldest = device.name, known[0]["kid"]
    else:
        where, oldest = "the board", next(kid for kid in there if kid != known[-1]["kid"])
    raise CannotRotate(
        f"{where} has {MOST_KEYS} keys, and a board takes no more",
        f"Retire one first: pinwarden keys retire {device.name} {oldest}",
    )


def _names(jwks: list[dict]) -> list[str]:
    return [key["kid"] for key in jwks]


def _unknown(kid: str, known: list[str]) -> CannotRetire:
    return CannotRetire(f"there is no key {kid!r}", f"The keys are: {', '.join(known)}.")
