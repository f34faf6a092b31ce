"""What the doctor makes of what a board tells over USB, however strange it is."""

from __future__ import annotations

import pytest

from pinwarden.deploy import inventory
from pinwarden.deploy.inventory import File, Inventory
from pinwarden.device import Device
from pinwarden.doctor import inside, start
from pinwarden.doctor.examination import Finding
from pinwarden.errors import BoardFailed


@pytest.mark.parametrize(
    ("lines", "state", "found"),
    [
        (
            ["wifi: connected, 10.0.0.2", "http: serving 10.0.0.2 port 81"],
            "ok",
            "it serves at 10.0.0.2, port 81",
        ),
        (["http: serving without Wi-Fi port 80"], "ok", "it serves without Wi-Fi, port 80"),
        (["wifi: connected, 10.0.0.2"], "warning", "joined the network as 10.0.0.2"),
        (
            [
                "wifi: refused; the password is probably wrong (status 202)",
                "wifi: not connected; trying again in 1 s",
            ],
            "failed",
            "does not join the network: refused; the password is probably wrong",
        ),
        (["wifi: no network is set; deploy one"], "warning", "knows no network"),
        (
            [
                "wifi: no network of this name (status 201)",
                "wifi: setup mode, network door-setup at 192.168.4.1",
            ],
            "warning",
            "one of its own now: door-setup, at 192.168.4.1",
        ),
        (
            ["safe mode: the pins stay safe", "  pins.relay: holds 9", "wifi: connected, 10.0.0.2"],
            "failed",
            "holds 9",
        ),
        (["Traceback (most recent call last):"], "failed", "ends by itself"),
        (["rst:0x1 (POWERON_RESET)"], "warning", "not on the network yet"),
        (["", "  "], "failed", "prints nothing"),
    ],
)
def test_the_words_of_a_start(lines: list[str], state: str, found: str) -> None:
    finding = start.judge(lines)
    assert (finding.state, found in finding.found) == (state, True), finding


STRANGE = [
    None,
    True,
    [],
    "x",
    10**30,
    {"files": 3},
    {"files": {"firmware/app.mpy": 3}},
    {"count": {}},
    {"name": []},
]


@pytest.mark.parametrize("value", STRANGE, ids=range(len(STRANGE)))
def test_nothing_inside_is_too_strange(door: Device, value: object) -> None:
    stock = Inventory(
        "?", (1, 29, 0), 6, 5, 9, versions={"": {"firmware/app.mpy": File(1, "00")}}, kids={"": "\x1b"}
    )
    found = inside.Inside(stock, value, value, value, None, None, 0.0)
    for finding in (
        inside.name(found, "door"),
        inside.files(found, None, "door"),
        inside.keys(found, door),
        inside.crashes(found),
    ):
        assert isinstance(finding, Finding)


class StrangeBoard:
    """Stands for a Repl at whose other end is no board: it answers everything with the same words."""

    port = "/dev/ttyUSB0"

    def __init__(self, words: str) -> None:
        self._words = words

    def load(self, script: str) -> None:
        """Nothing is defined."""

    def run(self, _source: str, timeout: float = 10) -> str:
        """What it says to that."""
        return self._words

    def read(self, _path: str) -> bytes:
        """What it says is in the file."""
        return self._words.encode()


ABOUT = {
    "machine": "x",
    "micropython": [1, 29, 0],
    "mpy": 6,
    "free": 5,
    "size": 9,
    "slots": None,
    "kids": None,
}


@pytest.mark.parametrize(
    "words",
    [
        "",
        "OK",
        "[" * 100000,
        "[1]",
        "{}",
        repr({**ABOUT, "machine": 3}),
        repr({**ABOUT, "slots": {"slot": [1]}}),
        repr({**ABOUT, "slots": {"slot": "../../etc"}}),
        repr({**ABOUT, "kids": 7}),
        repr(ABOUT) + "\nnonsense",
        repr(ABOUT) + "\nx y /a/firmware/app.mpy",
    ],
    ids=range(11),
)
def test_what_is_no_board_is_told(words: str) -> None:
    with pytest.raises(BoardFailed, match="tells nothing that a board"):
        inside.look(StrangeBoard(words))  # pyright: ignore


@pytest.mark.parametrize(
    "lie",
    [
        {"free": "x"},
        {"free": -1},
        {"micropython": ["x", None]},
        {"mpy": None},
        {"kids": [(1, "a")]},
        {"slots": {"slot": "a", "previous": []}},
        {"slots": {"slot": "a", "note": 3}},
    ],
    ids=str,
)
def test_a_deploy_wants_it_right(lie: dict) -> None:
    with pytest.raises(BoardFailed, match="tells nothing that a board"):
        inventory.take(StrangeBoard(repr({**ABOUT, **lie})))  # pyright: ignore


def test_a_board_that_tells_little(door: Device) -> None:
    found = inside.look(StrangeBoard(repr({**ABOUT, "free": "x", "slots": {"slot": "a", "note": 3}})))  # pyright: ignore
    assert (found.heap, found.clock, found.settings) == (None, None, None)
    assert inside.keys(found, door).state == "failed"
    assert not found.is_ours
