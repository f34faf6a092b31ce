"""Several lights of colours: each has its own names, and one of them asks for a long press."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

import testbed
from pinwarden_sim import Board
from testbed import token
from watching import commands

ALL = ("pins:read", "pins:write")
PINS = {
    "lamp": {"kind": "rgb", "gpio": 16, "label": "Rose lamp", "count": 3},
    "sign": {"kind": "rgb", "gpio": 17, "label": "Neon sign", "count": 3, "confirm": True},
}
HOLD = 800  # milliseconds
pytestmark = pytest.mark.pins(PINS)


@pytest.fixture
def board(shared_board: Board) -> Board:
    """One for all of these tests, as after its start."""
    for name in PINS:
        url = f"{shared_board.url}/api/v1/pins/{name}"
        httpx.put(url, json={"value": "#000000"}, headers=testbed.bearer(token(*ALL))).raise_for_status()
    return shared_board


@pytest.fixture
def sign(page: Page, board: Board) -> Locator:
    """The light that asks for a long press."""
    page.goto(f"{board.url}/#token={token(*ALL)}")
    expect(page.locator("#pins > li")).to_have_count(len(PINS))
    return page.locator("#pins > li").filter(has_text="Neon sign")


def colours(board: Board, name: str) -> tuple[int, ...]:
    return board.strip(PINS[name]["gpio"]).colours()[0]


def is_coloured(rgb: str) -> Callable[[Locator], None]:
    return lambda chip: expect(chip).to_have_css("background-color", f"rgb({rgb})")


def test_no_two_controls_have_one_name(page: Page, sign: Locator) -> None:
    for label in ("Rose lamp", "Neon sign"):
        for role, name in (("slider", "Brightness"), ("combobox", "Fade")):
            expect(page.get_by_role(role, name=f"{label} {name}", exact=True)).to_have_count(1)  # type: ignore[arg-type]
        expect(page.get_by_role("group", name=label, exact=True)).to_have_count(1)


def test_what_was_chosen_is_shown_before_it_is_sent(page: Page, board: Board, sign: Locator) -> None:
    sent = commands(page)
    state, rose = sign.locator(".state"), sign.get_by_role("button", name="Rose", exact=True)
    expect(state).to_have_text("Off · hold to switch")
    rose.click()
    expect(state).to_have_text("Off → Rose")
    expect(rose).to_have_attribute("aria-pressed", "true")
    is_coloured("255, 61, 110")(sign.locator(".act .sign"))
    is_coloured("0, 0, 0")(sign.locator(".head .sign"))  # what the light has
    sign.get_by_role("slider", name="Brightness").fill("50")
    expect(sign.get_by_role("button", name="Hold for Rose, 50%")).to_be_visible()
    sign.get_by_label("Any colour").fill("#123456")
    sure = sign.get_by_role("button", name="Hold for this colour")
    is_coloured("18, 52, 86")(sure.locator(".sign"))
    expect(state).to_have_text("Off → this colour")
    sure.click()
    expect(page.get_by_role("status")).to_have_text("Hold it for a moment.")
    assert sent == []
    sure.click(delay=HOLD + 200)
    expect(state).to_have_text("On · hold to switch")
    expect(sure).to_be_hidden()
    assert colours(board, "sign") == (0x12, 0x34, 0x56)
    assert sent == [{"value": "#123456"}]


def test_thinks_better_of_a_colour(page: Page, board: Board, sign: Locator) -> None:
    red, blue = (sign.get_by_role("button", name=name) for name in ("Red", "Blue"))
    red.click()
    sign.get_by_role("button", name="Hold for Red").click(delay=HOLD + 200)
    expect(sign.locator(".state")).to_have_text("Red · hold to switch")
    blue.click()
    expect(sign.locator(".state")).to_have_text("Red → Blue")
    expect(red).to_have_attribute("aria-pressed", "false")
    red.click()
    expect(sign.locator(".state")).to_have_text("Red · hold to switch")
    expect(sign.get_by_role("button", name="Hold")).to_have_count(0)
    assert colours(board, "sign") == (255, 21, 0)


def test_is_switched_by_a_long_press(page: Page, board: Board, sign: Locator) -> None:
    head = sign.get_by_role("switch")
    head.click()
    expect(head).not_to_be_checked()
    head.click(delay=HOLD + 200)
    expect(head).to_be_checked()
    head.click(delay=HOLD + 200)
    expect(head).not_to_be_checked()
    assert colours(board, "sign") == (0, 0, 0)
