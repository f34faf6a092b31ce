"""The pins: levels, refusals, interlocks, and what happens when something fails. Times: test_pin_times.py."""

from firmware.pins import Pins
from harness import cases, equal, raises
from pin_bench import SPEC, Bench, Machine


@cases(
    [
        ("off is low", {}, 0, 1),
        ("off is high on an active-low relay", {"active_low": True}, 1, 0),
        ("on when safe", {"safe": True}, 1, 0),
        ("on when safe, on an active-low relay", {"safe": True, "active_low": True}, 0, 1),
    ]
)
def test_levels(spec, at_start, toggled):
    bench = Bench(a=spec)
    equal(bench.history, [("made", 0, at_start)])
    equal(bench.value(), spec.get("safe", False))
    bench.pins.toggle("a")
    equal(bench.levels[0], toggled)
    bench.pins.toggle("a")
    equal(bench.levels[0], at_start)


def test_names_are_sorted():
    equal(Bench(b={}, c={}, a={}).pins.names(), ["a", "b", "c"])


def test_describe_tells_that_a_pin_wants_to_be_confirmed():
    equal(Bench(a={"confirm": True}).pins.describe("a")["confirm"], True)


def test_changes_are_numbered():
    """By what describe() tells: the value, and when it will end."""
    bench = Bench(a={}, b={}, c={})
    pins = bench.pins
    equal((pins.serial, pins.changed_since(0)), (0, []))
    pins.set("c", True)
    pins.set("a", True)
    equal((pins.serial, pins.changed_since(0), pins.changed_since(1)), (2, ["a", "c"], ["a"]))
    pins.set("a", True)  # as it is
    equal(pins.serial, 2)
    pins.pulse("a", 100)  # it will end now
    equal(pins.changed_since(2), ["a"])
    pins.set("a", True)  # not any more
    equal((pins.serial, pins.changed_since(3)), (4, ["a"]))
    pins.pulse("b", 100)
    bench.pass_ms(100)  # by itself
    equal((pins.serial, pins.changed_since(5), pins.changed_since(6)), (6, ["b"], []))


def test_describe():
    bench = Bench(a={"label": "Door", "max_on": 2})
    equal(bench.pins.describe("a"), {"name": "a", "label": "Door", "kind": "switch", "value": False})
    bench.pins.set("a", True)
    bench.ms = 500
    told = {"name": "a", "label": "Door", "kind": "switch", "value": True, "remaining_ms": 1500}
    equal(bench.pins.describe("a"), told)


def test_a_gpio_that_the_firmware_lacks_is_named():
    machine = Machine()
    machine.absent.append(18)
    text = str(raises(ValueError, Pins, {"relay": dict(SPEC, gpio=18)}, machine))
    equal(text, "pins.relay.gpio: 18 cannot be used here: invalid pin")


@cases(
    [
        ("an unknown pin is not described", "unknown_pin", lambda pins: pins.describe("x")),
        ("an unknown pin is not set", "unknown_pin", lambda pins: pins.set("x", True)),
        ("an unknown pin is not toggled", "unknown_pin", lambda pins: pins.toggle("x")),
        ("an unknown pin is not pulsed", "unknown_pin", lambda pins: pins.pulse("x")),
        ("a name that is no text", "unknown_pin", lambda pins: pins.set(None, True)),
        ("1 is no bool", "bad_value", lambda pins: pins.set("a", 1)),
        ("null is no bool", "bad_value", lambda pins: pins.set("a", None)),
        ("text is no bool", "bad_value", lambda pins: pins.set("a", "true")),
        ("a pulse of no length", "bad_value", lambda pins: pins.pulse("a", 0)),
        ("a pulse back in time", "bad_value", lambda pins: pins.pulse("a", -1)),
        ("a pulse longer than max_ms", "bad_value", lambda pins: pins.pulse("a", 10001)),
        ("a pulse longer than max_on", "bad_value", lambda pins: pins.pulse("b", 2001)),
        ("a pulse of true", "bad_value", lambda pins: pins.pulse("a", True)),
        ("a pulse of 1.5 ms", "bad_value", lambda pins: pins.pulse("a", 1.5)),
        ("a pulse pin cannot be left on", "not_supported", lambda pins: pins.set("p", True)),
        ("a pulse pin cannot be toggled", "not_supported", lambda pins: pins.toggle("p")),
        ("a pulse pin that rests on cannot be left off", "not_supported", lambda pins: pins.set("q", False)),
    ]
)
def test_refusals(code, act):
    bench = Bench(a={}, b={"max_on": 2}, p={"kind": "pulse"}, q={"kind": "pulse", "safe": True})
    bench.refused(code, act, bench.pins)


