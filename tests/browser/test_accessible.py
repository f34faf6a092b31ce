"""The page for everybody: what axe-core finds in each of its views, in both colour schemes, on the narrowest
phone; what a screen reader says; and all of it done by the keyboard alone.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Locator, Page, expect

import testbed
from pinwarden_sim import Board
from testbed import KINDS, token

NARROW = {"width": 320, "height": 640}  # WCAG 2.2 criterion 1.4.10
LEAST_TARGET = 44  # CSS pixels, WCAG 2.2 criterion 2.5.5
PINS = ("pins:read", "pins:write")
OWNER = (*PINS, "admin", "audit:read")

# The rule for WCAG 2.2 is switched off by default.
_RULES = {
    "light": {"rules": {"target-size": {"enabled": True}}},
    "dark": {"runOnly": ["color-contrast"]},  # all that a scheme changes
}
_AXE = """async (rules) => {
  const found = await axe.run({ ...rules, resultTypes: ["violations"] });
  if (!found.passes.length) throw Error("it has looked at nothing");
  return found.violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]);
}"""
# What scrolls sideways, or cuts something off there.
_WIDER = """() => [...document.querySelectorAll("html, dialog[open], .card")]
  .filter((node) => node.scrollWidth > node.clientWidth).map((node) => node.outerHTML)"""
_TARGETS = """() => [...document.querySelectorAll("button, input, select, summary")]
  .filter((node) => node.checkVisibility())
  .map((node) => [node.outerHTML, node.getBoundingClientRect().width, node.getBoundingClientRect().height])"""
# A ring around what has the focus, or around what stands for it.
_IS_RINGED = """() => {
  const node = document.activeElement;
  return [node, node.nextElementSibling].some((one) => one && getComputedStyle(one).outlineStyle === "solid");
}"""


@pytest.fixture(scope="module")
def board(flashes: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    folder = tmp_path_factory.mktemp("accessible") / "flash"
    shutil.copytree(flashes(KINDS), folder)
    with Board(folder, "micropython", clock=int(time.time())) as made:
        yield made.start()


@pytest.fixture
def page(page: Page) -> Page:
    page.emulate_media(reduced_motion="reduce")  # no colour is on its way to another one
    return page


def open_page(page: Page, board: Board, *scopes: str, **claims: object) -> None:
    claims = {"jti": "annas", "ttl": 40 * 86400, **claims}
    page.goto(f"{board.url}/#token={token(*(scopes or PINS), **claims)}")  # type: ignore[arg-type]
    expect(page.locator("#pins > li")).to_have_count(len(KINDS))


def sign_in(page: Page, board: Board) -> None:
    page.goto(board.url)
    page.get_by_label("Your token, or its link").fill("hello")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("That is no token.")


def question(page: Page, board: Board) -> None:
    """A link has come where there is a token."""
    open_page(page, board)
    open_page(page, board, "pins:read", sub="ben")
    expect(page.get_by_role("dialog", name="Use the token of ben?")).to_be_visible()


def controls(page: Page, board: Board) -> None:
    """Every kind, some of them on, one refused, one waiting for a long press; and another token."""
    open_page(page, board, "pins:read", sub="ben", ttl=60)
    open_page(page, board)
    page.get_by_role("button", name="Use it").click()
    if not page.get_by_role("switch", name="Relay").is_checked():
        page.get_by_role("switch", name="Relay").click()
    expect(page.get_by_role("switch", name="Relay")).to_be_checked()
    page.get_by_role("button", name="Red").click()
    expect(page.get_by_role("button", name="Red")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("slider", name="Heater").fill("50")
    page.get_by_role("button", name="Gate").click()
    expect(page.get_by_role("status")).to_have_text("Hold it for a moment.")
    page.locator("#holder").click()
    page.get_by_role("button", name="Add a token").click()


def look_only(page: Page, board: Board) -> None:
    open_page(page, board, "pins:read", ttl=600, iat=int(time.time()) - 86400)
    expect(page.get_by_text("Your token ends soon.")).to_be_visible()


def trouble(page: Page, board: Board) -> None:
    open_page(page, board)
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("You are in no network.")


def owner(page: Page, board: Board) -> None:
    headers = testbed.bearer(token("admin"))
    page.request.post(f"{board.url}/api/v1/revocations", headers=headers, data={"jti": "lost-phone"})
    open_page(page, board, *OWNER)
    for part in ("owner", "share", "audit", "withdraw", "health"):
        page.locator(f"#{part} > summary").click()
    for text in ("As long as mine", "The board started", "Token lost-phone", "(yours)", "MicroPython"):
        expect(page.locator("#owner").get_by_text(text).first).to_be_visible()
    page.get_by_role("checkbox", name="Relay: Use").check()
    page.get_by_role("button", name="Make the link").click()
    expect(page.locator("#share").get_by_role("alert")).to_have_text("Type a name first.")


def share(page: Page, board: Board) -> None:
    open_page(page, board, *OWNER)
    for part in ("owner", "share"):
        page.locator(f"#{part} > summary").click()
    page.get_by_label("Who is it for?").fill("Dora")
    page.get_by_role("checkbox", name="Relay: Use").check()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()


def refused(page: Page, board: Board) -> None:
    """A colour waits for a long press, the board did not do something, and its answers say so."""
    open_page(page, board)
    problem = {"status": 409, "code": "interlocked", "title": "-", "detail": "-"}
    page.route("**/pins/relay", lambda route: route.fulfill(status=409, json=problem))
    page.get_by_role("switch", name="Relay").click()
    expect(page.get_by_role("status")).to_contain_text("Switch that off first.")


def changed_record(page: Page, board: Board) -> None:
    """Who was refused, the colour of a light; a record that somebody else has changed."""
    base = {"t": 1793491200, "h": "0" * 16}
    records = [
        {**base, "n": 3, "what": "set", "pin": "lamp", "value": "#ffd000", "by": "anna", "jti": "annas"},
        {**base, "n": 2, "what": "refused", "code": "too_soon", "count": 3, "by": "W" * 48},
    ]
    found = {"records": records, "waiting": [], "chain": "broken at 2", "dropped": 7}
    page.route("**/api/v1/audit?*", lambda route: route.fulfill(json=found))
    open_page(page, board, *OWNER, sub="Maximilian-Konstantin von und zu Hohenlohe-Langen")
    for part in ("owner", "audit"):
        page.locator(f"#{part} > summary").click()
    expect(page.locator("#audit")).to_contain_text("7 things happened too fast")


def asleep(page: Page, board: Board) -> None:
    """What was seen last, until the board has told what is."""
    open_page(page, board)
    page.route("**/api/v1/**", lambda route: None)
    page.evaluate("follow(), setStale()")
    expect(page.get_by_role("switch", name="Relay")).to_contain_text("Last seen: ")


def withdraw(page: Page, board: Board) -> None:
    open_page(page, board, *OWNER)
    for part in ("owner", "withdraw"):
        page.locator(f"#{part} > summary").click()
    page.get_by_label("Whose tokens?").fill("anna")
    page.get_by_role("button", name="Withdraw …").click()
    expect(page.get_by_role("dialog", name="Withdraw what anna has?")).to_be_visible()


VIEWS = [
    sign_in,
    controls,
    question,
    look_only,
    refused,
    trouble,
    asleep,
    owner,
    changed_record,
    share,
    withdraw,
]


@pytest.mark.parametrize("view", VIEWS)
def test_no_view_shuts_anybody_out(page: Page, board: Board, view: Callable[[Page, Board], None]) -> None:
    page.set_viewport_size({**NARROW})  # type: ignore[arg-type]
    view(page, board)
    page.evaluate(AXE_SCRIPT)
    for scheme, rules in _RULES.items():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert page.evaluate(_AXE, rules) == [], scheme
    for width, root in (
        (320, 16),
        (740, 16),
        (1280, 16),
        (NARROW["width"], 32),
    ):  # 32: letters twice as large
        page.set_viewport_size({"width": width, "height": NARROW["height"]})
        page.evaluate("size => { document.documentElement.style.fontSize = size + 'px' }", root)
        assert page.evaluate(_WIDER) == [], (width, root)
        targets = page.evaluate(_TARGETS)
        assert targets
        assert [html for html, *size in targets if min(size) < LEAST_TARGET] == [], (width, root)


def test_what_a_screen_reader_says(page: Page, board: Board) -> None:
    open_page(page, board, *OWNER)
    expect(page.locator("body")).to_match_aria_snapshot("""
      - banner:
        - heading "door" [level=1]
        - group: /anna · everything · owner · \\d+ days left/
      - main:
        - list:
          - listitem: Battery 0 V
          - listitem:
            - slider "Blind"
          - listitem:
            - switch "Dimmer"
            - slider "Dimmer"
          - listitem: Door Off
          - listitem:
            - button "Gate"
          - listitem:
            - switch "Heater"
            - slider "Heater"
          - listitem:
            - switch "Rose lamp"
            - group "Rose lamp":
              - button "Warm white"
              - button "Rose"
              - button "Red"
              - button "Yellow"
              - button "Green"
              - button "Blue"
              - button "Violet"
              - textbox "Any colour"
            - slider "Rose lamp Brightness"
            - combobox "Rose lamp Fade"
          - listitem:
            - switch "Relay"
        - group: For the owner
    """)
    for role, label, state in (  # which comes behind the name
        ("switch", "Relay", r"^(Off|On, off again in .*)$"),
        ("switch", "Dimmer", r"^(Off|\d+%)$"),
        ("button", "Gate", r"^Ready Hold$"),
    ):
        said = re.compile(state)
        expect(page.get_by_role(role, name=label)).to_have_accessible_description(said)  # type: ignore[arg-type]


def tab_to(page: Page, target: Locator) -> Locator:
    """Press Tab until `target` has the focus; wherever it is on the way, it is seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        assert page.evaluate(_IS_RINGED) or page.evaluate("document.activeElement === document.body")
        if target.evaluate("node => node === document.activeElement"):
            return target
    raise AssertionError(f"Tab does not get to {target}")


