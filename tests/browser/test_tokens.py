"""Several tokens on one phone: whose it is, what it may do, until when; and the way from one to another."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pinwarden import board as files
from pinwarden_sim import Board
from testbed import PINS, token

ALL = ("pins:read", "pins:write")
GUEST = ("pins:read:relay", "pins:read:lamp", "pins:write:relay")
DAY = 86400
pytestmark = pytest.mark.one_board  # they only look


@pytest.fixture
def own_board(
    flashes: Callable[..., Path], language: str, ports: set[int], tmp_path: Path
) -> Iterator[Board]:
    """One that speaks another language."""
    flash = shutil.copytree(flashes(PINS, language=language), tmp_path / "flash")
    with Board(flash, "micropython", clock=int(time.time())) as made:
        ports.add(made.port)
        yield made.start()


def open_link(page: Page, board: Board, value: str) -> None:
    page.goto(f"{board.url}/#token={value}")


def use(page: Page, board: Board, value: str) -> None:
    """Open a link, and say yes to it."""
    open_link(page, board, value)
    page.get_by_role("button", name="Use it").click()


def expect_kept(page: Page, tokens: list[str]) -> None:
    """That it keeps these, the one in use first: from when the board has taken that one, a request later."""
    kept = "localStorage.getItem('pinwarden.tokens')"
    page.wait_for_function(f"(tokens) => ({kept} ?? '[]') === JSON.stringify(tokens)", arg=tokens)


@pytest.mark.parametrize(
    ("scopes", "claims", "words"),
    [
        (ALL, {"ttl": 12.5 * DAY}, "anna · everything · 12 days left"),
        (GUEST, {"ttl": 7200 + 59, "sub": "Ben's phone"}, "Ben's phone · Relay · sees Lamp · 2 hours left"),
        (("pins:read",), {"ttl": 90 * 60 + 59}, "anna · sees everything · 90 minutes left"),
        (
            ("pins:read", *(f"pins:write:{name}" for name in ("up", "down", "lamp", "bell"))),
            {"ttl": 115},
            "anna · Blind up, Blind down and 2 more · sees everything · 1 minute left",
        ),
        ((*ALL, "admin"), {"ttl": 5 * 365 * DAY}, "anna · everything · owner · 4 years left"),
        (
            (*ALL, "audit:read"),
            {"sub": None, "ttl": 3719},
            "Somebody · everything · sees the record · 61 minutes left",
        ),
    ],
)
def test_says_whose_token_it_is(page: Page, board: Board, scopes, claims: dict, words: str) -> None:
    open_link(page, board, token(*scopes, **{**claims, "ttl": int(claims["ttl"])}))
    expect(page.locator("#holder")).to_have_text(words)


@pytest.mark.parametrize(
    ("life", "left", "is_soon"),
    [
        (30 * DAY, 4 * DAY, False),
        (30 * DAY, 2 * DAY, True),
        (3600, 1800, False),
        (3600, 300, True),
        (None, 2 * DAY, True),
        (None, 4 * DAY, False),
    ],
)
def test_warns_before_it_ends(page: Page, board: Board, life: int | None, left: int, is_soon: bool) -> None:
    iat = None if life is None else int(time.time()) + left - life
    open_link(page, board, token(*ALL, ttl=left, iat=iat))
    expect(page.locator("#pins > li")).not_to_have_count(0)
    expect(page.get_by_text("Your token ends soon.")).to_be_visible(visible=is_soon)


def test_several_tokens(page: Page, board: Board) -> None:
    mine, guest = token(*ALL), token(*GUEST, sub="Ben")
    open_link(page, board, mine)
    expect(page.locator("#pins > li")).to_have_count(6)
    use(page, board, guest)
    expect(page.locator("#pins > li")).to_have_count(2)
    expect_kept(page, [guest, mine])
    page.locator("#holder").click()
    page.get_by_role("button", name="anna everything").click()
    expect(page.locator("#pins > li")).to_have_count(6)
    page.reload()
    expect(page.locator("#holder")).to_contain_text("anna")
    expect_kept(page, [mine, guest])
    page.locator("#holder").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("status")).to_contain_text("anna: signed out")
    expect(page.locator("#holder")).to_contain_text("Ben")
    expect(page.locator("#pins > li")).to_have_count(2)
    expect_kept(page, [guest])
    page.locator("#holder").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alert")).to_contain_text("This board asks for a token.")
    assert page.evaluate("JSON.stringify(localStorage)") == "{}"


SAYS = {
    "en": ("Use the token of Ben?", "Relay · sees Lamp · 2 hours left", "Use it", "Keep mine"),
    "de": (
        "Das Token von Ben benutzen?",
        "Relay · sieht Lamp · noch 2 Stunden",
        "Benutzen",
        "Bei meinem bleiben",
    ),
}


@pytest.mark.parametrize("is_same_page", [True, False])
@pytest.mark.parametrize("language", files.languages())
def test_a_link_does_not_take_over(page: Page, own_board: Board, language: str, is_same_page: bool) -> None:
    """Somebody who has a token sends it to the owner, whose acts would be recorded as his from then on."""
    asks, may, yes, no = SAYS[language]
    mine, guest = token(*ALL, "admin"), token(*GUEST, sub="Ben", ttl=7200 + 59)
    open_link(page, own_board, mine)
    expect(page.locator("#pins > li")).to_have_count(6)
    if not is_same_page:
        page.goto("about:blank")
    for answer in ("Escape", no, yes):
        open_link(page, own_board, guest)
        question = page.get_by_role("dialog", name=asks)
        expect(question).to_be_visible()
        expect(page.locator("#pins > li")).to_have_count(6)  # the board has taken the other one meanwhile
        expect(page.locator("#owner")).to_be_visible()
        expect(question.get_by_role("heading")).to_be_focused()
        assert page.url == f"{own_board.url}/"
        if is_same_page:
            expect(question).to_contain_text(may)
        expect_kept(page, [mine])
        if answer == "Escape":
            page.keyboard.press("Escape")
        else:
            question.get_by_role("button", name=answer).click()
        expect(question).to_have_count(0)
        expect(page.locator("#holder")).to_contain_text("Ben" if answer == yes else "anna")
    expect(page.locator("#pins > li")).to_have_count(2)
    expect(page.locator("#owner")).to_be_hidden()
    expect_kept(page, [guest, mine])


def test_the_link_of_the_token_in_use_asks_nothing(page: Page, board: Board) -> None:
    for _ in range(2):
        open_link(page, board, token(*ALL, exp=4102448400, iat=1767225600))
        expect(page.locator("#pins > li")).to_have_count(6)
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.goto("about:blank")


@pytest.mark.parametrize("is_same_page", [True, False])
def test_a_link_that_is_none_takes_nothing_away(page: Page, board: Board, is_same_page: bool) -> None:
    open_link(page, board, token(*ALL))
    expect(page.locator("#pins > li")).to_have_count(6)
    if not is_same_page:
        page.goto("about:blank")
    open_link(page, board, "hello")
    expect(page.get_by_role("status")).to_contain_text("That is no token.")
    expect(page.locator("#holder")).to_contain_text("anna")
    expect(page.get_by_role("switch", name="Relay")).to_be_enabled()


def test_a_question_takes_the_place_of_what_is_open(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL, "admin"))
    page.locator("#owner > summary").click()
    page.locator("#withdraw > summary").click()
    page.get_by_label("Whose tokens?").fill("ida")
    page.get_by_role("button", name="Withdraw …").click()
    expect(page.get_by_role("dialog", name="Withdraw what ida has?")).to_be_visible()
    open_link(page, board, token(*GUEST, sub="Ben"))
    question = page.get_by_role("dialog", name="Use the token of Ben?")
    expect(question).to_be_visible()
    expect(question.get_by_role("button")).to_have_count(2)
    page.get_by_role("button", name="Keep mine").click()
    expect(page.locator("#sheet")).to_be_empty()


def test_another_one_is_added_by_hand(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    page.locator("#holder").click()
    page.get_by_role("button", name="Add a token").click()
    expect(page.get_by_label("Your token, or its link")).to_be_focused()
    page.keyboard.type(token(*GUEST, sub="Ben"))
    page.keyboard.press("Enter")
    expect(page.locator("#holder")).to_contain_text("Ben")
    expect(page.get_by_label("Your token, or its link")).to_be_hidden()
    # Kept when the board has taken it.
    page.wait_for_function("JSON.parse(localStorage.getItem('pinwarden.tokens')).length === 2")


def test_who_adds_one_may_think_better_of_it(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    expect(page.locator("#pins > li")).to_have_count(6)
    page.locator("#holder").click()
    add, field = page.get_by_role("button", name="Add a token"), page.get_by_label("Your token, or its link")
    add.click()
    field.fill("hello")
    field.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("That is no token.")
    expect(page.get_by_role("alert")).to_be_hidden()  # nothing is wrong with the one in use
    add.click()
    expect(field).to_be_hidden()
    expect(page.get_by_role("switch", name="Relay")).to_be_enabled()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Hello Anna,\nyour key: {link}\nSee you tomorrow", id="a messenger copies all of it"),
        pytest.param("({link}).", id="a link, and what stands behind it"),
        pytest.param("Token:\u00a0{token}\n\nBen", id="no link"),
    ],
)
def test_a_token_is_found_in_a_message(page: Page, board: Board, text: str) -> None:
    value = token(*ALL)
    page.goto(board.url)
    field = page.get_by_label("Your token, or its link")
    field.fill(text.format(link=f"{board.url}/#token={value}", token=value))
    field.press("Enter")
    expect(page.locator("#pins > li")).to_have_count(6)
    expect_kept(page, [value])


def test_a_newer_one_takes_the_place_of_the_same(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    expect(page.locator("#pins > li")).to_have_count(6)
    newer = token(*ALL, ttl=30 * DAY)
    use(page, board, newer)
    expect(page.locator("#holder")).to_contain_text("days left")
    expect_kept(page, [newer])


def test_a_bad_link_takes_no_good_token_away(page: Page, board: Board) -> None:
    mine = token(*ALL)
    open_link(page, board, mine)
    expect(page.locator("#pins > li")).to_have_count(6)
    use(page, board, token(*ALL, aud="gate", sub="Ben"))
    expect(page.get_by_role("alert")).to_contain_text("for another board")
    expect_kept(page, [mine])
    page.locator("#holder").click()
    page.get_by_role("button", name="anna everything").click()
    expect(page.locator("#pins > li")).to_have_count(6)


def test_tabs_of_one_phone(page: Page, board: Board) -> None:
    """Signing out in one of them does so in all."""
    other = page.context.new_page()
    other.goto(board.url)
    open_link(page, board, token(*ALL))
    expect(page.locator("#pins > li")).to_have_count(6)
    expect(other.locator("#pins > li")).to_have_count(6)
    other.locator("#holder").click()
    other.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alert")).to_contain_text("This board asks for a token.")


def test_what_is_kept_may_be_anything(page: Page, board: Board) -> None:
    page.goto(board.url)
    for text in ("{", "{}", "[1]", '["a.b"]', "null"):
        page.evaluate("text => localStorage.setItem('pinwarden.tokens', text)", text)
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("This board asks for a token.")
    open_link(page, board, token(*ALL))
    expect(page.locator("#pins > li")).to_have_count(6)


def test_without_a_storage(page: Page, board: Board) -> None:
    """As in some browsers' private windows: the token lasts as long as the page."""
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException() } })"
    )
    open_link(page, board, token(*ALL))
    expect(page.locator("#pins > li")).to_have_count(6)
    page.locator("#holder").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alert")).to_contain_text("This board asks for a token.")
