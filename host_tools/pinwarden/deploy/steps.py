"""A plan carried out: the new version put together beside the one that runs, verified, and then switched to.

Until the switch, which is one rename, the board starts the version that it has; from then on, the new one. A
cable that is pulled leaves nothing that the next deploy would have to know of.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from pinwarden import progress
from pinwarden.deploy import inventory
from pinwarden.deploy.inventory import Inventory
from pinwarden.deploy.plan import Plan, check, fingerprints, full, make
from pinwarden.deploy.release import Release
from pinwarden.device import Device
from pinwarden.errors import BoardFailed, NotDeployed
from pinwarden.progress import Tell
from pinwarden.sizes import size
from pinwarden.usb.repl import Repl

_SECRETS = "secrets.json"
_AT_ONCE = 8  # files that are copied by one message
_WHY_BACK = "replaced before it had proved itself"


@dataclass(frozen=True)
class Sent:
    """What went over the cable: files with their sizes, and how many were there already."""

    files: dict[str, int]
    kept: int

    def __str__(self) -> str:
        names = [path.rpartition("/")[2] for path in self.files]
        what = ", ".join([*(names if len(names) < 4 else ()), size(sum(self.files.values()))])
        return f"{count(len(names), 'file')} sent{f' ({what})' if names else ''}, {self.kept} kept"


def prepare(
    repl: Repl, device: Device, release: Release, *, replace_keys: bool = False
) -> tuple[Inventory, Plan]:
    """What the board has, and what is to be done; nothing is written. Raises what `plan.check` raises."""
    board = inventory.take(repl)
    plan = make(release, board)
    keys = device.keys()
    pending = device.pending()
    check(
        release,
        board,
        plan,
        chip=device.settings["chip"],
        kids=fingerprints([*keys, *([pending.key] if pending else [])]),
        retired=device.retired(),
        replace_keys=replace_keys,
    )
    return board, plan


def to_send(release: Release, plan: Plan) -> dict[str, int]:
    """The files that will go over the cable, with their sizes."""
    files = {path: len(release.files[path]) for path in plan.send}
    files |= {name: len(release.start[name]) for name in plan.start}
    return files | ({_SECRETS: len(release.secrets)} if plan.secrets else {})


def apply(
    repl: Repl, release: Release, plan: Plan, tell: Tell = progress.silent, *, trial: bool = True
) -> Sent:
    """Do it. The board starts the new version when it is reset next; with `trial`, it is to prove itself.

    Raises FlashFull with the target slot cleared, NotDeployed, BoardFailed, PortGone, NoRepl.
    """
    sent = to_send(release, plan)
    sender = _Sender(repl, tell, sum(sent.values()))
    repl.load("files")
    repl.load("stage")
    try:
        if plan.target is not None:
            _stage(repl, release, plan, tell, sender)
        for name in plan.start:
            sender.send("/" + name, release.start[name])
        if plan.secrets:
            sender.send("/" + _SECRETS, release.secrets)
    except BoardFailed as error:
        if error.number != errno.ENOSPC:
            raise
        if plan.target is not None:
            repl.run(f"_discard({'/' + plan.target!r})", timeout=30)
        raise full(None) from None
    repl.run("_forgive()")
    if plan.target is not None:
        repl.run(f"_slots_now().switch({plan.target!r}, {trial})")
    repl.set_clock()
    return Sent(sent, len(release.files) + len(release.start) + 1 - len(sent))


def roll_back(repl: Repl) -> Inventory:
    """Have the board start the version before, from its next reset on; it counts as proven.

    Raises NotDeployed when there is none.
    """
    board = inventory.take(repl)
    repl.load("stage")
    if not board.slot or not repl.value("_slots_now().rollback('by pinwarden deploy --rollback')"):
        raise NotDeployed(
            "there is no version to go back to",
            "The board keeps one, from the deploy before; going back uses it up. Deploy what you want.",
        )
    repl.set_clock()
    return replace(board, slot=board.previous or "", previous=None, trial=0)


def count(number: int, noun: str) -> str:
    """ "1 file", "2 files" """
    return f"{number} {noun}{'' if number == 1 else 's'}"


class _Sender:
    """Sends files, and tells how much of all of them has been sent."""

    def __init__(self, repl: Repl, tell: Tell, total: int) -> None:
        self._repl, self._tell, self._total = repl, tell, total
        self._done = 0

    def send(self, path: str, data: bytes) -> None:
        self._repl.write(path, data, self._sent)

    def _sent(self, octets: int) -> None:
        self._done += octets
        self._tell("Sending", self._done, self._total)


def _stage(repl: Repl, release: Release, plan: Plan, tell: Tell, sender: _Sender) -> None:
    target, source = f"/{plan.target}", f"/{plan.source}" if plan.source else ""
    if plan.undo_trial:
        repl.run(f"_slots_now().rollback({_WHY_BACK!r})")
    for some in _in_groups(plan.remove) or [()]:
        repl.run(f"_open_slot({target!r}, {some})", timeout=30)
    for number, some in enumerate(groups := _in_groups(plan.copy), 1):
        repl.run(f"_copy({source!r}, {target!r}, {some})", timeout=30)
        tell("Copying", number, len(groups))
    for path in plan.send:
        sender.send(f"{target}/{path}", release.files[path])
    _seal(repl, target, release)


def _seal(repl: Repl, target: str, release: Release) -> None:
    """Have the board verify every file, and write version.json by what it finds. Raises NotDeployed."""
    head, files, _ = release.manifest.decode().partition('"files":{')
    digest = hashlib.sha256(release.manifest).hexdigest()
    found = repl.literal(repl.run(f"_seal({target!r}, {head + files!r}, {digest!r})", timeout=30))
    if found is None:
        return
    if not isinstance(found, dict):
        raise BoardFailed(f"{repl.port}: the board does not tell what has arrived", "Run the command again.")
    bad = [path for path, sha256 in release.hashes.items() if found.get(path) != sha256]
    bad += [path for path in found if path not in release.hashes]
    for path in bad:
        repl.run(f"_remove({f'{target}/{path}'!r})")  # it would be kept by the next deploy, if it could be
    raise NotDeployed(
        f"{count(len(bad), 'file')} did not arrive as sent ({', '.join(bad[:3])}); the board still has the "
        "version that it had",
        "Try again. If that does not help, the cable or the board's flash is bad.",
    )


def _in_groups(paths: Iterable[str]) -> list[tuple[str, ...]]:
    listed = tuple(paths)
    return [listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE)]
