"""The flash on CPython: `open` and the functions of `os` that a board has, seeing the flash's folder as
"/".
"""

import builtins
import os
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader

_DIRECTORY = 0x4000
_FILE = 0x8000
_LIBRARIES = ("/lib", "/a/lib", "/b/lib")  # in sys.path these are the flash's, whatever the host has


class Disk:
    """The host's files, with the real functions, whatever stands in for them later. What vfs.VfsPosix() is
    on MicroPython.
    """

    def __init__(self):
        for name in _NAMES:
            setattr(self, name, getattr(os, name))
        self.rename = os.replace
        self._open = builtins.open
        self._scandir = os.scandir

    def open(self, path, mode):
        return self._open(path, mode, **({"buffering": 0} if "b" in mode else {"encoding": "utf-8"}))

    def ilistdir(self, path):
        with self._scandir(path) as entries:
            for entry in entries:
                yield (entry.name, _DIRECTORY if entry.is_dir() else _FILE, entry.inode())


def imported(root):
    """The host's folders of the flash `root` that the firmware may import from."""
    return [root, *(root + path for path in _LIBRARIES)]


def import_as_board(root):
    """Have the board's entries in sys.path, "" and "/lib", in place of the host's folders."""

    def find(entry):
        if entry not in _LIBRARIES:
            raise ImportError
        return FileFinder(root + entry, (SourceFileLoader, SOURCE_SUFFIXES))

    at = sys.path.index(root)
    sys.path[:] = [entry for entry in sys.path if entry not in imported(root)]
    sys.path[at:at] = ["", "/lib"]
    sys.path_hooks.insert(0, find)


_NAMES = ("stat", "mkdir", "rmdir", "remove", "statvfs")


def install(flash):
    """Have `open` and the functions of `os` that a board has see the flash as "/". For good: the process is
    a board's.
    """

    def open_on_flash(file, mode="r", *args, **kwargs):
        if isinstance(file, int):
            raise OSError(9, "EBADF")  # a descriptor would lead out of the flash
        return flash.open(os.fspath(file), mode)

    def stat(path, **kwargs):
        return flash.stat(os.fspath(path))

    def chdir(path, real=os.chdir):
        flash.chdir(path)
        real(flash.root + flash.folder)  # an import by the entry "" goes by it

    builtins.open = open_on_flash
    os.stat = os.lstat = stat
    os.ilistdir = flash.ilistdir
    os.listdir = lambda path="": [entry[0] for entry in flash.ilistdir(path)]
    os.remove = os.unlink = flash.remove
    os.rename = os.replace = flash.rename
    os.mkdir = lambda path, mode=0o777: flash.mkdir(path)
    os.rmdir = flash.rmdir
    os.statvfs = flash.statvfs
    os.chdir = chdir
    os.getcwd = flash.getcwd
    os.sync = lambda: None
