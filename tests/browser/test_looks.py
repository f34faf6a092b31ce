"""What the page asks of a phone: its size, the reach of a thumb, its colours."""

from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from pinwarden_sim import Board
from testbed import token

WEB = Path(__file__).parents[2] / "firmware" / "web"
LEAST_TARGET = 44  # CSS pixels, WCAG 2.2 criterion 2.5.5
LEAST_CONTRAST = 4.5  # WCAG 2.2 criterion 1.4.3

_CONTRASTS = """() => {
  const luminance = (text) => {
    const parts = text.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255);
    const [r, g, b] = parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (!/^rgba\\(0, 0, 0, 0\\)|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = {};
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    if (!own || !node.getClientRects().length) continue;
    const [a, b] = [luminance(getComputedStyle(node).color), luminance(ground(node))].sort((x, y) => y - x);
    found[(node.id || node.className || node.tagName) + ": " + node.textContent] = (a + 0.05) / (b + 0.05);
  }
  return found;
}"""


def test_the_files_are_small() -> None:
    assert sum(len(gzip.compress(path.read_bytes())) for path in WEB.iterdir()) < 12_000


def test_loads_in_three_requests(page: Page, board: Board) -> None:
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url)))
    page.goto(f"{board.url}/#token={token('pins:read')}")
    expect(page.locator("#pins > li")).not_to_have_count(0)
    files = [url.path for url in asked if url.scheme == "http" and not url.path.startswith("/api/")]
    assert sorted(files) == ["/", "/app.js", "/style.css"]


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_fits_and_can_be_hit(page: Page, board: Board, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(f"{board.url}/#token={token('pins:read', 'pins:write')}")
    expect(page.locator("#pins > li")).not_to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [
        target.bounding_box() for target in page.get_by_role("button").or_(page.get_by_role("switch")).all()
    ]
    assert len(boxes) == 7
    assert all(box and box["height"] >= LEAST_TARGET and box["width"] >= LEAST_TARGET for box in boxes)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("fragment", ["", f"#token={token('pins:read', 'pins:write')}", "#token=x"])
def test_can_be_read(page: Page, board: Board, scheme, fragment: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{board.url}/{fragment}")
    if len(fragment) > 10:
        page.get_by_role("switch", name="Relay").click()
        expect(page.get_by_role("switch", name="Relay")).to_be_checked()
    else:
        expect(page.get_by_role("alert")).to_be_visible()
    contrasts = page.evaluate(_CONTRASTS)
    assert len(contrasts) > 3
    assert {text: ratio for text, ratio in contrasts.items() if ratio < LEAST_CONTRAST} == {}


def test_everything_is_in_reach_of_the_keyboard(page: Page, board: Board) -> None:
    page.goto(f"{board.url}/#token={token('pins:read', 'pins:write')}")
    expect(page.locator("#pins > li")).not_to_have_count(0)
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent"))
    assert [text[:5] for text in reached] == ["BellO", "Blind", "LampO", "Front", "Relay", "Blind", "Forge"]
