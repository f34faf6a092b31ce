# On the board, by deploy/steps.py: a version put together in the slot that is not active. Needs files.py.
import json
import os
import sys


# From here on the slot holds no version, until _seal.
def _open_slot(folder, leftovers):
    _remove(folder + "/version.json")  # noqa: F821
    for path in leftovers:
        _remove(folder + "/" + path)  # noqa: F821
    for name in ("boot.py", "main.py", "slots.py", "secrets.json", "slot.json"):
        _remove("/" + name + ".new")  # noqa: F821  # of a deploy that was cut off
    _prune(folder)


# Remove empty folders: MicroPython imports a folder before a file of the same name.
def _prune(folder):
    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return
    for entry in entries:
        if entry[1] & 0x4000:
            _prune(folder + "/" + entry[0])
    try:
        os.rmdir(folder)
    except OSError:
        pass  # there is something in it


def _discard(folder):
    try:
        entries = list(os.ilistdir(folder))
    except OSError:
        return
    _remove(folder + "/version.json")  # noqa: F821
    for entry in entries:
        path = folder + "/" + entry[0]
        if entry[1] & 0x4000:
            _discard(path)
        else:
            _remove(path)  # noqa: F821
    try:
        os.rmdir(folder)
    except OSError:
        pass


def _copy(source, target, paths):
    piece = bytearray(512)
    view = memoryview(piece)
    for path in paths:
        new = target + "/" + path
        _make_folders(new)  # noqa: F821
        with open(source + "/" + path, "rb") as old, open(new + ".new", "wb") as file:
            while True:
                size = old.readinto(piece)
                if not size:
                    break
                if file.write(view[:size]) != size:
                    raise OSError(28)  # ENOSPC
        os.rename(new + ".new", new)


# The SHA-256 of each file below the folder, by its path there.
def _hashes(folder, path, found):
    for entry in os.ilistdir(folder + path):
        below = path + "/" + entry[0]
        if entry[1] & 0x4000:
            _hashes(folder, below, found)
        else:
            found[below[1:]] = _digest(folder + below)  # noqa: F821


# Make the slot a whole version: write its version.json, of the hashes that the files have here. If that
# comes out as the computer's, whose SHA-256 is `digest`, every file is here, as sent, and no other. Else all
# is told.
def _seal(folder, head, digest):
    found = {}
    _hashes(folder, "", found)
    manifest = folder + "/version.json"
    with open(manifest + ".new", "w") as file:
        for path in sorted(found):  # not as one string: that is more memory in one piece than there may be
            file.write('%s"%s":"%s"' % (head, path, found[path]))
            head = ","
        file.write("}}\n")
    if _digest(manifest + ".new") == digest:  # noqa: F821
        os.rename(manifest + ".new", manifest)
        print(None)
    else:
        _remove(manifest + ".new")  # noqa: F821
        print(found)


# slots.py as it is on the flash now: a moment ago it may have been another.
def _slots_now():
    sys.modules.pop("slots", None)
    import slots

    return slots


def _forgive():
    path = "/state/crash.json"
    try:
        with open(path) as file:
            crash = json.load(file)
        if not crash["count"]:
            return
        crash["count"] = 0
        with open(path + ".new", "w") as file:
            json.dump(crash, file)
        os.rename(path + ".new", path)
    except OSError:
        pass  # there was no crash
    except Exception:
        _remove(path)  # noqa: F821  # it tells nothing
