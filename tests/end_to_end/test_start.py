"""Which version starts, and what becomes of one that does not come up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import slotbed
import testbed
from pinwarden_sim.board import HARD_RESET, PWRON_RESET, WDT_RESET
from slotbed import Edits

# A version on trial has a second, and not a minute. It is up in a quarter of one.
TRIAL = {"slots.py": {"TRIAL_MS = 60000": "TRIAL_MS = 1000"}}

STUCK: Edits = {
    "firmware/wifi.py": {
        "    async def keep_connected(self):": """    async def keep_connected(self):
        print("stuck")
        while True:
            pass
"""
    }
}
CRASHING: Edits = {
    "firmware/api.py": {'_PREFIX = const("/api/v1/")': 'raise RuntimeError("a fault of this test")'}
}


@pytest.fixture
def deployed(runtime: str, tmp_path: Path) -> Callable[..., Path]:
    """`deployed(edits)`: a flash whose new version, with these edits, is on trial in /b, before its first
    start.
    """

    def make(edits: Edits | None = None, **changes: object) -> Path:
        flash = tmp_path / "flash"
        slotbed.make(flash, runtime, b=slotbed.release(runtime, edits, log="requests", **changes))
        slotbed.edit(flash, "slots.py", TRIAL["slots.py"])
        slotbed.activate(flash, "b", previous="a", trial=1)
        return flash

    return make


def test_a_new_version_is_confirmed_when_it_is_healthy(
    runtime: str, deployed: Callable[..., Path], tmp_path: Path
) -> None:
    flash = deployed()
    with slotbed.powered(flash, runtime) as board:
        board.start()
        board.wait(lambda: slotbed.state(flash)["trial"] == 0)
        assert slotbed.state(flash) == {"slot": "b", "previous": "a", "trial": 0, "note": None}
        assert slotbed.health(board) == (200, {"status": "ok"})
        told = slotbed.ask(board)
        assert (told["slot"], told["build"], told["rolled_back"]) == ("b", slotbed.build(flash, "b"), None)
        assert (told["chip"], told["network"], told["crashes"]) == ("esp32", "station", None)
        assert 0 < told["flash"]["free"] < told["flash"]["size"]
        if runtime == "micropython":
            assert told["micropython"].count(".") == 2
        # It goes on feeding: more time than its trial had, and the watchdog has not bitten.
        board.wait(lambda: board.status()["uptime_ms"] > 2000)
        assert board.starts == [PWRON_RESET]
        board.reset()
        board.start()
        assert slotbed.ask(board)["slot"] == "b"


def test_one_that_crashes_is_rolled_back_at_once(runtime: str, deployed: Callable[..., Path]) -> None:
    flash = deployed(CRASHING)
    with slotbed.powered(flash, runtime) as board:
        board.start()
        assert board.starts == [PWRON_RESET, HARD_RESET]
        (line,) = slotbed.said(board, "slots: rolled back")
        assert line.startswith("slots: rolled back to a: RuntimeError(")
        told = slotbed.ask(board)
        assert (told["slot"], told["build"]) == ("a", slotbed.build(flash, "a"))
        assert told["rolled_back"].startswith(slotbed.build(flash, "b") + ": RuntimeError(")
        assert told["crashes"]["count"] == 0
        assert "a fault of this test" in told["crashes"]["last"]
        assert "api" in slotbed.crashes(flash)["trace"]
        assert slotbed.state(flash)["trial"] == 0
        board.reset()
        board.start()
        assert slotbed.ask(board)["slot"] == "a"
        assert len(board.starts) == 3


def test_one_that_is_stuck_is_rolled_back_by_the_watchdog(
    runtime: str, deployed: Callable[..., Path]
) -> None:
    flash = deployed(STUCK)
    with slotbed.powered(flash, runtime) as board:
        board.power_on()
        board.wait(lambda: slotbed.said(board, "http: serving"), timeout=20)
        assert slotbed.said(board, "stuck")
        assert board.starts == [PWRON_RESET, WDT_RESET]
        told = slotbed.ask(board)
        assert told["slot"] == "a"
        assert told["rolled_back"] == slotbed.build(flash, "b") + ": not healthy within 1 s of its start"
        assert told["crashes"] == {"count": 0, "last": "not healthy within 1 s of its start"}


def test_one_that_finds_no_wifi_is_rolled_back(runtime: str, deployed: Callable[..., Path]) -> None:
    flash = deployed()
    with slotbed.powered(flash, runtime, radio=True) as board:
        board.wifi.down()
        board.power_on()
        board.wait(lambda: slotbed.said(board, "slots: rolled back to a: not healthy within 1 s"), timeout=20)
        assert slotbed.state(flash)["slot"] == "a"
        # The one before has been healthy once, and may wait for a network as long as it takes.
        board.wait(lambda: board.status()["uptime_ms"] > 1500)
        assert board.starts == [PWRON_RESET, WDT_RESET]


def test_one_in_safe_mode_is_rolled_back(runtime: str, deployed: Callable[..., Path]) -> None:
    """It serves, and says what is wrong, but that is not what a deploy was for."""
    flash = deployed()
    slotbed.edit(flash, "b/settings.json", {'"version":1': '"version":1,"nonsense":2'})
    with slotbed.powered(flash, runtime) as board:
        board.start()
        assert slotbed.said(board, "safe mode: the pins stay safe")
        board.wait(lambda: slotbed.state(flash)["slot"] == "a")
        board.start()
        assert slotbed.health(board) == (200, {"status": "ok"})


def test_one_whose_power_goes_four_times_is_rolled_back(runtime: str, deployed: Callable[..., Path]) -> None:
    flash = deployed()
    with slotbed.powered(flash, runtime, radio=True) as board:
        board.wifi.down()
        for start in (2, 3, 4):
            board.power_on()
            board.wait(lambda start=start: slotbed.state(flash)["trial"] == start)
            board.power_cut()
        board.wifi.up()
        board.start()
        assert slotbed.said(board, "slots: rolled back to a: not healthy after 3 starts")
        assert slotbed.ask(board)["slot"] == "a"


def test_the_pins_are_those_of_the_version_that_starts(runtime: str, deployed: Callable[..., Path]) -> None:
    """boot.py knows the slots, and main.py makes the pins safe once more when it goes back."""
    new = {"gate": {"kind": "switch", "gpio": 4, "safe": True}}
    flash = deployed(CRASHING, pins=new)
    with slotbed.powered(flash, runtime) as board:
        board.start(http=False)
        board.wait(lambda: board.pin(testbed.DOWN).levels, timeout=20)
        assert testbed.levels(board, 4)[0] == 1
        assert testbed.levels(board, testbed.DOWN)[0] == 1, "of the version before, on its safe level"
        slotbed.activate(flash, "b")
        (flash / "slots.py").write_text("half a")
        board.power_cut()
        board.start(http=False)
        board.wait(lambda: slotbed.said(board, "boot: the settings are looked for in the root"))


def test_without_a_version_before_it_goes_on(runtime: str, deployed: Callable[..., Path]) -> None:
    """The first deploy to an empty board: there is nothing to go back to, so it is not bitten for it."""
    flash = deployed()
    slotbed.activate(flash, "b", trial=1)
    with slotbed.powered(flash, runtime, radio=True) as board:
        board.wifi.down()
        board.start(http=False)
        board.wait(lambda: board.status()["uptime_ms"] > 1500)
        assert board.starts == [PWRON_RESET]
        assert slotbed.state(flash)["trial"] == 1


def test_the_first_version_of_all_is_confirmed_too(runtime: str, deployed: Callable[..., Path]) -> None:
    """And one without a network to join is healthy without it."""
    flash = deployed()
    slotbed.activate(flash, "b", trial=1)
    secrets = {**testbed.secrets(), "wifi": None}
    (flash / "secrets.json").write_text(json.dumps(secrets))
    with slotbed.powered(flash, runtime) as board:
        board.start()
        board.wait(lambda: slotbed.state(flash)["trial"] == 0)
        board.wait(lambda: slotbed.said(board, "http: serving without Wi-Fi port 80"))


@pytest.mark.parametrize(
    "previous",
    [
        pytest.param(lambda flash: (flash / "a" / "version.json").unlink(), id="half of one"),
        pytest.param(lambda flash: slotbed.activate(flash, "b", trial=1), id="none"),
    ],
)
def test_a_crash_without_a_whole_version_before_is_a_crash(
    runtime: str, deployed: Callable[..., Path], previous: Callable[[Path], object]
) -> None:
    flash = deployed(CRASHING)
    previous(flash)
    with slotbed.powered(flash, runtime) as board:
        board.power_on()
        board.wait(lambda: len(board.starts) == 4, timeout=20)
        assert slotbed.state(flash)["slot"] == "b"
        assert not slotbed.said(board, "rolled back")
        assert slotbed.crashes(flash)["count"] >= 3


def test_a_full_flash_keeps_no_version_from_starting(runtime: str, deployed: Callable[..., Path]) -> None:
    """It can be neither counted nor confirmed; but it is there."""
    flash = deployed()
    with slotbed.powered(flash, runtime, flash_size=4096) as board:
        board.start()
        assert slotbed.said(board, "main: the start could not be counted")
        assert slotbed.ask(board)["slot"] == "b"
        board.wait(lambda: slotbed.said(board, "main: the flash cannot be written"))
        assert slotbed.state(flash)["trial"] == 1
        assert board.starts == [PWRON_RESET]


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param("", id="empty"),
        pytest.param('{"slot": "b", "prev', id="half a file"),
        pytest.param("[]", id="no object"),
        pytest.param('{"slot": "b"}', id="members missing"),
        pytest.param('{"slot": "../b", "previous": null, "trial": 0, "note": null}', id="no slot"),
        pytest.param('{"slot": ["a"], "previous": null, "trial": 0, "note": null}', id="a list"),
        pytest.param("\x00\xff" * 99, id="noise"),
    ],
)
def test_garbage_in_slot_json(runtime: str, deployed: Callable[..., Path], garbage: str) -> None:
    flash = deployed()
    (flash / "slot.json").write_bytes(garbage.encode("latin-1"))
    with slotbed.powered(flash, runtime) as board:
        board.start()
        told = slotbed.ask(board)
        assert told["build"] == slotbed.build(flash, told["slot"])


def test_garbage_in_the_members(runtime: str, deployed: Callable[..., Path]) -> None:
    """The slot is good: what is beside it is passed over."""
    flash = deployed()
    (flash / "slot.json").write_text('{"slot": "b", "previous": "b", "trial": -1, "note": 5}')
    with slotbed.powered(flash, runtime) as board:
        board.start()
        told = slotbed.ask(board)
        assert (told["slot"], told["build"]) == ("b", slotbed.build(flash, "b"))
        assert told["rolled_back"] is None


def test_a_plain_copy_in_the_root_needs_no_slots(runtime: str, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    testbed.install(flash, runtime)
    with slotbed.powered(flash, runtime) as board:
        board.start()
        told = slotbed.ask(board)
        assert (told["slot"], told["build"], told["rolled_back"]) == (None, None, None)
        assert not (flash / "slot.json").exists()
