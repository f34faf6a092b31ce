"""The record of crashes in a row: main.py keeps it, for it outlives what crashed."""

import json

from . import storage

_FILE = "/state/crash.json"


def last(path=_FILE):
    """Return {"count": the crashes in a row, "last": the last one's error}; None if there is no record."""
    found = _read(path)
    return found and {"count": found["count"], "last": found["error"]}


def forget(path=_FILE):
    """The row has ended: its count is 0 again. Raises OSError."""
    found = _read(path)
    if found and found["count"]:
        found["count"] = 0
        storage.write_atomic(path, json.dumps(found).encode())


def _read(path):
    try:
        found = json.loads(storage.read(path) or b"null")
        return found if type(found["count"]) is int and "error" in found else None
    except (OSError, ValueError, TypeError, KeyError):
        return None  # there is none, or one that no main.py of ours has written
