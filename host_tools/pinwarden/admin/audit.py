"""A board's audit, read and doubted: its chain of hashes is followed once more, what was seen is remembered.

Whoever can write the board's flash can write a new history, with hashes that are right: a chain without a key
shows only careless changes. So the newest record of each ring is kept in .pinwarden/audit.json, and the next
look must find it, or only records that are newer. What the owner has accepted is kept there, too.
docs/audit.md tells more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinwarden.errors import Refused
from pinwarden.files import PRIVATE_FILE, PRIVATE_FOLDER, write_atomic

if TYPE_CHECKING:
    from pinwarden.device import Device

RINGS = ("events", "refusals")
SEEN_FILE = "audit.json"
_H = 24  # characters at the end of a line, from the comma before "h" on


@dataclass(frozen=True)
class Record:
    """One record: its members, and the line that it stands in."""

    data: dict
    line: bytes

    @property
    def number(self) -> int:
        """Those of both rings together go up one by one."""
        return self.data["n"]

    @property
    def h(self) -> str:
        """The chain's hash at this record."""
        return self.data["h"]

    @property
    def ring(self) -> str:
        """ "events" or "refusals": each is a chain of its own."""
        what = self.data.get("what")
        return (
            "refusals"
            if what == "refused" or (what, self.data.get("value")) == ("torn", "refusals")
            else "events"
        )

    def follows(self, h: str) -> bool:
        """Whether the record's hash is that of a record after one with the hash `h`."""
        return hashlib.sha256(h.encode() + self.line[:-_H]).hexdigest()[:16] == self.h


@dataclass(frozen=True)
class Trail:
    """What a board told: `records` and `waiting`, what it has not written yet, the newest first. `chain` is
    the board's own judgement, "whole" or "broken at N", None where it did not judge. `dropped` counts what
    there was no room for since the last record; `unreadable` the lines that are none.
    """

    records: list[Record]
    waiting: list[dict] = field(default_factory=list)
    chain: str | None = None
    dropped: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class Doubt:
    """What is wrong with a trail, a sentence for people; and at which record it shows, 0 where that is not
    known.
    """

    text: str
    number: int


def page(body: bytes) -> Trail:
    """The answer to GET /api/v1/audit. Raises Refused when it is none."""
    try:
        text = body.decode()
        told = json.loads(text)
        lines = _lines(text.partition('"records":[')[2])
        records = [_record(line) for line in lines]
        if [record.data for record in records] != told["records"]:
            raise ValueError
        waiting = [dict(one) for one in told["waiting"]]
        return Trail(records, waiting, str(told["chain"]), int(told["dropped"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Refused("the board's answer is no audit", "Is this a Pinwarden board?") from None


def of_lines(rings: Iterable[Iterable[bytes]]) -> Trail:
    """What the board's files hold, each ring's lines the oldest first."""
    records = []
    unreadable = 0
    for lines in rings:
        for line in lines:
            try:
                record = _record(line)
            except (ValueError, KeyError, TypeError, RecursionError):
                unreadable += 1
                continue
            if set(record.data) != {"n", "h"}:  # the first line of a file, which is no record
                records.append(record)
    return Trail(sorted(records, key=lambda record: -record.number), unreadable=unreadable)


def joined(pages: list[Trail]) -> Trail:
    """Several pages as one; what the first of them said of the rest holds."""
    first = pages[0]
    records = [record for one in pages for record in one.records]
    return Trail(records, first.waiting, first.chain, first.dropped)


def _lines(text: str) -> Iterable[str]:
    """The octets of each record, which are those that the board has hashed."""
    decoder = json.JSONDecoder()
    while text[:1] == "{":
        _, end = decoder.raw_decode(text)
        yield text[:end]
        text = text[end:].removeprefix(",")


def _record(line: str | bytes) -> Record:
    octets = line.encode() if isinstance(line, str) else line
    data = json.loads(octets)
    if type(data["n"]) is not int or not isinstance(data["h"], str):
        raise ValueError
    return Record(data, octets)


def doubts(trail: Trail) -> list[Doubt]:
    """What is wrong with the trail by itself."""
    found = []
    if trail.chain not in (None, "whole"):
        number = trail.chain.rpartition(" ")[2]
        found.append(
            Doubt(
                f"the board itself says that its chain is {trail.chain}",
                int(number) if number.isascii() and number.isdigit() and len(number) < 16 else 0,
            )
        )
    if trail.unreadable:
        found.append(Doubt(f"{trail.unreadable} lines on the board are no records", 0))
    rings = [_ring(trail, name) for name in RINGS]
    for ring in rings:
        for before, after in pairwise(ring):
            if not after.follows(before.h):
                text = f"record {after.number} does not follow {before.number}: one of them was changed"
                found.append(Doubt(text, after.number))
    # Numbers are those of both rings, and of each the oldest records go: from here on none may be missing.
    start = max((ring[0].number for ring in rings if ring), default=0)
    there = sorted(record.number for record in trail.records if record.number >= start)
    found += [Doubt(f"{_span(a + 1, b - 1)} missing", b) for a, b in pairwise(there) if b > a + 1]
    return found


def _ring(trail: Trail, name: str) -> list[Record]:
    return [record for record in reversed(trail.records) if record.ring == name]


def _span(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"


class Memory:
    """The newest records that this computer has seen of a device, {"events": {"n", "h"}, "refusals": …}; and
    "accepted", the numbers of the doubts that its owner has agreed with, where there are any.
    """

    def __init__(self, device: Device) -> None:
        self._file: Path = device.state_folder / SEEN_FILE
        self._seen = self._read()

    def is_accepted(self, doubt: Doubt) -> bool:
        """Whether the owner was told of it before, and has agreed."""
        return doubt.number in self._seen.get("accepted", ())

    def doubts(self, trail: Trail) -> list[str]:
        """What the trail lacks of what was seen before: sentences for people."""
        found = []
        for name in RINGS:
            if (seen := self._seen.get(name)) is None:
                continue
            ring = _ring(trail, name)
            same = [record for record in ring if record.number == seen["n"]]
            if any(record.h != seen["h"] for record in same):
                found.append(f"record {seen['n']} is another than the one that was seen before")
            elif not same and not (ring and ring[0].number > seen["n"]):
                found.append(f"record {seen['n']}, which was seen before, is not there any more")
        return found

    def remember(self, trail: Trail, accepted: Iterable[Doubt] | None = None) -> None:
        """Keep the newest record of each ring, and what was accepted in place of that of before. Raises
        OSError when it cannot be written.
        """
        seen = dict(self._seen)
        if accepted is not None:
            seen["accepted"] = sorted({doubt.number for doubt in accepted})
            if not seen["accepted"]:
                del seen["accepted"]
        for name in RINGS:
            if ring := _ring(trail, name):
                seen[name] = {"n": ring[-1].number, "h": ring[-1].h}
            else:
                seen.pop(name, None)
        if seen != self._seen:
            self._file.parent.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            write_atomic(self._file, (json.dumps(seen) + "\n").encode(), PRIVATE_FILE)
            self._seen = seen

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_bytes())
            kept = {name: found[name] for name in (*RINGS, "accepted") if name in found}
            good = all(
                type(kept[name]["n"]) is int and isinstance(kept[name]["h"], str)
                for name in RINGS
                if name in kept
            )
            good = good and all(type(number) is int for number in kept.get("accepted", []))
            return kept if good else {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return {}  # nothing was seen, as far as anybody knows
