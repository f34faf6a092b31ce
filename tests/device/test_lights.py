"""Pins of the kind rgb: colours on the wire, and fades with their limits."""

from harness import cases, equal
from pin_bench import Bench


def rgb(**members):
    return dict(members, kind="rgb")


def shown(bench, gpio=0):
    """The octets that went over the wire, in hex, of all writes."""
    return [sent.hex() for ms, at, sent in bench.history if at == gpio and type(sent) is bytes]


@cases(
    [
        ("as most are wired", {}, "#ff8040", "80ff40"),
        ("red first", {"order": "RGB"}, "#ff8040", "ff8040"),
        ("blue first", {"order": "BGR"}, "#ff8040", "4080ff"),
        ("red last", {"order": "GBR"}, "#ff8040", "8040ff"),
        ("every light", {"count": 3}, "#010203", "020103" * 3),
        ("white has a light of its own", {"order": "GRBW"}, "#ffc080", "407f0080"),
        ("white first", {"order": "WRGB"}, "#ffffff", "ff000000"),
        ("grey is white's alone", {"order": "RGBW"}, "#404040", "00000040"),
        ("dimmed", {"brightness": 50}, "#ff8000", "408000"),
        ("what is on never vanishes", {"brightness": 1}, "#010000", "000100"),
        ("capitals", {}, "#FF8040", "80ff40"),
    ]
)
def test_colour(spec, value, octets):
    bench = Bench(a=rgb(**spec))
    bench.pins.set("a", value)
    equal(bench.value(), value.lower())
    equal(shown(bench)[-1], octets)


def test_it_starts_at_its_safe_colour():
    bench = Bench(a=rgb(safe="#100000", count=2))
    equal((bench.value(), shown(bench)), ("#100000", ["001000001000"]))


@cases(
    [
        ("without #", "ff8800"),
        ("short", "#f80"),
        ("longer", "#ff880000"),
        ("no digit", "#ff88zz"),
        ("a sign, which int() takes", "#+f8800"),
        ("a space, which it takes too", "# ff880"),
        ("an underscore, which CPython takes", "#f_8800"),
        ("a digit that is none here", "#ff880٣"),
        ("a name", "orange"),
        ("a number", 0xFF8800),
        ("a bool", True),
        ("null", None),
    ]
)
def test_refuses(value):
    bench = Bench(a=rgb())
    bench.refused("bad_value", bench.pins.set, "a", value)


@cases(
    [
        ("a fraction", 0.5),
        ("back in time", -1),
        ("more than ten minutes", 600001),
        ("a bool", True),
        ("null", None),
    ]
)
def test_fade_refuses(fade_ms):
    bench = Bench(a=rgb())
    bench.refused("bad_value", bench.pins.set, "a", "#ffffff", fade_ms)


def test_what_it_does_not_do():
    bench = Bench(a=rgb())
    bench.refused("not_supported", bench.pins.toggle, "a")
    bench.refused("not_supported", bench.pins.pulse, "a")


def test_fade():
    bench = Bench(a=rgb(order="RGB"))
    bench.pins.set("a", "#640a00", 100)
    equal(bench.pins.describe("a")["value"], "#640a00")  # the target, from the start
    equal(bench.pins.describe("a")["fading_ms"], 100)
    bench.poll_ms(50)
    equal(bench.pins.describe("a")["fading_ms"], 50)
    bench.poll_ms(500)
    equal(shown(bench)[1:], ["140200", "280400", "3c0600", "500800", "640a00"])
    assert "fading_ms" not in bench.pins.describe("a")
    # Its beginning is told, and its end.
    equal([ms for ms, _, _ in bench.told], [0, 100])


def test_a_fade_ends_at_exactly_the_target_whatever_the_steps():
    bench = Bench(a=rgb(order="RGB"))
    bench.pins.set("a", "#ff01fe", 77)
    bench.poll_ms(100)
    equal(shown(bench)[-1], "ff01fe")
    bench.pins.set("a", "#00ff01", 600000)
    bench.poll_ms(600000)
    equal(shown(bench)[-1], "00ff01")
    # Of ten minutes' steps only those are written that change something.
    assert len(shown(bench)) < 1000, len(shown(bench))


