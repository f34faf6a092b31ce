"""Pins of the kinds pwm and servo: what goes over the wire, and that every limit holds for them."""

from harness import cases, equal
from pin_bench import Bench


def pwm(**members):
    return dict(members, kind="pwm")


def servo(**members):
    return dict(members, kind="servo")


def us(width):
    """The share that a pulse of so many microseconds is of 20 ms."""
    return width * 65535 // 20000


@cases(
    [
        ("off is 0", {}, 0, 0, [("made", 0, 0), ("made", 0, 0)]),
        (
            "active-low is the other way round",
            {"active_low": True},
            0,
            1,
            [("made", 0, 1), ("made", 0, 65535)],
        ),
        ("full when safe", {"safe": True}, 1, 1, [("made", 0, 1), ("made", 0, 65535)]),
        ("both", {"safe": True, "active_low": True}, 1, 0, [("made", 0, 0), ("made", 0, 0)]),
    ]
)
def test_pwm_starts_at_its_safe_level(spec, value, level, history):
    bench = Bench(a=pwm(**spec))
    equal((bench.value(), bench.levels[0]), (value, level))
    equal(bench.history, history)
    equal(bench.machine.rates, {0: 1000})


@cases(
    [
        ("half", {}, 0.5, 0.5, 32767),
        ("full", {}, 1, 1, 65535),
        ("full as a float", {}, 1.0, 1, 65535),
        ("off", {}, 0, 0, 0),
        ("off as a float", {}, 0.0, 0, 0),
        ("three decimals", {}, 0.3333, 0.333, 21823),
        ("rounded up", {}, 0.9996, 1, 65535),
        ("the least", {}, 0.001, 0.001, 65),
        ("active-low: a quarter off", {"active_low": True}, 0.75, 0.75, 65535 - 49151),
    ]
)
def test_pwm_value(spec, value, told, duty):
    bench = Bench(a=pwm(**spec))
    bench.pins.set("a", 0.1)
    bench.pins.set("a", value)
    equal(bench.value(), told)
    equal(bench.history[-1], (0, 0, duty))


@cases(
    [
        ("less than nothing", -0.001),
        ("more than all", 1.001),
        ("a bool, which is a number to some", True),
        ("text", "0.5"),
        ("null", None),
        ("infinity", float("inf")),
        ("no number", float("nan")),
        ("a list", [0.5]),
    ]
)
def test_pwm_refuses(value):
    bench = Bench(a=pwm())
    bench.refused("bad_value", bench.pins.set, "a", value)


def test_pwm_toggles_between_off_and_what_it_was():
    bench = Bench(a=pwm())
    bench.pins.toggle("a")
    equal(bench.value(), 1)
    bench.pins.set("a", 0.25)
    for value in (0, 0.25, 0):
        bench.pins.toggle("a")
        equal(bench.value(), value)


def test_a_dimmer_that_was_set_to_nothing_comes_back_as_it_was():
    bench = Bench(a=pwm(safe=True))
    bench.pins.set("a", 0.4)
    bench.pins.set("a", 0)
    bench.pins.toggle("a")
    equal(bench.value(), 0.4)


def test_max_on_runs_from_when_a_dimmer_became_active():
    """Turning it about doesn't prolong it."""
    bench = Bench(a=pwm(max_on=2))
    bench.pins.set("a", 0.2)
    bench.pass_ms(1500)
    bench.pins.set("a", 0.8)
    equal(bench.remaining(), 500)
    bench.pass_ms(500)
    equal((bench.value(), bench.remaining(), bench.history[-1]), (0, None, (2000, 0, 0)))
    bench.pins.set("a", 0.8)
    equal(bench.remaining(), 2000)


def test_min_interval_holds_for_a_dimmer():
    bench = Bench(a=pwm(min_interval=1000))
    bench.pins.set("a", 0.2)
    bench.ms = 400
    equal(bench.refused("too_soon", bench.pins.set, "a", 0.3).more, {"retry_ms": 600})
    bench.ms = 1000
    bench.pins.set("a", 0.3)


def test_a_dimmer_that_glows_is_on():
    bench = Bench(a=pwm(interlock=["b"]), b={"interlock": ["a"]})
    bench.pins.set("a", 0.001)
    bench.refused("interlocked", bench.pins.set, "b", True)
    bench.pins.set("a", 0)
    bench.pins.set("b", True)
    bench.refused("interlocked", bench.pins.set, "a", 0.001)
    bench.refused("interlocked", bench.pins.toggle, "a")


