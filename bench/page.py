"""`python -m bench.page`: how soon the phone page can be used, and how soon a tap is where it should be.

The simulated board of `make run` serves it as deployed, on MicroPython, to Chromium, whose network is slowed
down to a phone's in the Wi-Fi. The board runs on this computer, which is much faster than an ESP32: what is
measured is the way, the browser and the page, not the chip. There is no fair peer: another firmware has other
controls, for another board.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from rich.console import Console
from rich.table import Table

from pinwarden import board as files
from pinwarden.device import Device
from pinwarden.mint import mint_token
from pinwarden_sim import Board, demo
from pinwarden_sim.command import HEAP
from pinwarden_sim.hands import Hands

PIN = "relay"  # the only one that these tokens show
# What a phone's browser is given: milliseconds before each answer begins, and octets in a second. 1 Mbit/s is
# little for a Wi-Fi, and about what MicroPython's sockets on an ESP32 get through.
LATENCY, RATE = 20, 125_000
# By the wall's clock, which the board's pins have, too: when it was painted, usable, tapped, changed.
_NOTE = """
window.times = {};
const note = (name) => (times[name] ??= Date.now());
new MutationObserver(() => {
  const head = document.querySelector("[role=switch]");
  if (head?.getAttribute("aria-disabled") === "false") note("usable");
  if (head) note(head.getAttribute("aria-checked"));
}).observe(document, { subtree: true, childList: true, attributes: true });
new PerformanceObserver(() => note("painted")).observe({ type: "paint", buffered: true });
addEventListener("pointerdown", () => note("tapped"), true);
"""


class Phones:
    """A board, and browsers that look at it from the Wi-Fi."""

    def __init__(self, board: Board, device: Device, browser: Browser) -> None:
        self._board, self._browser = board, browser
        scope = [f"pins:{may}:{PIN}" for may in ("read", "write")]
        self._tokens = [mint_token(device, subject=who, scope=scope, ttl=3600) for who in ("anna", "ben")]

    def browser(self) -> BrowserContext:
        """One that has never seen the board."""
        made = self._browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
        made.add_init_script(_NOTE)
        return made

    def open(self, context: BrowserContext, who: int = 0) -> tuple[Page, float, float]:
        """The page in use, and the ms from the opening of the link to the first paint, and to that."""
        page = context.new_page()
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        slow = {"offline": False, "latency": LATENCY, "downloadThroughput": RATE, "uploadThroughput": RATE}
        wire.send("Network.emulateNetworkConditions", slow)
        page.goto(f"{self._board.url}/#token={self._tokens[who]}", wait_until="commit")
        page.wait_for_function("() => times.usable && times.painted")
        start, times = page.evaluate("[performance.timeOrigin, times]")
        return page, times["painted"] - start, times["usable"] - start

    def tap(self, here: Page, there: Page) -> tuple[float, float]:
        """The ms from a tap to the pin's edge, and to the switch on the other phone."""
        edges: list[float] = []
        self._board.on_edge(lambda _, edge: edges.append(edge.time * 1000))
        switch = there.get_by_role("switch")
        target = str(not switch.is_checked()).lower()
        for page in (here, there):
            page.evaluate("delete times.tapped; delete times.true; delete times.false")
        here.get_by_role("switch").tap()
        there.wait_for_function(f"() => times.{target}")
        tapped, seen = here.evaluate("times.tapped"), there.evaluate(f"times.{target}")
        self._board.wait(lambda: edges)
        expect(here.get_by_role("switch")).to_be_checked(checked=target == "true")
        return edges[0] - tapped, seen - tapped


def measure(phones: Phones, rounds: int) -> dict[str, list[float]]:
    """The figures by their names, a value for each round."""
    found: dict[str, list[float]] = {}

    def add(**figures: float) -> None:
        for name, figure in figures.items():
            found.setdefault(name.replace("_", " "), []).append(figure)

    for _ in range(rounds):
        mine, other = phones.browser(), phones.browser()
        first, painted, usable = phones.open(mine)
        add(cold_to_the_first_paint=painted, cold_to_use=usable)
        first.close()
        here, painted, usable = phones.open(mine)
        add(warm_to_the_first_paint=painted, warm_to_use=usable)
        there, _, _ = phones.open(other, who=1)
        moved, seen = phones.tap(here, there)
        add(tap_to_the_pin=moved, tap_to_another_phone=seen)
        for context in (mine, other):
            context.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9, help="of each (default: %(default)s)")
    options = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no chromium here: apt install chromium")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        device = Device.load(demo.make(Path(name)))
        flash = Path(name) / "flash"
        secrets = {**device.secrets(), "wifi": {"ssid": "simulated", "password": "simulated-air"}}
        settings = {**device.settings, "http": {**device.settings["http"], "strangers": 0}}
        files.install(flash, settings, secrets, mpy=True)
        with Board(flash, "micropython", heapsize=HEAP, clock=int(time.time())) as board:
            Hands(board, device.settings).connect()
            board.start()
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            found = measure(Phones(board, device, browser), options.rounds)
            browser.close()
    title = f"The page, {LATENCY} ms and {RATE * 8 // 1_000_000} Mbit/s from the board"
    table = Table("", "ms", "at worst", title=title, title_justify="left")
    for name, figures in found.items():
        table.add_row(name, f"{statistics.median(figures):.0f}", f"{max(figures):.0f}")
    Console().print(table)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
