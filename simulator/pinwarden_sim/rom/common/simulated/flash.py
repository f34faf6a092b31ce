"""The chip's flash: a folder of the host, seen from the board as `/`, with no way out of it by `..`.

On MicroPython an object of this class is mounted as the root; on CPython its methods take the place of
`open` and of the functions of `os`. What is written is the business of writing.py.
"""

import errno

from .writing import BLOCK, WritableFile, in_blocks, step

_ROM = "/.rom/"
_FILE = 0x8000
_PLENTY = 64  # blocks: with so many free, and no cut to come, a file is written by the disk itself


class Flash:
    """`root` is the host's folder. `disk` does the work on the host's paths: MicroPython's vfs.VfsPosix(),
    or the like of it.

    `rom` is what the chip's maker burnt in, as (disk, folder on it), seen as /.rom: it can be read and
    imported, and is not listed.
    """

    # A VfsPosix with a root of its own would do, but that its rename() puts both paths into one buffer and
    # renames nothing.

    def __init__(self, disk, root, link, state, rom=None):
        self.disk = disk
        self.root = root
        self.link = link
        self.rom = rom
        self.folder = "/"
        self.unsettled = (
            None  # (place, size before) of the file that was opened last, where nothing could happen
        )
        self.used = state["used"]  # blocks; directories are not counted
        self.set(state)

    def set(self, state):
        """What the host says of it: at the start, and when a test changes it."""
        if "size" in state:
            self.blocks = state["size"] // BLOCK
        if "cut" in state:
            self.left = state["cut"]  # bytes until the power fails; None: it does not
        if "steps" in state:
            self.steps = state["steps"]  # the same in steps: each operation is one, and its end another

    def place(self, path):
        """The host's path of a board's path that is written to."""
        disk, place = self.find(path)
        if disk is not self.disk:
            raise OSError(errno.EROFS)
        return place

    def find(self, path):
        """The disk of a board's path, and its path there."""
        path = self.resolve(path)
        if self.rom is not None and (path + "/").startswith(_ROM):
            return self.rom[0], self.rom[1] + path[len(_ROM) - 1 :]
        return self.disk, self.root + path

    def resolve(self, path):
        """The path from the root, without `.` and `..`; `..` at the root stays there."""
        if isinstance(path, bytes):
            path = path.decode()
        if not path.startswith("/"):
            path = self.folder + "/" + path
        parts = []
        for part in path.split("/"):
            if part == "..":
                if parts:
                    parts.pop()
            elif part and part != ".":
                parts.append(part)
        return "/" + "/".join(parts)

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def open(self, path, mode="r"):
        # Not in stat(): while it looks for a module, MicroPython takes any exception for "not there".
        self.link.catch_up()
        if "w" not in mode and "a" not in mode and "+" not in mode:
            disk, place = self.find(path)
            return disk.open(place, mode)
        self._settle()
        place = self.place(path)
        size = self._size_of(place)
        if (
            self.left is None
            and self.steps is None
            and not self.link.interrupts
            and self.blocks - self.used > _PLENTY
        ):
            self.unsettled = (place, size)
            return self.disk.open(place, mode)
        self._step("open", path)
        raw = self.disk.open(place, mode.replace("b", "").replace("t", "") + "b")
        self._step("open", path)
        if "w" in mode:
            self._free(size)
            size = 0
        return WritableFile(raw, self, mode, size, path)

    def stat(self, path):
        disk, place = self.find(path)
        return disk.stat(place)

    def ilistdir(self, path=""):
        """(name, type, inode, size in bytes) of each entry, as a LittleFS gives them."""
        disk, folder = self.find(path)
        return _sized(disk.ilistdir(folder), disk, folder)

    def mkdir(self, path):
        self.disk.mkdir(self.place(path))

    def rmdir(self, path):
        self.disk.rmdir(self.place(path))

    def remove(self, path):
        self._settle()
        place = self.place(path)
        size = self._size_of(place)
        self._step("remove", path)
        self.disk.remove(place)
        self._step("remove", path)
        self._free(size)

    def rename(self, old, new):
        self._settle()
        path = new
        old, new = self.place(old), self.place(new)
        size = self._size_of(new) if new != old else 0
        self._step("rename", path)
        self.disk.rename(old, new)
        self._step("rename", path)
        self._free(size)

    def statvfs(self, path):
        """(block size, fragment size, blocks, free ones, available ones, …, longest name)"""
        self._settle()
        free = max(0, self.blocks - self.used)
        return (BLOCK, BLOCK, self.blocks, free, free, 0, 0, 0, 0, 255)

    def chdir(self, path):
        folder = self.resolve(path)
        if not self.stat(folder)[0] & 0x4000:
            raise OSError(errno.ENOENT)
        self.folder = folder

    def getcwd(self):
        return self.folder

    def _size_of(self, place):
        try:
            stat = self.disk.stat(place)
        except OSError:
            return 0
        return stat[6] if stat[0] & _FILE else 0

    def _step(self, what, path):
        if self.steps is not None:
            step(self, what, self.resolve(path))

    def _settle(self):
        """Count what was written to a file that nobody watched."""
        if self.unsettled is not None:
            place, size = self.unsettled
            self.unsettled = None
            self.used += in_blocks(self._size_of(place)) - in_blocks(size)

    def _free(self, size):
        self.used -= in_blocks(size)


def _sized(entries, disk, folder):
    for name, kind, *_ in entries:
        yield name, kind, 0, disk.stat(folder + "/" + name)[6] if kind == _FILE else 0