def test_an_interlocked_dimmer_that_rests_on_comes_back_alone():
    bench = Bench(a=pwm(safe=True, interlock=["b"], max_on=1), b={"interlock": ["a"]})
    bench.pins.set("a", 0)
    bench.pins.set("b", True)
    del bench.history[:]
    bench.pass_ms(2000)
    equal(bench.history, [(1000, 1, 0), (1000, 0, 65535)])


def test_what_only_switches_do():
    bench = Bench(a=pwm(), b=servo())
    for name in ("a", "b"):
        bench.refused("not_supported", bench.pins.pulse, name)
        bench.refused("not_supported", bench.pins.set, name, 0, 100)
    bench.refused("not_supported", bench.pins.toggle, "b")


def test_more_pwm_than_the_chip_has_is_told():
    """As LEDC does: "out of PWM timers:4"."""
    bench = Bench(a=pwm())

    def full(pin, freq, duty_u16):
        raise RuntimeError("out of PWM timers:4")

    bench.machine.PWM = full
    try:
        Bench(machine=bench.machine, a=pwm())
    except ValueError as error:
        equal(str(error), "pins.a.gpio: 0 cannot be used here: out of PWM timers:4")
    else:
        raise AssertionError("it was not told")


@cases(
    [
        ("the least angle", {}, 0, 500),
        ("the greatest", {}, 180, 2500),
        ("the middle", {}, 90, 1500),
        ("one that turns the other way", {"min_us": 2500, "max_us": 500}, 45, 2000),
        ("angles below 0", {"min": -90, "max": 90, "safe": 0}, -90, 500),
        ("a gate's own range", {"min": 10, "max": 20, "min_us": 1000, "max_us": 1200, "safe": 10}, 15, 1100),
    ]
)
def test_servo_angle(spec, angle, width):
    bench = Bench(a=servo(**spec))
    equal(bench.machine.rates, {0: 50})
    bench.pins.set("a", angle + 1 if angle < bench.pins.describe("a")["max"] else angle - 1)
    bench.pins.set("a", angle)
    equal((bench.value(), bench.history[-1]), (angle, (0, 0, us(width))))


def test_servo_tells_its_range():
    told = Bench(a=servo(safe=90)).pins.describe("a")
    equal(told, {"name": "a", "label": "", "kind": "servo", "value": 90, "min": 0, "max": 180})


@cases(
    [
        ("beyond its range", 181),
        ("below it", -1),
        ("a fraction", 90.0),
        ("a bool", True),
        ("text", "90"),
        ("null", None),
    ]
)
def test_servo_refuses(value):
    bench = Bench(a=servo())
    bench.refused("bad_value", bench.pins.set, "a", value)


def test_servo_is_let_go_after_a_move():
    bench = Bench(a=servo(safe=90))
    bench.poll_ms(990)
    equal(bench.history, [("made", 0, 0), (0, 0, us(1500))])
    bench.poll_ms(10)
    equal(bench.history[2:], [(1000, 0, 0)])
    bench.pins.set("a", 0)
    bench.poll_ms(500)
    bench.pins.set("a", 45)
    bench.poll_ms(5000)
    equal(bench.history[3:], [(1000, 0, us(500)), (1500, 0, us(1000)), (2500, 0, 0)])
    equal(bench.value(), 45)
    equal([value for _, _, value in bench.told], [0, 45])  # that it is let go changes nothing


def test_servo_may_hold_for_ever():
    bench = Bench(a=servo(detach_ms=0))
    bench.pins.set("a", 10)
    bench.poll_ms(100000)
    equal(len(bench.history), 3)


def test_servo_goes_back_by_max_on():
    bench = Bench(a=servo(max_on=3, safe=20))
    bench.pins.set("a", 120)
    bench.poll_ms(2000)
    bench.pins.set("a", 100)
    bench.poll_ms(1000)
    equal((bench.value(), bench.history[-1]), (20, (3000, 0, us(500 + 2000 * 20 // 180))))
    bench.poll_ms(1000)
    equal(bench.history[-1], (4000, 0, 0))


def test_all_are_made_safe():
    bench = Bench(a=pwm(), b=pwm(safe=True, active_low=True), c=servo(safe=90), d={"safe": True})
    bench.pins.set("a", 0.5)
    bench.pins.set("b", 0)
    bench.pins.set("c", 0)
    bench.pins.set("d", False)
    del bench.history[:]
    bench.broken.append(1)
    equal(bench.pins.make_safe(), ["b"])
    equal(bench.history, [(0, 0, 0), (0, 2, us(1500)), (0, 3, 1)])
