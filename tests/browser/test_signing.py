"""The page signs: its own SHA-256, what it sends, what it does when the board does not take it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

import testbed
from pinwarden.proof import sign
from pinwarden_sim import Board
from recording import Heard, Line, Recorder
from testbed import token

VECTORS = Path(__file__).parents[1] / "vectors"
USES = 128  # requests that a challenge is good for
ALL = ("pins:read", "pins:write")
LOOKS = "**/api/v1/{pins,events}"
RELAY = "**/api/v1/pins/relay"

# Each for a list of [key, message] in hexadecimal; a browser's own TextEncoder and DataView at work.
_MACS = """cases => {
  const octets = (hex) => Uint8Array.from(hex.match(/../g) || [], (pair) => parseInt(pair, 16));
  const hex = (octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
  const pair = (key, message) => [hmacSha256(key, message), sha256(message)].map(hex);
  return cases.map(([key, message]) => pair(octets(key), octets(message)));
}"""


def open_link(page: Page, port: int, value: str) -> None:
    page.goto(f"http://127.0.0.1:{port}/#token={value}")
    expect(relay(page)).to_be_visible()


def relay(page: Page):
    return page.get_by_role("switch", name="Relay", exact=True)


def test_sha256_and_hmac(page: Page, board: Board) -> None:
    """RFC 4231's vectors; and every length around the blocks of 64 octets, as Python has it."""
    page.goto(board.url)
    vectors = json.loads((VECTORS / "rfc4231.json").read_text())
    draw = random.Random(4231)
    cases = [(case["key"], case["msg"]) for case in vectors]
    cases += [(draw.randbytes(draw.randrange(150)).hex(), draw.randbytes(n).hex()) for n in range(301)]
    macs = page.evaluate(_MACS, cases)
    assert [mac for mac, _ in macs[: len(vectors)]] == [case["mac"] for case in vectors]
    for (key, message), found in zip(cases, macs, strict=True):
        data = bytes.fromhex(message)
        mac = hmac.new(bytes.fromhex(key), data, hashlib.sha256).hexdigest()
        assert found == [mac, hashlib.sha256(data).hexdigest()]


def test_the_documented_vectors(page: Page, board: Board) -> None:
    """What the page makes of a vector's signature base is the vector's signature."""
    page.goto(board.url)
    vectors = json.loads((VECTORS / "signed_requests.json").read_text())
    key = base64.urlsafe_b64decode(vectors["token"].rpartition(".")[2] + "=").hex()
    good = [case for case in vectors["cases"] if case["expect"] == "ok"]
    assert len(good) > 3
    found = page.evaluate(_MACS, [(key, base_of(case).encode().hex()) for case in good])
    for case, (mac, _) in zip(good, found, strict=True):
        signature = base64.b64encode(bytes.fromhex(mac)).decode()
        assert case["fields"]["Signature"] == f"pw=:{signature}:", case["why"]


def base_of(case: dict) -> str:
    """The signature base, by docs/signed-requests.md."""
    fields, url = case["fields"], urlsplit(case["target"])
    values = {
        "@method": case["method"],
        "@authority": fields["Host"].lower().removesuffix(":80"),
        "@path": url.path,
        "@query": "?" + url.query,
        "authorization": fields["Authorization"],
        "content-digest": fields["Content-Digest"],
        "@signature-params": fields["Signature-Input"].removeprefix("pw="),
    }
    return "\n".join(f'"{name}": {value}' for name, value in values.items())


@pytest.mark.parametrize("more", [{}, {"cnf": {"pinwarden": "proof"}}], ids=["any token", "proof only"])
def test_signs_everything_and_shows_no_token(page: Page, air: Recorder, more: dict) -> None:
    value = token(*ALL, sub="Änne", **more)
    open_link(page, air.port, value)
    relay(page).click()
    expect(relay(page)).to_be_checked()
    page.get_by_role("button", name="Front door").click()
    expect(page.get_by_role("button", name="Front door")).to_contain_text("again in")
    page.reload()
    expect(relay(page)).to_be_checked()
    assert {request.split(b" ")[0] for request in signed(air)} == {b"GET", b"PUT", b"POST"}
    for request in signed(air):
        assert fields_of(request) == expected(request, value, air.port)
    nonces = [fields_of(request)["Signature-Input"] for request in signed(air)]
    assert len(set(nonces)) == len(nonces)
    signature = value.rpartition(".")[2]
    assert signature.encode() not in air.octets()
    assert base64.urlsafe_b64decode(signature + "=").hex().encode() not in air.octets()
    others = {request.split(b" ")[1] for request in {*air.requests()} - {*signed(air)}}
    files = {other for other in others if re.fullmatch(rb"/(app|style)\.\w{8}\.(js|css)", other)}
    assert len(files) == 2
    assert others - files == {b"/", b"/api/v1/challenge"}


def fields_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    every = dict(line.split(": ", 1) for line in lines)
    names = ("Authorization", "Content-Digest", "Signature-Input", "Signature")
    return {name: every[name] for name in names}


def expected(request: bytes, value: str, port: int) -> dict[str, str]:
    """What the tools would send, with the challenge, nonce and time of this request."""
    head, _, body = request.partition(b"\r\n\r\n")
    method, target, _ = head.decode().split("\r\n")[0].split(" ")
    params = re.search(r'created=(\d+);.*nonce="(.{16})\.([^"]+)"', fields_of(request)["Signature-Input"])
    assert params
    created, challenge, own = int(params[1]), params[2], params[3]
    assert abs(created - time.time()) < 300
    host = f"127.0.0.1:{port}"
    return sign(value, method, host, target, body, challenge=challenge, created=created, own=own)


@pytest.mark.parametrize("year", [1970, 2099])
def test_a_phone_whose_clock_is_wrong(page: Page, board: Board, year: int) -> None:
    page.clock.set_system_time(f"{year}-06-01")
    open_link(page, board.port, token(*ALL))
    relay(page).click()
    expect(relay(page)).to_be_checked()


def test_a_clock_that_is_put_right_meanwhile(page: Page, board: Board) -> None:
    """No command is signed twice under one challenge, whichever clock was wrong."""
    open_link(page, board.port, token(*ALL))
    relay(page).click()
    expect(relay(page)).to_be_checked()
    board.clock.jump(1000)
    relay(page).click()
    expect(page.locator("#note")).to_contain_text("clock was changed. Try again.")
    relay(page).click()
    expect(relay(page)).not_to_be_checked()
    assert testbed.levels(board, testbed.RELAY) == [0, 1, 0]


def test_a_new_challenge_goes_unnoticed(page: Page, board: Board, air: Recorder) -> None:
    """Others have used up the one that the page knows."""
    open_link(page, air.port, token(*ALL))
    old = challenge_of(signed(air)[-1])
    with Line(board.port) as line:
        for count in range(USES):
            if line.send(other_request(old, f"other-{count:03}")).status != 200:
                break  # the page has used some, too
    relay(page).click()
    expect(relay(page)).to_be_checked()
    expect(page.locator("#note")).to_have_text("")
    assert testbed.levels(board, testbed.RELAY) == [0, 1]
    commands = [request for request in signed(air) if request.startswith(b"PUT ")]
    assert [challenge_of(request) == old for request in commands] == [True, False]


def other_request(challenge: str, own: str) -> bytes:
    """A signed request of somebody else."""
    path, created = "/api/v1/device", int(time.time())
    fields = sign(token(*ALL), "GET", "door", path, b"", challenge=challenge, created=created, own=own)
    head = "".join(f"{name}: {text}\r\n" for name, text in fields.items())
    return f"GET {path} HTTP/1.1\r\nHost: door\r\n{head}\r\n".encode()


def signed(air: Recorder) -> list[bytes]:
    return [request for request in air.requests() if b"\r\nAuthorization: " in request]


def challenge_of(request: bytes) -> str:
    found = re.search(rb'nonce="([^.]{16})\.', request)
    assert found
    return found[1].decode()


def test_without_a_challenge_of_its_own(page: Page, board: Board) -> None:
    """Where strangers' requests are not answered any more, those with a token still are."""
    limited = {"status": 429, "code": "rate_limited", "title": "-", "detail": "too many"}
    page.route("**/challenge", lambda route: route.fulfill(status=429, json=limited))
    open_link(page, board.port, token(*ALL))
    relay(page).click()
    expect(relay(page)).to_be_checked()


def test_a_command_whose_answer_is_lost_is_done_once(page: Page, board: Board, air: Recorder) -> None:
    """Chromium sends again, by itself, what a kept connection has left unanswered; the board knows it."""
    open_link(page, air.port, token(*ALL))
    air.lose(b"POST ")
    page.get_by_role("button", name="Front door").click()
    expect(page.get_by_role("status")).to_contain_text("Front door")
    expect(page.get_by_role("alert")).to_be_hidden()
    board.wait(lambda: testbed.levels(board, testbed.OPENER)[-2:] == [1, 0])
    # Once more at most; not at all if it happened to have taken a new connection.
    assert len([request for request in signed(air) if request.startswith(b"POST ")]) in (1, 2)
    assert testbed.levels(board, testbed.OPENER) == [0, 1, 0]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("stale_nonce", "Relay: not done, the signature came too late. Try again."),
        ("created_out_of_window", "Relay: not done, the board's clock was changed. Try again."),
        ("replayed", "The board's answer was lost. See what Relay shows before you try again."),
    ],
)
def test_says_what_became_of_a_command(page: Page, board: Board, code: str, text: str) -> None:
    """Whoever answers so again and again, with what would have made two good commands of one."""
    open_link(page, board.port, token(*ALL))
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.headers["signature-input"])
        refusal(route, code, challenge_of(asked[0].encode()), int(time.time()))

    page.route(RELAY, refuse)
    relay(page).click()
    expect(page.get_by_role("status")).to_have_text(text)
    expect(relay(page)).not_to_be_checked()
    assert len(asked) == 1


