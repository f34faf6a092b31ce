"""Files that survive a power cut: at any moment there is the old content or the new, whole.

LittleFS, like POSIX, guarantees that for one operation only: renaming a complete file over another.
"""

import errno
import os

import strictjson
from micropython import const

_TEMPORARY = ".new"
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
