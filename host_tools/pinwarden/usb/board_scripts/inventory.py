# On the board, by deploy/inventory.py: what is there. Needs files.py.
import gc
import json
import os
import sys
from binascii import hexlify
from hashlib import sha256


# Each file below a folder as "SIZE HASH PATH". A line each: a list of all would take memory.
def _tree(path):
    try:
        entries = list(os.ilistdir(path))
    except OSError:
        return
    for entry in entries:
        full = path + "/" + entry[0]
        if entry[1] & 0x4000:
            _tree(full)
        else:
            _show(full)


def _show(path):
    try:
        size = os.stat(path)[6]
        print(size, _digest(path)[:16], path)  # noqa: F821
    except OSError:
        pass  # it is not there


# A key is told apart by a piece of its hash, and does not leave the board.
def _kids():
    try:
        with open("/secrets.json") as file:
            keys = json.load(file)["keys"]
        return [(key["kid"], hexlify(sha256(key["k"].encode()).digest()[:8]).decode()) for key in keys]
    except Exception:
        return None


def _slots():
    try:
        import slots

        return slots.state()
    except Exception:
        return None


def _inventory():
    gc.collect()
    vfs = os.statvfs("/")
    state = _slots()
    about = {
        "machine": os.uname()[4],
        "micropython": list(sys.implementation[1][:3]),
        "mpy": getattr(sys.implementation, "_mpy", 0) & 255,
        "free": vfs[1] * vfs[3],
        "size": vfs[1] * vfs[2],
        "slots": state,
        "kids": _kids(),
    }
    print(repr(about))
    for name in ("boot.py", "main.py", "slots.py", "secrets.json"):
        _show("/" + name)
    _tree("/a")
    _tree("/b")
    if not state or not state["slot"]:
        _tree("/firmware")
        _tree("/lib")
        _show("/settings.json")
        _show("/version.json")
