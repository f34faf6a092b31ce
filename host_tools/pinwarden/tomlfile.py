"""TOML files, with the line for everything that is wrong in them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from pinwarden.errors import BadToml
from pinwarden.files import read_text, short

_TABLE = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")
# tomllib says it of the line's end, in the middle of a text.
_OPEN_TEXT = (r"illegal character '\n'", r"illegal character '\r'")
_FIELD = re.compile(r"[A-Za-z0-9_\-.\[\]\"']+(?=:)")


def read(path: Path, *, private: bool = False) -> tuple[dict, str]:
    """The data and the text of a TOML file.

    Raises BadToml with file:line, and what `files.read_text` raises.
    """
    text = read_text(path, private=private)
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError as error:
        what, line = _reason(str(error), text)
        if private:
            what = "this line is not TOML"  # tomllib may quote what it found, which may be a password
        raise BadToml(
            f"{short(path)}:{line}: {what}", 'TOML reads: name = "text", number = 1, list = ["a", "b"].'
        ) from None
    except RecursionError:
        raise BadToml(f"{short(path)}: lists or tables nest too deep", "No setting needs that.") from None


def line_of(text: str, field: str) -> int | None:
    """The line where "pins.relay.gpio" stands, or else its table; None when neither is found."""
    lines = _lines(text)
    names = [name for name in re.split(r"[.\[\]]+", field.replace('"', "").replace("'", "")) if name]
    while names:
        if (line := lines.get(".".join(names))) is not None:
            return line
        names.pop()
    return None


def place(path: Path, text: str, problem: str) -> str:
    """A problem that starts with its field, "pins.relay.gpio: 34 can …", with file:line before it."""
    match = _FIELD.match(problem)
    line = line_of(text, match.group()) if match else None
    return f"{short(path)}:{line}: {problem}" if line else f"{short(path)}: {problem}"


def quote(text: str) -> str:
    """The text as a TOML basic string."""
    escaped = "".join(
        f"\\u{ord(c):04x}" if ord(c) < 32 or ord(c) == 127 else "\\" + c if c in '\\"' else c for c in text
    )
    return f'"{escaped}"'


def _reason(message: str, text: str) -> tuple[str, int]:
    match = re.search(r"^(.*?) \(at (?:line (\d+), column \d+|end of document)\)$", message, re.DOTALL)
    if not match:
        return message, 1
    what, line = match.groups()
    what = what[:1].lower() + what[1:]
    if what in _OPEN_TEXT:
        what = "a text has no closing quote"
    elif what == "cannot overwrite a value":
        what = "this name stands twice in its table; keep one of the two"
    return what, int(line) if line else max(1, len(text.splitlines()))


def _lines(text: str) -> dict[str, int]:
    """Dotted name -> line, for what stands on a line of its own; an inline table is one line."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TABLE.match(line):
            table = _bare(match.group(1))
            names = table.split(".")
            for depth in range(len(names)):  # [pins.relay] is where `pins` stands, too
                found.setdefault(".".join(names[: depth + 1]), number)
        elif match := _KEY.match(line):
            name = _bare(match.group(1))
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


def _bare(name: str) -> str:
    return re.sub(r"[\s\"']", "", name)
