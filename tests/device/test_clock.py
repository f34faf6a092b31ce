"""The clock on either epoch, unset, and against servers and requests that would turn it back."""

import asyncio
import time

from firmware.clock import BUILD_DATE, Clock, keep_time
from harness import cases, equal, raises

NOW = 1793491200  # 2026-11-01
DAY = 86400
OF_2000 = 946684800


RUNTIMES_EPOCH = OF_2000 if time.gmtime(0)[0] == 2000 else 0


class Board:
    """A board's module `time`, counting from 2000 or from 1970, and its RTC. Begins at 0 unless it is set."""

    def __init__(self, unix=None, epoch=OF_2000):
        self.epoch = epoch
        self.local = 0 if unix is None else unix - epoch
        self.dates = []

    def time(self):
        return self.local

    def gmtime(self, seconds):
        return time.gmtime(seconds + self.epoch - RUNTIMES_EPOCH)

    def datetime(self, date):
        self.dates.append(date)
        seconds = time.mktime((date[0], date[1], date[2], date[4], date[5], date[6], 0, 0))
        self.local = seconds + RUNTIMES_EPOCH - self.epoch


def clock_of(board, floor=0):
    return Clock(board, floor, board)


@cases(
    [
        ("after a power cut an ESP32 reads 2000", None, OF_2000, None),
        ("after a power cut other ports read 1970", None, 0, None),
        ("a second before this firmware was made", BUILD_DATE - 1, OF_2000, None),
        ("when this firmware was made", BUILD_DATE, OF_2000, BUILD_DATE),
        ("today, counted from 2000", NOW, OF_2000, NOW),
        ("today, counted from 1970", NOW, 0, NOW),
        ("2037, beyond 31 bits of small int on the board", 2114380800, OF_2000, 2114380800),
    ]
)
def test_now(unix, epoch, expected):
    clock = clock_of(Board(unix, epoch))
    equal(clock.now(), expected)
    equal(clock.state(), {"set": expected is not None, "source": None if expected is None else "rtc"})


def test_now_follows_the_board():
    board = Board(NOW)
    clock = clock_of(board)
    for _ in range(3):
        equal(clock.now(), NOW + board.local - (NOW - OF_2000))
        board.local += 1
    equal(clock.now(), NOW + 3)
    board.local = 0
    equal(clock.now(), None)


@cases([("from 2000", OF_2000), ("from 1970", 0)])
def test_set_writes_the_date(epoch):
    board = Board(None, epoch)
    clock = clock_of(board)
    clock.set(NOW + 12 * 3600 + 34 * 60 + 56, "manual")
    equal(board.dates, [(2026, 11, 1, 6, 12, 34, 56, 0)])
    equal(clock.now(), NOW + 12 * 3600 + 34 * 60 + 56)
    equal(clock.state(), {"set": True, "source": "manual"})


@cases(
    [
        ("before this firmware was made", BUILD_DATE - 1),
        ("the year 2100: no date of ours is that late", 4102444800),
        ("a float, which is off by minutes on the board", 1793491200.0),
        ("a bool", True),
        ("text", "1793491200"),
        ("earlier than a token that was admitted", NOW - 1),
    ]
)
def test_set_refuses(unix):
    board = Board(NOW)
    clock = clock_of(board)
    clock.saw_iat(NOW)
    raises(ValueError, clock.set, unix, "manual")
    equal(board.dates, [])
    equal(clock.state(), {"set": True, "source": "rtc"})


@cases(
    [
        ("it may go forward", 5, NOW + 5),
        ("a few seconds behind the newest token, it stands still", -5, NOW),
        ("within the most leeway that there may be, it stands still", -300, NOW),
        ("far behind the newest token, it is known to be wrong", -301, None),
    ]
)
def test_clock_that_jumps(jump, expected):
    board = Board(NOW - 10)
    clock = clock_of(board)
    clock.saw_iat(NOW)
    board.local = NOW + jump - OF_2000
    equal(clock.now(), expected)


