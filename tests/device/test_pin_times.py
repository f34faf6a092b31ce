"""The times of the pins: pulses, max_on, min_interval, and the task that sees to them."""

import asyncio
import time

from firmware.pin import PinError
from firmware.pins import enforce
from harness import cases, equal, raises
from pin_bench import Bench


# The script: at which ms what is asked of pin "a". Then the edges that its output must have made, ms:level.
@cases(
    [
        ("a switch stays on", {}, "0 on, 100000", "0:1"),
        ("setting what is set moves nothing", {}, "0 on, 5 on, 10 on", "0:1"),
        ("a pulse ends by itself", {"kind": "pulse"}, "10 pulse 200, 999", "10:1 210:0"),
        ("a pulse has a default length", {"kind": "pulse", "ms": 300}, "0 pulse, 999", "0:1 300:0"),
        ("a pulse of a pin that rests on", {"kind": "pulse", "safe": True}, "0 pulse 50, 99", "0:0 50:1"),
        ("a pulse of an active-low pin", {"kind": "pulse", "active_low": True}, "0 pulse 50, 99", "0:0 50:1"),
        ("a switch can be pulsed", {}, "0 pulse 50, 99", "0:1 50:0"),
        ("the longest pulse", {}, "0 pulse 10000, 19999", "0:1 10000:0"),
        ("setting a pulse pin to safe ends its pulse", {"kind": "pulse"}, "0 pulse 500, 20 off", "0:1 20:0"),
        ("a further pulse moves the end", {}, "0 pulse 500, 300 pulse 500, 999", "0:1 800:0"),
        ("a further pulse may bring the end nearer", {}, "0 pulse 500, 100 pulse 50, 999", "0:1 150:0"),
        (
            "pulse upon pulse, a pulse pin is never on for longer than max_ms",
            {"kind": "pulse", "max_ms": 1000},
            "0 pulse 800, 700 pulse 800, 900 pulse 800, 2000",
            "0:1 1000:0",
        ),
        (
            "pulse upon pulse, a switch is never on for longer than max_on",
            {"max_on": 1},
            "0 pulse 800, 700 pulse 800, 2000",
            "0:1 1000:0",
        ),
        ("a pulse of a switch that is on ends in off", {}, "0 on, 50 pulse 100, 999", "0:1 150:0"),
        ("the later command wins: on ends a pulse", {}, "0 pulse 100, 50 on, 999", "0:1"),
        ("the later command wins: off ends a pulse", {}, "0 pulse 100, 50 off, 999", "0:1 50:0"),
        ("the later command wins: toggle ends a pulse", {}, "0 pulse 100, 50 toggle, 999", "0:1 50:0"),
        ("a pulse that is over isn't toggled", {}, "0 pulse 100, 200 toggle", "0:1 100:0 200:1"),
        ("max_on switches off", {"max_on": 2}, "0 on, 9999", "0:1 2000:0"),
        ("max_on of a pin that rests on", {"max_on": 2, "safe": True}, "0 off, 9999", "0:0 2000:1"),
        ("asking again doesn't prolong max_on", {"max_on": 2}, "0 on, 1900 on, 9999", "0:1 2000:0"),
        ("on after a pulse doesn't either", {"max_on": 2}, "0 pulse 1900, 1000 on, 9999", "0:1 2000:0"),
        (
            "switched off in time, and on again: max_on begins anew",
            {"max_on": 2},
            "0 on, 1000 off, 1500 on, 9999",
            "0:1 1000:0 1500:1 3500:0",
        ),
        ("six days on", {"max_on": 518400}, "0 on, 518400001", "0:1 518400000:0"),
        ("min_interval: then it is allowed", {"min_interval": 1000}, "0 on, 1000 off", "0:1 1000:0"),
        ("min_interval: no change, no matter", {"min_interval": 1000}, "0 on, 10 on", "0:1"),
        ("min_interval holds up no pulse's end", {"min_interval": 1000}, "0 pulse 10, 999", "0:1 10:0"),
        ("min_interval holds up no max_on", {"min_interval": 5000, "max_on": 1}, "0 on, 1500", "0:1 1000:0"),
    ]
)
def test_time(spec, script, edges):
    # Once from 0, and once so that the ticks run over in the middle.
    for start in (0, time.ticks_add(0, -60)):
        bench = Bench(start, a=spec)
        del bench.history[:]
        for step in script.split(", "):
            words = step.split()
            bench.pass_ms(int(words[0]) - bench.ms)
            act(bench.pins, words[1:])
        equal(" ".join([f"{ms}:{level}" for ms, _, level in bench.history]), edges)
        changes, last = [], spec.get("safe", False)
        for ms, _, value in bench.told:  # that the end has moved is told, too
            if value != last:
                changes.append((ms, value != spec.get("active_low", False)))
            last = value
        equal(changes, [(ms, bool(level)) for ms, _, level in bench.history])


def act(pins, words):
    if words == ["toggle"]:
        pins.toggle("a")
    elif words and words[0] == "pulse":
        pins.pulse("a", int(words[1]) if words[1:] else None)
    elif words:
        pins.set("a", words == ["on"])


