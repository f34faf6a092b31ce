"""From a line of a board's traceback to the line of source here.

    File "firmware/app.mpy", line 42, in _b         -> firmware/app.py:42 in _main

The board's modules are compiled with the paths that they have there (mpy-cross -s), and private names are
shorter there (short_names.py): the function's name is that of the source.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from pinwarden import board

_FRAME = re.compile(r'^\s*File "([^"]{1,200})", line ([0-9]{1,6})\b')
_SLOT = re.compile(r"^/[ab](?=/)")
_LONGEST = 200  # characters of a source line that are shown


@dataclass(frozen=True)
class Frame:
    """A place in a source file here; `text` is that line, None when the file has no such line; `function` is
    the one that the line is in.
    """

    source: Path
    line: int
    text: str | None
    function: str | None = None


class Sources:
    """The sources of the board's files, as they are here. Raises MissingPart when they are not."""

    def __init__(self) -> None:
        self._sources = board.files()
        self._lines: dict[Path, list[str]] = {}

    def frame(self, said: str) -> Frame | None:
        """The frame that a line of a log names; None when it names none, or a file that is not ours.

        A path is looked up among ours and never opened as it stands: the board may say anything.
        """
        match = _FRAME.match(said)
        if not match:
            return None
        place = "/" + _SLOT.sub("", match[1]).lstrip("/")
        source = self._sources.get(re.sub(r"\.mpy$", ".py", place))
        if source is None:
            return None
        number = int(match[2])
        lines = self._read(source)
        text = lines[number - 1].strip()[:_LONGEST] if 0 < number <= len(lines) else None
        return Frame(source, number, text, _function_at(lines, number))

    def _read(self, source: Path) -> list[str]:
        if source not in self._lines:
            try:
                self._lines[source] = source.read_text("utf-8", "replace").splitlines()
            except OSError:
                self._lines[source] = []
        return self._lines[source]


def _function_at(lines: list[str], number: int) -> str | None:
    """The innermost function around a line."""
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return None
    around = [
        (node.lineno, node.name)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if node.lineno <= number <= (node.end_lineno or 0)
    ]
    return max(around)[1] if around else None
