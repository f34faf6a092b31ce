"""Resets, power cuts and crashes: what stays, what goes, and what the pins do meanwhile."""

from __future__ import annotations

import pytest

from pinwarden_sim import BoardError
from pinwarden_sim.board import HARD_RESET, PWRON_RESET, SOFT_RESET, WDT_RESET

RELAY = """
import machine
print("cause", machine.reset_cause())
relay = machine.Pin(26, machine.Pin.OUT, value=1)
"""


def causes(board) -> list[int]:
    """The reset causes that the firmware itself saw."""
    return [int(line.split()[1]) for line in board.serial if line.startswith("cause")]


def test_a_reset_from_outside(board, idle):
    made = board(RELAY + idle)
    made.wait(lambda: made.pin(26).level == 1)
    made.reset()
    made.wait(lambda: len(causes(made)) == 2)
    made.wait(lambda: made.pin(26).level == 1)
    assert causes(made) == [PWRON_RESET, HARD_RESET]
    assert made.pin(26).levels == [1, None, 1], "the pin is let go while the chip resets"


def test_a_power_cut_and_power_on(board, idle):
    made = board(RELAY + idle)
    made.wait(lambda: made.pin(26).level == 1)
    made.power_cut()
    assert not made.alive
    assert made.state == "off"
    assert made.pin(26).level is None
    made.start(http=False)
    made.wait(lambda: len(causes(made)) == 2)
    assert causes(made) == [PWRON_RESET, PWRON_RESET]


def test_machine_reset_starts_anew_and_runs_no_finally(board):
    made = board("""
        import machine, os
        print("cause", machine.reset_cause())
        if machine.reset_cause() == machine.PWRON_RESET:
            try:
                machine.reset()
            finally:
                print("finally")
        print("second life")
    """)
    made.wait(lambda: "second life" in made.serial)
    assert causes(made) == [PWRON_RESET, HARD_RESET]
    assert "finally" not in made.serial


def test_a_soft_reset_keeps_the_pins(board):
    made = board("""
        import machine, sys
        print("cause", machine.reset_cause())
        if machine.reset_cause() != machine.SOFT_RESET:
            machine.Pin(26, machine.Pin.OUT, value=1)
            machine.soft_reset()
        print("level", machine.Pin(26).value())
    """)
    made.wait(lambda: "level 1" in made.serial)
    assert causes(made) == [PWRON_RESET, SOFT_RESET]
    assert made.pin(26).levels == [1]


def test_a_crash_leaves_the_pins_driven(board):
    made = board(RELAY + "raise ValueError('a bug')")
    made.wait(lambda: made.state == "repl")
    assert made.alive
    assert made.pin(26).level == 1
    text = "\n".join(made.serial)
    assert "Traceback (most recent call last):" in text
    assert 'File "/main.py", line 5' in text
    assert "ValueError: a bug" in text
    assert made.serial[-1].startswith(">>>")
    made.status()  # it still listens
    made.reset()
    made.wait(lambda: len(causes(made)) == 2)


def test_boot_runs_first_and_shares_its_names(board):
    made = board("print(order)", files={"boot.py": "order = 'boot, main'"})
    made.wait(lambda: "boot, main" in made.serial)


def test_main_runs_though_boot_fails(board):
    made = board("print('main runs')", files={"boot.py": "raise OSError(5)"})
    made.wait(lambda: "main runs" in made.serial)


WRITER = """
import os
with open("/state", "wb") as file:
    file.write(b"a" * 100)
print("whole")
open("/go")
"""


def test_power_fails_in_the_middle_of_a_write(board, idle):
    made = board(
        """
        import asyncio
        import machine
        button = machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP)
        async def main():
            print("ready")
            while button.value():
                await asyncio.sleep_ms(1)
            with open("/state.tmp", "w") as file:
                for _ in range(10):
                    file.write("0123456789")
            print("never")
        asyncio.run(main())
        """,
        clock=1_900_000_000,
    )
    made.wait(lambda: "ready" in made.serial)
    made.power_cut(after_bytes=35)
    assert made.alive, "the power fails when the bytes are written, not before"
    made.drive(0, 0)
    made.wait(lambda: not made.alive)
    assert (made.flash / "state.tmp").read_text() == "01234567890123456789012345678901234"
    assert "never" not in made.serial
    assert made.clock.now() is None


def test_the_power_fails_at_each_step(board):
    """Before and after each operation, and in the middle of a write."""
    replace = """
    import os
    with open("/a.new", "w") as file:
        file.write("0123456789")
    os.rename("/a.new", "/a")
    os.remove("/a")
    print("whole")
    """
    made = board(replace)
    made.wait(lambda: made.state == "repl")
    found = []
    for steps in range(1, 9):
        made.power_cut()
        made.power_cut(after_steps=steps)
        made.power_on()
        made.wait(lambda: not made.alive)
        texts = [
            path.read_text() if path.exists() else None for path in (made.flash / "a.new", made.flash / "a")
        ]
        found.append((made.cuts[-1], *texts))
    assert found == [
        ("open /a.new", None, None),
        ("open /a.new", "", None),
        ("write /a.new", "01234", None),
        ("write /a.new", "0123456789", None),
        ("rename /a", "0123456789", None),
        ("rename /a", None, "0123456789"),
        ("remove /a", None, "0123456789"),
        ("remove /a", None, None),
    ]
    made.power_cut(after_steps=9)
    made.power_on()
    made.wait(lambda: made.serial.count("whole") == 2)


def test_the_watchdog_bites_a_firmware_that_is_stuck(board):
    made = board("""
        import machine, time
        print("cause", machine.reset_cause())
        if machine.reset_cause() != machine.WDT_RESET:
            dog = machine.WDT(timeout=80)
            for _ in range(3):
                time.sleep_ms(40)
                dog.feed()
            print("fed")
            while True:
                pass
    """)
    made.wait(lambda: made.state == "repl")
    assert causes(made) == [PWRON_RESET, WDT_RESET]
    assert made.serial[1] == "fed"


def test_start_says_what_went_wrong(board):
    with pytest.raises(BoardError, match="ended before the web server") as caught:
        board("raise RuntimeError('no settings')", http=True)
    assert "RuntimeError: no settings" in str(caught.value)


def test_a_board_that_is_off_says_so(board, idle):
    made = board(idle)
    made.power_cut()
    with pytest.raises(BoardError, match="off"):
        made.status()


def test_a_stuck_firmware_says_so(board):
    made = board("while True: pass")
    with pytest.raises(BoardError, match="never waits"):
        made.status(timeout=0.1)
