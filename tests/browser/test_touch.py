"""Fingers: what a touch screen tells a browser, and what a pin does then. No mouse is used here, nor a tap of
Playwright's: a finger goes down, stays or moves, and goes up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

import testbed
from pinwarden_sim import Board
from testbed import KINDS, token
from watching import commands

HOLD = 0.8  # seconds
ALL = ("pins:read", "pins:write")
PINS = KINDS | {"bell": {"kind": "pulse", "gpio": 14, "label": "Bell", "ms": 300}}
SLOP = 15  # CSS pixels that a finger may move before it is a scroll
HEARD = """() => {
  window.seen = [];
  for (const name of ["contextmenu", "dblclick"]) {
    addEventListener(name, (event) => seen.push([name, event.defaultPrevented]));
  }
}"""
pytestmark = [pytest.mark.pins(PINS), pytest.mark.one_board]


class Finger:
    """One finger on a phone's screen."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._wire: CDPSession = page.context.new_cdp_session(page)

    def _send(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        self._wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    @contextmanager
    def on(self, target: Locator, x: float = 0.5, y: float = 0.5) -> Iterator[tuple[float, float]]:
        """Down there, at these shares of its width and height, until the block ends; where that is."""
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        assert box
        place = (box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        self._send("touchStart", place)
        yield place
        self._send("touchEnd")

    def move(self, start: tuple[float, float], dx: float, dy: float) -> None:
        """From `start` by so much, in steps as a finger does it."""
        steps = 10
        for step in range(1, steps + 1):
            self._send("touchMove", (start[0] + dx * step / steps, start[1] + dy * step / steps))
            self.page.wait_for_timeout(16)  # a frame

    def tap(self, target: Locator) -> None:
        with self.on(target):
            pass


@pytest.fixture
def finger(page: Page, board: Board) -> Finger:
    """On the page of somebody who is signed in."""
    page.goto(f"{board.url}/#token={token(*ALL)}")
    expect(page.locator("#pins > li")).to_have_count(len(PINS))
    page.evaluate(HEARD)
    return Finger(page)


def nothing_is_selected(page: Page) -> None:
    assert page.evaluate("getSelection().toString()") == ""
    assert not [one for one in page.evaluate("seen") if one == ["contextmenu", False]]


def row(page: Page, label: str) -> Locator:
    return page.locator("#pins > li").filter(has_text=label)


def test_a_press_that_stays_opens(page: Page, board: Board, finger: Finger) -> None:
    gate, before = page.get_by_role("button", name="Gate"), testbed.levels(board, PINS["gate"]["gpio"])
    with finger.on(gate):
        expect(gate).to_have_class("head held")
        board.wait(lambda: testbed.levels(board, PINS["gate"]["gpio"]) == [*before, 1, 0])
    expect(gate).to_contain_text("Ready")
    expect(page.get_by_role("status")).to_be_empty()  # not told to hold it longer
    nothing_is_selected(page)


def test_a_press_that_does_not_stay_does_nothing(page: Page, board: Board, finger: Finger) -> None:
    sent, gate = commands(page), page.get_by_role("button", name="Gate")
    finger.tap(gate)
    expect(page.get_by_role("status")).to_have_text("Hold it for a moment.")
    expect(gate).to_have_class("head")
    assert page.evaluate(f"new Promise((done) => setTimeout(done, {2 * HOLD * 1000}))") is None
    assert sent == []


def test_what_is_said_goes_when_it_is_in_the_way(page: Page, finger: Finger) -> None:
    gate, note = page.get_by_role("button", name="Gate"), page.get_by_role("status")
    finger.tap(gate)
    expect(note).to_have_text("Hold it for a moment.")
    finger.tap(note)
    expect(note).to_be_empty(timeout=2000)  # it would go by itself after six seconds
    gate.evaluate("node => node.scrollIntoView({ block: 'center' })")
    finger.tap(gate)
    expect(note).to_have_text("Hold it for a moment.")
    with finger.on(gate) as start:  # it is being held
        expect(note).to_be_empty(timeout=2000)
        finger.move(start, -400, 0)


@pytest.mark.parametrize(
    ("dx", "dy", "touch_action"),
    [
        pytest.param(-400, 0, "", id="sideways"),
        pytest.param(0, -150, "", id="up, which scrolls"),
        pytest.param(0, -150, "none", id="where a browser takes that for no scroll"),
    ],
)
def test_a_finger_that_slides_off_thinks_better_of_it(
    page: Page, board: Board, finger: Finger, dx: int, dy: int, touch_action: str
) -> None:
    sent, gate = commands(page), page.get_by_role("button", name="Gate")
    gate.evaluate("(node, action) => { node.style.touchAction = action }", touch_action)
    # The page's time stands: on a slow machine the finger would have stayed long enough before it moves.
    page.clock.install()
    page.clock.pause_at(datetime.now() + timedelta(seconds=1))
    with finger.on(gate) as start:
        expect(gate).to_have_class("head held")
        finger.move(start, dx, dy)
        expect(gate).to_have_class("head")
        page.clock.run_for(int(2 * HOLD * 1000))
    assert sent == []


def test_time_that_stands_goes_on_for_a_finger_that_stays(page: Page, board: Board, finger: Finger) -> None:
    """So the test above would see a command."""
    sent, gate = commands(page), page.get_by_role("button", name="Gate")
    page.clock.install()
    page.clock.pause_at(datetime.now() + timedelta(seconds=1))
    with finger.on(gate), page.expect_response("**/pulse"):
        expect(gate).to_have_class("head held")
        assert sent == []
        page.clock.run_for(int(2 * HOLD * 1000))
    assert sent == [{}]


def test_a_finger_that_trembles_still_presses(page: Page, board: Board, finger: Finger) -> None:
    gate, before = page.get_by_role("button", name="Gate"), testbed.levels(board, PINS["gate"]["gpio"])
    with finger.on(gate) as start:
        finger.move(start, SLOP / 3, SLOP / 3)
        board.wait(lambda: testbed.levels(board, PINS["gate"]["gpio"]) == [*before, 1, 0])


def test_a_tap_switches_and_pulses(page: Page, board: Board, finger: Finger) -> None:
    sent, relay = commands(page), page.get_by_role("switch", name="Relay")
    before = relay.is_checked()
    finger.tap(relay)
    expect(relay).to_be_checked(checked=not before)
    with page.expect_response("**/pulse"):
        finger.tap(page.get_by_role("button", name="Bell"))
    assert testbed.levels(board, PINS["bell"]["gpio"])[:2] == [0, 1]
    assert sent == [{"value": not before}, {}]


def test_a_double_tap_is_one(page: Page, board: Board, finger: Finger) -> None:
    sent, relay = commands(page), page.get_by_role("switch", name="Relay")
    before = relay.is_checked()
    finger.tap(relay)
    expect(relay).to_be_checked(checked=not before)
    # What a browser makes of a second one within 300 ms, which a busy computer may not manage.
    relay.dispatch_event("click", {"detail": 2})
    with page.expect_response("**/pulse"):  # by now it would have been sent, too
        finger.tap(page.get_by_role("button", name="Bell"))
    expect(relay).to_be_checked(checked=not before)
    assert sent == [{"value": not before}, {}]
    assert relay.evaluate("node => getComputedStyle(node).touchAction") == "manipulation"
    assert page.evaluate("visualViewport.scale") == 1


def test_a_scroll_that_begins_on_a_control_switches_nothing(page: Page, board: Board, finger: Finger) -> None:
    sent = commands(page)
    targets = [
        page.get_by_role("switch", name="Dimmer"),
        page.get_by_role("slider", name="Dimmer"),
        page.get_by_role("button", name="Yellow"),
        page.get_by_role("slider", name="Brightness"),
    ]
    for target in targets:
        target.evaluate("node => node.scrollIntoView({ block: 'center' })")
        before = page.evaluate("scrollY")
        with finger.on(target) as start:
            finger.move(start, 4, 120)
        page.wait_for_function("before => scrollY < before", arg=before)
    assert sent == []
    expect(page.get_by_role("slider", name="Dimmer")).to_have_value("0")


def test_a_slider_follows_the_finger(page: Page, board: Board, finger: Finger) -> None:
    sent, slider = commands(page), page.get_by_role("slider", name="Blind")
    box = slider.bounding_box()
    assert box
    with finger.on(slider, x=0.05) as start:
        finger.move(start, box["width"] * 0.45, 3)
    expect(row(page, "Blind").locator(".state")).to_have_text(f"{slider.input_value()}°")
    assert abs(int(slider.input_value()) - 45) < 6
    assert sent[-1] == {"value": int(slider.input_value())}


def test_a_slider_takes_a_tap(page: Page, board: Board, finger: Finger) -> None:
    with finger.on(page.get_by_role("slider", name="Blind"), x=0.75):
        pass
    expect(row(page, "Blind").locator(".state")).to_have_text(re.compile(r"^(6[6-9]|7[0-2])°$"))
    nothing_is_selected(page)


def test_a_long_touch_opens_no_menu_and_selects_nothing(page: Page, board: Board, finger: Finger) -> None:
    for target in (
        page.get_by_role("switch", name="Relay"),
        page.get_by_role("button", name="Gate"),
        page.get_by_role("slider", name="Blind"),
    ):
        with finger.on(target):
            page.wait_for_timeout(1200)
        nothing_is_selected(page)
