"""LittleFS, as MicroPython keeps its files on an ESP32: images of it are made and read here."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from littlefs import LittleFS, LittleFSError, UserContext

from pinwarden.errors import BadImage, FlashFull

BLOCK = 4096  # octets; the least that the flash erases, and so the block of MicroPython's Partition
# As MicroPython's VfsLfs2 mounts it (extmod/vfs_lfsx.c). With a larger cache, files would be put into
# directory entries that the board could not load.
_PARAMETERS: dict[str, Any] = {
    "read_size": 32,
    "prog_size": 32,
    "cache_size": 128,
    "lookahead_size": 32,
    "block_cycles": 100,
}
_VERSION = 0x00020000  # on disk: every littlefs 2 reads 2.0, and raises it at its first write if it is newer
_FOLDER = 2  # the type of a folder in LFSStat
_READ_ONLY = -30  # EROFS


def build(files: Mapping[str, bytes], size: int) -> bytes:
    """An image of `size` octets with these files, absolute path -> content. Raises FlashFull."""
    context = UserContext(size)
    image = _open(context, size, disk_version=_VERSION)
    try:
        with _interrupts_wait():
            image.format()
            image.mount()
            for path, data in files.items():
                folder = path.rpartition("/")[0]
                if folder:
                    image.makedirs(folder, exist_ok=True)
                with image.open(path, "wb", buffering=BLOCK) as file:
                    file.write(data)
            image.unmount()
    except LittleFSError as error:
        if error.code != LittleFSError.Error.LFS_ERR_NOSPC:
            raise
        total = sum(map(len, files.values()))
        raise FlashFull(
            f"{total // 1024} kB of files do not fit into a file system of {size // 1024} kB",
            "Take a MicroPython image for a board with more flash.",
        ) from None
    return bytes(context.buffer)


def read(image: bytes) -> dict[str, bytes]:
    """Every file of an image, absolute path -> content. Raises BadImage."""
    with _interrupts_wait():
        return Reader(len(image), lambda offset, size: image[offset : offset + size]).files()


class Reader:
    """Reads a file system of `size` octets by `fetch(offset, size)`, and fetches only what it needs.

    Every method raises BadImage where there is nothing readable, and what `fetch` raises.
    """

    def __init__(self, size: int, fetch: Callable[[int, int], bytes]) -> None:
        self._context = _Fetched(fetch)
        self._image = _open(self._context, size)
        with self._careful():
            self._image.mount()

    def names(self, folder: str = "/") -> list[str]:
        """The names in a folder."""
        with self._careful():
            return self._image.listdir(folder)

    def read(self, path: str) -> bytes:
        """A file's content."""
        with self._careful(), self._image.open(path, "rb", buffering=BLOCK) as file:
            return file.read()

    def files(self, folder: str = "") -> dict[str, bytes]:
        """All files below a folder, absolute path -> content."""
        found: dict[str, bytes] = {}
        for name in self.names(folder or "/"):
            path = f"{folder}/{name}"
            with self._careful():
                is_folder = self._image.stat(path).type == _FOLDER
            found |= self.files(path) if is_folder else {path: self.read(path)}
        return found

    @contextlib.contextmanager
    def _careful(self) -> Iterator[None]:
        try:
            yield
        except (LittleFSError, OSError, ValueError):  # not there; damaged; a name that is no UTF-8
            if self._context.failure is not None:
                raise self._context.failure from None
            raise BadImage(
                "there is no file system in it, or a damaged one", "Make the image again."
            ) from None


class _Fetched(UserContext):
    """Octets that are fetched when they are needed, a block at a time, and kept.

    littlefs calls these methods from C, where an exception ends: it is kept in `failure`.
    """

    def __init__(self, fetch: Callable[[int, int], bytes]) -> None:
        super().__init__(0)
        self._fetch = fetch
        self._blocks: dict[int, bytes] = {}
        self.failure: BaseException | None = None

    def read(self, cfg, block: int, off: int, size: int) -> bytearray:
        try:
            if self.failure is None and block not in self._blocks:
                self._blocks[block] = self._fetch(block * BLOCK, BLOCK)
        except BaseException as error:
            self.failure = error
        return bytearray(self._blocks.get(block, b"\xff" * BLOCK)[off : off + size].ljust(size, b"\xff"))

    def prog(self, cfg, block: int, off: int, data: bytes) -> int:
        return _READ_ONLY

    def erase(self, cfg, block: int) -> int:
        return _READ_ONLY


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Have Ctrl-C wait for the end, which is near: littlefs calls UserContext from C, where the interrupt
    would be printed and lost, and what was read or written with it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: caught.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if caught:
        signal.raise_signal(signal.SIGINT)


def _open(context: UserContext, size: int, disk_version: int = 0) -> LittleFS:
    return LittleFS(
        context,
        mount=False,
        block_size=BLOCK,
        block_count=size // BLOCK,
        disk_version=disk_version,
        **_PARAMETERS,
    )
