"""Several phones and one board: each shows what the board has within a second, by the stream of events or by
asking; and a board that goes away takes none of that with it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from playwright.sync_api import Page, expect

from pinwarden_sim import Board
from testbed import token

ALL = ("pins:read", "pins:write")


def poll_only(page: Page) -> None:
    """Have a phone find that others have all the streams."""
    problem = {"status": 503, "code": "too_many_streams", "title": "-", "detail": "-"}
    page.route("**/api/v1/events", lambda route: route.fulfill(status=503, json=problem))


def open_link(page: Page, board: Board, who: str) -> None:
    page.goto(f"{board.url}/#token={token(*ALL, sub=who)}")
    expect(relay(page)).to_be_visible()


def relay(page: Page):
    return page.get_by_role("switch", name="Relay", exact=True)


def stop_clock(page: Page) -> None:
    """From now on time passes on this phone by `page.clock.run_for` only."""
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)


def test_events_need_no_time(page: Page, board: Board, phones: Callable[[], Page]) -> None:
    other = phones()
    for each, who in ((page, "anna"), (other, "ben")):
        each.clock.install()
        open_link(each, board, who)
        stop_clock(each)
    for here, there, value in ((page, other, True), (other, page, False), (page, other, True)):
        relay(here).click()
        expect(relay(there)).to_be_checked(checked=value)
        expect(relay(here)).to_be_checked(checked=value)


def test_without_a_stream_it_takes_a_second(page: Page, board: Board, phones: Callable[[], Page]) -> None:
    poller = phones()
    poll_only(poller)
    poller.clock.install()
    open_link(page, board, "anna")
    open_link(poller, board, "ben")
    stop_clock(poller)
    for value in (True, False, True):
        with poller.expect_response("**/api/v1/pins") as answer:
            relay(page).click()
            expect(relay(page)).to_be_checked(checked=value)
            poller.clock.run_for(1000)
        assert answer.value.ok
        expect(relay(poller)).to_be_checked(checked=value)
    relay(poller).click()
    expect(relay(page)).not_to_be_checked()


def test_a_silence_is_told_within_three_seconds_without_a_stream(page: Page, board: Board) -> None:
    poll_only(page)
    page.clock.install()
    open_link(page, board, "anna")
    assert board.pid
    os.kill(board.pid, signal.SIGSTOP)
    try:
        stop_clock(page)
        page.clock.run_for(3000)
        expect(page.get_by_role("alert")).to_contain_text("The board does not answer.")
    finally:
        os.kill(board.pid, signal.SIGCONT)


def test_all_come_back_when_the_board_does(page: Page, board: Board, phones: Callable[[], Page]) -> None:
    poller = phones()
    poll_only(poller)
    everybody = (page, poller)
    for each, who in zip(everybody, ("anna", "ben"), strict=True):
        open_link(each, board, who)
    relay(page).click()
    for each in everybody:
        expect(relay(each)).to_be_checked()
    board.power_cut()
    for each in everybody:
        expect(each.get_by_role("alert")).to_contain_text("The board does not answer.")
        expect(relay(each)).to_contain_text("Last seen: On")
    board.start()
    for each in everybody:
        expect(each.get_by_role("alert")).to_be_hidden()
        expect(relay(each)).not_to_be_checked()
    relay(poller).click()
    for each in everybody:
        expect(relay(each)).to_be_checked()
