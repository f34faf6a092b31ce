"""Time servers that fail, lie and creep, and the mark that is kept: a board's life on a network that belongs
to somebody else.
"""

import json

from clock_bench import OF_2000, Board, clock_of
from firmware import storage, timekeeping
from firmware.clock import BUILD_DATE, keep_time
from harness import cases, equal
from secrets_bench import FOLDER, Flash, empty, left, put

NOW = 1793491200  # 2026-11-01
HOUR = 3600
DAY = 86400
PATH = FOLDER + "/clock.json"
FAILURE = OSError(110, "timed out")
KISS = 2085978496  # what ntptime makes of a time that is all zeros
SHORT = ValueError("buffer too small")


def in_folder(test):
    """The test, an async one, in an empty folder, which goes away with it."""

    async def run(*args):
        empty()
        storage.make_folder(FOLDER)
        try:
            await test(*args)
        finally:
            storage.open = open
            empty()

    return run


class Enough(BaseException):
    """The test has seen enough. No Exception: keep_time lives on after those."""


class World:
    """True time, a board in it, and what the network answers: `answers` maps a server's name to a Unix time,
    an exception, or a function of true time and the board's that gives one. By default it is true time.
    """

    def __init__(self, *names, rtc=None, max_jump=DAY, true=NOW):
        self.names = names or ("a", "b")
        self.max_jump = max_jump
        self.true = true
        self.answers = {}
        self.asked = []
        self.waited = []  # seconds before each question
        self.writes = []  # true time of each
        self.said = []
        self.is_online = True
        self.busy_in_ms = 1 << 20  # when a pin is to become safe
        self.gives_way = False
        self.start(rtc)

    def start(self, rtc=None):
        """Start the board; its RTC reads 2000, or `rtc`."""
        self.board = Board(rtc)
        self.clock = clock_of(self.board, *(timekeeping.load(PATH, self.said.append) or (0, 0, 0)))

    def off(self, seconds):
        """Without power."""
        self.true += seconds
        self.start()

    def reset(self):
        """A reset, which keeps the RTC."""
        self.start(self.board.local + self.board.epoch)

    def time(self):
        """That of ntptime; `.host` is the server."""
        self.asked.append(self.host)
        self.waited.append(0)
        answer = self.answers.get(self.host, self.true)
        if callable(answer):
            answer = answer(self.true, self.clock.now())
        if isinstance(answer, Exception):
            raise answer
        return answer - self.board.epoch

    def sync(self, asked, delay):
        log = self.said.append
        if asked is None:
            self.writes.append(self.true)
            return timekeeping.flush(self.clock, PATH, log)
        return timekeeping.sync(self.clock, self.names, self.max_jump, asked, delay, PATH, self, log)

    async def lives(self, seconds, step=1, drift=0):
        """For so long. `step` is the seconds that each of keep_time's looks takes, `drift` how many seconds
        a day the board's crystal is fast.
        """
        end = self.true + seconds
        self.waited.append(0)
        ahead = [0]

        async def sleep_ms(_):
            if self.true >= end:
                raise Enough
            self.true += step
            self.waited[-1] += step
            ahead[0] += step * drift
            self.board.passes(step + ahead[0] // DAY)
            ahead[0] %= DAY

        try:
            await keep_time(self.clock, self.sync, self.address, self.is_busy, sleep_ms, self.said.append)
        except Enough:
            pass

    def address(self):
        return "192.168.1.20" if self.is_online else None

    def is_busy(self, within_ms, soon=False):
        if soon and self.gives_way:
            self.busy_in_ms = 1 << 20
        return within_ms > self.busy_in_ms

    def told(self):
        """What the board takes for the time, less what it is."""
        now = self.clock.now()
        return None if now is None else now - self.true

    def file(self):
        with open(PATH) as file:
            return json.load(file)

    def knows(self, mark, iat=0):
        """Put what was known before, and start."""
        put(PATH, {"iat": iat, "mark": mark, "ahead": 0})
        self.start()


@in_folder
async def test_back_off_while_unset():
    world = World()
    world.answers = {"a": FAILURE, "b": FAILURE}
    await world.lives(1200)
    equal(world.waited[:11], [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300])
    equal(world.asked[:4], ["a", "b", "a", "b"])
    equal(world.told(), None)
    assert world.clock.problem in ["no time from %s (%r)" % (name, FAILURE) for name in world.names]


@in_folder
async def test_back_off_while_set_grows_to_an_hour():
    world = World(rtc=NOW)
    world.answers = {"a": FAILURE, "b": FAILURE}
    await world.lives(5 * HOUR, 8)
    equal(world.waited[-6:-1], [1024, 2048, 3600, 3600, 3600])
    equal(world.told(), 0)


@in_folder
async def test_every_six_hours_once_two_have_agreed():
    world = World()
    world.answers["a"] = lambda true, _: FAILURE if len(world.asked) in (1, 5) else true
    await world.lives(13 * HOUR, 10)
    equal(world.asked, ["a", "b", "a", "b", "a", "b"])
    equal(world.waited[:6], [0, 10, 10, 21600, 21600, 20])  # at the last turn the mark was written first
    equal(world.told(), 0)
    equal(world.clock.state(), {"set": True, "source": "ntp"})
    equal(world.clock.problem, None)


@in_folder
async def test_every_six_hours_with_one():
    world = World("a")
    world.knows(NOW - HOUR)
    await world.lives(13 * HOUR, 10)
    equal(world.waited[:3], [0, 21600, 21600])
    equal(world.told(), 0)


@cases(
    [
        ("a server from before this firmware was made", BUILD_DATE - 1),
        ("a server in the year 2100", 4102444800),
        ("a kiss-o'-death, whose time is zero", KISS),
        ("a short reply", SHORT),
        ("no reply", FAILURE),
    ]
)
@in_folder
async def test_bad_answers_set_nothing(answer):
    world = World()
    world.answers = {"a": answer, "b": answer}
    await world.lives(600)
    equal(world.board.dates, [])
    equal(world.waited[:3], [0, 1, 2])
    equal(left(), [])


@cases(
    [
        ("one server, however often it is asked", ("a",), {}, None),
        ("one server, twice in the list", ("a", "a"), {}, None),
        ("two that agree", ("a", "b"), {}, 0),
        ("two that nearly agree", ("a", "b"), {"b": 10}, 10),
        ("two that do not", ("a", "b"), {"b": 11}, None),
        ("two, and one does not answer", ("a", "b"), {"b": FAILURE}, None),
        ("two, and one has the year wrong", ("a", "b"), {"b": 365 * DAY}, None),
        ("three, and one lies", ("a", "b", "c"), {"b": DAY}, 0),
        ("four, and two lie, each in another way", ("a", "b", "c", "d"), {"b": DAY, "d": 2 * DAY}, 0),
    ]
)
@in_folder
async def test_a_board_that_never_knew_the_time(names, lies, ahead):
    world = World(*names)
    for name, lie in lies.items():
        world.answers[name] = lie if lie is FAILURE else lambda true, _, lie=lie: true + lie
    await world.lives(HOUR, 10)
    equal(world.told(), ahead)
    if ahead is None and FAILURE not in lies.values():
        assert world.clock.problem.endswith("(far ahead of what is certain: a second server has to agree)")


@in_folder
async def test_answers_that_differ_each_time_never_agree():
    world = World()
    lies = iter(range(0, 10000 * DAY, 11))
    world.answers["a"] = world.answers["b"] = lambda true, _: true + next(lies)
    await world.lives(2 * HOUR, 5)
    assert len(world.asked) > 20
    equal(world.told(), None)


@cases(
    [
        ("within a day of the mark, one server will do", DAY - 10, 0),
        ("further ahead it will not", DAY + 10, None),
    ]
)
@in_folder
async def test_after_a_power_cut_with_one_server(off, ahead):
    world = World("a")
    world.knows(NOW)
    world.off(off)
    await world.lives(5)
    equal(world.told(), ahead)
    if ahead is None:
        assert world.clock.problem.endswith("(far ahead of what is certain: a second server has to agree)")
    await world.lives(2 * DAY, 60)
    equal(world.told(), ahead)


@in_folder
async def test_two_servers_set_a_board_that_was_off_for_a_year():
    world = World()
    await world.lives(10)
    world.off(365 * DAY)
    await world.lives(10)
    equal(world.told(), 0)
    equal(world.clock.certain() - world.true, 0)


@in_folder
async def test_times_sent_back_are_bounded_by_the_mark():
    world = World("a", "b", "c")
    await world.lives(3 * HOUR, 10)
    mark = world.file()["mark"]
    assert NOW + 2 * HOUR - 600 < mark < world.true
    for power_cut in (False, True):
        if power_cut:
            world.off(2 * DAY)
        set_before = len(world.board.dates)
        for past in (mark - 1, mark - DAY, BUILD_DATE, NOW - 365 * DAY):
            world.answers = {"a": past, "b": past, "c": past}
            await world.lives(7 * HOUR, 300)
        equal(len(world.board.dates), set_before)
        equal(world.told(), None if power_cut else 0)


@in_folder
async def test_times_sent_back_are_bounded_by_the_newest_token():
    world = World()
    world.knows(NOW - 30 * DAY, iat=NOW)
    world.answers = {"a": NOW - 1, "b": NOW - 1}
    await world.lives(HOUR, 10)
    equal(world.told(), None)
    world.off(0)
    world.answers = {"a": NOW + 1, "b": NOW + 1}
    await world.lives(5)
    assert world.clock.now() > NOW


@cases(
    [
        ("one of two lies", ("a", "b"), ("a",)),
        ("the only one lies", ("a",), ("a",)),
        ("both lie, each in its own way", ("a", "b"), ("a", "b")),
    ]
)
@in_folder
async def test_a_slow_creep_gets_no_further_than_a_single_step(names, liars):
    """Whoever says a little less than max_jump more at each question, for a week, has won max_jump once."""
    world = World(*names)
    world.knows(NOW)
    lies = {name: lambda _, now, i=i: (now or NOW) + DAY - 60 - 40 * i for i, name in enumerate(liars)}
    world.answers = lies
    await world.lives(8 * DAY, 1800)
    assert 0 <= world.told() <= DAY, world.told()
    assert world.clock.certain() <= world.true
    assert world.file()["mark"] <= world.true, world.file()


@cases([("power cuts", True), ("resets, which keep the RTC", False)])
@in_folder
async def test_a_creep_gets_no_further_with(power_cuts):
    world = World("a", "b")
    world.knows(NOW)
    world.answers = {"a": lambda _, now: (now or world.clock.certain()) + DAY - 10, "b": FAILURE}
    for _ in range(20):
        await world.lives(2 * HOUR, 300)
        assert world.told() is None or world.told() <= DAY + HOUR, world.told()
        if power_cuts:
            world.off(10)
        else:
            world.reset()
    assert world.file()["mark"] <= world.true, world.file()


@in_folder
async def test_a_reset_makes_nothing_certain_that_one_server_has_said():
    world = World("a")
    world.knows(NOW)
    world.start(NOW)
    world.answers["a"] = FAILURE
    await world.lives(10)
    world.answers["a"] = lambda true, now: true + DAY // 2
    await world.lives(60)
    equal(world.told(), DAY // 2)
    world.reset()
    assert world.clock.certain() <= world.true, world.clock.certain() - world.true


@cases([("one server", ("a",)), ("two that have agreed to lie", ("a", "b"))])
@in_folder
async def test_a_creep_backwards_gets_no_further_with(names):
    """A clock that is slowed down lets tokens live longer."""
    world = World(*names)
    world.knows(NOW)
    world.answers = dict.fromkeys(names, lambda true, _: world.clock.certain() - 299)
    await world.lives(8 * DAY, 1800)
    assert -300 - (8 * DAY >> 12) <= world.told() <= 0, world.told()


@in_folder
async def test_two_that_disagree_do_not_throw_the_clock_back_and_forth():
    world = World()
    world.knows(NOW)
    world.off(HOUR)
    world.answers["b"] = lambda true, _: true + HOUR
    seen = set()
    for _ in range(20):
        await world.lives(HOUR, 60)
        seen.add(world.told())
    equal(seen, {0})
    assert [line for line in world.said if "another server says otherwise" in line], world.said


@in_folder
async def test_one_server_puts_right_a_clock_that_was_set_wrong():
    """By a computer whose clock is some minutes off, in a deployment; the other server is out of reach."""
    for off in (-600, 250):
        world = World()
        world.knows(NOW - DAY // 2)
        world.start(NOW + off)
        world.answers["a"] = FAILURE
        await world.lives(600, 5)
        equal(world.told(), 0)


@in_folder
async def test_who_does_not_answer_any_more_has_no_say():
    world = World("liar", "b")
    world.knows(NOW - HOUR)
    world.answers["liar"] = lambda true, _: true + HOUR if len(world.asked) == 1 else FAILURE
    await world.lives(60)
    equal(world.asked[:2], ["liar", "b"])
    equal(world.told(), 0)


@cases([("fast", 4), ("slow", -4)])
@in_folder
async def test_a_week_with_a_crystal_that_is(drift):
    """50 parts in a million, 4 s a day: the clock stays right, with one server and with two, and the mark
    never overtakes it.
    """
    for names in (("a",), ("a", "b")):
        world = World(*names)
        world.knows(NOW - 100)
        await world.lives(8 * DAY + 30, 1800, drift)
        assert abs(world.told()) <= 1, world.told()
        assert world.file()["mark"] <= world.true


@in_folder
async def test_after_months_without_a_server_it_still_takes_the_time_from_one():
    world = World("a")
    world.knows(NOW - 100)
    await world.lives(60)
    world.answers["a"] = FAILURE
    await world.lives(91 * DAY, 8 * HOUR, 16)
    assert 1400 < world.told() < 1500, world.told()
    del world.answers["a"]
    await world.lives(2 * HOUR, 10)
    equal(world.told(), 0)


@cases(
    [
        ("a board that never knew the time", 0, NOW, 0),
        ("months after the mark, as after a deployment over USB", NOW - 90 * DAY, NOW, 0),
        ("hours after the mark, as after a reset", NOW - 3 * HOUR, NOW, 0),
        ("hours after what one server had said", NOW - 3 * HOUR, NOW, HOUR),
    ]
)
@in_folder
async def test_a_clock_that_is_right_at_the_start(mark, rtc, ahead):
    world = World("a")
    put(PATH, {"iat": 0, "mark": mark, "ahead": ahead})
    world.start(rtc)
    world.answers["a"] = FAILURE
    await world.lives(5)
    equal(world.told(), 0)
    equal(world.clock.state()["source"], "rtc")
    assert 0 <= world.clock.certain() - (rtc - ahead) <= 5
    equal(world.file()["mark"], NOW - ahead - 300)


@in_folder
async def test_a_clock_behind_the_mark_at_the_start_is_unset():
    world = World()
    world.knows(NOW)
    world.start(NOW - HOUR)
    world.answers = {"a": FAILURE, "b": FAILURE}
    await world.lives(5)
    equal(world.told(), None)


@in_folder
async def test_the_mark_is_written_when_the_clock_was_set_and_once_an_hour():
    world = World()
    await world.lives(10 * HOUR, 10)
    equal([at - NOW for at in world.writes][:2], [20, 3620])
    equal(len(world.writes), 10)
    equal(left(), ["clock.json"])
    marks = world.file()["mark"]
    assert world.true - HOUR - 300 - 60 < marks < world.true, marks


@in_folder
async def test_a_flood_of_newer_tokens_writes_no_more_often():
    world = World(rtc=NOW)
    for number in range(60):
        world.clock.saw_iat(world.true)
        await world.lives(60, 10) if number == 0 else None
        world.true += 1
    equal(len(world.writes), 1)
    iat = world.clock.hold()[0]
    await world.lives(HOUR + 60, 10)
    equal(world.file()["iat"], iat)


@in_folder
async def test_a_clock_that_becomes_unset_is_set_at_once():
    world = World()
    sync = world.sync
    lost = []

    def lose(asked, delay):
        if world.true > NOW + HOUR and not lost:
            lost.append(world.true)
            world.board.local = 0
            return None
        return sync(asked, delay)

    world.sync = lose
    await world.lives(2 * HOUR, 10)
    equal(world.told(), 0)
    equal(world.asked[-1], "a")
    assert sum(world.waited[:-1]) < HOUR + 100, world.waited


@in_folder
async def test_nothing_blocks_while_that_would_stretch_a_pulse():
    world = World()
    world.busy_in_ms = 14999
    await world.lives(100)
    equal((world.asked, world.writes), ([], []))
    world.start(world.true)
    world.busy_in_ms = 1999
    await world.lives(50)
    equal((world.asked, world.writes), ([], []))
    world.busy_in_ms = 2000  # enough to write, not to ask
    await world.lives(10)
    equal((world.asked, len(world.writes)), ([], 1))
    world.busy_in_ms = 15000
    await world.lives(10)
    equal(world.told(), 0)
    assert world.asked


@in_folder
async def test_nobody_is_asked_without_a_network():
    world = World()
    world.is_online = False
    await world.lives(100)
    equal(world.asked, [])
    world.is_online = True
    await world.lives(10)
    equal(world.told(), 0)


@in_folder
async def test_pulses_without_end_put_the_mark_off_for_a_minute():
    """Who may give pulses must not be able to have the board forget the time: see docs/time.md."""
    world = World(rtc=NOW)
    world.busy_in_ms = 0
    await world.lives(3 * HOUR)
    equal([at - NOW for at in world.writes], [60, 60 + HOUR + 60, 60 + 2 * (HOUR + 60)])
    equal(world.asked, [])
    assert world.file()["mark"] > world.true - HOUR - 400


@in_folder
async def test_pulses_without_end_put_asking_off_for_a_minute():
    """Then the pins are told to take no further ones; in a moment they are done."""
    world = World(rtc=NOW)
    world.busy_in_ms = 0
    world.gives_way = True
    await world.lives(100)
    equal(world.asked, ["a"])
    assert 60 < world.waited[-2] < 64, world.waited


@in_folder
async def test_without_servers_the_mark_is_kept_all_the_same():
    world = World(rtc=NOW)
    world.names = ()
    await world.lives(2 * HOUR, 10)
    equal(world.asked, [])
    assert world.file()["mark"] > NOW + HOUR - 400


@in_folder
async def test_too_little_memory_ends_nothing():
    world = World()
    sync = world.sync
    failures = [1, 1]

    def fail(asked, delay):
        if failures:
            failures.pop()
            raise MemoryError("memory allocation failed")
        return sync(asked, delay)

    world.sync = fail
    await world.lives(300)
    equal(world.told(), 0)


@in_folder
async def test_a_full_flash_is_told_and_the_clock_goes_on():
    world = World()
    await world.lives(10)
    before = world.file()
    Flash(0)
    await world.lives(3 * HOUR, 10)
    equal(world.told(), 0)
    equal(world.file(), before)
    assert [line for line in world.said if "cannot be written" in line], world.said


@cases(
    [
        ("cut short", b'{"iat": 17'),
        ("empty", b""),
        ("no object", b"[1, 2]"),
        ("no mark", b'{"iat": 1, "ahead": 0}'),
        ("a member that is not known", b'{"iat": 1, "mark": 2, "ahead": 3, "x": 3}'),
        ("a text", b'{"iat": 1, "mark": "2", "ahead": 0}'),
        ("a bool", b'{"iat": 1, "mark": true, "ahead": 0}'),
        ("a negative number", b'{"iat": -1, "mark": 2, "ahead": 0}'),
        ("the year 2100", b'{"iat": 1, "mark": 4102444800, "ahead": 0}'),
        ("octets of no text", b"\xff\xfe\x00"),
    ]
)
@in_folder
async def test_a_damaged_file_takes_two_servers(data):
    put(PATH, data)
    log = []
    equal(timekeeping.load(PATH, log.append), None)
    equal(left(), ["clock.json.bad"])
    assert log[0].startswith("clock: "), log
    world = World("a")
    await world.lives(100)
    equal(world.told(), None)
    world.names = ("a", "b")
    await world.lives(100)
    equal(world.told(), 0)
    equal(left(), ["clock.json", "clock.json.bad"])


@in_folder
async def test_what_is_written_is_read():
    world = World(rtc=NOW)
    world.clock.saw_iat(NOW - 5)
    timekeeping.flush(world.clock, PATH)
    equal(timekeeping.load(PATH), (NOW - 5, NOW - 300, 0))
    world.clock.set(NOW + 20, "ntp", False)
    timekeeping.flush(world.clock, PATH)
    equal(timekeeping.load(PATH), (NOW - 5, NOW - 300, 20))
    world.clock.set(2114380800, "manual", True)  # 2037, beyond 31 bits of small int on the board
    timekeeping.flush(world.clock, PATH)
    equal(timekeeping.load(PATH), (NOW - 5, 2114380500, 0))
    equal(world.board.epoch, OF_2000)
