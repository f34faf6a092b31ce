"""Makes docs/page-*.png: the phone page as the demo device of `make run` shows it.

    .venv/bin/python docs/page_shots.py

The simulated board runs the real firmware, and the pictures are of what it answers. The keys are made for
this and gone afterwards, so the link in the QR code opens nothing. Needs MicroPython, and Chromium as the
browser's tests do.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect, sync_playwright
from small_png import smaller

from pinwarden import board as files
from pinwarden.device import Device
from pinwarden.mint import mint_token
from pinwarden_sim import Board, demo
from pinwarden_sim.command import HEAP
from pinwarden_sim.hands import Hands

HERE = Path(__file__).parent
ADDRESS = "demo.local"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1200, "height": 720}
WEEK = 7 * 86400
PINS = ["pins:read", "pins:write"]
OWNER = [*PINS, "admin", "audit:read"]
GUEST = [f"pins:{may}:{pin}" for pin in ("relay", "gate", "lamp") for may in ("read", "write")]
# Who did what before the pictures are taken: method, path, body.
HISTORY = (
    ("ben", "POST", "gate/pulse", {}),
    ("anna", "PUT", "dimmer", {"value": 0.4}),
    ("anna", "PUT", "blind", {"value": 30}),
    ("anna", "PUT", "relay", {"value": True}),
    ("anna", "PUT", "lamp", {"value": "#ff3d6e"}),
)


class Studio:
    """A board that is in use, and browsers that look at it."""

    def __init__(self, board: Board, device: Device, browser: Browser) -> None:
        self.board, self.device, self.browser = board, device, browser

    def token(self, subject: str, scope: list[str]) -> str:
        """A token for two weeks."""
        return mint_token(self.device, subject=subject, scope=scope, ttl=2 * WEEK)

    def page(self, subject: str, scope: list[str], size: dict[str, int], scheme: str = "light") -> Page:
        """The page as this person has it."""
        context = self.browser.new_context(
            viewport={**size},  # type: ignore[arg-type]
            device_scale_factor=1.5,
            color_scheme=scheme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            locale="en-GB",
        )
        page = context.new_page()
        page.goto(f"http://{ADDRESS}/#token={self.token(subject, scope)}")
        expect(page.locator("#state-gate")).to_have_text("Ready")
        return page

    def use(self) -> None:
        """Have it used by several people, and be refused to one."""
        with httpx.Client(base_url=f"{self.board.url}/api/v1/pins/") as client:
            for subject, method, path, body in HISTORY:
                headers = {"Authorization": f"Bearer {self.token(subject, PINS)}"}
                client.request(method, path, json=body, headers=headers).raise_for_status()
            headers = {"Authorization": f"Bearer {self.token('carla', ['pins:write:gate'])}"}
            client.put("lamp", json={"value": "#ffffff"}, headers=headers)


def keep(page: Page, name: str) -> None:
    """Write docs/page-NAME.png."""
    path = HERE / f"page-{name}.png"
    picture = page.screenshot(animations="disabled", caret="hide")
    page.goto("about:blank")
    path.write_bytes(smaller(page, picture))
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")
    page.context.close()


def shoot(studio: Studio) -> None:
    """Take the pictures."""
    keep(studio.page("anna", GUEST, PHONE), "phone")
    keep(studio.page("anna", GUEST, PHONE, "dark"), "phone-dark")
    keep(studio.page("anna", OWNER, DESKTOP), "desktop")

    page = studio.page("anna", OWNER, PHONE)
    page.locator("#owner > summary").click()
    for part, text in (("audit", "anna set Rose lamp"), ("health", "MicroPython")):
        page.locator(f"#{part} > summary").click()
        expect(page.locator(f"#{part}").get_by_text(text).first).to_be_visible()
    page.locator("#owner").evaluate("node => node.scrollIntoView()")
    keep(page, "owner")

    page = studio.page("anna", OWNER, PHONE, "dark")
    page.locator("#owner > summary").click()
    page.locator("#share > summary").click()
    page.get_by_label("Who is it for?").fill("Dora")
    page.get_by_role("checkbox", name="Gate: Use").check()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()
    keep(page, "share")


def main() -> None:
    """Make them all."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no chromium here: apt install chromium")
    with tempfile.TemporaryDirectory() as name:
        device = Device.load(demo.make(Path(name)))
        flash = Path(name) / "flash"
        secrets = {**device.secrets(), "wifi": {"ssid": "simulated", "password": "simulated-air"}}
        files.install(flash, device.settings, secrets, mpy=True)
        with (
            Board(flash, "micropython", heapsize=HEAP, clock=int(time.time())) as board,
            sync_playwright() as playwright,
        ):
            Hands(board, device.settings).connect()
            board.start()
            browser = playwright.chromium.launch(
                executable_path=chromium,
                args=["--no-sandbox", f"--host-resolver-rules=MAP {ADDRESS} 127.0.0.1:{board.port}"],
            )
            studio = Studio(board, device, browser)
            studio.use()
            shoot(studio)
            browser.close()


if __name__ == "__main__":
    main()
