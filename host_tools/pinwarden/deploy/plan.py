"""What a deploy will do, worked out before it does anything, from what is here and what is there."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from pinwarden.board import OLDEST_MICROPYTHON
from pinwarden.deploy.inventory import Inventory
from pinwarden.deploy.release import MANIFEST, MPY_VERSION, Release
from pinwarden.errors import FlashFull, TooOld, UnknownKey, WrongChip

_CHIPS = ("esp32", "esp32s2", "esp32s3", "esp32c3", "esp32c6")


@dataclass(frozen=True)
class Plan:
    """The steps, in the order in which they are done. Paths are those in a slot."""

    target: str | None  # the slot that becomes the active one; None: the board has this version already
    source: str = ""  # the folder that files are copied from: that of the version that starts until then
    undo_trial: bool = False  # first go back to the version that is proven, or it would be overwritten
    keep: tuple[str, ...] = ()  # files that the target has
    copy: tuple[str, ...] = ()  # files that the board has elsewhere
    send: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()  # files of the target that this version has not
    start: tuple[str, ...] = ()  # of slots.py, boot.py, main.py
    secrets: bool = False

    @property
    def nothing(self) -> bool:
        """Whether the board has all of it."""
        return self.target is None and not self.start and not self.secrets


def make(release: Release, board: Inventory) -> Plan:
    """The plan. It looks for nothing that could be wrong: see `check`."""
    start = tuple(name for name in ("slots.py", "boot.py", "main.py") if not _has_start(release, board, name))
    digest = hashlib.sha256(release.secrets).hexdigest()
    secrets = board.secrets is None or not board.secrets.has(digest)
    if _is(release, board, board.slot):
        return Plan(None, keep=tuple(release.files), start=start, secrets=secrets)
    # A version on trial may be good for nothing; the one before it is the last that is known to be good.
    undo = board.trial > 0 and board.is_whole(board.previous)
    source = board.previous if undo and board.previous is not None else board.slot
    target = "b" if source == "a" else "a"
    there, elsewhere = board.version(target), board.version(source)
    keep, copy, send = [], [], []
    for path, sha256 in release.hashes.items():
        if path in there and there[path].has(sha256):
            keep.append(path)
        elif path in elsewhere and elsewhere[path].has(sha256):
            copy.append(path)
        else:
            send.append(path)
    remove = [path for path in there if path not in release.files and path != MANIFEST]
    return Plan(target, source, undo, tuple(keep), tuple(copy), tuple(send), tuple(remove), start, secrets)


def check(
    release: Release,
    board: Inventory,
    plan: Plan,
    *,
    chip: str,
    kids: dict[str, str],
    retired: Collection[str],
    replace_keys: bool,
) -> None:
    """Refuse what would not work, before anything is written.

    `kids` are the names of this computer's keys with their fingerprints. Raises WrongChip, TooOld, FlashFull,
    UnknownKey.
    """
    if board.chip in _CHIPS and board.chip != chip:
        raise WrongChip(
            f"the board is an {board.chip}, and the settings are for an {chip}: other pins",
            f'Is this the right board? If it is: chip = "{board.chip}" in device.toml, and look at the pins.',
        )
    running = ".".join(map(str, board.micropython))
    if board.micropython[:2] < OLDEST_MICROPYTHON:
        raise TooOld(
            f"the board has MicroPython {running}, "
            f"and Pinwarden needs {'.'.join(map(str, OLDEST_MICROPYTHON))} or newer",
            "Put a newer one on it with: pinwarden flash - which erases what is on it.",
        )
    if board.mpy != MPY_VERSION:
        raise TooOld(
            f"the board's MicroPython {running} reads bytecode of version {board.mpy}, and this computer's "
            f"mpy-cross makes version {MPY_VERSION}",
            "Install the newest pinwarden, and put its MicroPython on the board with: pinwarden flash",
        )
    _check_keys(board, kids, retired, replace_keys)
    needed = needs(release, board, plan)
    if needed > board.free:
        raise full(board.free, needed)


def needs(release: Release, board: Inventory, plan: Plan) -> int:
    """Octets of flash that the plan takes, at the least."""
    there = board.version(plan.target)
    gained = sum(there[path].size for path in plan.remove)
    taken = 0
    for path in (*plan.copy, *plan.send):
        taken += len(release.files[path]) - (there[path].size if path in there else 0)
    return taken - gained


def full(free: int | None, needed: int | None = None) -> FlashFull:
    """The error for a board without room for a second version."""
    figures = f" ({free} bytes are free, {needed} more are needed)" if needed is not None else ""
    return FlashFull(
        f"the board's flash is full{figures}; the version that it runs is untouched",
        "Remove files that you put there, or start anew with: pinwarden flash - which erases everything.",
    )


def fingerprints(keys: list[dict]) -> dict[str, str]:
    """Each key's name, and what tells it from another of that name; a secret cannot be had from it."""
    return {key["kid"]: hashlib.sha256(key["k"].encode()).hexdigest()[:16] for key in keys}


def _check_keys(board: Inventory, kids: dict[str, str], retired: Collection[str], replace_keys: bool) -> None:
    if replace_keys:
        return
    unknown = [kid for kid in board.kids if kid not in kids and kid not in retired]
    if unknown:
        names = ", ".join(map(repr, unknown))
        raise UnknownKey(
            f"the board has a key that this folder has not: {names}; the tokens that it signed would end",
            "Is this the right board, and the newest copy of this folder? If so, and the key is to go: "
            "--replace-keys",
        )
    other = [kid for kid, fingerprint in board.kids.items() if kids.get(kid, fingerprint) != fingerprint]
    if other:
        raise UnknownKey(
            f"the board's key {other[0]!r} is not this folder's key of that name; its tokens would end",
            "Is this the right board? If it is to belong to this folder from now on: --replace-keys",
        )


def _is(release: Release, board: Inventory, slot: str) -> bool:
    """Whether the folder has this very version, whole."""
    there = {path: file for path, file in board.version(slot).items() if path != MANIFEST}
    return (
        board.is_whole(slot)
        and there.keys() == release.files.keys()
        and all(file.has(release.hashes[path]) for path, file in there.items())
    )


def _has_start(release: Release, board: Inventory, name: str) -> bool:
    return name in board.start and board.start[name].has(hashlib.sha256(release.start[name]).hexdigest())
