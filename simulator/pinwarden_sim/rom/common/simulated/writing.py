"""Files of the chip's flash that are open for writing: what is written is on the flash at once.

Every byte is counted, so that the power can fail in the middle of a write, and that the flash can be full.
"""

import io

BLOCK = 4096  # bytes; a file takes whole ones, as on LittleFS

_ENOSPC = 28  # which MicroPython's errno does not list


def in_blocks(size):
    """The blocks of a file of so many bytes."""
    return (size + BLOCK - 1) // BLOCK


def step(flash, what, path):
    """Count a step; the power may fail at it, and the host is told where."""
    flash.steps -= 1
    if flash.steps <= 0:
        flash.link.end({"e": "cut", "at": what + " " + path})


class WritableFile(io.IOBase):
    """`raw` is the open file of the disk, `size` its bytes so far, `path` the board's name of it."""

    def __init__(self, raw, flash, mode, size, path):
        self.raw = raw
        self.path = path
        self.flash = flash
        self.text = "b" not in mode
        self.appends = "a" in mode
        self.size = size

    def write(self, data):
        if isinstance(data, str):
            if not self.text:
                raise TypeError("a bytes-like object is required, not 'str'")
            self._put(data.encode())
        else:
            self._put(memoryview(data))
        return len(data)

    def _put(self, data):
        """Write. When the power fails within it, the rest is lost, and so is all that would follow."""
        flash = self.flash
        flash.link.hold()
        try:
            flash.link.catch_up()
            self._take(len(data))
            if flash.left is not None and len(data) >= flash.left:
                self.raw.write(data[: flash.left])
                flash.link.end({"e": "cut"})
            if flash.steps == 1:
                self.raw.write(data[: len(data) // 2])
            self._step()
            self.raw.write(data)
            self._step()
            if flash.left is not None:
                flash.left -= len(data)
                flash.link.send({"e": "cut_after", "bytes": flash.left})
        finally:
            flash.link.release()

    def _step(self):
        if self.flash.steps is not None:
            step(self.flash, "write", self.flash.resolve(self.path))

    def _take(self, count):
        """Take the blocks for so many more bytes. Raises ENOSPC."""
        size = max(self.size, count + (self.size if self.appends else self.raw.tell()))
        blocks = in_blocks(size) - in_blocks(self.size)
        if blocks > max(0, self.flash.blocks - self.flash.used):
            raise OSError(_ENOSPC, "no room left")  # with one argument only, CPython's has no errno
        self.flash.used += blocks
        self.size = size

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
