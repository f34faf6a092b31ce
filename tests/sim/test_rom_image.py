"""The stand-ins' image: their bytecode is not on the board's heap, and without one they work all the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import testbed
from pinwarden_sim import Board, runtimes

IMAGE = Path("micropython/code.mpy")
LEAST = 5000  # bytes; it is some 9 kB


def heap_used(flash: Path) -> int:
    testbed.install(flash, "micropython")
    with Board(flash, "micropython", heapsize="256k") as board:
        return board.start().status()["heap_used"]


@pytest.mark.skipif(not testbed.have("micropython"), reason=testbed.WITHOUT_MICROPYTHON)
def test_with_and_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rom = runtimes.rom()
    if not (rom / IMAGE).exists():
        pytest.skip("this MicroPython has no native code of the kind that mpy-cross makes here, or no ROMFS")
    bare = shutil.copytree(rom, tmp_path / "rom")
    (bare / IMAGE).unlink()
    with_it = heap_used(tmp_path / "with")
    monkeypatch.setattr(runtimes, "rom", lambda: bare)
    assert heap_used(tmp_path / "without") - with_it > LEAST
