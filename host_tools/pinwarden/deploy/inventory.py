"""What is on a board: its chip and MicroPython, its versions with all their files, its keys' names."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field

from pinwarden.errors import BoardFailed
from pinwarden.usb.repl import UNREADABLE, Repl

# Hexadecimal digits of a SHA-256 that the board tells of each file. They are enough for whatever chance can
# do, and the whole hashes are compared on the board in the end.
SHORT = 16

_SLOT_FILE = re.compile(r"/(a|b)/(.+)")


@dataclass(frozen=True)
class File:
    """A file on the board: its size in octets, and the beginning of its SHA-256."""

    size: int
    digest: str

    def has(self, sha256: str) -> bool:
        """Whether its content has this hash, as far as is told."""
        return self.digest == sha256[:SHORT]


@dataclass(frozen=True)
class Inventory:
    """A board, as far as a deploy is concerned. Folders of versions are "a", "b", and "" for the root."""

    chip: str  # "esp32c3"; what the board calls itself, where that is no chip known here
    micropython: tuple[int, int, int]
    mpy: int  # version of the bytecode that it reads
    free: int  # octets of flash
    size: int
    slot: str = ""  # the folder of the version that starts
    previous: str | None = None
    trial: int = 0  # 0: it is proven
    note: str | None = None  # why the version before it was rolled back
    versions: dict[str, dict[str, File]] = field(default_factory=dict)
    start: dict[str, File] = field(default_factory=dict)
    secrets: File | None = None
    kids: dict[str, str] = field(default_factory=dict)  # each key's name, and what tells it from others

    def version(self, slot: str | None) -> dict[str, File]:
        """The files of a version's folder."""
        return self.versions.get(slot, {}) if slot is not None else {}

    def is_whole(self, slot: str | None) -> bool:
        """Whether a version that can start is there."""
        return "version.json" in self.version(slot)


def take(repl: Repl, *, strict: bool = True) -> Inventory:
    """Ask the board. Raises what `Repl.run` raises, and BoardFailed for an answer that is none.

    Without `strict`, numbers and texts may be anything: the doctor judges each by itself.
    """
    repl.load("files")
    repl.load("inventory")
    said = repl.run("_inventory()", timeout=30)
    try:
        return _checked(parse(said), strict=strict)
    except UNREADABLE:
        raise BoardFailed(
            f"{repl.port}: the board tells nothing that a board with MicroPython would",
            "Is it the right port? If it is, put MicroPython on it anew: pinwarden flash",
        ) from None


def parse(said: str) -> Inventory:
    """What the board's side of this (usb/board_scripts/inventory.py) prints."""
    first, *lines = said.splitlines()
    about = ast.literal_eval(first)
    slots = about["slots"] or {}
    versions: dict[str, dict[str, File]] = {}
    root: dict[str, File] = {}
    for line in lines:
        size, digest, path = line.split(" ", 2)
        file = File(int(size), digest)
        if match := _SLOT_FILE.fullmatch(path):
            versions.setdefault(match[1], {})[match[2]] = file
        else:
            root[path.removeprefix("/")] = file
    secrets = root.pop("secrets.json", None)
    start = {name: root.pop(name) for name in ("slots.py", "boot.py", "main.py") if name in root}
    return Inventory(
        chip=chip_of(about["machine"]),
        micropython=tuple(about["micropython"]),
        mpy=about["mpy"],
        free=about["free"],
        size=about["size"],
        slot=slots.get("slot") or "",
        previous=slots.get("previous"),
        trial=slots.get("trial", 0),
        note=slots.get("note"),
        versions={**versions, "": root},
        start=start,
        secrets=secrets,
        kids=dict(about["kids"] or ()),
    )


def _checked(board: Inventory, *, strict: bool) -> Inventory:
    """The inventory, if it can be one: what is there may tell anything. Raises ValueError."""
    numbers = (*board.micropython, board.mpy, board.free, board.size, board.trial)
    texts = (*board.kids, *board.kids.values(), "" if board.note is None else board.note)
    if board.slot not in ("", "a", "b"):
        raise ValueError("no slot")
    if strict and not (
        len(board.micropython) == 3
        and all(type(number) is int and number >= 0 for number in numbers)
        and all(isinstance(text, str) for text in texts)
        and board.previous in (None, "a", "b")
    ):
        raise ValueError("no inventory")
    return board


def chip_of(machine: str) -> str:
    """The chip in a name such as "ESP32C3 module with ESP32C3": "esp32c3"."""
    name = machine.rpartition(" with ")[2].lower().replace("-", "").strip()
    match = re.match(r"esp32(?:[a-z]\d+)?", name)
    return match[0] if match else machine
