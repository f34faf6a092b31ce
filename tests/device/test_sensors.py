"""Pins of the kinds input and analog: what counts as a change, and that nobody can set them."""

import asyncio

import micropython
from firmware.pins import enforce
from harness import cases, equal
from pin_bench import Bench, Machine

lock = getattr(micropython, "heap_lock", lambda: None)
unlock = getattr(micropython, "heap_unlock", lambda: None)


def button(level=1, **members):
    """A bench with an input "a"."""
    machine = Machine()
    machine.levels[0] = level
    return Bench(machine=machine, a=dict(members, kind="input"))


def meter(mv, **members):
    """A bench with an analog pin "a" at so many millivolts."""
    machine = Machine()
    machine.microvolts[0] = mv * 1000
    return Bench(machine=machine, a=dict(members, kind="analog"))


@cases(
    [
        ("a button to ground, not pressed", {}, 1, False, 2),
        ("pressed", {}, 0, True, 2),
        ("a detector that is high", {"active_low": False, "pull": "down"}, 1, True, 1),
        ("a detector that is low", {"active_low": False, "pull": "none"}, 0, False, None),
    ]
)
def test_input_at_start(spec, level, value, pull):
    bench = button(level, **spec)
    equal((bench.value(), bench.machine.pulls[0], bench.history), (value, pull, []))


def test_input_tells_that_it_is_read_only():
    told = button().pins.describe("a")
    equal(told, {"name": "a", "label": "", "kind": "input", "value": False, "writable": False})


# At which ms the level changes to what; then the changes of the value that must be told.
@cases(
    [
        ("pressed, and let go", {}, "100:0 300:1", "120:1 320:0"),
        ("a contact that bounces", {}, "100:0 110:1 120:0 130:1 140:0", "160:1"),
        ("a spike", {}, "100:0 110:1", ""),
        ("two spikes are none", {}, "100:0 110:1 120:0 130:1", ""),
        ("a slow one", {"debounce_ms": 1000}, "100:0 1000:1 1100:0", "2100:1"),
        ("without debouncing", {"debounce_ms": 0}, "100:0 110:1 120:0", "100:1 110:0 120:1"),
        ("the other way round", {"active_low": False}, "100:0", "120:0"),
    ]
)
def test_input_changes(spec, levels, told):
    for start in (0, 2**29 - 150):  # once so that the ticks run over in the middle
        bench = button(**spec)
        bench.start = start
        for change in levels.split():
            ms, level = change.split(":")
            bench.poll_ms(int(ms) - 10 - bench.ms)
            bench.levels[0] = int(level)
        bench.poll_ms(5000)
        equal(" ".join([f"{ms}:{int(value)}" for ms, _, value in bench.told]), told)


@cases(
    [
        ("nothing", {}, 0, 0),
        ("all", {}, 3000, 100),
        ("half", {}, 1500, 50),
        ("rounded", {}, 1515, 51),
        ("beyond the end", {}, 3300, 100),
        ("a battery's range", {"from_mv": 1500, "to_mv": 2100}, 1800, 50),
        ("below that", {"from_mv": 1500, "to_mv": 2100}, 900, 0),
        ("a thermometer", {"from_mv": 500, "to_mv": 1500, "low": 0, "digits": 1}, 715, 21.5),
        ("below zero", {"from_mv": 100, "to_mv": 1500, "low": -40, "digits": 1}, 299, -20.1),
        ("one that falls", {"low": 100, "high": 0}, 600, 80),
        ("one that falls, at its end", {"low": 100, "high": 0}, 3100, 0),
        ("large ones", {"low": -100000, "high": 100000, "digits": 3}, 1500, 0),
    ]
)
def test_analog_reading(spec, mv, value):
    equal(meter(mv, **spec).value(), value)


def test_analog_tells_its_range():
    told = meter(1500, low=100, high=-5).pins.describe("a")
    rest = {"name": "a", "label": "", "kind": "analog", "value": 48, "writable": False, "unit": "%"}
    rest.update({"min": -5, "max": 100})
    equal(told, rest)


def test_analog_does_not_flicker_between_two_readings():
    bench = meter(1500)
    for mv in (1515, 1514, 1516, 1514, 1520, 1480, 1500):  # 49.3 to 50.7 %
        bench.machine.microvolts[0] = mv * 1000
        bench.poll_ms(50)
    equal(bench.told, [])
    bench.machine.microvolts[0] = 1524 * 1000
    bench.poll_ms(50)
    equal([value for _, _, value in bench.told], [51])


def test_analog_step():
    bench = meter(1500, step=5)
    values = []
    for mv in range(1500, 3001, 10):
        bench.machine.microvolts[0] = mv * 1000
        bench.poll_ms(50)
    values = [value for _, _, value in bench.told]
    equal(values, [55, 60, 65, 70, 75, 80, 85, 90, 95, 100])


def test_analog_is_smooth():
    bench = meter(0, smooth=8)
    bench.machine.microvolts[0] = 3000 * 1000
    bench.poll_ms(50)
    equal(bench.value(), 13)  # an eighth of the way
    bench.poll_ms(5000)
    equal(bench.value(), 100)
    told = [value for _, _, value in bench.told]
    equal(told, sorted(told))


def test_analog_of_most_samples_at_the_highest_voltage():
    bench = meter(3300, smooth=64, to_mv=3300)
    bench.poll_ms(10000)
    bench.machine.microvolts[0] = 0
    bench.poll_ms(60000)
    equal(bench.value(), 0)


@cases([("input", lambda: button()), ("analog", lambda: meter(0))])
def test_nobody_sets_it(make):
    bench = make()
    bench.refused("not_supported", bench.pins.set, "a", True)
    bench.refused("not_supported", bench.pins.toggle, "a")
    bench.refused("not_supported", bench.pins.pulse, "a")
    equal(bench.pins.make_safe(), [])
    equal((bench.history, bench.pins.tick(), bench.pins.busy(15000)), ([], None, False))


async def test_enforce_looks_after_them():
    bench = button(debounce_ms=0)
    task = asyncio.create_task(enforce(bench.pins))
    bench.levels[0] = 0
    for _ in range(1000):
        if bench.value():
            break
        await asyncio.sleep_ms(1)
    equal(bench.value(), True)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass


def test_looking_after_them_makes_no_garbage():
    """A hundred times a second, for years. CPython cannot tell."""
    machine = Machine()
    machine.levels[1] = 1
    machine.microvolts[0] = 1500000
    kinds = ("analog", "input", "pwm", "rgb", "servo", "switch")
    specs = {kind: {"kind": kind} for kind in kinds}
    specs["switch"]["max_on"] = 3600
    pins = Bench(machine=machine, **specs).pins
    now = iter([10 * i for i in range(600)])
    pins._now = lambda: next(now)
    pins.set("switch", True)
    for _ in range(110):  # the servo is let go
        pins.tick()
    lock()
    try:
        for _ in range(150):
            pins.tick()
    finally:
        unlock()
    equal(pins.serial, 1)
