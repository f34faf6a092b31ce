"""The board's files, read as text: a board has what they import, and a person reads each in one sitting."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware"
LONGEST = 350  # lines

# Built in, or frozen, in the official ESP32 build (MicroPython's ports/esp32, modules of 1.24 and newer).
BUILT_IN = set(
    """
    _thread aioespnow apa106 array asyncio binascii bluetooth btree cmath collections cryptolib deflate
    dht ds18x20 errno esp esp32 espnow framebuf gc hashlib heapq io json machine math micropython mip
    neopixel network ntptime onewire os platform random re requests select socket ssl struct sys time
    tls uctypes umqtt vfs webrepl websocket
    """.split()
)

# Read by the tools on the host as well: they may import nothing that CPython lacks, nor the board's own
# libraries.
SHARED = ("firmware", "firmware.settings", "firmware.chips")

SOURCES = sorted([ROOT / "boot.py", ROOT / "main.py", ROOT / "slots.py", *FIRMWARE.rglob("*.py")])


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(source: Path) -> set[str]:
    """The top-level names of all absolute imports, wherever they stand."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_imports_only_what_a_board_has(source: Path) -> None:
    libraries = {path.stem for path in (FIRMWARE / "lib").iterdir()}
    ours = libraries if source.is_relative_to(FIRMWARE / "lib") else libraries | {"firmware", "boot", "slots"}
    assert imported(source) - BUILT_IN - ours == set()


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_can_be_read_in_one_sitting(source: Path) -> None:
    assert len(source.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("module", SHARED)
def test_imports_on_a_bare_cpython(module: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {module}"
    done = subprocess.run([sys.executable, "-I", "-S", "-B", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