def test_interlock():
    bench = Bench(up={"interlock": ["down"]}, down={"interlock": ["up"]}, light={})
    bench.pins.set("up", True)
    equal(bench.refused("interlocked", bench.pins.set, "down", True).more, {"pin": "up"})
    bench.refused("interlocked", bench.pins.toggle, "down")
    bench.refused("interlocked", bench.pins.pulse, "down")
    bench.pins.set("down", False)
    bench.pins.set("light", True)
    bench.pins.set("up", False)
    bench.pins.set("down", True)
    bench.refused("interlocked", bench.pins.set, "up", True)


def test_interlock_with_a_pin_that_rests_on():
    # "a" is on when safe. While it is pulsed off, "b" may be on; before "a" comes back, "b" has to go.
    bench = Bench(a={"safe": True, "interlock": ["b"], "max_on": 1}, b={"interlock": ["a"]})
    bench.refused("interlocked", bench.pins.set, "b", True)
    bench.pins.set("a", False)
    bench.pins.set("b", True)
    bench.refused("interlocked", bench.pins.set, "a", True)
    del bench.history[:]
    bench.pass_ms(2000)
    equal(bench.history, [(1000, 1, 0), (1000, 0, 1)])
    equal((bench.value("a"), bench.value("b")), (True, False))


def test_interlocked_pins_are_made_and_made_safe_in_order():
    bench = Bench(a={"safe": True, "interlock": ["b"]}, b={"interlock": ["a"]})
    equal(bench.history, [("made", 1, 0), ("made", 0, 1)])
    bench.pins.set("a", False)
    bench.pins.set("b", True)
    del bench.history[:]
    bench.pins.make_safe()
    equal(bench.history, [(0, 1, 0), (0, 0, 1)])


def test_make_safe_ignores_limits_and_pulses():
    bench = Bench(a={"min_interval": 9000}, b={"safe": True}, c={"active_low": True})
    for name in ("a", "b", "c"):
        bench.pins.toggle(name)
    bench.pins.pulse("c", 100)
    equal(bench.pins.make_safe(), [])
    equal(bench.levels, {0: 0, 1: 1, 2: 1})
    equal([bench.value(name) for name in ("a", "b", "c")], [False, True, False])
    equal(bench.remaining("c"), None)


def test_make_safe_goes_on_when_one_fails():
    bench = Bench(a={}, b={}, c={})
    for name in ("a", "b", "c"):
        bench.pins.set(name, True)
    bench.broken.append(1)
    equal(bench.pins.make_safe(), ["b"])
    equal(bench.levels, {0: 0, 1: 1, 2: 0})


def test_an_output_that_fails_keeps_its_deadline_and_holds_up_no_other():
    bench = Bench(a={}, b={}, c={})
    for name in ("a", "b", "c"):
        bench.pins.pulse(name, 100)
    bench.broken.append(1)
    bench.ms = 100
    raises(OSError, bench.pins.tick)
    equal(bench.levels, {0: 0, 1: 1, 2: 0})
    raises(OSError, bench.pins.tick)
    bench.broken.clear()
    bench.pins.tick()
    equal(bench.levels, {0: 0, 1: 0, 2: 0})
