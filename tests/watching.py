"""Pages of a browser of which nothing escapes: what they ask for and send, and each fault of their own."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

PHONE = {"width": 360, "height": 740}


class Watch:
    """Browsers' windows, and what happened in all of them since the last test: `.faults` of their own, and
    the `.requests` that they made.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.faults: list[str] = []
        self.requests: list[str] = []

    def context(self, **options: Any) -> BrowserContext:
        """A browser with a storage of its own, on a phone."""
        options = {
            "viewport": {**PHONE},
            "has_touch": True,
            "locale": "en-GB",
            "timezone_id": "UTC",
            **options,
        }
        made = self._browser.new_context(**options)
        made.set_default_timeout(30_000)
        made.on("console", self._said)
        made.on("weberror", lambda error: self.faults.append(str(error.error)))
        made.on("request", lambda request: self.requests.append(request.url))
        return made

    def _said(self, message: ConsoleMessage) -> None:
        # A refusal or a lost connection shows up by itself; that is the board's doing, not the page's.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.faults.append(message.text)


def commands(page: Page) -> list[dict]:
    """The bodies of a page's commands from now on, as they are sent."""
    sent: list[dict] = []

    def note(request: Request) -> None:
        if request.method != "GET":
            sent.append(json.loads(request.post_data or "null"))

    page.on("request", note)
    return sent