def test_floor_from_before_the_start():
    equal(clock_of(Board(NOW - DAY), floor=NOW).now(), None)
    equal(clock_of(Board(NOW + DAY), floor=NOW).now(), NOW + DAY)


def test_an_older_token_changes_nothing():
    clock = clock_of(Board(NOW))
    clock.saw_iat(NOW)
    clock.saw_iat(NOW - DAY)
    raises(ValueError, clock.set, NOW - 1, "ntp")
    clock.set(NOW, "ntp")


class Enough(BaseException):
    """All answers are given, and the test has seen enough. No Exception: keep_time lives on after those."""


class Servers:
    """ntptime, whose answers are a list: Unix times, or the exception that comes instead."""

    def __init__(self, board, answers):
        self.board = board
        self.answers = answers
        self.host = ""
        self.asked = []

    def time(self):
        if not self.answers:
            raise Enough
        self.asked.append(self.host)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer - self.board.epoch


async def waits(board, answers, clock=None, may_block=None, after=None):
    """The seconds of waiting before the first answer and after each of them, and which servers were asked."""
    ntp = Servers(board, list(answers))
    slept = [0]

    async def sleep_ms(ms):
        slept.extend([0] * (len(ntp.asked) + 1 - len(slept)))
        slept[-1] += ms // 1000
        if after:
            after(len(ntp.asked))

    try:
        always = may_block or (lambda: True)
        await keep_time(clock or clock_of(board), ("a", "b"), always, ntp, sleep_ms, lambda text: None)
    except Enough:
        pass
    return slept, ntp.asked


FAILURE = OSError(110, "timed out")


async def test_back_off_while_unset():
    slept, asked = await waits(Board(), [FAILURE] * 11)
    equal(slept, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300])
    equal(asked[:4], ["a", "b", "a", "b"])


async def test_back_off_while_set_grows_to_an_hour():
    slept, _ = await waits(Board(NOW), [FAILURE] * 14)
    equal(slept[-4:], [1024, 2048, 3600, 3600])


async def test_every_six_hours_once_set():
    board = Board()
    clock = clock_of(board)
    slept, asked = await waits(board, [FAILURE, NOW, NOW + 5, FAILURE, NOW + 9], clock)
    equal(slept, [0, 1, 21600, 21600, 1, 21600])
    equal(asked, ["a", "b", "a", "b", "a"])
    equal(clock.now(), NOW + 9)
    equal(clock.state(), {"set": True, "source": "ntp"})


@cases(
    [
        ("a server from before this firmware was made", BUILD_DATE - 1),
        ("a server in the year 2100", 4102444800),
        ("a kiss-o'-death, whose time is zero", 2085978496),
        ("a short reply", ValueError("buffer too small")),
        ("no reply", FAILURE),
    ]
)
async def test_bad_answer_sets_nothing(answer):
    board = Board()
    equal(await waits(board, [answer]), ([0, 1], ["a"]))
    equal(board.dates, [])


async def test_a_lying_server_cannot_turn_the_clock_back():
    board = Board(NOW)
    clock = clock_of(board)
    clock.saw_iat(NOW)
    await waits(board, [NOW - DAY, NOW - 1], clock)
    equal(board.dates, [])
    await waits(board, [NOW + 1], clock)
    equal(clock.now(), NOW + 1)


async def test_a_clock_that_becomes_unset_is_set_at_once():
    board = Board()

    def lose(answers):
        if answers == 1:
            board.local = 0

    slept, _ = await waits(board, [NOW, NOW], after=lose)
    equal(slept, [0, 5, 21600])
    equal(len(board.dates), 2)


async def test_nothing_is_asked_while_blocking_would_stretch_a_pulse():
    busy = [True, True, True]
    slept, _ = await waits(Board(), [NOW], may_block=lambda: not (busy and busy.pop()))
    equal(slept, [3, 21600])


async def test_without_servers_it_is_left_alone():
    await asyncio.wait_for_ms(keep_time(clock_of(Board()), [], None), 1000)
