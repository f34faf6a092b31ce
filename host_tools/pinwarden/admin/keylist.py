"""Which keys there are, here and on the board: names and states, never a key."""

from __future__ import annotations

from dataclasses import dataclass

from pinwarden.device import Device
from pinwarden.keystore import Keystore


@dataclass(frozen=True)
class Row:
    """One key.

    `state` is "both", "here", "board", "pending" or "retired"; "unknown" for a key that is here, while the
    board does not answer. `on_board` is None then, too. `ends_by` is when the last of the tokens that it
    signed can expire at the latest (Unix seconds), None where it still signs or nobody knows; `source` is the
    kid of the key that it was derived from, None for a random one.
    """

    kid: str
    state: str
    signs: bool
    here: bool
    on_board: bool | None
    ends_by: int | None
    source: str | None


def survey(device: Device, on_board: list[str] | None) -> list[Row]:
    """Every key, oldest first; `on_board` are the names that the board tells, None when it tells nothing.

    Raises what `Device.keys` raises.
    """
    here, pending, retired = device.kids(), device.pending(), device.retired()
    on_its_way = [] if pending is None or pending.kid in here else [pending.kid]
    notes = Keystore(device).rotations()
    sources = {note["kid"]: note["from"] for note in notes}
    if pending is not None:
        sources[pending.kid] = pending.source

    def row(kid: str) -> Row:
        there = None if on_board is None else kid in on_board
        if kid in retired:
            state = "retired"
        elif kid in on_its_way:
            state = "pending"
        elif kid in here:
            state = "unknown" if there is None else "both" if there else "here"
        else:
            state = "board"
        signs = kid == here[-1]
        ends_by = None if signs or kid not in here else _ends_by(kid, notes)
        return Row(kid, state, signs, kid in here, there, ends_by, sources.get(kid))

    names: list[str] = [*retired, *here, *on_its_way, *(on_board or [])]
    return [row(kid) for kid in dict.fromkeys(names)]


def ends_by(device: Device, kid: str) -> int | None:
    """When the last token that this key signed can expire at the latest, Unix seconds; None: nobody knows."""
    return _ends_by(kid, Keystore(device).rotations())


def _ends_by(kid: str, notes: list[dict]) -> int | None:
    """It signed until the next rotation at the latest, and no token lives longer than max_ttl was then."""
    names = [note["kid"] for note in notes]
    following = notes[names.index(kid) + 1 if kid in names else 0 :]
    return following[0]["at"] + following[0]["max_ttl"] if following else None
