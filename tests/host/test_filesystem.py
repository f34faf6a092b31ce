"""LittleFS images: what is put in comes out, here and in real MicroPython."""

from __future__ import annotations

import hashlib
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import mounted
from pinwarden.errors import BadImage, FlashFull
from pinwarden.image import filesystem

SIZE = 0x200000
NOISE = random.Random(5).randbytes(70000)
FILES = {
    "/boot.py": b"import slots\n",
    "/a/firmware/app.mpy": NOISE,
    "/a/firmware/web/page.html.gz": NOISE[:4097],
    "/a/lib/jwt.mpy": NOISE[:127],
    "/a/empty": b"",
    "/secrets.json": b"{}",
}


@pytest.fixture
def micropython(tmp_path: Path) -> Callable[[bytes], dict]:
    """What real MicroPython finds in an image: path -> SHA-256, and what it could write."""
    return lambda image: mounted.mount(image, tmp_path)


def test_read_back() -> None:
    image = filesystem.build(FILES, SIZE)
    assert len(image) == SIZE
    assert filesystem.read(image) == FILES


def test_an_interrupt_waits_and_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """littlefs calls back from C, where an exception ends."""

    def at_once(work: Callable) -> Callable:
        def interrupted(*args: object) -> object:
            signal.raise_signal(signal.SIGINT)
            return work(*args)

        return interrupted

    image = filesystem.build(FILES, SIZE)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        monkeypatch.setattr(filesystem.UserContext, "prog", at_once(filesystem.UserContext.prog))
        with pytest.raises(KeyboardInterrupt):
            filesystem.build(FILES, SIZE)
        monkeypatch.setattr(filesystem._Fetched, "read", at_once(filesystem._Fetched.read))
        with pytest.raises(KeyboardInterrupt):
            filesystem.read(image)
    finally:
        signal.signal(signal.SIGINT, before)


def test_micropython_mounts_it(micropython: Callable[[bytes], dict]) -> None:
    found = micropython(filesystem.build(FILES, SIZE))
    assert found.pop("state") == "here"
    assert found.pop("free") > SIZE - sum(map(len, FILES.values())) - 40 * filesystem.BLOCK
    assert found == {path: hashlib.sha256(data).hexdigest() for path, data in FILES.items()}


def test_on_disk_version_is_2_0() -> None:
    """MicroPython older than 1.24 refuses 2.1, and a newer one writes 2.1 when it first writes."""
    image = filesystem.build({}, SIZE)
    place = image.index(b"littlefs") + 8 + 4  # the name, a tag, and then the superblock: version first
    assert image[place : place + 4] == b"\0\0\2\0"


def test_reader_reads_no_more_than_it_needs() -> None:
    """Over a cable, 2 MB take a minute."""
    image, fetched = filesystem.build(FILES, SIZE), []

    def fetch(offset: int, size: int) -> bytes:
        fetched.append(offset)
        return image[offset : offset + size]

    reader = filesystem.Reader(SIZE, fetch)
    assert sorted(reader.names()) == ["a", "boot.py", "secrets.json"]
    assert reader.read("/secrets.json") == b"{}"
    assert len(fetched) == len(set(fetched)) < 12


def test_full() -> None:
    with pytest.raises(FlashFull, match="2100 kB of files do not fit into a file system of 2048 kB"):
        filesystem.build({"/big": random.Random(1).randbytes(2100 * 1024)}, SIZE)


@pytest.mark.parametrize(
    "image",
    [b"\xff" * SIZE, b"\0" * SIZE, random.Random(2).randbytes(SIZE)],
    ids=["blank", "zeros", "noise"],
)
def test_nothing_readable(image: bytes) -> None:
    with pytest.raises(BadImage):
        filesystem.read(image)


def test_damaged() -> None:
    image = bytearray(filesystem.build(FILES, SIZE))
    image[0x3000:] = b"\xff" * (SIZE - 0x3000)
    with pytest.raises(BadImage):
        filesystem.read(bytes(image))


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("gone")])
def test_what_fetching_raises_comes_through(error: BaseException | type[BaseException]) -> None:
    """littlefs calls from C, where an exception would be lost."""
    image = filesystem.build(FILES, SIZE)

    def fetch(offset: int, size: int) -> bytes:
        if offset >= 0x2000:
            raise error
        return image[offset : offset + size]

    with pytest.raises(error if isinstance(error, type) else type(error)):
        filesystem.Reader(SIZE, fetch).files()


def test_no_file() -> None:
    image = filesystem.build(FILES, SIZE)
    reader = filesystem.Reader(SIZE, lambda offset, size: image[offset : offset + size])
    with pytest.raises(BadImage):
        reader.read("/nothing")