@cases([("off", "off"), ("toggled", "toggle")])
def test_min_interval(request):
    bench = Bench(a={"min_interval": 1000})
    bench.pins.set("a", True)
    for ms in (400, 999):
        bench.ms = ms
        equal(bench.refused("too_soon", act, bench.pins, [request]).more, {"retry_ms": 1000 - ms})
    bench.ms = 1000
    act(bench.pins, [request])
    equal(bench.value(), False)


def test_min_interval_counts_from_what_the_board_did():
    bench = Bench(a={"min_interval": 1000})
    bench.pins.pulse("a", 700)
    bench.pass_ms(1200)
    equal(bench.refused("too_soon", bench.pins.pulse, "a", 700).more, {"retry_ms": 500})


def test_min_interval_is_forgotten_before_ticks_run_over():
    bench = Bench(a={"min_interval": 1000})
    bench.pins.set("a", True)
    equal(bench.pins.tick(), 1000)
    bench.pass_ms(1000)
    equal(bench.pins.tick(), None)
    bench.ms += 2**30
    bench.pins.set("a", False)


def test_a_limit_that_has_passed_counts_before_a_request_does():
    # Nobody called tick(): the loop was blocked.
    bench = Bench(a={})
    bench.pins.pulse("a", 100)
    bench.ms = 150
    bench.pins.toggle("a")
    equal(bench.history[1:], [(0, 0, 1), (150, 0, 0), (150, 0, 1)])


def test_tick_tells_the_nearest_deadline():
    bench = Bench(a={"max_on": 5}, b={}, c={})
    equal(bench.pins.tick(), None)
    bench.pins.set("a", True)
    equal(bench.pins.tick(), 5000)
    bench.pins.pulse("b", 300)
    equal(bench.pins.tick(), 300)
    bench.pins.set("c", True)
    equal(bench.pins.tick(), 300)
    bench.ms = 300
    equal(bench.pins.tick(), 4700)


@cases(
    [
        ("a pulse is about to end", {}, 1000, 0, True),
        ("a pulse has ended", {}, 1000, 1000, False),
        ("hours are left: a query is no matter", {"max_on": 36000, "max_ms": 36000000}, 36000000, 0, False),
        (
            "the hours are nearly over",
            {"max_on": 36000, "max_ms": 36000000},
            36000000,
            36000000 - 15000,
            True,
        ),
    ]
)
def test_busy(spec, ms, wait, expected):
    bench = Bench(a=spec)
    equal(bench.pins.busy(15000), False)
    bench.pins.pulse("a", ms)
    bench.pass_ms(wait)
    equal(bench.pins.busy(15000), expected)


def test_who_has_waited_for_long_is_not_made_to_wait_by_a_further_pulse():
    bench = Bench(a={}, b={}, c={})
    bench.pins.pulse("a", 1900)
    equal(bench.pins.busy(15000), True)
    bench.pass_ms(500)
    bench.pins.pulse("a", 1900)  # that was only a question
    equal(bench.pins.busy(15000, True), True)
    bench.pass_ms(500)
    for name, ms in (("a", 1900), ("b", 500)):
        equal(raises(PinError, bench.pins.pulse, name, ms, code="too_soon").more["retry_ms"], 2000)
    bench.pins.set("c", True)  # nothing that has an end
    bench.pins.set("a", False)
    equal(bench.pins.busy(15000, True), False)
    bench.pass_ms(1500)
    bench.pins.pulse("b", 500)
    equal(bench.pins.busy(15000), True)


def quick(**pins):
    """Pins in real time, for the task that waits for them."""
    bench = Bench(**pins)
    bench.pins._now = time.ticks_ms
    return bench


async def off_within(bench, ms):
    """How long pin "a" was on, in ms; no longer than `ms` is waited."""
    start = time.ticks_ms()
    while bench.levels[0] and time.ticks_diff(time.ticks_ms(), start) < ms:
        await asyncio.sleep_ms(1)
    return time.ticks_diff(time.ticks_ms(), start)


async def ended(task):
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


async def test_enforce_ends_a_pulse():
    bench = quick(a={})
    task = asyncio.create_task(enforce(bench.pins))
    await asyncio.sleep_ms(0)
    bench.pins.pulse("a", 20)
    lasted = await off_within(bench, 2000)
    await ended(task)
    assert 15 <= lasted < 1000, lasted


async def test_enforce_wakes_for_a_nearer_deadline():
    bench = quick(a={}, b={"max_on": 3600})
    task = asyncio.create_task(enforce(bench.pins))
    bench.pins.set("b", True)
    await asyncio.sleep_ms(5)
    bench.pins.pulse("a", 20)
    lasted = await off_within(bench, 2000)
    await ended(task)
    assert lasted < 1000, lasted


async def test_enforce_ends_with_an_output_that_fails():
    # The application then resets the board, and boot.py makes the pin safe.
    bench = quick(a={})
    task = asyncio.create_task(enforce(bench.pins))
    await asyncio.sleep_ms(0)
    bench.pins.pulse("a", 10)
    bench.broken.append(0)
    try:
        await asyncio.wait_for_ms(task, 2000)
        raise AssertionError("it did not end")
    except OSError:
        pass
