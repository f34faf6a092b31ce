"""Makes firmware/web/icon-192.png and icon-512.png of icon.svg: what phones put on their home screens.

    .venv/bin/python docs/page_icons.py

Nothing of the picture is further from its middle than 40 % of its width, as a phone may cut it to a circle
("maskable", W3C Web App Manifest). Needs Chromium, as the browser's tests do.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import sync_playwright

WEB = Path(__file__).parents[1] / "firmware" / "web"
SIZES = (192, 512)


def main() -> None:
    """Draw them."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("There is no chromium here: apt install chromium")
    picture = "data:image/svg+xml," + quote((WEB / "icon.svg").read_text())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for size in SIZES:
            page = browser.new_page(viewport={"width": size, "height": size})
            page.goto(picture)
            page.screenshot(path=WEB / f"icon-{size}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
