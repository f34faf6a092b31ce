"""Files that survive a power cut: at any moment there is the old content or the new, whole.

LittleFS, like POSIX, guarantees that for one operation only: renaming a complete file over another.
"""

import errno
import os
from binascii import hexlify
from hashlib import sha256

import strictjson
from micropython import const

_TEMPORARY = const(".new")
# The last member of a file's JSON object: 16 hex digits, the start of the SHA-256 of all before it. Flash
# that loses a bit must not lose a revocation. It keeps nobody out who can write the flash.
_SUM = const(b', "sum": "%s"}')
_ENOSPC = const(28)  # which MicroPython's errno does not list


def read(path):
    """The content of the file as bytes, or None if there is none. Raises OSError for anything else."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return None


def load(path):
    """Return the value in the JSON file `path`. Raises ValueError, with a text for whoever deploys."""
    try:
        data = read(path)
    except OSError as error:
        raise ValueError("%s: cannot be read: %r; deploy it again" % (path, error)) from None
    if data is None:
        raise ValueError("%s: is missing; deploy it" % path)
    try:
        return strictjson.loads(data)
    except strictjson.JSONError as error:
        raise ValueError("%s: is not JSON: %s; deploy it again" % (path, error)) from None


def write_atomic(path, data):
    """Replace the content of a file by `data` (bytes, or an iterable of bytes), or leave it as it was and
    raise OSError (ENOSPC: flash is full).

    The folder must exist; see make_folder. A temporary file that a power cut left behind is overwritten.
    """
    temporary = path + _TEMPORARY
    try:
        with open(temporary, "wb") as file:
            for piece in (data,) if isinstance(data, bytes) else data:
                if file.write(piece) != len(piece):
                    raise OSError(_ENOSPC, "no room left")
            file.flush()
        _sync()  # else a host's file system may rename first and write later
        os.rename(temporary, path)
    except OSError:
        _remove(temporary)  # it takes room that the next attempt needs
        raise


def sealed(pieces):
    """Yield the pieces (bytes) of a JSON object that has members, with its sum."""
    digest = sha256()
    held = b""
    for piece in pieces:
        digest.update(held)
        yield held
        held = piece
    held = held[:-1]  # without the brace
    digest.update(held)
    yield held
    yield _SUM % hexlify(digest.digest()[:8])


def check_sum(data, content):
    """Take the sum out of `content`, a dict, which `data` was parsed to. Raises ValueError if it is another;
    what an earlier version has written has none.
    """
    told = content.pop("sum", None)
    if told is not None:
        end = data.rfind(b', "sum": ')
        if data[end:] != _SUM % hexlify(sha256(memoryview(data)[:end]).digest()[:8]):
            raise ValueError("its sum is another")


def is_full(error):
    """Tell whether an OSError says that the flash is full."""
    return error.errno == _ENOSPC


def make_folder(path):
    """Make a folder, if it isn't there, and remove the temporary files that power cuts have left in it.
    Return the names of the files that were set aside there (see aside.py) without what follows them:
    ["revocations"].

    Raises OSError, also when `path` is a file.
    """
    try:
        os.mkdir(path)
    except OSError as error:
        if error.errno != errno.EEXIST:
            raise
    aside = []
    for name in os.listdir(path):
        if name.endswith(_TEMPORARY):
            _remove(path + "/" + name)
        elif ".bad" in name and name.split(".")[0] not in aside:
            aside.append(name.split(".")[0])
    return sorted(aside)


def is_there(path):
    """Tell whether there is a file or a folder."""
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def _remove(path):
    try:
        os.remove(path)
    except OSError:
        pass  # it was not there, or the flash is past helping; the caller's error says more


def _sync():
    if hasattr(os, "sync"):
        os.sync()
