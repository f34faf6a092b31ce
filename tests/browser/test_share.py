"""Letting a guest in: the token that the board makes, the link and the code that the page makes of it."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from pinwarden_sim import Board
from recording import Recorder
from testbed import token

OWNER = ("pins:read", "pins:write", "admin", "audit:read")
HOUR, DAY = 3600, 86400
pytestmark = pytest.mark.one_board


def open_form(page: Page, port: int, *scopes: str, **claims: object) -> Locator:
    claims = {"jti": "annas", "ttl": 40 * DAY, **claims}
    page.goto(f"http://127.0.0.1:{port}/#token={token(*(scopes or OWNER), **claims)}")  # type: ignore[arg-type]
    page.locator("#owner > summary").click()
    page.locator("#share > summary").click()
    return page.locator("#share")


def choose(form: Locator, name: str, *boxes: str) -> None:
    form.get_by_label("Who is it for?").fill(name)
    for box in boxes:
        form.get_by_role("checkbox", name=box, exact=True).check()


def make(page: Page, form: Locator, name: str, *boxes: str) -> str:
    """The link of a new guest."""
    choose(form, name, *boxes)
    form.get_by_role("button", name="Make the link").click()
    sheet = page.get_by_role("dialog", name=f"{name} is let in")
    expect(sheet.get_by_role("heading")).to_be_focused()
    return sheet.get_by_role("textbox", name="The link").input_value()


def claims_of(link: str) -> dict:
    payload = link.partition("#token=")[2].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_guest_is_let_in_and_put_out(page: Page, board: Board, phones: Callable[[], Page]) -> None:
    form = open_form(page, board.port)
    link = make(page, form, "Dora", "Relay: Use", "Lamp: See")
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert link not in page.content()

    guest = phones()
    guest.goto(link)
    expect(guest.locator("#holder")).to_contain_text("Dora")
    expect(guest.locator("#pins > li")).to_have_count(2)
    expect(guest.locator("#pins > li", has_text="Lamp")).to_contain_text("Off · look only")
    expect(guest.locator("#owner")).to_be_hidden()
    guest.get_by_role("switch", name="Relay").click()
    expect(guest.get_by_role("switch", name="Relay")).to_be_checked()
    expect(page.get_by_role("switch", name="Relay")).to_be_checked()

    page.locator("#audit > summary").click()
    page.get_by_role("button", name="anna let Dora in").click()
    page.get_by_role("button", name="Only this token").click()
    expect(guest.get_by_role("alert")).to_contain_text("Your token was withdrawn.")
    expect(guest.get_by_role("switch")).to_have_count(0)


def test_the_token_is_no_more_than_was_chosen(page: Page, board: Board) -> None:
    form = open_form(page, board.port)
    form.get_by_role("radio", name="1 hour").check()
    link = make(page, form, "Carla", "Relay: Use", "Blind up: See")
    claims = claims_of(link)
    assert set(claims["scope"].split(" ")) == {"pins:read:relay", "pins:write:relay", "pins:read:up"}
    assert abs(claims["exp"] - time.time() - HOUR) < 300
    assert (claims["sub"], claims["parent"]["jti"], claims["cnf"]) == (
        "Carla",
        "annas",
        {"pinwarden": "proof"},
    )
    # Of the next guest's nothing is as it was.
    page.get_by_role("button", name="Done").click()
    expect(form.get_by_role("checkbox", checked=True)).to_have_count(0)
    claims = claims_of(make(page, form, "Emil", "Lamp: See"))
    assert claims["scope"] == "pins:read:lamp"
    assert abs(claims["exp"] - time.time() - DAY) < 300


def test_its_signature_does_not_cross_the_air(page: Page, board: Board, air: Recorder) -> None:
    link = make(page, open_form(page, air.port), "Carla", "Relay: Use")
    assert link.startswith(f"http://127.0.0.1:{air.port}/#token=ey")
    unsigned, _, signature = link.partition("#token=")[2].rpartition(".")
    assert unsigned.encode() in air.octets()
    octets = base64.urlsafe_b64decode(signature + "=")
    for form in (signature.encode(), octets, octets.hex().encode(), base64.b64encode(octets)):
        assert form not in air.octets()


def test_the_code_is_seen_whole_on_a_phone_held_sideways(page: Page, board: Board) -> None:
    page.set_viewport_size({"width": 740, "height": 360})
    make(page, open_form(page, board.port), "Dora", "Relay: Use")
    code = page.get_by_role("img", name="QR code of the link")
    code.scroll_into_view_if_needed()
    seen, around = code.bounding_box(), page.get_by_role("dialog").bounding_box()
    assert seen
    assert around
    assert around["y"] <= seen["y"]
    assert seen["y"] + seen["height"] <= around["y"] + around["height"]


def test_the_code_is_the_links(page: Page, board: Board) -> None:
    link = make(page, open_form(page, board.port), "Carla", "Relay: Use")
    code = page.get_by_role("img", name="QR code of the link")
    box = code.bounding_box()
    assert box
    assert box["width"] == pytest.approx(box["height"])
    size = page.evaluate("(link) => qrCode(link).length", link)
    assert code.get_attribute("viewBox") == f"0 0 {size + 8} {size + 8}"
    expected = page.evaluate("(link) => qrCode(link).flat().join('')", link)
    drawn = [["0"] * size for _ in range(size)]
    path = code.locator("path").get_attribute("d") or ""
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", path)
    assert "".join("M{} {}h{}v1h-{}z".format(*run) for run in runs) == path
    for x, y, width, back in runs:
        assert width == back
        for dx in range(int(width)):
            drawn[int(y) - 4][int(x) - 4 + dx] = "1"
    assert "".join("".join(row) for row in drawn) == expected
    assert code.evaluate("(svg) => getComputedStyle(svg).backgroundColor") == "rgb(255, 255, 255)"
    assert code.locator("path").evaluate("(path) => getComputedStyle(path).fill") == "rgb(0, 0, 0)"


def test_the_link_can_be_copied(page: Page, board: Board) -> None:
    form = open_form(page, board.port)
    link = make(page, form, "Carla", "Relay: Use")
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_role("button", name="Copied.")).to_be_visible()
    page.keyboard.press("Escape")
    form.get_by_label("Who is it for?").fill("")
    form.get_by_label("Who is it for?").evaluate("(field) => (field.maxLength = 4096)")
    form.get_by_label("Who is it for?").press("ControlOrMeta+v")
    expect(form.get_by_label("Who is it for?")).to_have_value(link)


def test_who_uses_a_pin_sees_it(page: Page, board: Board) -> None:
    form = open_form(page, board.port, "pins:read", "pins:write:relay", "admin")
    see, use = (form.get_by_role("checkbox", name=f"Relay: {what}") for what in ("See", "Use"))
    use.check()
    expect(see).to_be_checked()
    see.uncheck()
    expect(use).not_to_be_checked()
    # What one may not do, one cannot give.
    expect(form.get_by_role("checkbox", name="Lamp: See")).to_have_count(1)
    expect(form.get_by_role("checkbox", name="Lamp: Use")).to_have_count(0)


@pytest.mark.parametrize(
    ("ttl", "offered"),
    [
        (40 * DAY, ["1 hour", "1 day", "1 week", "30 days", "As long as mine"]),
        (2 * HOUR, ["1 hour", "As long as mine"]),
        (1200, ["As long as mine"]),
    ],
)
def test_nothing_lasts_longer_than_ones_own(page: Page, board: Board, ttl: int, offered: list[str]) -> None:
    form = open_form(page, board.port, ttl=ttl)
    choices = form.locator(".choice", has=page.get_by_role("radio"))
    expect(choices).to_have_text(offered)
    expect(form.get_by_role("radio", checked=True)).to_have_count(1)
    form.get_by_role("radio", name="As long as mine").check()
    assert abs(claims_of(make(page, form, "Carla", "Relay: See"))["exp"] - time.time() - ttl) < 300


def test_says_what_is_missing(page: Page, board: Board) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    form = open_form(page, board.port)
    form.get_by_role("button", name="Make the link").click()
    expect(form.get_by_role("alert")).to_have_text("Type a name first.")
    expect(form.get_by_label("Who is it for?")).to_be_focused()
    form.get_by_label("Who is it for?").fill("Carla")
    form.get_by_label("Who is it for?").press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("at least one thing")
    assert "POST" not in asked
    form.get_by_role("checkbox", name="Relay: See").check()
    form.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert asked.count("POST") == 1


def test_says_why_it_cannot(page: Page, board: Board) -> None:
    form = open_form(page, board.port, jti=None)
    choose(form, "Carla", "Relay: Use")
    form.get_by_role("button", name="Make the link").click()
    expect(form).to_contain_text("Your own token has no number to withdraw it by")
    page.route("**/api/v1/tokens", lambda route: route.abort())
    form.get_by_role("button", name="Make the link").click()
    expect(form).to_contain_text("nobody knows whether it was done")
    expect(form.get_by_role("status")).to_have_count(1)  # the last answer alone


def test_nobody_gets_the_token_of_another(page: Page, board: Board) -> None:
    """Who stands between can answer with what the board has answered before: it unseals as well."""
    form = open_form(page, board.port)
    with page.expect_response("**/api/v1/tokens") as first:
        make(page, form, "Dora", "Relay: Use")
    page.get_by_role("button", name="Done").click()
    body = first.value.text()
    page.route("**/api/v1/tokens", lambda route: route.fulfill(status=201, body=body))
    choose(form, "Emil", "Lamp: See")
    form.get_by_role("button", name="Make the link").click()
    expect(form.get_by_role("alert")).to_contain_text("not what was asked for")
    expect(page.get_by_role("dialog")).to_have_count(0)
