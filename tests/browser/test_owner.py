"""The owner's view: who sees it, what it says, and that it withdraws what it is asked to."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Locator, Page, Route, expect

import testbed
from pinwarden_sim import Board
from testbed import token

PINS = ("pins:read", "pins:write")
OWNER = (*PINS, "admin", "audit:read")
PARTS = ("share", "audit", "withdraw", "health")
pytestmark = pytest.mark.one_board


def open_page(page: Page, board: Board, *scopes: str, **claims: object) -> None:
    value = token(*scopes, **{"jti": "annas", **claims})  # type: ignore[arg-type]
    page.goto(f"{board.url}/#token={value}")


def open_part(page: Page, name: str) -> Locator:
    page.locator("#owner > summary").click()
    page.locator(f"#{name} > summary").click()
    return page.locator(f"#{name}")


def switch(page: Page, board: Board, value: bool, **claims: object) -> int:
    headers = testbed.bearer(token(*PINS, **claims))  # type: ignore[arg-type]
    return page.request.put(f"{board.url}/api/v1/pins/relay", headers=headers, data={"value": value}).status


def record(n: int, **members: object) -> dict:
    return {"n": n, "t": 1793491200, "what": "toggle", "pin": "relay", "by": "bob", "h": "0" * 16, **members}


def test_shows_what_the_token_is_for(page: Page, board: Board) -> None:
    for scopes, parts in (
        (PINS, set()),
        ((*PINS, "admin"), {"share", "withdraw", "health"}),
        ((*PINS, "audit:read"), {"audit", "health"}),
        (OWNER, set(PARTS)),
        (("admin", "audit:read"), {"audit", "withdraw", "health"}),  # no pins to share
    ):
        page.goto("about:blank")
        open_page(page, board, *scopes)
        if scopes[0] in PINS:
            expect(page.locator("#pins > li")).not_to_have_count(0)
        else:
            expect(page.get_by_role("alert")).to_contain_text("does not let you see pins")
        if parts:
            page.locator("#owner > summary").click()
        for part in PARTS:
            expect(page.locator(f"#{part}")).to_be_visible(visible=part in parts)
        page.evaluate("localStorage.clear()")


def test_another_token_closes_it(page: Page, board: Board) -> None:
    open_page(page, board, *OWNER)
    expect(open_part(page, "health")).to_contain_text("MicroPython")
    page.goto(f"{board.url}/#token={token(*PINS, sub='bob')}")
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#holder")).to_contain_text("bob")
    expect(page.locator("#owner")).to_be_hidden()
    expect(page.locator("#health > div")).to_be_empty()


def test_says_who_did_what(page: Page, board: Board) -> None:
    assert switch(page, board, True, sub="bob", jti="bobs") == 200
    headers = testbed.bearer(token("pins:write", sub="carla"))
    page.request.post(f"{board.url}/api/v1/pins/opener/pulse", headers=headers, data={})
    assert switch(page, board, False, exp=1767229200) == 401
    open_page(page, board, *OWNER)
    lines = open_part(page, "audit").get_by_role("listitem")
    expect(lines.filter(has_text="bob set Relay to on")).to_have_count(1)
    expect(lines.filter(has_text="carla pressed Front door")).to_contain_text("127.0.0.1")
    expect(lines.filter(has_text="Refused: an expired token")).to_have_count(1)
    expect(lines.filter(has_text="The board started: power came")).to_have_count(1)


def test_says_who_was_refused_and_which_colour(page: Page, board: Board) -> None:
    lamp = {"what": "set", "pin": "lamp", "by": "bob", "from": "192.168.1.20"}
    records = [
        record(9, what="refused", pin=None, by="carla", code="too_soon", count=1, **{"from": "192.168.1.66"}),
        record(8, what="refused", pin=None, by="dora", code="interlocked", count=3),
        record(7, what="refused", pin=None, by=None, code="signature", count=512),
        record(6, **lamp, value="#800B00"),
        record(5, **lamp, value="#123456"),
        record(4, **lamp, value=True),  # by the settings of then it was another kind
    ]
    found = {"records": records, "waiting": [], "chain": "whole", "dropped": 0}
    page.route("**/api/v1/audit?*", lambda route: route.fulfill(json=found))
    light = {"name": "lamp", "label": "Lamp", "kind": "rgb", "value": "#000000", "writable": True}
    page.route("**/api/v1/events", lambda route: route.fulfill(status=503, json={"code": "too_many_streams"}))
    page.route("**/api/v1/pins", lambda route: route.fulfill(json={"pins": [light]}))
    open_page(page, board, *OWNER)
    lines = open_part(page, "audit").get_by_role("listitem")
    for line, words in enumerate(
        (
            "carla was refused: too soon after the last time",
            "Refused 3 times, last dora: another pin was on",
            "Refused 512 times: a token of another key",
            "bob set Lamp to red, 50%",
            "bob set Lamp to #123456",
            "bob set Lamp to true",
        )
    ):
        expect(lines.nth(line)).to_contain_text(words)
    expect(lines.first).to_contain_text("192.168.1.66")
    for line, colour in ((3, "rgb(128, 11, 0)"), (4, "rgb(18, 52, 86)")):
        expect(lines.nth(line).locator(".sign")).to_have_css("background-color", colour)
    expect(page.locator("#audit .sign")).to_have_count(2)
    lines.first.get_by_role("button").click()
    expect(page.get_by_role("button", name="All that carla has now")).to_be_visible()


def test_older_records_follow(page: Page, board: Board) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url.partition("?")[2])
        newest = 23 if "before" not in asked[-1] else 3
        records = [record(n, by=f"guest {n}") for n in range(newest, max(newest - 20, 0), -1)]
        route.fulfill(json={"records": records, "waiting": [], "chain": "broken at 7", "dropped": 5})

    page.route("**/api/v1/audit?*", answer)
    open_page(page, board, *OWNER)
    audit = open_part(page, "audit")
    expect(audit.get_by_role("listitem")).to_have_count(20)
    expect(audit).to_contain_text("was changed by somebody other than the board")
    expect(audit).to_contain_text("5 things happened too fast")
    page.route("**/api/v1/audit?*before*", lambda route: route.abort(), times=1)
    audit.get_by_role("button", name="Older").click()
    expect(audit.get_by_role("status")).to_contain_text("did not answer")
    audit.get_by_role("button", name="Older").click()
    expect(audit.get_by_role("listitem")).to_have_count(23)
    expect(audit.get_by_role("status")).to_have_count(0)
    expect(audit.get_by_role("listitem").last).to_contain_text("guest 1 switched Relay over")
    expect(audit.get_by_role("button", name="Older")).to_be_hidden()
    assert asked == ["limit=20", "limit=20&before=4"]


def test_what_a_board_tells_is_text(page: Page, board: Board) -> None:
    bad = "<img src=x onerror=alert(1)>"
    assert switch(page, board, True, sub=bad) == 200
    open_page(page, board, *OWNER)
    expect(open_part(page, "audit")).to_contain_text(f"{bad} set Relay to on")
    assert page.locator("#owner img").count() == 0


def test_withdraws_one_token_by_what_it_did(page: Page, board: Board) -> None:
    assert switch(page, board, True, sub="dora", jti="doras") == 200
    open_page(page, board, *OWNER)
    audit = open_part(page, "audit")
    audit.get_by_role("button", name="dora set Relay").click()
    sheet = page.get_by_role("dialog", name="Withdraw what dora has?")
    expect(sheet.get_by_role("heading")).to_be_focused()
    expect(sheet).not_to_contain_text("your own")
    sheet.get_by_role("button", name="Only this token").click()
    expect(page.get_by_role("status").filter(has_text="It is withdrawn.")).to_be_visible()
    expect(sheet).to_be_hidden()
    expect(audit).to_contain_text("anna withdrew token doras")
    assert switch(page, board, False, sub="dora", jti="doras") == 401
    assert switch(page, board, False, sub="dora", jti="others") == 200


def test_withdraws_all_of_a_name(page: Page, board: Board) -> None:
    open_page(page, board, *OWNER)
    part = open_part(page, "withdraw")
    expect(part).to_contain_text("2026-11 (yours)")
    part.get_by_label("Whose tokens?").fill(" emil ")
    part.get_by_role("button", name="Withdraw …").click()
    page.get_by_role("button", name="All that emil has now").click()
    expect(part).to_contain_text("All of emil's, made before")
    assert switch(page, board, True, sub="emil", jti="emils") == 401
    assert switch(page, board, True, sub="anna") == 200


def test_thinks_better_of_it(page: Page, board: Board) -> None:
    assert switch(page, board, True, sub="fritz") == 200
    open_page(page, board, *OWNER)
    open_part(page, "audit").get_by_role("button", name="fritz set Relay").click()
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("button", name="Only this token")).to_have_count(0)  # it has no jti
    sheet.get_by_role("button", name="Leave it").click()
    expect(sheet).to_be_hidden()
    assert switch(page, board, False, sub="fritz") == 200


def test_warns_before_the_branch_is_sawn_off(page: Page, board: Board) -> None:
    open_page(page, board, *OWNER, sub="greta", jti="gretas")
    with page.expect_response("**/pulse"):
        page.get_by_role("button", name="Front door").click()
    open_part(page, "audit").get_by_role("button", name="greta pressed Front door").click()
    sheet = page.get_by_role("dialog")
    expect(sheet).to_contain_text("It is your own")
    sheet.get_by_role("button", name="Only this token").click()
    expect(page.get_by_role("alert").filter(has_text="Your token was withdrawn.")).to_be_visible()
    expect(page.locator("#owner")).to_be_hidden()


def test_how_the_board_is(page: Page, board: Board) -> None:
    changes: dict = {}

    def answer(route: Route) -> None:
        real = route.fetch()
        route.fulfill(json=real.json() | changes)

    page.route("**/api/v1/device", answer)
    open_page(page, board, *OWNER)
    health = open_part(page, "health")
    expect(health).to_contain_text("Free memory")
    expect(health).not_to_contain_text("Crashes")
    expect(health).not_to_contain_text("Went back")
    for now, term, words in (
        ({"signal_dbm": -82}, "Fi", "weak (-82 dBm)"),
        ({"network": "setup", "signal_dbm": None}, "Fi", "a network of its own"),
        ({"uptime_s": 3 * 86400}, "Running for", "3 days"),
        ({"flash": {"free": 1_572_864, "size": 2_097_152}}, "Free flash", "1,536 kB of 2,048 kB"),
        ({"reset_cause": "wdt"}, "Last start", "it had hung"),
        ({"crashes": {"count": 2, "last": "MemoryError"}}, "Crashes in a row", "2: MemoryError"),
        ({"rolled_back": "0a1b: crashed"}, "Went back", "0a1b: crashed"),
    ):
        changes.clear()
        changes.update(now)
        for _ in range(2):
            health.locator("summary").click()
        expect(health.locator("dt", has_text=term).locator("+ dd")).to_have_text(words)


def test_a_board_that_is_short_of_memory_is_asked_again(page: Page, board: Board) -> None:
    full = {"status": 503, "code": "out_of_memory", "title": "-", "detail": "try again"}
    open_page(page, board, *OWNER)
    expect(page.locator("#pins > li")).not_to_have_count(0)
    page.route("**/api/v1/device", lambda route: route.fulfill(status=503, json=full), times=2)
    expect(open_part(page, "health")).to_contain_text("MicroPython")


def test_what_the_board_refuses_is_said(page: Page, board: Board) -> None:
    full = {
        "status": 507,
        "code": "insufficient_storage",
        "title": "-",
        "detail": "the board's flash is full",
    }
    page.route("**/api/v1/revocations", lambda route: route.fulfill(status=507, json=full))
    open_page(page, board, *OWNER)
    part = open_part(page, "withdraw")
    expect(part).to_contain_text("The board refused: the board's flash is full.")
    part.get_by_label("Whose tokens?").fill("hans")
    part.get_by_label("Whose tokens?").press("Enter")
    page.get_by_role("button", name="All that hans has now").click()
    expect(page.get_by_role("dialog")).to_contain_text("The board refused: the board's flash is full.")
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "code"), [(500, "perhaps_done"), (500, "internal"), (503, "out_of_memory")]
)
@pytest.mark.parametrize("is_done", [True, False])
def test_a_change_without_an_answer_was_perhaps_made(
    page: Page, board: Board, status: int, code: str, is_done: bool
) -> None:
    """Nobody says that it was refused; and the list that shows it is asked for anew."""
    problem = {"status": status, "code": code, "title": "-", "detail": "out of memory"}

    def carry_out(route: Route) -> None:
        if route.request.method == "GET":
            return route.continue_()
        if is_done:
            route.fetch()
        return route.fulfill(status=status, json=problem)

    who = f"{code} {is_done}"
    page.clock.install()
    open_page(page, board, *OWNER)
    part = open_part(page, "withdraw")
    expect(part).to_contain_text("Keys are added and retired")
    page.route("**/api/v1/revocations", carry_out)
    part.get_by_label("Whose tokens?").fill(who)
    part.get_by_label("Whose tokens?").press("Enter")
    page.get_by_role("button", name=f"All that {who} has now").click()
    for _ in range(3):
        page.clock.run_for(1000)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("nobody knows whether it was done")
    expect(dialog).not_to_contain_text("refused")
    with page.expect_response(lambda answer: "revocations" in answer.url and answer.request.method == "GET"):
        page.get_by_role("button", name="Leave it").click()
    expect(part.locator("summary")).to_be_focused()
    expect(part.get_by_text(f"All of {who}'s")).to_have_count(int(is_done))


def test_a_board_that_is_gone(page: Page, board: Board) -> None:
    open_page(page, board, *OWNER)
    expect(page.locator("#pins > li")).not_to_have_count(0)
    page.route("**/api/v1/device", lambda route: route.abort())
    part = open_part(page, "health")
    expect(part).to_contain_text("did not answer. Close this, and open it again.")
    page.unroute("**/api/v1/device")
    for _ in range(2):
        part.locator("summary").click()
    expect(part).to_contain_text("MicroPython")


def test_a_clock_that_differs_withdraws_by_the_boards(page: Page, board: Board) -> None:
    page.clock.set_system_time("2020-06-01")
    open_page(page, board, *OWNER)
    part = open_part(page, "withdraw")
    part.get_by_label("Whose tokens?").fill("ida")
    part.get_by_role("button", name="Withdraw …").click()
    with page.expect_request("**/api/v1/revocations") as asked:
        page.get_by_role("button", name="All that ida has now").click()
    sent = asked.value.post_data_json
    assert sent
    assert abs(sent["before"] - time.time()) < 300
    expect(part).to_contain_text("All of ida's")
