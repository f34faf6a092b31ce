"""The phone page in a real browser, served by a board of real MicroPython."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

import testbed
from pinwarden_sim import Board
from recording import Recorder
from watching import Watch

# A browser that talks to nobody but the board: none of its own services.
_SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# Long enough for a machine that does other things beside. What passes takes none of it.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="package")
def browser(program: Callable[..., str]) -> Iterator[Browser]:
    """The system's Chromium."""
    path = program("chromium", package="chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def watch(browser: Browser) -> Watch:
    """The only way to a page: each is watched."""
    return Watch(browser)


@pytest.fixture(autouse=True)
def _no_faults(watch: Watch) -> Iterator[None]:
    """No page has had a fault of its own, whoever opened it. (A test that means to have one takes it out.)"""
    watch.faults.clear()
    watch.requests.clear()
    yield
    assert watch.faults == []


@pytest.fixture(scope="package")
def flashes(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`flashes(pins, …)`: the test device's flash as deployed, with such pins and settings: bytecode, and the
    page packed.
    """
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    made: dict[str, Path] = {}

    def flash(pins: dict[str, dict], **changes: object) -> Path:
        key = repr([pins, changes])
        if key not in made:
            made[key] = tmp_path_factory.mktemp("board") / "flash"
            testbed.install(made[key], "micropython", pins=pins, **changes)
        return made[key]

    return flash


@pytest.fixture(scope="module")
def pins(request: pytest.FixtureRequest) -> dict[str, dict]:
    """The pins of the board: a file of tests may have others, by `pytest.mark.pins(…)`."""
    mark = request.node.get_closest_marker("pins")
    return mark.args[0] if mark else testbed.PINS


@pytest.fixture
def language() -> str:
    """What the board's page speaks: a test may have another."""
    return "en"


@pytest.fixture
def board(
    request: pytest.FixtureRequest,
    flashes: Callable[..., Path],
    pins: dict[str, dict],
    language: str,
    tmp_path: Path,
) -> Iterator[Board]:
    """A started board whose clock is right, with a flash of its own; with `pytest.mark.one_board` it is one
    for all tests of the file.
    """
    if request.node.get_closest_marker("one_board"):
        yield request.getfixturevalue("shared_board")
        return
    shutil.copytree(flashes(pins, language=language), tmp_path / "flash")
    with Board(tmp_path / "flash", "micropython", clock=int(time.time())) as made:
        yield made.start()


@pytest.fixture(scope="module")
def shared_board(
    flashes: Callable[..., Path], pins: dict[str, dict], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Board]:
    """A board for all tests of a file that need none of their own. Strangers, such as pages that load, may
    ask it as often as they like.
    """
    folder = tmp_path_factory.mktemp("shared") / "flash"
    shutil.copytree(flashes(pins, http={"strangers": 0}), folder)
    with Board(folder, "micropython", clock=int(time.time())) as made:
        yield made.start()


@pytest.fixture
def air(board: Board, ports: set[int]) -> Iterator[Recorder]:
    """What is between the phone and the board, for a page that is opened at its port."""
    with Recorder(board.port) as made:
        ports.add(made.port)
        yield made


@pytest.fixture
def ports(board: Board) -> set[int]:
    """Where a page may ask."""
    return {board.port}


@pytest.fixture
def phones(watch: Watch, ports: set[int]) -> Iterator[Callable[..., Page]]:
    """`phones()`: a page on another phone, with a storage of its own. At the end none has asked anybody but
    the board.
    """
    pages: list[Page] = []

    def phone(**options: Any) -> Page:
        pages.append(watch.context(**options).new_page())
        return pages[-1]

    yield phone
    for page in pages:
        page.unroute_all(behavior="ignoreErrors")  # a request may be on its way
        page.context.close()
    asked = {urlsplit(url).netloc for url in watch.requests if not url.startswith("data:")}
    assert asked <= {f"127.0.0.1:{port}" for port in ports}


@pytest.fixture
def page(phones: Callable[..., Page], board: Board, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on a phone. What it shows when a test fails is kept as page.png in the test's folder."""
    made, failed = phones(), request.session.testsfailed
    yield made
    if request.session.testsfailed > failed:
        made.screenshot(path=board.flash.parent / "page.png")
