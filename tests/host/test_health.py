"""How a deploy ends: what the board says while it starts, and what it answers then."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from pinwarden import call
from pinwarden.call import Answer
from pinwarden.deploy import health
from pinwarden.device import Device
from pinwarden.errors import NotDeployed, Unreachable

ALONE = ["wifi: no network is set; deploy one", "http: serving without Wi-Fi port 80"]
JOINED = ["wifi: connected, 192.168.1.20", "http: serving 192.168.1.20 port 80"]
OTHER_NAME = '{"code": "misdirected", "status": 421, "detail": "this board answers to door.local"}'


class Log:
    """In place of a Repl: a board that says these lines and no more."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = iter(lines)

    def lines(self, _seconds: float) -> Iterator[str]:
        yield from self._lines


def answers(monkeypatch: pytest.MonkeyPatch, status: int, body: str) -> None:
    """Let any board answer like this."""
    headers = httpx.Headers({"content-type": "application/problem+json"})
    answer = Answer(status, headers, body.encode(), ("192.168.1.20", 80))
    monkeypatch.setattr(call, "send", lambda *_args, **_kwargs: answer)
    monkeypatch.setattr(health, "_NETWORK", 0.0)


def wait(door: Device, lines: list[str], address: str | None) -> health.Healthy:
    return health.wait(Log(lines), door, build="1", address=address)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("address", [None, "127.0.0.1:8080"])
def test_in_no_network_there_is_nothing_to_ask(
    door: Device, monkeypatch: pytest.MonkeyPatch, address: str | None
) -> None:
    monkeypatch.setattr(call, "send", lambda *_args, **_kwargs: pytest.fail("it was asked"))
    assert wait(door, ALONE, address).address is None


def test_in_no_network_a_version_can_have_gone_back(door: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotDeployed, match="went back to the version before: crashed"):
        wait(door, ["slots: rolled back to a: crashed", *ALONE], "127.0.0.1:8080")


def test_a_board_in_safe_mode_is_asked_why(door: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, 503, '{"status": "safe_mode", "problems": ["pins.relay.gpio: 99"]}')
    with pytest.raises(NotDeployed, match=r"safe mode: pins\.relay\.gpio: 99"):
        wait(door, ["safe mode: settings", ALONE[-1]], "127.0.0.1:8080")


@pytest.mark.parametrize(
    ("told", "seen", "asked"),
    [
        pytest.param("127.0.0.1 port 80", ("127.0.0.1", 8080), "127.0.0.1:8080", id="simulated"),
        pytest.param("127.0.0.1 port 80", ("192.168.1.5", 8080), "127.0.0.1:8080", id="for this network"),
        pytest.param("127.0.0.1 port 80", None, "127.0.0.1", id="nobody knows"),
        pytest.param("192.168.1.20 port 80", ("127.0.0.1", 8080), "192.168.1.20", id="a real one after it"),
    ],
)
def test_where_a_board_is_asked(
    door: Device, monkeypatch: pytest.MonkeyPatch, told: str, seen: tuple[str, int] | None, asked: str
) -> None:
    """A simulated board cannot tell at which port of this computer it is."""
    places: list[str] = []
    answers(monkeypatch, 421, OTHER_NAME)
    answer = call.send
    monkeypatch.setattr(
        call, "send", lambda place, *rest, **more: places.append(place) or answer(place, *rest)
    )
    if seen:
        door.remember(*seen)
    with pytest.raises(Unreachable):
        wait(door, [f"http: serving {told}"], None)
    assert places == [asked]


def test_a_board_of_another_name_is_a_board(door: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, 421, OTHER_NAME)
    with pytest.raises(
        Unreachable, match=r"a board is at 10\.0\.0\.1, .*: this board answers to door\.local"
    ):
        wait(door, JOINED, "10.0.0.1")
