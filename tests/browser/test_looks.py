"""What the page asks of a phone and of who holds it: room, the reach of a thumb, colours, keys."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from pinwarden_sim import Board
from testbed import KINDS, token

LEAST_TARGET = 44  # CSS pixels, WCAG 2.2 criterion 2.5.5
LEAST_CONTRAST = 4.5  # WCAG 2.2 criterion 1.4.3
ALL = f"#token={token('pins:read', 'pins:write')}"

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


@pytest.fixture(scope="module")
def pins() -> dict[str, dict]:
    return KINDS


@pytest.fixture
def board(shared_board: Board) -> Board:
    """One for all of these tests."""
    return shared_board


def open_page(page: Page, board: Board, fragment: str = ALL) -> None:
    page.emulate_media(reduced_motion="reduce")  # no colour is on its way to another one
    page.goto(f"{board.url}/{fragment}")
    if fragment == ALL:
        expect(page.locator("#pins > li")).to_have_count(len(KINDS))


def test_loads_in_three_requests(page: Page, board: Board) -> None:
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url)))
    open_page(page, board)
    files = [url.path for url in asked if url.scheme == "http" and not url.path.startswith("/api/")]
    assert sorted(re.sub(r"\.\w{8}\.", ".", name) for name in files) == ["/", "/app.js", "/style.css"]


@pytest.mark.parametrize("width", [320, 360, 740, 1280])
def test_fits_and_can_be_hit(page: Page, board: Board, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    open_page(page, board)
    page.get_by_role("slider", name="Heater").fill("50")  # it asks for a button of its own
    page.locator("#holder").click()
    page.get_by_role("button", name="Add a token").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    targets = page.locator("button, input, select, summary").filter(visible=True).all()
    boxes = [target.bounding_box() for target in targets]
    assert len(boxes) > 20
    small = [box for box in boxes if not box or min(box["width"], box["height"]) < LEAST_TARGET]
    assert small == []


@pytest.mark.parametrize("height", [568, 740, 900])
def test_few_pins_lie_where_a_thumb_is(page: Page, board: Board, height: int) -> None:
    page.set_viewport_size({"width": 360, "height": height})
    page.goto(f"{board.url}/#token={token('pins:read:gate', 'pins:write:gate')}")
    box = page.get_by_role("button", name="Gate").bounding_box()
    assert box
    assert box["y"] > height / 2
    assert box["height"] > 120
    assert page.evaluate("document.documentElement.scrollHeight") <= height


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("fragment", ["", ALL, "#token=x"], ids=["no token", "pins", "trouble"])
def test_can_be_read(page: Page, board: Board, scheme, fragment: str) -> None:
    page.emulate_media(color_scheme=scheme)
    open_page(page, board, fragment)
    if fragment == ALL:
        relay = page.get_by_role("switch", name="Relay")
        if not relay.is_checked():
            relay.click()
        expect(relay).to_be_checked()
        page.get_by_role("slider", name="Heater").fill("50")
        page.get_by_role("button", name="Gate").click()
        expect(page.get_by_role("status")).to_be_visible()
        page.locator("#holder").click()
    else:
        expect(page.get_by_role("alert")).to_be_visible()
    contrasts = page.evaluate(_CONTRASTS)
    assert len(contrasts) > 3
    assert {text: ratio for text, ratio in contrasts.items() if ratio < LEAST_CONTRAST} == {}


def test_everything_is_in_reach_of_the_keyboard(page: Page, board: Board) -> None:
    open_page(page, board)
    lamp = ("Warm white", "Rose", "Red", "Yellow", "Green", "Blue", "Violet")
    order = [
        page.locator("#holder"),
        page.get_by_role("slider", name="Blind"),
        page.get_by_role("switch", name="Dimmer"),
        page.get_by_role("slider", name="Dimmer"),
        page.get_by_role("button", name="Gate"),
        page.get_by_role("switch", name="Heater"),
        page.get_by_role("slider", name="Heater"),
        page.get_by_role("switch", name="Rose lamp"),
        *(page.get_by_role("button", name=colour, exact=True) for colour in lamp),
        page.get_by_label("Any colour"),
        page.get_by_role("slider", name="Brightness"),
        page.get_by_role("combobox", name="Fade"),
        page.get_by_role("switch", name="Relay"),
    ]
    for target in order:
        page.keyboard.press("Tab")
        expect(target).to_be_focused()
        assert target.evaluate("node => getComputedStyle(node).outlineStyle") == "solid"


def test_stands_still_for_who_asks_for_that(page: Page, board: Board) -> None:
    open_page(page, board)
    moving = "node => [...node.querySelectorAll('*')].map((one) => getComputedStyle(one)).filter((style) => "
    assert page.locator("#pins").evaluate(moving + "style.transitionDuration !== '0s').length") == 0
