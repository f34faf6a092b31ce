"""What somebody with a phone does: opens a link, taps, waits; and what the page says when it cannot be."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

import testbed
from pinwarden_sim import Board
from testbed import token

ALL = ("pins:read", "pins:write")
READ_ONLY = ("pins:read:relay", "pins:read:lamp")


def open_link(page: Page, board: Board, value: str) -> None:
    page.goto(f"{board.url}/#token={value}")


def poll_only(page: Page) -> None:
    """Have the page do without a stream, as where others have them all."""
    problem = {"status": 503, "code": "too_many_streams", "title": "-", "detail": "-"}
    page.route("**/api/v1/events", lambda route: route.fulfill(status=503, json=problem))


def listens(_page: Page) -> None:
    """Have it do with one."""


def says(page: Page, text: str) -> None:
    expect(page.get_by_role("alert")).to_contain_text(text)


def switch(page: Page, label: str):
    return page.get_by_role("switch", name=label, exact=True)


def test_a_link_signs_in_and_leaves_no_token_in_the_address(page: Page, board: Board) -> None:
    value = token(*ALL)
    open_link(page, board, value)
    expect(page.locator("#pins > li")).to_have_count(len(testbed.PINS))
    expect(page.get_by_role("heading")).to_have_text(testbed.NAME)
    expect(page.locator("#holder")).to_contain_text("anna")
    assert page.url == f"{board.url}/"
    assert page.evaluate("history.length") == 2, "about:blank and the page: no entry with the token"
    page.reload()
    expect(switch(page, "Relay")).to_be_visible()
    assert value not in page.content()


def test_a_switch_moves_its_pin_and_shows_what_the_board_confirmed(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    expect(switch(page, "Relay")).not_to_be_checked()
    switch(page, "Relay").tap()
    expect(switch(page, "Relay")).to_be_checked()
    assert testbed.levels(board, testbed.RELAY) == [0, 1]
    switch(page, "Relay").press("Space")
    expect(switch(page, "Relay")).not_to_be_checked()
    assert testbed.levels(board, testbed.RELAY) == [0, 1, 0]


def test_what_somebody_else_switches_shows(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    expect(switch(page, "Relay")).not_to_be_checked()
    headers = testbed.bearer(token(*ALL))
    page.request.put(f"{board.url}/api/v1/pins/relay", headers=headers, data={"value": True})
    expect(switch(page, "Relay")).to_be_checked()


def test_an_answer_from_before_a_tap_does_not_undo_what_is_shown(page: Page, board: Board) -> None:
    poll_only(page)
    open_link(page, board, token(*ALL))
    expect(switch(page, "Relay")).not_to_be_checked()
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/api/v1/pins", lambda route: held.append((route, route.fetch())), times=1)
    board.wait(lambda: page.title() and held)  # title(): routes are handled while something is asked
    switch(page, "Relay").click()
    expect(switch(page, "Relay")).to_be_checked()
    page.evaluate("""() => {
      window.shown = [];
      const relay = document.querySelector("[aria-labelledby=label-relay]");
      new MutationObserver(() => shown.push(relay.ariaChecked)).observe(relay, { attributes: true });
    }""")
    route, old = held[0]
    assert '"value": false' in old.text()
    with page.expect_response(lambda answer: "true" in answer.text()):
        route.fulfill(response=old)
    expect(switch(page, "Relay")).to_be_checked()
    assert set(page.evaluate("shown")) <= {"true"}


def test_a_pulse_counts_down_and_ends(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    opener = page.get_by_role("button", name="Front door")
    opener.click()
    expect(opener).to_contain_text("On, off again in 1 s")
    expect(opener).to_contain_text("Ready")
    assert testbed.levels(board, testbed.OPENER) == [0, 1, 0]
    _, second, third = board.pin(testbed.OPENER).history
    assert 0.25 < third.time - second.time < 0.6


def test_a_limit_counts_down(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    switch(page, "Lamp").click()
    expect(switch(page, "Lamp")).to_contain_text("On, off again in 59:5")


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("Blind up", "Blind down", "Blind down cannot be on while Blind up is on. Switch that off first."),
        ("Bell", "Bell", "Bell changed a moment ago. Wait 1:00 min"),
    ],
)
def test_says_what_a_limit_refused(page: Page, board: Board, first: str, second: str, text: str) -> None:
    open_link(page, board, token(*ALL))
    switch(page, first).click()
    expect(switch(page, first)).to_be_checked()
    before = switch(page, second).is_checked()
    switch(page, second).click()
    expect(page.get_by_role("status")).to_contain_text(text)
    assert switch(page, second).is_checked() == before


def test_a_token_to_look_shows_no_button(page: Page, board: Board) -> None:
    open_link(page, board, token(*READ_ONLY))
    expect(page.locator("#pins > li")).to_have_count(2)
    expect(page.locator("#pins")).to_contain_text("Off · look only")
    expect(page.locator("#pins").get_by_role("button")).to_have_count(0)
    expect(page.get_by_role("switch")).to_have_count(0)


def test_says_that_a_right_was_lost(page: Page, board: Board) -> None:
    """The page's own view of a token's rights is not what decides."""

    def writable(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace('"writable": false', '"writable": true'))

    poll_only(page)
    page.route("**/api/v1/pins", writable)
    open_link(page, board, token(*READ_ONLY))
    switch(page, "Relay").click()
    expect(page.get_by_role("status")).to_have_text("Your token does not let you switch Relay.")
    assert testbed.levels(board, testbed.RELAY) == [0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(
            token(*ALL, exp=1767229200), "expired. It was good until 1 Jan 2026, 01:00", id="expired"
        ),
        pytest.param(
            token(*ALL, nbf=4102448400), "not valid yet. It will be on 1 Jan 2100, 01:00", id="not yet"
        ),
        pytest.param(token(*ALL, secret=testbed.OTHER_SECRET), "not made for this board", id="forged"),
        pytest.param(token(*ALL)[:-2], "That is no token. A token is one long word", id="cut short"),
        pytest.param(token(*ALL, aud="gate"), "for another board", id="another board's"),
        pytest.param(
            token(*ALL, nbf=-1),
            "does not accept your token. It says: nbf is not a whole number",
            id="bad claim",
        ),
        pytest.param(token("audit:read"), "does not let you see pins", id="no pins"),
        pytest.param(
            token("pins:read:cellar"), "No pin of this board is for your token", id="a pin that is gone"
        ),
        pytest.param("hello", "That is no token", id="no token"),
    ],
)
def test_says_what_is_wrong_with_a_token(page: Page, board: Board, value: str, text: str) -> None:
    open_link(page, board, value)
    says(page, text.partition(". ")[0])
    says(page, text.partition(". ")[2])
    assert page.url == f"{board.url}/"
    expect(page.get_by_role("switch")).to_have_count(0)


def test_a_token_that_ends_meanwhile(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL, ttl=4))
    expect(switch(page, "Relay")).to_be_visible()
    says(page, "Your token has expired.")
    expect(page.locator("#holder")).to_contain_text("expired", timeout=5000)
    expect(page.get_by_text("Your token ends soon.")).to_be_hidden(timeout=5000)


def test_a_token_that_becomes_valid_lets_in_by_itself(page: Page, board: Board) -> None:
    page.clock.install()
    open_link(page, board, token(*ALL, nbf=int(time.time()) + 1000))
    says(page, "not valid yet")
    board.ntp.set(time.time() + 1500)  # or the first answer of a time server would turn it back
    board.clock.jump(1500)
    page.clock.fast_forward(30_000)
    expect(switch(page, "Relay")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_board_without_the_time_says_so_and_recovers(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    expect(switch(page, "Relay")).to_be_visible()
    board.ntp.down()
    board.clock.unset()
    says(page, "does not know the time yet")
    board.clock.set(int(time.time()))
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_board_that_is_gone_is_told_and_comes_back(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    switch(page, "Relay").click()
    expect(switch(page, "Relay")).to_be_checked()
    board.power_cut()
    says(page, "The board does not answer.")
    expect(switch(page, "Relay")).to_contain_text("Last seen: On")
    expect(switch(page, "Relay")).to_be_disabled()
    board.start()
    expect(page.get_by_role("status")).to_have_text("The board answers again.")
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(switch(page, "Relay")).not_to_be_checked()
    switch(page, "Relay").click()
    expect(switch(page, "Relay")).to_be_checked()


def test_a_command_without_an_answer_is_no_success(page: Page, board: Board) -> None:
    open_link(page, board, token(*ALL))
    expect(switch(page, "Relay")).to_be_visible()
    page.route("**/pins/relay", lambda route: route.abort())
    switch(page, "Relay").click()
    expect(page.get_by_role("status")).to_contain_text("nobody knows whether that reached Relay")
    expect(switch(page, "Relay")).not_to_be_checked()


@pytest.mark.parametrize("code", ["perhaps_done", "internal"])
@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("follows", [listens, poll_only])
def test_a_command_that_was_perhaps_done(
    page: Page, board: Board, code: str, is_done: bool, follows: Callable[[Page], None]
) -> None:
    """It is not sent again, and what is shown is asked anew: no event may have told of it."""
    problem = {"status": 500, "code": code, "title": "-", "detail": "out of memory"}
    sent: list[str] = []

    def carry_out(route: Route) -> None:
        if route.request.method == "GET":
            return route.continue_()
        sent.append(route.request.method)
        if is_done:
            route.fetch()
        return route.fulfill(status=500, json=problem)

    follows(page)
    open_link(page, board, token(*ALL))
    expect(switch(page, "Relay")).not_to_be_checked()
    page.route("**/pins/relay", carry_out)
    with page.expect_response(
        lambda answer: answer.url.endswith("/relay") and answer.request.method == "GET"
    ):
        switch(page, "Relay").click()
    expect(page.get_by_role("status")).to_have_text(
        "Perhaps done, perhaps not: see whether Relay has moved before you try again."
    )
    expect(switch(page, "Relay")).to_be_checked(checked=is_done)
    assert sent == ["PUT"]
    assert testbed.levels(board, testbed.RELAY) == [0, 1][: 1 + is_done]


def test_a_command_that_was_not_done_may_be_tried_again(page: Page, board: Board) -> None:
    full = {"status": 503, "code": "out_of_memory", "title": "-", "detail": "out of memory; try again"}
    open_link(page, board, token(*ALL))
    expect(switch(page, "Relay")).to_be_visible()
    page.route("**/pins/relay", lambda route: route.fulfill(status=503, json=full), times=1)
    switch(page, "Relay").click()
    expect(page.get_by_role("status")).to_contain_text("Relay: the board refused. out of memory; try again.")
    switch(page, "Relay").click()
    expect(switch(page, "Relay")).to_be_checked()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("safe_mode", "The board is in safe mode."),
        ("misdirected", "The board does not know itself by this address."),
        ("out_of_memory", "The board cannot do this now."),
    ],
)
def test_says_what_is_wrong_with_the_board(page: Page, board: Board, code: str, text: str) -> None:
    problem = {"status": 503, "code": code, "title": "-", "detail": "because <b>so</b>"}
    page.route("**/api/v1/{pins,events}", lambda route: route.fulfill(status=503, json=problem))
    open_link(page, board, token(*ALL))
    says(page, text)
    assert page.locator("#trouble b").count() == 0


def test_a_pasted_token_and_the_end_of_it(page: Page, board: Board) -> None:
    page.goto(board.url)
    says(page, "This board asks for a token.")
    field = page.get_by_label("Your token, or its link")
    field.fill("hello")
    field.press("Enter")
    says(page, "That is no token.")
    field.fill(f" {board.url}/#token={token(*ALL)}\n")
    page.get_by_role("button", name="Use this token").click()
    expect(switch(page, "Relay")).to_be_visible()
    expect(field).to_be_hidden()
    sign_out(page)
    says(page, "This board asks for a token.")
    expect(page.get_by_role("switch")).to_have_count(0)
    expect(field).to_be_focused()
    assert page.evaluate("JSON.stringify(localStorage)") == "{}"
    page.reload()
    says(page, "This board asks for a token.")


def sign_out(page: Page) -> None:
    page.locator("#holder").click()
    page.get_by_role("button", name="Sign out").click()


def test_another_link_in_the_same_tab(page: Page, board: Board) -> None:
    open_link(page, board, token(*READ_ONLY))
    expect(page.locator("#pins > li")).to_have_count(2)
    page.evaluate("value => location.assign('#token=' + value)", token(*ALL))
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#pins > li")).to_have_count(len(testbed.PINS))
    assert page.url == f"{board.url}/"
