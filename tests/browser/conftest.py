"""The phone page in a real browser, served by a board of real MicroPython."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

import testbed
from pinwarden_sim import Board
from recording import Recorder

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
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="package")
def browser(program: Callable[..., str]) -> Iterator[Browser]:
    """The system's Chromium."""
    path = program("chromium", package="chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=_SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def flash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test device's flash as deployed: bytecode, and the page gzipped."""
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    folder = tmp_path_factory.mktemp("board") / "flash"
    testbed.install(folder, "micropython")
    return folder


@pytest.fixture
def board(flash: Path, tmp_path: Path) -> Iterator[Board]:
    """A started board whose clock is right, with a flash of its own."""
    shutil.copytree(flash, tmp_path / "flash")
    with Board(tmp_path / "flash", "micropython", clock=int(time.time())) as made:
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
def page(browser: Browser, board: Board, ports: set[int]) -> Iterator[Page]:
    """A page on a phone. At the end it has asked nobody but the board, and has had no fault of its own."""
    context = browser.new_context(viewport={**PHONE}, locale="en-GB", timezone_id="UTC")  # type: ignore[arg-type]
    made = context.new_page()
    made.set_default_timeout(10_000)
    faults: list[str] = []
    requests: list[str] = []

    def said(message: ConsoleMessage) -> None:
        # A refusal or a lost connection shows up by itself; that is the board's doing, not the page's.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            faults.append(message.text)

    made.on("console", said)
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.on("request", lambda request: requests.append(request.url))
    yield made
    made.screenshot(path=board.flash.parent / "page.png")  # for whoever looks why a test failed
    context.close()
    assert faults == []
    asked = {urlsplit(url).netloc for url in requests if not url.startswith("data:")}
    assert asked <= {f"127.0.0.1:{port}" for port in ports}
