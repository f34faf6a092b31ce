"""Crashes in a row and the watchdog: what counts, when it ends in safe mode, when it is forgotten."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import serial

import slotbed
import testbed
from pinwarden_sim import Board
from pinwarden_sim.board import HARD_RESET, PWRON_RESET, WDT_RESET
from slotbed import Edits

# What the test asks for by a file in /state: to crash, or to be stuck.
AT_WILL = """
def _obey():
    import os
    for name in ("crash", "hang"):
        try:
            os.remove("/state/" + name)
        except OSError:
            continue
        while name == "hang":
            pass
        raise RuntimeError("a fault of this test")


async def watch("""
OBEDIENT: Edits = {
    "firmware/watchdog.py": {
        "\nasync def watch(": AT_WILL,
        "        pause = _FEED_MS\n": "        pause = _FEED_MS\n        _obey()\n",
        "_TIMEOUT_MS = const(30000)": "_TIMEOUT_MS = const(600)",
        "_FEED_MS = const(5000)": "_FEED_MS = const(100)",
    }
}


def type_in(board: Board, keys: bytes) -> None:
    """Send it to the board's serial port."""
    with serial.Serial(board.usb.path) as port:
        port.write(keys)
        port.flush()


def test_three_crashes_end_in_safe_mode_until_a_person_comes(runtime: str, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    slotbed.make(flash, runtime, a=slotbed.release(runtime, OBEDIENT))
    with slotbed.powered(flash, runtime) as board:
        board.start()
        board.wait(lambda: board.clock.now() is not None)
        command = {"json": {"value": True}, "headers": testbed.bearer(testbed.token("pins:write"))}
        assert httpx.put(f"{board.url}/api/v1/pins/relay", trust_env=False, **command).status_code == 200
        for crash in (1, 2, 3):
            (flash / "state" / "crash").touch()
            board.wait(lambda crash=crash: len(board.starts) == crash + 1)
            assert slotbed.crashes(flash)["count"] == crash
            board.start()
        assert board.pin(testbed.RELAY).levels[:3] == [0, 1, 0], "safe before the reset, not by it"
        status, body = slotbed.health(board)
        assert (status, body["status"]) == (503, "safe_mode")
        (problem,) = body["problems"]
        assert problem.startswith("3 crashes in a row; the last: RuntimeError(")
        assert slotbed.said(board, "safe mode: ")
        assert testbed.levels(board, testbed.RELAY)[-1] in (0, None)
        assert testbed.levels(board, testbed.DOWN)[-1] == 1
        refused = httpx.put(f"{board.url}/api/v1/pins/relay", trust_env=False, **command)
        assert refused.json()["code"] == "safe_mode"
        board.reset()
        board.start()
        assert slotbed.health(board)[0] == 503, "a reset is not a person"
        board.power_cut()
        board.start()
        board.wait(lambda: board.clock.now() is not None)
        assert slotbed.health(board) == (200, {"status": "ok"})
        (flash / "state" / "crash").touch()
        board.wait(lambda: slotbed.crashes(flash)["count"] == 4)
        board.wait(lambda: board.starts[-1] == HARD_RESET)
        board.start()
        assert slotbed.health(board)[0] == 503, "one more try, not three"


def test_a_bite_of_the_watchdog_counts_as_a_crash(runtime: str, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    slotbed.make(flash, runtime, a=slotbed.release(runtime, OBEDIENT))
    with slotbed.powered(flash, runtime) as board:
        for bite in (1, 2, 3):
            board.start()
            assert slotbed.health(board)[0] == 200
            board.wait(lambda: board.status()["uptime_ms"] > 700)  # it is fed meanwhile
            (flash / "state" / "hang").touch()
            board.wait(lambda bite=bite: len(board.starts) == bite + 1)
        assert board.starts == [PWRON_RESET, WDT_RESET, WDT_RESET, WDT_RESET]
        board.start()
        status, body = slotbed.health(board)
        assert (status, body["status"]) == (503, "safe_mode")
        assert body["problems"][0].startswith("3 crashes in a row; the last: the watchdog bit")
        assert slotbed.crashes(flash) == {"count": 3, "error": "the watchdog bit", "trace": ""}


def test_after_a_while_without_one_crashes_are_forgotten(runtime: str, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    quick = {**OBEDIENT["firmware/watchdog.py"], "_STEADY_MS = const(300000)": "_STEADY_MS = const(300)"}
    slotbed.make(flash, runtime, a=slotbed.release(runtime, {"firmware/watchdog.py": quick}))
    with slotbed.powered(flash, runtime) as board:
        board.start()
        (flash / "state" / "crash").touch()
        board.wait(lambda: len(board.starts) == 2)
        assert slotbed.crashes(flash)["count"] == 1
        board.start()
        board.wait(lambda: slotbed.crashes(flash)["count"] == 0)
        assert "a fault of this test" in slotbed.ask(board)["crashes"]["last"]
        assert "watchdog" in slotbed.crashes(flash)["trace"], "what it was can still be looked up"


def test_a_crash_record_that_is_garbage_is_no_crash(runtime: str, tmp_path: Path) -> None:
    flash = tmp_path / "flash"
    slotbed.make(flash, runtime)
    (flash / "state").mkdir()
    for garbage in (
        "",
        "[3]",
        '{"count": "3", "error": "x", "trace": ""}',
        '{"error": "of an older main.py"}',
    ):
        (flash / "state" / "crash.json").write_text(garbage)
        with slotbed.powered(flash, runtime) as board:
            board.start()
            assert slotbed.ask(board)["crashes"] is None
            board.reset()
            board.start()
            assert slotbed.health(board)[0] == 200


def test_ctrl_c_leaves_the_board_to_the_tools(tmp_path: Path) -> None:
    """The pins are safe, and the watchdog, which cannot be disarmed, gets minutes (here: two seconds)."""
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    flash = tmp_path / "flash"
    slotbed.make(flash, "micropython", a=slotbed.release("micropython", OBEDIENT))
    slotbed.edit(flash, "main.py", {"_USB_MS = 600000": "_USB_MS = 2000"})
    with slotbed.powered(flash, "micropython", usb=True) as board:
        board.start()
        board.wait(lambda: board.clock.now() is not None)
        command = {"json": {"value": True}, "headers": testbed.bearer(testbed.token("pins:write"))}
        assert httpx.put(f"{board.url}/api/v1/pins/relay", trust_env=False, **command).status_code == 200
        type_in(board, b"\x03\x03\x03")
        board.wait(lambda: slotbed.said(board, "main: stopped from the serial port; the pins are safe"))
        assert board.pin(testbed.RELAY).levels == [0, 1, 0]
        type_in(board, b"import time; time.sleep(1.2); print('six', 'bytes')\r")
        board.wait(lambda: "six bytes" in board.serial)
        assert board.starts == [PWRON_RESET], "twice as long as the watchdog had"
        board.wait(lambda: len(board.starts) == 2)
        board.start()
        assert board.starts == [PWRON_RESET, WDT_RESET], "a tool that has gone leaves no dead board"
        assert slotbed.ask(board)["crashes"] is None, "and it was no crash"


def test_ctrl_c_is_no_failure_of_a_version_on_trial(tmp_path: Path) -> None:
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    flash = tmp_path / "flash"
    version = slotbed.release("micropython")
    slotbed.make(flash, "micropython", b=version)
    slotbed.activate(flash, "b", "a", trial=1)
    slotbed.edit(flash, "main.py", {"_USB_MS = 600000": "_USB_MS = 300"})
    options = {"usb": True, "radio": True}
    with slotbed.powered(flash, "micropython", **options) as board:
        board.wifi.down()
        board.power_on()
        board.wait(lambda: slotbed.state(flash)["trial"] == 2)
        type_in(board, b"\x03")
        board.wait(lambda: slotbed.said(board, "main: stopped from the serial port"))
        board.wait(lambda: len(board.starts) == 2)
        board.status()  # which the application answers
        assert slotbed.state(flash) == {"slot": "b", "previous": "a", "trial": 2, "note": None}
