"""What the page asks of a phone and of who holds it: room for what is long or many, a thumb's reach, rest."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from pinwarden_sim import Board
from testbed import KINDS, token

ALL = ("pins:read", "pins:write")
LONG = "Wärmepumpenvorlauftemperaturbegrenzungen"  # 40 letters, as many as a label may have, and no gap
MANY = [2, 4, 5, 12, 13, 14, 15, 17]
PINS = KINDS | {
    f"z{gpio}": {"kind": "switch", "gpio": gpio, "label": LONG, "confirm": gpio % 2 == 0} for gpio in MANY
}
_CUT_OFF = """() => [...document.querySelectorAll("html, .card, .head, .said, .label, .state, #holder")]
  .filter((node) => node.scrollWidth > node.clientWidth && node.clientWidth).map((node) => node.outerHTML)"""
pytestmark = [pytest.mark.pins(PINS), pytest.mark.one_board]


def open_page(page: Page, board: Board, *scopes: str, **claims: object) -> None:
    page.emulate_media(reduced_motion="reduce")  # nothing is on its way
    page.goto(f"{board.url}/#token={token(*scopes, **claims)}")  # type: ignore[arg-type]
    expect(page.locator("#pins > li")).not_to_have_count(0)


@pytest.mark.parametrize("width", [320, 390, 760, 1280])
def test_long_names_and_many_pins(page: Page, board: Board, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    open_page(page, board, *ALL, sub=LONG + "amt fuer" + LONG)
    expect(page.locator("#pins > li")).to_have_count(len(PINS))
    assert page.evaluate(_CUT_OFF) == []


@pytest.mark.parametrize("height", [568, 740, 900])
def test_few_pins_lie_where_a_thumb_is(page: Page, board: Board, height: int) -> None:
    page.set_viewport_size({"width": 360, "height": height})
    open_page(page, board, "pins:read:gate", "pins:write:gate")
    box = page.get_by_role("button", name="Gate").bounding_box()
    assert box
    assert box["y"] > height / 2
    assert box["height"] > 120
    assert page.evaluate("document.documentElement.scrollHeight") <= height


def test_what_is_said_does_not_cover_a_pin_that_is_alone(page: Page, board: Board) -> None:
    open_page(page, board, "pins:read:gate", "pins:write:gate")
    gate, note = page.get_by_role("button", name="Gate"), page.get_by_role("status")
    gate.click()
    expect(note).to_have_text("Hold it for a moment.")
    under, over = gate.bounding_box(), note.bounding_box()
    assert under
    assert over
    assert over["y"] >= under["y"] + under["height"]


def test_trouble_is_in_sight_wherever_one_has_scrolled_to(page: Page, board: Board) -> None:
    open_page(page, board, *ALL)
    last, alert = page.get_by_role("switch").last, page.get_by_role("alert")
    last.scroll_into_view_if_needed()
    page.context.set_offline(True)
    expect(alert).to_be_in_viewport(ratio=1)
    # Nor does it lie over what a keyboard goes back to.
    last.focus()
    for _ in range(8):
        page.keyboard.press("Shift+Tab")
        focus, over = page.locator(":focus").bounding_box(), alert.bounding_box()
        assert focus
        assert over
        assert focus["y"] + focus["height"] > over["y"] + over["height"]


def test_long_trouble_leaves_room_and_can_be_read_whole(page: Page, board: Board) -> None:
    page.set_viewport_size({"width": 320, "height": 568})
    open_page(page, board, *ALL)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    problem = {"status": 503, "code": "safe_mode", "title": "-", "detail": "-"}
    page.route("**/api/v1/**", lambda route: route.fulfill(status=503, json=problem))
    page.context.set_offline(True)
    page.context.set_offline(False)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("safe mode")
    box = alert.bounding_box()
    assert box
    assert box["height"] <= 568 / 2
    alert.hover()
    page.mouse.wheel(0, 5000)
    page.wait_for_function("() => trouble.scrollTop + trouble.clientHeight > trouble.scrollHeight - 2")


def test_stands_still_for_who_asks_for_that(page: Page, board: Board) -> None:
    open_page(page, board, *ALL)
    moving = "node => [...node.querySelectorAll('*')].map((one) => getComputedStyle(one)).filter((style) => "
    assert page.locator("#pins").evaluate(moving + "style.transitionDuration !== '0s').length") == 0
