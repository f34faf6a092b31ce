"""A control for each kind of pin: what fingers, keys and screen readers do, and what the pin does then."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

import testbed
from pinwarden_sim import Board
from testbed import KINDS, token
from watching import commands

ALL = ("pins:read", "pins:write")
HOLD = 800  # milliseconds
SAFE = {"relay": False, "dimmer": 0, "heater": 0, "blind": 0, "lamp": "#000000"}
pytestmark = pytest.mark.pins(KINDS)


@pytest.fixture
def board(shared_board: Board) -> Board:
    """One for all of these tests, as after its start."""
    for name, value in SAFE.items():
        url = f"{shared_board.url}/api/v1/pins/{name}"
        httpx.put(url, json={"value": value}, headers=testbed.bearer(token(*ALL))).raise_for_status()
    return shared_board


@pytest.fixture
def signed_in(page: Page, board: Board) -> Page:
    page.goto(f"{board.url}/#token={token(*ALL)}")
    expect(page.locator("#pins > li")).to_have_count(len(KINDS))
    return page


def gpio(name: str) -> int:
    return KINDS[name]["gpio"]


def row(page: Page, label: str) -> Locator:
    return page.locator("#pins > li").filter(has_text=label)


def test_a_slider_dims(signed_in: Page, board: Board) -> None:
    page, sent = signed_in, commands(signed_in)
    slider = page.get_by_role("slider", name="Dimmer")
    slider.press("End")
    expect(row(page, "Dimmer").locator(".state")).to_have_text("100%")
    slider.evaluate("""node => {
      for (node.value = 99; node.value > 70; node.stepDown()) node.dispatchEvent(new Event("input"));
      node.dispatchEvent(new Event("input"));
    }""")
    expect(row(page, "Dimmer").locator(".state")).to_have_text("70%")
    assert board.wait(lambda: abs(board.pwm(gpio("dimmer")).duty - 0.7) < 0.001)
    # Not each position on the way, but the last one.
    assert [command["value"] for command in sent if command["value"] not in (1, 0.99)] == [0.7]
    expect(slider).to_have_attribute("aria-valuetext", "70%")


def test_a_dimmer_comes_back_as_bright_as_it_was(signed_in: Page, board: Board) -> None:
    page = signed_in
    page.get_by_role("slider", name="Dimmer").fill("40")
    expect(row(page, "Dimmer").locator(".state")).to_have_text("40%")
    switch = page.get_by_role("switch", name="Dimmer")
    switch.click()
    expect(row(page, "Dimmer")).to_contain_text("Off")
    page.reload()  # nothing but the board knows
    switch.click()
    expect(row(page, "Dimmer")).to_contain_text("40%")
    expect(switch).to_be_checked()
    expect(page.get_by_role("slider", name="Dimmer")).to_have_value("40")


def test_a_slider_goes_back_to_what_the_board_has(signed_in: Page, board: Board) -> None:
    page = signed_in
    refusal = {"status": 409, "code": "interlocked", "title": "-", "detail": "-", "pin": "heater"}
    page.route("**/pins/dimmer", lambda route: route.fulfill(status=409, json=refusal))
    slider = page.get_by_role("slider", name="Dimmer")
    slider.fill("40")
    expect(page.get_by_role("status")).to_have_text(
        "Dimmer cannot be on while Heater is on. Switch that off first."
    )
    expect(slider).to_have_value("0")
    expect(row(page, "Dimmer")).to_contain_text("Off")


@pytest.mark.parametrize(("other", "words"), [("cellar", "cellar"), (None, "another pin")])
def test_a_pin_in_the_way_that_the_token_does_not_show(
    signed_in: Page, other: str | None, words: str
) -> None:
    page = signed_in
    refusal = {"status": 409, "code": "interlocked", "title": "-", "detail": "-", "pin": other}
    body = {name: value for name, value in refusal.items() if value is not None}
    page.route("**/pins/relay", lambda route: route.fulfill(status=409, json=body))
    page.get_by_role("switch", name="Relay").click()
    expect(page.get_by_role("status")).to_have_text(
        f"Relay cannot be on while {words} is on. Switch that off first."
    )


def too_soon(page: Page, pin: str, retry_ms: int, times: int | None = None) -> list[object]:
    """Have the board refuse commands for a pin as its min_interval does; the values that it did refuse."""
    problem = {"status": 429, "code": "too_soon", "title": "-", "detail": "-", "retry_ms": retry_ms}
    refused: list[object] = []

    def refuse(route: Route) -> None:
        refused.append((route.request.post_data_json or {}).get("value"))
        route.fulfill(status=429, json=problem)

    page.route(f"**/pins/{pin}", refuse, times=times)
    return refused


def test_the_last_value_arrives_where_the_board_wants_a_pause(signed_in: Page, board: Board) -> None:
    page, sent = signed_in, commands(signed_in)
    refused = too_soon(page, "dimmer", 300, times=2)
    slider = page.get_by_role("slider", name="Dimmer")
    slider.fill("40")
    expect(row(page, "Dimmer")).to_contain_text("Off → 40%")
    slider.fill("60")
    expect(row(page, "Dimmer").locator(".state")).to_have_text("60%")
    assert board.wait(lambda: abs(board.pwm(gpio("dimmer")).duty - 0.6) < 0.001)
    assert refused == [0.4, 0.6]
    assert sent[2:] == [{"value": 0.6}], "once, and not what was passed over"
    expect(page.get_by_role("status")).to_be_empty()


def test_a_longer_pause_is_told_and_ends_with_the_light_of_the_screen(signed_in: Page, board: Board) -> None:
    page, sent = signed_in, commands(signed_in)
    page.clock.install()
    page.reload()
    refused = too_soon(page, "dimmer", 9000)
    page.get_by_role("slider", name="Dimmer").fill("40")
    expect(row(page, "Dimmer")).to_contain_text(re.compile(r"Off → 40% in [89]\ss"))
    hide(page, True)
    page.clock.fast_forward(10_000)
    hide(page, False)
    expect(row(page, "Dimmer").locator(".state")).to_have_text("Off")
    assert refused == [0.4]
    assert len(sent) == 1


def test_a_servo_turns(signed_in: Page, board: Board) -> None:
    page = signed_in
    slider = page.get_by_role("slider", name="Blind")
    slider.fill("45")
    expect(row(page, "Blind")).to_contain_text("45°")
    board.wait(lambda: 0.075 in [round(duty, 4) for duty in board.pwm(gpio("blind")).duties])  # 1.5 of 20 ms
    slider.press("End")
    expect(row(page, "Blind")).to_contain_text("90°")


def test_a_light_is_coloured_dimmed_and_switched(signed_in: Page, board: Board) -> None:
    page = signed_in
    lamp = row(page, "Rose lamp")
    page.get_by_role("button", name="Red").click()
    expect(page.get_by_role("button", name="Red")).to_have_attribute("aria-pressed", "true")
    board.wait(lambda: board.strip(gpio("lamp")).colours() == [(255, 21, 0)] * 3)
    page.get_by_role("slider", name="Brightness").fill("50")
    board.wait(lambda: board.strip(gpio("lamp")).colours()[0] == (128, 11, 0))
    page.get_by_role("button", name="Blue").click()
    board.wait(lambda: board.strip(gpio("lamp")).colours()[0] == (0, 72, 128))  # as bright as it was
    page.get_by_role("switch", name="Rose lamp").click()
    expect(lamp).to_contain_text("Off")
    board.wait(lambda: board.strip(gpio("lamp")).colours()[0] == (0, 0, 0))
    page.get_by_role("switch", name="Rose lamp").click()
    expect(lamp.locator(".state")).to_have_text("Blue, 50%")
    board.wait(lambda: board.strip(gpio("lamp")).colours()[0] == (0, 72, 128))
    page.get_by_label("Any colour").fill("#123456")
    expect(lamp.locator(".state")).to_have_text("On")
    board.wait(lambda: board.strip(gpio("lamp")).colours()[0] == (0x12, 0x34, 0x56))


def test_a_light_that_was_dimmed_has_kept_its_colour(signed_in: Page, board: Board) -> None:
    page = signed_in
    page.get_by_role("button", name="Rose", exact=True).click()
    state = row(page, "Rose lamp").locator(".state")
    for level in ("1", "3", "21", "100"):  # in few steps there is little left to tell colours apart
        page.get_by_role("slider", name="Brightness").fill(level)
        expect(state).to_have_text("Rose" if level == "100" else f"Rose, {level}%")
    assert board.strip(gpio("lamp")).colours()[0] == (0xFF, 0x3D, 0x6E)


def test_a_light_fades(signed_in: Page, board: Board) -> None:
    page, sent = signed_in, commands(signed_in)
    page.get_by_label("Fade").select_option("1:00 min")
    page.get_by_role("button", name="Rose", exact=True).click()
    expect(row(page, "Rose lamp")).to_contain_text(re.compile(r"Rose, fading for (1:00\smin|\d+\ss)"))
    assert sent == [{"value": "#ff3d6e", "fade_ms": 60000}]


def test_what_is_only_read(signed_in: Page, board: Board) -> None:
    page = signed_in
    expect(row(page, "Door")).to_contain_text("Off")
    board.drive(gpio("door"), 0)
    expect(row(page, "Door")).to_contain_text("On")
    board.analog(gpio("battery"), 2640)
    expect(row(page, "Battery")).to_contain_text("12 V")
    for label in ("Door", "Battery"):
        expect(row(page, label).locator("button, input")).to_have_count(0)


def test_a_tap_does_not_open_what_wants_a_long_press(signed_in: Page, board: Board) -> None:
    page, sent, before = signed_in, commands(signed_in), testbed.levels(board, gpio("gate"))
    gate = page.get_by_role("button", name="Gate")
    gate.click()
    expect(page.get_by_role("status")).to_have_text("Hold it for a moment.")
    gate.hover()
    page.mouse.down()
    expect(gate).to_have_class("head held")
    page.mouse.move(0, 0)  # off it
    expect(gate).to_have_class("head")
    page.mouse.up()
    gate.press("Enter")
    gate.press("Space")
    page.get_by_role("switch", name="Relay").click()
    expect(page.get_by_role("switch", name="Relay")).to_be_checked()
    assert sent == [{"value": True}], "the relay's"
    assert testbed.levels(board, gpio("gate")) == before


def finger(page: Page, gate: Locator) -> None:
    gate.hover()
    page.mouse.down()


def key(page: Page, gate: Locator) -> None:
    gate.focus()
    page.keyboard.down("Enter")


def screen_reader(page: Page, gate: Locator) -> None:
    gate.dispatch_event("click")
    expect(page.get_by_role("status")).to_have_text("Press it once more if you mean it.")
    gate.dispatch_event("click")


@pytest.mark.parametrize("press", [finger, key, screen_reader])
def test_a_long_press_opens(signed_in: Page, board: Board, press: Callable[[Page, Locator], None]) -> None:
    expect(signed_in.get_by_role("button", name="Gate")).to_have_accessible_description("Ready Hold")
    gate, before = signed_in.get_by_role("button", name="Gate"), testbed.levels(board, gpio("gate"))
    press(signed_in, gate)
    board.wait(lambda: testbed.levels(board, gpio("gate")) == [*before, 1, 0])
    expect(gate).to_contain_text("Ready")


def test_a_slider_that_wants_a_long_press(signed_in: Page, board: Board) -> None:
    page, sent = signed_in, commands(signed_in)
    expect(row(page, "Heater")).to_contain_text("Off · hold to switch")
    page.get_by_role("slider", name="Heater").fill("30")
    expect(row(page, "Heater")).to_contain_text("Off → 30%")
    sure = page.get_by_role("button", name="Hold for 30%")
    sure.click()
    page.get_by_role("slider", name="Heater").fill("0")
    expect(sure).to_be_hidden()
    assert sent == []
    page.get_by_role("slider", name="Heater").fill("20")
    page.get_by_role("button", name="Hold for 20%").click(delay=HOLD + 200)
    expect(row(page, "Heater")).to_contain_text("20%")
    expect(row(page, "Heater")).not_to_contain_text("→")
    assert sent == [{"value": 0.2}]


def test_says_that_it_is_being_sent(signed_in: Page, board: Board) -> None:
    page = signed_in
    held: list[Route] = []
    page.route("**/pins/relay", lambda route: held.append(route))
    relay = page.get_by_role("switch", name="Relay")
    relay.click()
    expect(relay).to_contain_text("Sending…")
    expect(relay).not_to_be_checked()
    relay.click()
    assert len(held) == 1, "not twice"
    held[0].continue_()
    expect(relay).to_be_checked()
    expect(relay).to_contain_text("off again in")


def hide(page: Page, is_hidden: bool) -> None:
    """Have the page believe that nobody looks, or that somebody does again."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
        }""",
        is_hidden,
    )


def test_two_phones_are_in_step(signed_in: Page, board: Board, phones: Callable[..., Page]) -> None:
    mine, other = signed_in, phones()
    other.goto(f"{board.url}/#token={token(*ALL, sub='ben')}")
    for there, here in ((mine, other), (other, mine)):
        before = there.get_by_role("switch", name="Relay").is_checked()
        expect(there.get_by_role("switch", name="Relay")).to_be_enabled()
        there.get_by_role("switch", name="Relay").click()
        expect(here.get_by_role("switch", name="Relay")).to_be_checked(checked=not before)
    mine.get_by_role("slider", name="Blind").fill("30")
    expect(other.get_by_role("slider", name="Blind")).to_have_value("30")
    mine.get_by_role("button", name="Green").click()
    expect(other.get_by_role("button", name="Green")).to_have_attribute("aria-pressed", "true")
