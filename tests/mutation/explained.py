"""Reads tests/mutants.md: the survivors that are known, with a reason."""

from __future__ import annotations

import re
from pathlib import Path

FILE = Path(__file__).parents[1] / "mutants.md"
_ENTRY = re.compile(r"- `(?P<function>[^`]+)`: `(?P<change>[^`]+)`")


def entries() -> list[tuple[str, str, str]]:
    """(module, function, change) of each explained survivor, the module as "firmware/access.py"."""
    found = []
    module = ""
    for line in FILE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            module = line[3:].strip("` ")
        elif entry := _ENTRY.fullmatch(line):
            found.append((module, entry["function"], entry["change"]))
    return found


def covers(change: str, other: str) -> bool:
    """Tell whether an entry of `change` is for the mutant with the change `other`.

    `_NAMES = …` is for each change of the lines that begin so.
    """
    if change.endswith("…"):
        return other.replace("«", "", 1).startswith(change[:-1])
    return change == other


def original(change: str) -> str:
    """The line as it stands in the module, before a change `a «was → is» b`."""
    before, mark, rest = change.removesuffix(" (again)").removesuffix("…").partition("«")
    if not mark:
        return before
    changed, _, after = rest.rpartition("»")
    return before + changed.partition(" → ")[0] + after


def squeezed(text: str) -> str:
    """`text` with all blanks and line ends as one blank."""
    return re.sub(r"\s+", " ", text).strip()
