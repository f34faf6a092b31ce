"""What loading the page costs: octets on the air, the first time and later, and what is seen meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from pinwarden import board as files
from pinwarden_sim import Board
from recording import Recorder
from testbed import PINS, token
from watching import Watch

CONNECTIONS = 4  # that a board has
MOST = 24_000  # octets that the board sends, heads and all
ALL = f"#token={token('pins:read', 'pins:write')}"


def only_files(page: Page) -> None:
    """Have the page load, and ask the board nothing. (Routes would have the browser keep nothing.)"""
    page.add_init_script("window.fetch = () => new Promise(() => {})")


def asked(air: Recorder) -> list[str]:
    """What was asked for, without the hash of what is in it."""
    paths = [request.split(b" ", 2)[1].decode() for request in air.requests()]
    return sorted(re.sub(r"\.\w{8}\.", ".", path) for path in paths)


def sent(air: Recorder) -> int:
    """How much the board has sent."""
    return len(air.octets()) - sum(len(request) for request in air.requests())


@pytest.mark.parametrize("language", files.languages())
def test_the_first_time(page: Page, air: Recorder, language: str) -> None:
    only_files(page)
    page.goto(f"http://127.0.0.1:{air.port}/{ALL}", wait_until="load")
    assert asked(air) == ["/", "/app.js", "/style.css"]
    assert page.locator("html").get_attribute("lang") == language
    assert 10_000 < sent(air) <= MOST


def test_the_way_to_a_switch_that_can_be_used(page: Page, board: Board) -> None:
    """Four times to the board and back, on as many connections as it has, over a slow Wi-Fi. How long that
    takes is told by `python -m bench.page`.
    """
    wire = page.context.new_cdp_session(page)
    asked: list[str] = []
    connections: set[int] = set()

    def answered(event: dict) -> None:
        answer = event["response"]
        if answer["url"].startswith("http"):  # else it is in the page
            asked.append(re.sub(r"\.\w{8}\.", ".", urlsplit(answer["url"]).path))
            connections.add(answer["connectionId"])

    wire.on("Network.responseReceived", answered)
    wire.send("Network.enable")
    slow = {"offline": False, "latency": 20, "downloadThroughput": 125_000, "uploadThroughput": 125_000}
    wire.send("Network.emulateNetworkConditions", slow)
    page.goto(f"{board.url}/{ALL}")
    expect(page.get_by_role("switch", name="Relay")).to_be_enabled()
    assert asked[0] == "/"
    assert set(asked[1:3]) == {"/app.js", "/style.css"}
    assert asked[3:] == ["/api/v1/challenge", "/api/v1/events"]
    assert len(connections) <= CONNECTIONS


def test_the_second_time(page: Page, air: Recorder) -> None:
    only_files(page)
    page.goto(f"http://127.0.0.1:{air.port}/{ALL}", wait_until="load")
    before = sent(air)
    page.goto("about:blank")
    page.goto(f"http://127.0.0.1:{air.port}/", wait_until="load")
    expect(page.locator("#holder")).to_contain_text("anna")
    assert asked(air) == ["/", "/", "/app.js", "/style.css"]
    assert b"HTTP/1.1 304 " in air.octets()
    assert sent(air) - before < 1000


@pytest.mark.parametrize("name", ["app", "style"])
def test_what_a_foreign_network_has_left_under_the_name_is_not_taken(
    page: Page, board: Board, watch: Watch, name: str
) -> None:
    def swap(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text() + "\n")

    page.route(f"**/{name}.*", swap)
    page.goto(f"{board.url}/{ALL}")
    board.wait(lambda: page.title() and watch.faults)
    assert "integrity" in watch.faults.pop()
    expect(page.locator("#pins > li")).to_have_count(0 if name == "app" else len(PINS))


@pytest.mark.parametrize("has_scripts", [True, False])
def test_without_its_script_it_says_what_to_do(
    phones: Callable[..., Page], board: Board, has_scripts: bool
) -> None:
    """The board's connections may all be in use just then, or the Wi-Fi is weak. Tried again it works."""
    page = phones(java_script_enabled=has_scripts)
    page.route("**/app.*.js", lambda route: route.fulfill(status=503) if has_scripts else route.continue_())
    page.goto(f"{board.url}/{ALL}")
    what = page.get_by_text("load the page again")
    expect(what).to_have_css("animation-name", "late")  # most often it is about to come: not seen at once
    expect(what).to_be_visible()
    if has_scripts:
        page.unroute_all()
        page.reload()
        expect(page.locator("#pins > li")).to_have_count(len(PINS))
        expect(what).to_have_count(0)


def test_something_is_seen_before_the_script_is_there(page: Page, board: Board) -> None:
    held: list[Route] = []
    page.route("**/app.*.js", lambda route: held.append(route))
    page.goto(f"{board.url}/{ALL}", wait_until="commit")
    expect(page.get_by_role("heading")).to_be_visible()
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    assert len(held) == 1
    held[0].continue_()
    expect(page.locator("#pins > li")).to_have_count(len(PINS))
