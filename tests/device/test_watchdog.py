"""Feeding the watchdog, and what a version on trial needs for being proven."""

from firmware.watchdog import watch
from harness import cases, equal

TRIAL = "the trial"


class Done(Exception):
    """The script is over."""


class Bench:
    """A loop of `seconds` in which the board is healthy at those in `healthy`."""

    def __init__(self, healthy, seconds, trial=None, on_trial=False, failing=()):
        self.healthy = healthy
        self.seconds = seconds
        self.on_trial = on_trial
        self.failing = failing
        self.ms = 0
        self.log = []  # what happened, each with its second
        self.fed = []
        self.trial = self if trial else None

    def note(self, what):
        self.log.append((self.ms / 1000, what))
        if what in self.failing:
            raise OSError(28)

    def is_on_trial(self):
        return self.on_trial

    def confirm(self):
        self.note("confirmed")

    def forget(self):
        self.note("forgotten")

    def arm(self, timeout):
        self.note("armed for %d s" % (timeout // 1000))
        return self

    def feed(self):
        self.fed.append(self.ms / 1000)

    def is_healthy(self):
        return self.healthy(self.ms / 1000)

    async def sleep_ms(self, ms):
        self.ms += ms
        if self.ms > self.seconds * 1000:
            raise Done

    async def run(self):
        try:
            await watch(self.is_healthy, self.trial, self.forget, self.arm, self.sleep_ms)
        except Done:
            pass
        return self


def always(second):
    return True


def never(second):
    return False


async def test_a_proven_version_is_guarded_from_the_start():
    bench = await Bench(always, 20).run()
    equal(bench.log, [(0, "armed for 30 s")])
    equal(bench.fed, [0, 5, 10, 15, 20])


async def test_it_is_fed_without_a_network_and_in_safe_mode():
    bench = await Bench(never, 3600).run()
    equal(bench.log, [(0, "armed for 30 s")])
    equal(max(after - before for before, after in zip(bench.fed, bench.fed[1:])), 5)


async def test_on_trial_nobody_feeds_it_until_the_version_is_healthy():
    """main.py has armed it, with the time that a trial has."""
    bench = await Bench(never, 60, TRIAL, on_trial=True).run()
    equal((bench.log, bench.fed), ([], []))


async def test_a_version_that_becomes_healthy_is_confirmed_at_once():
    bench = await Bench(lambda second: second >= 7.1, 30, TRIAL, on_trial=True).run()
    equal(bench.log, [(7.25, "confirmed"), (7.25, "armed for 30 s")])
    equal(bench.fed, [7.25, 12.25, 17.25, 22.25, 27.25])


async def test_once_confirmed_it_may_lose_its_network():
    bench = await Bench(lambda second: second < 6, 3600, TRIAL, on_trial=True).run()
    equal(bench.log, [(0, "confirmed"), (0, "armed for 30 s")])
    equal(bench.fed[-1], 3600)


async def test_a_trial_without_a_version_before_is_guarded_like_a_proven_one():
    bench = await Bench(lambda second: second >= 600, 700, TRIAL).run()
    equal(bench.log, [(0, "armed for 30 s"), (600, "confirmed")])
    assert max(after - before for before, after in zip(bench.fed, bench.fed[1:])) <= 5


@cases(
    [
        ("five minutes without a break", always, [300]),
        ("they begin when it is healthy", lambda second: second >= 100, [400]),
        ("with a break they begin anew", lambda second: second != 200, [505]),
        ("never healthy", never, []),
        ("healthy now and then", lambda second: second % 200 >= 10, []),
    ]
)
async def test_crashes_are_forgotten_once_after(healthy, expected):
    bench = await Bench(healthy, 3600).run()
    equal([at for at, what in bench.log if what == "forgotten"], expected)


async def test_a_full_flash_ends_nothing():
    bench = Bench(always, 3600, TRIAL, on_trial=True, failing=("confirmed", "forgotten"))
    await bench.run()
    equal([what for _, what in bench.log], ["confirmed", "armed for 30 s", "forgotten"])
    equal(bench.fed[-1], 3600)
