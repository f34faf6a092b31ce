"""The clock on either epoch, unset, and against servers and requests that would turn it back."""

from clock_bench import OF_2000, Board, clock_of
from firmware.clock import BUILD_DATE
from harness import cases, equal, raises

NOW = 1793491200  # 2026-11-01
DAY = 86400
HOUR = 3600


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
    clock.set(NOW + 12 * 3600 + 34 * 60 + 56, "manual", False)
    equal(board.dates, [(2026, 11, 1, 6, 12, 34, 56, 0)])
    equal(clock.now(), NOW + 12 * 3600 + 34 * 60 + 56)
    equal(clock.state(), {"set": True, "source": "manual"})


def test_a_step_is_noticed_and_the_crystals_error_is_none():
    board = Board(None)
    clock = clock_of(board)
    assert not clock.was_moved
    clock.set(NOW, "ntp", True)
    assert clock.was_moved
    clock.was_moved = False
    clock.set(NOW + 10, "ntp", True)
    assert not clock.was_moved
    clock.set(NOW + 30, "ntp", True)
    assert clock.was_moved


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
    raises(ValueError, clock.set, unix, "manual", True)
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


@cases([("a token", NOW, 0), ("the mark", 0, NOW), ("both", NOW - DAY, NOW)])
def test_what_is_known_from_before_the_start(iat, mark):
    equal(clock_of(Board(NOW - DAY), iat, mark).now(), None)
    equal(clock_of(Board(NOW + DAY), iat, mark).now(), NOW + DAY)
    clock = clock_of(Board(), iat, mark)
    raises(ValueError, clock.set, NOW - 1, "manual", True)
    clock.set(NOW, "manual", False)
    equal(clock.certain(), NOW)


def test_nothing_is_certain_of_a_new_board():
    clock = clock_of(Board())
    equal(clock.certain(), None)
    clock.set(NOW + DAY, "ntp", False)
    equal(clock.certain(), None)
    equal(clock.hold(), (0, 0, NOW + DAY))


def test_a_clock_that_runs_at_the_start_is_certain_but_for_what_one_server_said():
    equal(clock_of(Board(NOW)).certain(), NOW)
    equal(clock_of(Board(NOW), 0, NOW - DAY, HOUR).certain(), NOW - HOUR)
    equal(clock_of(Board(NOW), 0, NOW - HOUR, DAY).certain(), NOW - HOUR)


def test_what_is_certain_grows_by_the_crystal():
    """And falls short by 1/4096: it must not overtake true time by itself."""
    board = Board()
    clock = clock_of(board)
    clock.set(NOW, "manual", True)
    for _ in range(100):
        board.passes(5 * DAY)
        board.local = 0  # a clock that is set, or lost, has no part in it
        passed = clock.tick()
    equal(passed, 500 * DAY)
    equal(clock.certain(), NOW + 500 * DAY - (500 * DAY >> 12))


@cases(
    [
        ("before ticks wrap, at 2**30 ms", (1 << 30) - 1500),
        ("from the beginning", 0),
    ]
)
def test_tick(ticks):
    board = Board()
    board.ticks = ticks
    clock = clock_of(board)
    equal(clock.tick(), 0)
    seen = []
    for ms in (999, 1, 1000, 2500, 500, (1 << 29) - 1):
        board.ticks = (board.ticks + ms) % (1 << 30)
        seen.append(clock.tick())
    equal(seen, [0, 1, 2, 4, 5, 5 + (1 << 29) // 1000])


def test_a_running_clock_goes_back_no_further_than_an_administrators_clock_may_be_off():
    board = Board()
    clock = clock_of(board)
    clock.set(NOW, "manual", True)
    board.passes(HOUR)
    certain = NOW + HOUR - (HOUR >> 12)
    equal(clock.certain(), certain)
    raises(ValueError, clock.set, certain - 301, "manual", True)
    clock.set(certain - 300, "manual", True)
    equal(clock.certain(), certain - 300)
    raises(ValueError, clock.set, certain - 301, "manual", True)  # nor in a second step


def test_the_mark_is_what_is_certain_but_for_an_administrators_clock():
    board = Board()
    clock = clock_of(board)
    clock.set(NOW, "manual", True)
    equal(clock.hold(), (0, NOW - 300, 0))
    clock.set(NOW - 200, "ntp", True)
    equal(clock.hold(), (0, NOW - 300, 0))  # it never goes down
    raises(ValueError, clock.set, NOW - 301, "ntp", True)
    board.local = NOW - 300 - OF_2000 - 301
    equal(clock.now(), None)  # far behind it, it is known to be wrong


def test_what_one_server_says_is_not_certain():
    clock = clock_of(Board())
    clock.set(NOW, "manual", True)
    clock.set(NOW + DAY, "ntp", False)
    equal(clock.now(), NOW + DAY)
    equal(clock.certain(), NOW)


@cases([("older than what is certain", NOW - 1, NOW), ("newer", NOW + DAY, NOW + DAY)])
def test_a_token_proves_what_time_it_is_at_least(iat, certain):
    board = Board()
    clock = clock_of(board)
    clock.set(NOW, "manual", True)
    clock.saw_iat(iat)
    equal(clock.certain(), certain)
    equal(clock.hold()[0], iat)
    board.passes(HOUR)
    equal(clock.certain(), certain + HOUR)


def test_an_older_token_changes_nothing():
    clock = clock_of(Board(NOW))
    clock.saw_iat(NOW)
    clock.saw_iat(NOW - DAY)
    raises(ValueError, clock.set, NOW - 1, "ntp", True)
    clock.set(NOW, "ntp", False)
