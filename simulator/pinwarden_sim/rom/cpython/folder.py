"""The flash on CPython: `open` and the functions of `os` that a board has, seeing the flash's folder as
"/".
"""

import builtins
import os

_DIRECTORY = 0x4000
_FILE = 0x8000


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

    builtins.open = open_on_flash
    os.stat = os.lstat = stat
    os.ilistdir = flash.ilistdir
    os.listdir = lambda path="": [entry[0] for entry in flash.ilistdir(path)]
    os.remove = os.unlink = flash.remove
    os.rename = os.replace = flash.rename
    os.mkdir = lambda path, mode=0o777: flash.mkdir(path)
    os.rmdir = flash.rmdir
    os.statvfs = flash.statvfs
    os.chdir = flash.chdir
    os.getcwd = flash.getcwd
    os.sync = lambda: None
