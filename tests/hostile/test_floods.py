"""Fifty clients that misbehave at once, in many ways, and a good one; and each way by itself, that it ends.
`make abuse` does the same for ten minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from bench import abuse
from bench.abusers import FORMS, SLOW, Abusers

import testbed
from pinwarden_sim import Board, runtimes

HEAP = "256k"
SECONDS = 4.0
SHORT = {"head_timeout": 1, "body_timeout": 1, "write_timeout": 1, "idle_timeout": 1}  # seconds
HOLD = 2.0  # seconds for which slow readers don't read; longer than the board waits
AT_LAST = 30.0  # seconds; for what takes a second on an idle computer

GUESS = "Bearer " + testbed.token("pins:write", secret=testbed.OTHER_SECRET)


def flash_of(make: pytest.TempPathFactory, runtime: str, **http: int) -> Path:
    """A flash of the device of bench/abuse.py."""
    if not testbed.have(runtime):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    folder = make.mktemp("floods") / "flash"
    abuse.install(folder, runtime, http)
    return folder


@pytest.fixture(params=runtimes.RUNTIMES)
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A board with all limits at their defaults."""
    flash = flash_of(tmp_path_factory, request.param)
    with Board(flash, request.param, clock=int(time.time()), ntp=False, heapsize=HEAP) as made:
        yield made.start()


@pytest.fixture(scope="module", params=runtimes.RUNTIMES)
def impatient(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """One whose time limits are short."""
    flash = flash_of(tmp_path_factory, request.param, **SHORT, strangers=6000)
    with Board(flash, request.param, clock=int(time.time()), ntp=False, heapsize=HEAP) as made:
        yield made.start()


def test_fifty_who_misbehave_and_a_good_client(board: Board) -> None:
    report = abuse.run(board, SECONDS, 50, HOLD)
    assert report.problems() == []
    assert set(report.abusers.opened) == set(FORMS)  # each had its turn
    statuses = {status for answers in report.abusers.answers.values() for status in answers}
    assert "429" in statuses


@pytest.mark.parametrize("form", [*SLOW, "half_open"])
def test_is_cut(impatient: Board, form: str) -> None:
    """Two at a time, so that there are places for all, and it is the deadline that ends them."""
    if not abuse.descriptors(impatient):
        pytest.skip("no /proc here: only Linux has it")
    at_rest = impatient.wait(lambda: settled(impatient), AT_LAST)
    with Abusers(impatient.port, 2, [testbed.token("pins:read")], hold=HOLD, only=(form,)) as abusers:
        if form == "half_open":  # it does not see its end
            impatient.wait(lambda: abusers.opened[form] >= 2, AT_LAST)
        else:
            impatient.wait(lambda: abusers.cut[form] >= 2, AT_LAST)
    answers = abusers.answers[form]
    assert "503" not in answers  # nobody was turned out
    if form in ("slow_head", "slow_body"):
        assert answers["408"] >= 2
    # Nothing of them is left on the board.
    impatient.wait(lambda: abuse.descriptors(impatient) <= at_rest, AT_LAST)


def settled(board: Board) -> int:
    """How many descriptors the board has open when nobody is connected; 0 while that changes."""
    seen = set()
    for _ in range(5):
        seen.add(abuse.descriptors(board))
        board.status()
    return seen.pop() if len(seen) == 1 else 0


def ask(board: Board, path: str, credential: str = "") -> tuple[int, dict[str, str]]:
    """The status, and the fields, of the answer on a new connection."""
    field = f"Authorization: {credential}\r\n" if credential else ""
    head = f"GET {path} HTTP/1.1\r\nHost: door.local\r\nConnection: close\r\n{field}\r\n"
    answer = abuse.exchange(board.port, head.encode())
    first, *lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return int(first.split(" ")[1]), dict(line.split(": ", 1) for line in lines)


def ask_until_refused(board: Board, path: str, credential: str = "") -> dict[str, str]:
    """The fields of the first answer that says it is too much."""
    for _ in range(200):
        status, fields = ask(board, path, credential)
        if status == 429:
            return fields
    raise AssertionError("it never was too much")


@pytest.fixture
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Board]]:
    """`device(runtime, …)`: the test device. What isn't given of its server's settings has its default."""
    with ExitStack() as boards:

        def make(runtime: str, **http: int) -> Board:
            if not testbed.have(runtime):
                pytest.skip(testbed.WITHOUT_MICROPYTHON)
            flash = tmp_path_factory.mktemp("limits") / "flash"
            return boards.enter_context(testbed.device(flash, runtime, http=http))

        yield make


@pytest.mark.parametrize("runtime", runtimes.RUNTIMES)
def test_what_a_household_does_is_never_too_much(device, runtime: str) -> None:
    """A phone that loads the page ten times at once: each time three files, the challenge, an icon."""
    board = device(runtime)
    for _ in range(10):
        for path in ("/", "/icon.svg", "/icon-192.png", "/healthz", "/favicon.ico"):
            assert ask(board, path)[0] in (200, 404)


@pytest.mark.parametrize("runtime", runtimes.RUNTIMES)
def test_too_much_is_told_and_a_token_is_heard_all_the_same(device, runtime: str) -> None:
    board = device(runtime, strangers=30)  # so few that a slow computer asks more, too
    good = testbed.bearer(testbed.token("pins:read"))["Authorization"]
    for path, credential in (("/icon-192.png", ""), ("/api/v1/pins", GUESS)):
        fields = ask_until_refused(board, path, credential)
        assert 1 <= int(fields["Retry-After"]) <= 30
        assert fields["Connection"] == "close"
    # From the same address, for the first time and again.
    for _ in range(20):
        assert ask(board, "/api/v1/pins", good)[0] == 200
    # When it waits for as long as it was told, it is heard again.
    board.wait(lambda: ask(board, "/healthz")[0] == 200, AT_LAST)