def open_part(page: Page, part: str) -> Locator:
    """Open a part of the owner's view by the keyboard; its summary."""
    for one in ("owner", part):
        summary = tab_to(page, page.locator(f"#{one} > summary"))
        page.keyboard.press("Enter")
    return summary


def test_signs_in_and_out_by_the_keyboard(page: Page, board: Board) -> None:
    page.goto(board.url)
    field = tab_to(page, page.get_by_label("Your token, or its link"))
    page.keyboard.type(f"{board.url}/#token={token(*PINS)}")
    page.keyboard.press("Enter")
    expect(page.locator("#pins > li")).to_have_count(len(KINDS))
    tab_to(page, page.locator("#holder"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Sign out"))
    page.keyboard.press("Space")
    expect(page.get_by_role("alert")).to_contain_text("This board asks for a token.")
    expect(field).to_be_focused()


def test_every_control_by_the_keyboard(page: Page, board: Board) -> None:
    open_page(page, board)
    rows = page.locator("#pins > li")
    tab_to(page, page.get_by_role("slider", name="Blind"))
    page.keyboard.press("End")
    expect(rows.filter(has_text="Blind")).to_contain_text("90°")
    tab_to(page, page.get_by_role("slider", name="Dimmer"))
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(rows.filter(has_text="Dimmer")).to_contain_text("1%")
    tab_to(page, page.get_by_role("button", name="Gate"))
    for key, levels in (("Space", [0, 1, 0]), ("Enter", [0, 1, 0, 1, 0])):
        page.keyboard.down(key)
        board.wait(lambda levels=levels: testbed.levels(board, KINDS["gate"]["gpio"]) == levels)
        page.keyboard.up(key)
        expect(rows.filter(has_text="Gate")).to_contain_text("Ready")
    tab_to(page, page.get_by_role("slider", name="Heater"))
    page.keyboard.press("End")
    sure = tab_to(page, page.get_by_role("button", name="Hold for 100%"))
    page.keyboard.down("Space")
    expect(rows.filter(has_text="Heater")).not_to_contain_text("→")
    page.keyboard.up("Space")
    expect(rows.filter(has_text="Heater")).to_contain_text("100%")
    expect(sure).to_be_hidden()
    tab_to(page, page.get_by_role("button", name="Violet"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Violet")).to_have_attribute("aria-pressed", "true")
    fade = tab_to(page, page.get_by_role("combobox", name="Fade"))
    page.keyboard.press("ArrowDown")
    expect(fade).to_have_value("2000")
    relay = tab_to(page, page.get_by_role("switch", name="Relay"))
    for key in ("Space", "Enter"):
        before = relay.is_checked()
        page.keyboard.press(key)
        expect(relay).to_be_checked(checked=not before)
        expect(relay).to_have_attribute("aria-disabled", "false")


def test_lets_a_guest_in_by_the_keyboard(page: Page, board: Board) -> None:
    open_page(page, board, *OWNER)
    summary = open_part(page, "share")
    tab_to(page, page.get_by_label("Who is it for?"))
    page.keyboard.type("Dora")
    tab_to(page, page.get_by_role("checkbox", name="Relay: Use"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("radio", name="1 day"))
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="1 hour")).to_be_checked()
    make = tab_to(page, page.get_by_role("button", name="Make the link"))
    refusal = {"status": 507, "code": "insufficient_storage", "title": "-", "detail": "full"}
    page.route("**/tokens", lambda route: route.fulfill(status=507, json=refusal))
    page.keyboard.press("Enter")
    expect(page.locator("#share")).to_contain_text("The board refused: full.")
    page.unroute("**/tokens")
    expect(make).to_be_focused()
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog", name="Dora is let in")
    expect(sheet.get_by_role("heading")).to_be_focused()
    stops = []
    for _ in range(6):
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.closest('dialog, body').tagName"))
    assert stops.count("DIALOG") >= 4
    assert page.locator("#share :focus").count() == 0, "what is behind the sheet is out of reach"
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(summary).to_be_focused()


def test_withdraws_by_the_keyboard(page: Page, board: Board) -> None:
    open_page(page, board, *OWNER)
    summary = open_part(page, "withdraw")
    tab_to(page, page.get_by_label("Whose tokens?"))
    page.keyboard.type("emil")
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("heading")).to_be_focused()
    tab_to(page, sheet.get_by_role("button", name="All that emil has now"))
    page.keyboard.press("Enter")
    expect(page.locator("#withdraw")).to_contain_text("All of emil's, made before")
    expect(sheet).to_be_hidden()
    expect(summary).to_be_focused()
