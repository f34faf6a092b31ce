"""The chip's flash: a folder of the host, seen from the board as `/`, with no way out of it by `..`.

On MicroPython an object of this class is mounted as the root; on CPython its methods take the place of
`open` and of the functions of `os`. Every byte that is written is counted, so that the power can fail in
the middle of a write.
"""

import errno
import io

_ROM = "/.rom/"


class Flash:
    """`root` is the host's folder. `disk` does the work on the host's paths: MicroPython's vfs.VfsPosix(),
    or the like of it.

    `rom` is the host's folder of what the chip's maker burnt in, seen as /.rom: it can be read and
    imported, and is not listed.
    """

    # A VfsPosix with a root of its own would do, but that its rename() puts both paths into one buffer and
    # renames nothing.

    def __init__(self, disk, root, link, rom=None):
        self.disk = disk
        self.root = root
        self.link = link
        self.rom = rom
        self.folder = "/"
        self.left = None  # bytes until the power fails; None: it does not

    def cut_after(self, size):
        self.left = size

    def place(self, path, write=False):
        """The host's path of a board's path."""
        path = self.resolve(path)
        if self.rom is not None and (path + "/").startswith(_ROM):
            if write:
                raise OSError(errno.EROFS)
            return self.rom + path[len(_ROM) - 1 :]
        return self.root + path

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
        if "w" not in mode and "a" not in mode and "+" not in mode:
            return self.disk.open(self.place(path), mode)
        raw = self.disk.open(self.place(path, True), mode.replace("b", "").replace("t", "") + "b")
        return WritableFile(raw, self, "b" not in mode)

    def stat(self, path):
        return self.disk.stat(self.place(path))

    def ilistdir(self, path=""):
        return self.disk.ilistdir(self.place(path))

    def mkdir(self, path):
        self.disk.mkdir(self.place(path, True))

    def rmdir(self, path):
        self.disk.rmdir(self.place(path, True))

    def remove(self, path):
        self.disk.remove(self.place(path, True))

    def rename(self, old, new):
        self.disk.rename(self.place(old, True), self.place(new, True))

    def statvfs(self, path):
        return self.disk.statvfs(self.place(path))

    def chdir(self, path):
        folder = self.resolve(path)
        if not self.stat(folder)[0] & 0x4000:
            raise OSError(errno.ENOENT)
        self.folder = folder

    def getcwd(self):
        return self.folder

    def write(self, raw, data):
        """Write to a file of the disk. When the power fails within it, the rest is lost, and so is all that
        would follow.
        """
        if self.left is not None and len(data) >= self.left:
            raw.write(data[: self.left])
            self.link.end({"e": "cut"})
        raw.write(data)
        if self.left is not None:
            self.left -= len(data)


class WritableFile(io.IOBase):
    """A file opened for writing. What is written is on the flash at once: there is no buffer to lose."""

    def __init__(self, raw, flash, text):
        self.raw = raw
        self.flash = flash
        self.text = text

    def write(self, data):
        if isinstance(data, str):
            if not self.text:
                raise TypeError("a bytes-like object is required, not 'str'")
            self.flash.write(self.raw, data.encode())
        else:
            self.flash.write(self.raw, memoryview(data))
        return len(data)

    def read(self, size=-1):
        data = self.raw.read(size)
        return data.decode() if self.text else data

    def readline(self, size=-1):
        data = self.raw.readline(size)
        return data.decode() if self.text else data

    def readinto(self, buffer):
        return self.raw.readinto(buffer)

    def seek(self, offset, whence=0):
        return self.raw.seek(offset, whence)

    def tell(self):
        return self.raw.tell()

    def flush(self):
        pass

    def ioctl(self, request, argument):
        if request == 4:  # MP_STREAM_CLOSE
            self.raw.close()
        return 0

    def close(self):
        self.raw.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.raw.close()