def test_the_loop_was_blocked_beyond_a_fades_end():
    bench = Bench(a=rgb(order="RGB"))
    bench.pins.set("a", "#640000", 100)
    bench.ms = 5000
    equal(bench.pins.describe("a")["fading_ms"], 0)
    bench.pins.tick()
    equal(shown(bench)[1:], ["640000"])


def test_a_later_command_starts_from_the_present_colour():
    bench = Bench(a=rgb(order="RGB"))
    bench.pins.set("a", "#640000", 100)
    bench.poll_ms(60)
    bench.pins.set("a", "#003c00", 60)
    bench.poll_ms(20)
    equal(shown(bench)[-2:], ["3c0000", "281400"])
    bench.pins.set("a", "#0000ff")
    equal(shown(bench)[-1], "0000ff")
    bench.poll_ms(1000)
    equal(shown(bench)[-1], "0000ff")


def test_the_same_colour_at_once_ends_a_fade():
    bench = Bench(a=rgb(order="RGB"))
    bench.pins.set("a", "#640000", 1000)
    bench.pins.set("a", "#640000")
    equal(shown(bench)[-1], "640000")
    assert "fading_ms" not in bench.pins.describe("a")


def test_a_long_strip_is_told_less_often():
    bench = Bench(a=rgb(order="RGB", count=101))
    bench.pins.set("a", "#640000", 100)
    bench.poll_ms(100)
    equal([octets[:6] for octets in shown(bench)[1:]], ["280000", "500000", "640000"])


def test_max_on_holds_whatever_fades():
    """A fade to the safe colour is no way round it: until it is there, the light is on."""
    bench = Bench(a=rgb(order="RGB", max_on=1))
    bench.pins.set("a", "#640000")
    bench.poll_ms(500)
    bench.pins.set("a", "#000000", 600000)
    equal(bench.remaining(), 500)
    bench.poll_ms(490)
    assert shown(bench)[-1] != "000000"
    bench.poll_ms(10)
    equal((shown(bench)[-1], bench.remaining()), ("000000", None))
    assert "fading_ms" not in bench.pins.describe("a")


def test_a_fade_up_counts_from_its_beginning():
    bench = Bench(a=rgb(order="RGB", max_on=1))
    bench.pins.set("a", "#640000", 5000)
    bench.poll_ms(1000)
    equal((bench.value(), shown(bench)[-1]), ("#000000", "000000"))


def test_a_fade_to_the_safe_colour_ends_what_was_to_end():
    bench = Bench(a=rgb(order="RGB", max_on=1))
    bench.pins.set("a", "#640000")
    bench.pins.set("a", "#000000", 100)
    bench.poll_ms(100)
    equal((bench.remaining(), bench.pins.tick()), (None, None))
    bench.pins.set("a", "#640000")
    equal(bench.remaining(), 1000)


def test_a_light_that_fades_out_is_still_on():
    bench = Bench(a=rgb(interlock=["b"]), b={"interlock": ["a"]})
    bench.pins.set("a", "#000001")
    bench.pins.set("a", "#000000", 100)
    bench.refused("interlocked", bench.pins.set, "b", True)
    bench.poll_ms(100)
    bench.pins.set("b", True)
    bench.refused("interlocked", bench.pins.set, "a", "#000001", 1000)


def test_make_safe_ends_a_fade():
    bench = Bench(a=rgb(order="RGB", safe="#010000"))
    bench.pins.set("a", "#ffffff", 1000)
    bench.poll_ms(500)
    bench.pins.make_safe()
    bench.poll_ms(1000)
    equal(shown(bench)[-1], "010000")
    assert "fading_ms" not in bench.pins.describe("a")


def test_a_fade_puts_nothing_off_and_its_end_by_a_limit_does():
    """Or a guest who has a light fade to and fro would keep the board from asking for the time."""
    bench = Bench(a=rgb(max_on=30))
    bench.pins.set("a", "#ffffff", 600000)
    for seconds, expected in ((0, False), (14, False), (1, True), (14, True)):
        bench.poll_ms(seconds * 1000)
        equal(bench.pins.busy(15000), expected)
    bench.poll_ms(1000)
    equal((bench.value(), bench.pins.busy(15000)), ("#000000", False))
