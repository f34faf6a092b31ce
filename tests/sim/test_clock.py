"""The board's clock: unset it counts from 2000; the host may set it, unset it and move it; NTP sets it."""

from __future__ import annotations

import time

import pytest

TELL = """
import asyncio, machine, ntptime, time

def tell(what=""):
    print("now", time.time(), time.gmtime()[0], time.gmtime(0)[0], machine.RTC().datetime()[0], what)

def pressed(pin):
    try:
        ntptime.settime()
        tell("ntp")
    except OSError:
        tell("no-ntp")

tell("start")
machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP).irq(pressed, machine.Pin.IRQ_FALLING)
async def main():
    while True:
        await asyncio.sleep_ms(1000)
asyncio.run(main())
"""
IN_2030 = 1_900_000_000


def fields(board, what: str, since: int = 0) -> list[str]:
    """The words of the newest line that ends with `what`."""
    lines = board.wait(lambda: [line for line in board.serial[since:] if line.endswith(" " + what)])
    return lines[-1].split()


def test_an_unset_clock_counts_from_2000(board):
    made = board(TELL)
    _, seconds, year, epoch_year, rtc_year, _ = fields(made, "start")
    assert int(seconds) < 60
    assert (year, epoch_year, rtc_year) == ("2000", "2000", "2000")
    assert made.clock.now() is None
    assert made.status()["clock"] is None


def test_a_clock_that_is_set_at_power_on(board):
    made = board(TELL, clock=IN_2030)
    assert fields(made, "start")[2] == "2030"
    assert abs(made.status()["clock"] - IN_2030) < 60


def test_set_jump_and_unset(board):
    made = board(TELL)
    made.clock.set(IN_2030)
    assert abs(made.clock.now() - IN_2030) < 60
    made.clock.jump(-3600)
    assert abs(made.status()["clock"] - (IN_2030 - 3600)) < 60
    made.clock.unset()
    assert made.clock.now() is None


@pytest.mark.parametrize(
    ("lose_power", "survives"),
    [
        pytest.param(False, True, id="a reset keeps the clock: the ESP32's RTC runs on"),
        pytest.param(True, False, id="a power cut loses it"),
    ],
)
def test_what_the_clock_survives(board, lose_power, survives):
    made = board(TELL, clock=IN_2030)
    fields(made, "start")
    printed = len(made.serial)
    if lose_power:
        made.power_cut()
        made.power_on()
    else:
        made.reset()
    assert fields(made, "start", printed)[2] == ("2030" if survives else "2000")


def test_ntp_sets_the_clock_to_what_the_server_says(board):
    made = board(TELL)
    made.press(0, ms=1)
    assert fields(made, "ntp")[2] == str(time.gmtime().tm_year)
    made.ntp.set(IN_2030)
    made.press(0, ms=1)
    made.wait(lambda: made.clock.now() is not None and abs(made.clock.now() - IN_2030) < 60)


def test_no_time_server(board):
    made = board(TELL, ntp=False)
    made.press(0, ms=1)
    assert fields(made, "no-ntp")[2] == "2000"
    made.ntp.up()
    made.press(0, ms=1)
    assert fields(made, "ntp")[2] != "2000"


def test_each_time_server_may_have_a_time_of_its_own(board):
    made = board("""
        import asyncio, machine, ntptime
        def pressed(pin):
            told = []
            for ntptime.host in ("a", "b", "c"):
                try:
                    told.append(ntptime.time() + 946684800)
                except (OSError, ValueError) as error:
                    told.append(error.args[0])
            print("told", *told)
        machine.Pin(0, machine.Pin.IN, machine.Pin.PULL_UP).irq(pressed, machine.Pin.IRQ_FALLING)
        async def main():
            while True:
                await asyncio.sleep_ms(1000)
        asyncio.run(main())
    """)

    def told() -> list[str]:
        """What the servers say."""
        since = len(made.serial)
        made.press(0, ms=1)
        return made.wait(lambda: made.serial[since:])[-1].partition(" ")[2].split(" ", 2)

    made.ntp.set(IN_2030)
    b, c = made.ntp.server("b"), made.ntp.server("c")
    b.set(IN_2030, step=1000)
    c.reply("kiss")
    first, second = told(), told()
    assert all(abs(int(answers[0]) - IN_2030) < 60 for answers in (first, second))
    assert 940 < int(second[1]) - int(first[1]) < 1060
    assert second[2] == "2085978496"
    made.ntp.down()
    c.reply("short")
    assert [told()[0], told()[2]] == ["110", "buffer too small"]
    b.down()
    assert told()[1] == "110"


def test_the_calendar(board):
    """gmtime has eight fields, weekday 0 is Monday, and mktime is its inverse, leap days included."""
    made = board("""
        import time
        print("start", time.gmtime(0), time.gmtime(5097600))
        wrong = [t for t in range(0, 4_000_000_000, 86400 * 29 + 12345) if time.mktime(time.gmtime(t)) != t]
        print("wrong", wrong)
    """)
    made.wait(lambda: made.state == "repl")
    assert "start (2000, 1, 1, 0, 0, 0, 5, 1) (2000, 2, 29, 0, 0, 0, 1, 60)" in made.serial
    assert "wrong []" in made.serial
