"""The page follows the board: by its stream of events, without it, and when it falls silent."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

import testbed
from pinwarden_sim import Board
from testbed import token

ALL = ("pins:read", "pins:write")


def open_link(page: Page, board: Board, value: str) -> None:
    page.goto(f"{board.url}/#token={value}")
    expect(switch(page)).to_be_visible()


def switch(page: Page, label: str = "Relay"):
    return page.get_by_role("switch", name=label, exact=True)


def put(page: Page, board: Board, value: bool) -> None:
    """Somebody else switches the relay."""
    headers = testbed.bearer(token(*ALL))
    page.request.put(f"{board.url}/api/v1/pins/relay", headers=headers, data={"value": value})


def asked(page: Page) -> list[str]:
    """The paths that the page asks for from now on."""
    paths: list[str] = []
    page.on("request", lambda request: paths.append(urlsplit(request.url).path))
    return paths


@contextmanager
def silence(board: Board) -> Iterator[None]:
    """A board that takes connections and says nothing, as one that is out of the Wi-Fi's reach."""
    assert board.pid
    os.kill(board.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(board.pid, signal.SIGCONT)


def test_hears_of_changes_without_asking(page: Page, board: Board) -> None:
    paths = asked(page)
    open_link(page, board, token(*ALL))
    for value in (True, False, True):
        put(page, board, value)
        expect(switch(page)).to_be_checked(checked=value)
    assert [path for path in paths if path.startswith("/api/")] == ["/api/v1/challenge", "/api/v1/events"]


@pytest.mark.parametrize("status", [503, 404])
def test_asks_where_there_is_no_stream(page: Page, board: Board, status: int) -> None:
    problem = {"status": status, "code": "too_many_streams", "title": "-", "detail": "-"}
    page.route("**/api/v1/events", lambda route: route.fulfill(status=status, json=problem))
    paths = asked(page)
    open_link(page, board, token(*ALL))
    put(page, board, True)
    expect(switch(page)).to_be_checked()
    expect(page.get_by_role("alert")).to_be_hidden()
    assert paths.count("/api/v1/events") == 1


def test_more_phones_than_streams(page: Page, board: Board, phones: Callable[..., Page]) -> None:
    pages = [page, phones(), phones(), phones()]
    for number, each in enumerate(pages):
        open_link(each, board, token(*ALL, sub=f"phone {number}"))
    for value in (True, False):
        put(page, board, value)
        for each in pages:
            expect(switch(each)).to_be_checked(checked=value)
            expect(each.get_by_role("alert")).to_be_hidden()


def test_a_stream_that_nothing_comes_through(page: Page, board: Board) -> None:
    """Some virus scanners keep an answer until it is whole."""
    page.add_init_script("""
      const real = window.fetch;
      window.fetch = (path, ...more) => {
        if (!path.endsWith("/events")) return real(path, ...more);
        const headers = { "Content-Type": "text/event-stream" };
        return Promise.resolve(new Response(new ReadableStream(), { headers }));
      };
    """)
    open_link(page, board, token(*ALL))
    expect(page.get_by_role("alert")).to_be_hidden()
    put(page, board, True)
    expect(switch(page)).to_be_checked()


def test_a_silent_board_is_told_and_heals(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    with silence(board):
        expect(page.get_by_role("alert")).to_contain_text("The board does not answer.")
        expect(switch(page)).to_be_disabled()
        expect(switch(page)).to_contain_text("Last seen: Off")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text("The board answers again.")
    put(page, board, True)
    expect(switch(page)).to_be_checked()


def test_a_silence_is_told_within_three_seconds(page: Page, board: Board) -> None:
    page.clock.install()
    open_link(page, board, token(*ALL))
    with silence(board):
        page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1.5)  # its last word may be a second old
        expect(page.get_by_role("alert")).to_be_hidden()
        page.clock.run_for(1750)
        expect(page.get_by_role("alert")).to_contain_text("The board does not answer.")


def test_a_phone_without_a_network(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("You are in no network.")
    page.context.set_offline(False)
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_revoked_token_is_told_at_once(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL, sub="ben", jti="bens-phone"))
    headers = testbed.bearer(token("admin"))
    told = page.request.post(f"{board.url}/api/v1/revocations", headers=headers, data={"jti": "bens-phone"})
    assert told.ok
    expect(page.get_by_role("alert")).to_contain_text("Your token was withdrawn.")
    expect(switch(page)).to_have_count(0)
    expect(page.get_by_label("Your token, or its link")).to_be_visible()


def test_a_token_that_ends_meanwhile(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    board.ntp.down()  # which would put it right
    board.clock.jump(7200)
    expect(page.get_by_role("alert")).to_contain_text("Your token has expired.")


def test_nobody_looks(page: Page, board: Board) -> None:
    """A phone in a pocket leaves the board's stream to others."""
    open_link(page, board, token(*ALL))
    hide = """hidden => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    put(page, board, True)
    paths = asked(page)
    board.wait(lambda: page.evaluate("performance.now() > due"))  # by now it would be missed
    expect(switch(page)).not_to_be_checked()
    expect(page.get_by_role("alert")).to_be_hidden()
    assert paths == []
    page.evaluate(hide, False)
    expect(switch(page)).to_be_checked()


WAKE = """event => {
  const clock = Date.now;
  Date.now = () => clock() + 60_000; // the wall's clock: the browser's own stands while a phone sleeps
  Object.defineProperty(document, "hidden", { value: false, configurable: true });
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  return [...document.querySelectorAll(".state")].map((node) => node.textContent);
}"""


def test_a_phone_that_wakes_up_does_not_pass_off_what_was(page: Page, board: Board) -> None:
    """Not even for a moment; and then it shows what is."""
    open_link(page, board, token(*ALL))
    states = page.evaluate(WAKE)
    assert [state for state in states if not state.startswith("Last seen: ")] == []
    expect(switch(page)).to_have_accessible_description("Off")
    expect(switch(page)).to_be_enabled()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_role("status")).to_be_empty()


def test_a_glance_at_something_else_is_no_sleep(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    states = page.evaluate(WAKE.replace("60_000", "1_000"))
    assert [state for state in states if state.startswith("Last seen: ")] == []


def test_a_page_that_comes_back_by_the_browsers_back(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    paths = asked(page)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    board.wait(lambda: page.title() and paths)
    expect(switch(page)).to_be_enabled()


def test_labels_have_any_sign(phones: Callable[..., Page], ports: set[int], tmp_path: Path) -> None:
    """Some end a line for JavaScript, and none for JSON or for events."""
    label = "Hall\u2028way\u2029 🚪"
    pins = {"relay": {"kind": "switch", "gpio": testbed.RELAY, "label": label}}
    with testbed.device(tmp_path / "odd", "micropython", pins=pins) as board:
        ports.add(board.port)
        page = phones()
        paths = asked(page)
        page.goto(f"{board.url}/#token={token(*ALL)}")
        expect(page.get_by_role("switch")).not_to_be_checked()
        assert page.locator("#label-relay").text_content() == label
        put(page, board, True)
        expect(page.get_by_role("switch")).to_be_checked()
        expect(page.get_by_role("alert")).to_be_hidden()
        assert "/api/v1/pins" not in paths, "it has taken what the stream told"


def test_an_event_from_before_an_answer_undoes_nothing(page: Page, board: Board) -> None:
    """While a command is under way, an event may be older than its answer."""
    open_link(page, board, token(*ALL))
    held: list[Route] = []
    page.route("**/pins/relay", lambda route: held.append(route), times=1)
    switch(page).click()
    expect(switch(page)).to_contain_text("Sending…")
    answer = held[0].fetch()  # the board has done it
    put(page, board, False)  # and somebody has undone it
    board.wait(lambda: page.evaluate("[...rows.values()].some((row) => row.missed?.value === false)"))
    held[0].fulfill(response=answer)
    expect(switch(page)).not_to_contain_text("Sending…")
    expect(switch(page)).not_to_be_checked()
    assert testbed.levels(board, testbed.RELAY) == [0, 1, 0]