def test_signs_again_once(page: Page, board: Board) -> None:
    open_link(page, board.port, token(*ALL))
    challenges: list[str] = []

    def refuse(route: Route) -> None:
        challenges.append(challenge_of(route.request.headers["signature-input"].encode()))
        refusal(route, "stale_nonce", f"{len(challenges):016}", int(time.time()))

    page.route(RELAY, refuse)
    relay(page).click()
    expect(page.get_by_role("status")).to_contain_text("the signature came too late")
    assert challenges[1:] == [f"{1:016}"]


@pytest.mark.parametrize("code", ["stale_nonce", "created_out_of_window", "replayed"])
def test_says_that_signatures_are_not_taken(page: Page, board: Board, code: str) -> None:
    """The token is not to blame, and stays."""
    page.route(LOOKS, lambda route: refusal(route, code, "B" * 16, 1793491200))
    page.goto(f"{board.url}/#token={token(*ALL)}")
    expect(page.get_by_role("alert")).to_contain_text("did not take this page's signature")
    expect(page.get_by_label("Your token, or its link")).to_be_hidden()
    page.unroute(LOOKS)
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(relay(page)).to_be_enabled()


def refusal(route: Route, code: str, nonce: str, now: int) -> None:
    problem = {"status": 401, "code": code, "title": "-", "detail": "-", "nonce": nonce, "now": now}
    field = f'Pinwarden realm="door", error="{code}", nonce="{nonce}"'
    route.fulfill(status=401, json=problem, headers={"WWW-Authenticate": field})


def test_what_was_recorded_of_it_moves_nothing(page: Page, board: Board, air: Recorder) -> None:
    """tests/hostile/test_recorder.py has the long form, with a client that does as the page does."""
    open_link(page, air.port, token(*ALL))
    for label in ("Relay", "Lamp", "Bell", "Blind up"):
        page.get_by_role("switch", name=label).click()
        expect(page.get_by_role("switch", name=label)).to_be_checked()
    page.get_by_role("button", name="Front door").click()
    board.wait(lambda: board.pin(testbed.OPENER).levels == [0, 1, 0])
    page.goto("about:blank")
    for code in ("replayed", "stale_nonce"):
        before = levels(board)
        with Line(board.port) as line:
            assert {line.send(request) for request in signed(air)} == {Heard(401, code)}
        assert levels(board) == before
        board.power_cut()
        board.clock.set(int(time.time()))
        board.start()


def levels(board: Board) -> list[list[float | None]]:
    return [testbed.levels(board, pin["gpio"]) for pin in testbed.PINS.values()]
