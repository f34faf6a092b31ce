"""The settings of the pins' kinds: defaults, and what cannot be."""

from firmware.settings import SettingsError, check_settings
from harness import cases, equal, raises

OUTPUT = {"max_on": 0, "min_interval": 0, "confirm": False}
GPIO = {"pwm": 25, "servo": 13, "rgb": 18, "input": 34, "analog": 34}


def settings(chip="esp32", **pins):
    return {"version": 1, "name": "door", "chip": chip, "pins": pins}


def pin(kind, **members):
    result = {"kind": kind, "gpio": GPIO[kind]}
    if kind == "input":
        result["pull"] = "none"  # GPIO 34 has none
    result.update(members)
    return result


def checked(data):
    return check_settings(settings(it=data))["pins"]["it"]


def problem(data):
    found = raises(SettingsError, check_settings, data).problems
    equal(len(found), 1)
    return found[0]


def matches(text, expected):
    """In `expected`, "…" stands for any text."""
    rest = text
    for part in expected.split("…"):
        at = rest.find(part)
        assert at >= 0, text
        rest = rest[at + len(part) :]


@cases(
    [
        (
            "pwm",
            "pwm",
            {"active_low": False, "safe": False, "interlock": [], "freq": 1000},
            True,
        ),
        (
            "servo: its safe angle is the least",
            "servo",
            {"min": 0, "max": 180, "min_us": 500, "max_us": 2500, "safe": 0, "detach_ms": 1000},
            True,
        ),
        (
            "rgb",
            "rgb",
            {"interlock": [], "count": 1, "order": "GRB", "brightness": 100, "safe": "#000000"},
            True,
        ),
        ("input", "input", {"pull": "none", "active_low": True, "debounce_ms": 20}, False),
        (
            "analog",
            "analog",
            {
                "from_mv": 0,
                "to_mv": 3300,
                "low": 0,
                "high": 100,
                "unit": "%",
                "digits": 0,
                "smooth": 8,
                "step": 1,
            },
            False,
        ),
    ]
)
def test_defaults(kind, own, is_output):
    expected = {"kind": kind, "gpio": GPIO[kind], "label": "it"}
    expected.update(own)
    if is_output:
        expected.update(OUTPUT)
    equal(checked(pin(kind)), expected)
    equal(checked(expected), expected)


@cases(
    [
        ("a servo that turns the other way", pin("servo", min_us=2500, max_us=500)),
        ("a servo about its middle", pin("servo", min=-90, max=90, safe=0)),
        ("a strip with white", pin("rgb", order="WGRB")),
        ("the longest strip", pin("rgb", count=300)),
        ("an input that needs no pull", pin("input", gpio=39)),
        ("an input with one", pin("input", gpio=4, pull="up")),
        ("an input on a strapping pin, as the boot button is", pin("input", gpio=0, pull="up")),
        ("a reading without a unit", pin("analog", unit="")),
        ("a reading that falls", pin("analog", low=100, high=0)),
        ("degrees", pin("analog", unit="°C", digits=1, low=-50, high=50)),
    ]
)
def test_accepts(data):
    checked(data)


def test_a_colour_is_made_lower_case():
    equal(checked(pin("rgb", safe="#FF00aa"))["safe"], "#ff00aa")


def test_a_servos_safe_angle_is_its_least():
    equal(checked(pin("servo", min=-30, max=30))["safe"], -30)


@cases(
    [
        (
            "what another kind has",
            pin("servo", freq=50),
            "it.freq: is for the kind pwm; this is a pin of the kind servo",
        ),
        (
            "what several others have",
            pin("servo", active_low=True),
            "it.active_low: is for the kind input or pulse or pwm or switch; …",
        ),
        ("a servo is never on", pin("servo", interlock=["x"]), "it.interlock: is for the kind pulse or …"),
        ("a sensor has no safe value", pin("input", safe=False), "it.safe: is for the kind …"),
        ("what no kind has", pin("pwm", frequ=50), 'it.frequ: is not known; did you mean "freq"?'),
        ("no frequency", pin("pwm", freq=0), "it.freq: holds 0; may hold a whole number from 1 to 40000"),
        ("a dimmed safe level", pin("pwm", safe=0.5), "it.safe: holds 0.5; may hold true or false"),
        ("no range", pin("servo", min=90, max=90), "it.max: holds 90; may hold more than min, which is 90"),
        (
            "a safe angle out of range",
            pin("servo", safe=181),
            "it.safe: holds 181; may hold 0 to 180 degrees",
        ),
        (
            "it would stand still",
            pin("servo", min_us=1500, max_us=1500),
            "it.max_us: holds 1500, as min_us …",
        ),
        ("a servo's gear breaks", pin("servo", max_us=5000), "it.max_us: holds 5000; …from 100 to 3000"),
        ("no lights", pin("rgb", count=0), "it.count: holds 0; …from 1 to 300"),
        ("an order of other letters", pin("rgb", order="GBX"), 'it.order: holds "GBX"; …R, G, B…'),
        ("an order with one twice", pin("rgb", order="GRR"), 'it.order: holds "GRR"; …'),
        ("an order with a blank", pin("rgb", order="GB "), 'it.order: holds "GB "; …'),
        ("an order in small letters", pin("rgb", order="grb"), 'it.order: holds "grb"; …'),
        ("a safe colour by name", pin("rgb", safe="black"), "it.safe: holds …"),
        ("a safe colour that is none", pin("rgb", safe="#00000g"), 'it.safe: holds "#00000g"; …a colour…'),
        ("a safe level for a colour", pin("rgb", safe=False), "it.safe: holds false; …"),
        ("a pull that isn't known", pin("input", pull="high"), 'it.pull: holds "high"; may hold "up" or …'),
        (
            "a pull where there are no resistors",
            pin("input", pull="up"),
            'it.pull: holds "up", and GPIO 34 of an esp32 has no resistors; use "none"',
        ),
        ("so is the default's", {"kind": "input", "gpio": 35}, "it.pull: holds …no resistors…"),
        (
            "no voltages",
            pin("analog", from_mv=2000, to_mv=2000),
            "it.to_mv: holds 2000; may hold more than …",
        ),
        ("the same at both ends", pin("analog", high=0), "it.high: holds 0, as low does; …"),
        ("a unit that is a sentence", pin("analog", unit="per cent of it"), "it.unit: holds …0 to 8 print…"),
        (
            "no GPIO with ADC1",
            pin("analog", gpio=4),
            "it.gpio: 4 has no ADC1 on an esp32, and ADC2…; use 32, 33…",
        ),
        ("an output without a driver", pin("rgb", gpio=34), "it.gpio: 34 can only be an input on …"),
    ]
)
def test_refuses(data, expected):
    matches(problem(settings(it=data)), "pins." + expected)


def test_a_servo_has_no_part_in_an_interlock():
    data = settings(a={"kind": "switch", "gpio": 4, "interlock": ["arm"]}, arm=pin("servo"))
    matches(problem(data), 'pins.a.interlock: holds "arm", of the kind servo, which is neither on nor off')


def test_two_colours_that_rest_on_exclude_each_other():
    bright = pin("rgb", safe="#100000", interlock=["b"])
    dark = {"kind": "switch", "gpio": 4, "safe": True}
    matches(problem(settings(a=bright, b=dark)), "pins.b.safe: holds true, and pins.a is on, too; …")
    check_settings(settings(a=pin("rgb", interlock=["b"]), b=dark))


def test_the_chips_generators_are_counted():
    gpios = [1, 2, 4, 5, 6, 7, 8, 9, 10]
    pins = {"p%d" % gpio: {"kind": "pwm", "gpio": gpio} for gpio in gpios}
    text = "pins: 9 are of the kinds pwm and servo; an esp32s3 can drive 8"
    equal(problem(settings("esp32s3", **pins)), text)
    del pins["p10"]
    check_settings(settings("esp32s3", **pins))
    pins["p9"] = {"kind": "servo", "gpio": 9}
    for i in (4, 5):
        pins["p%d" % i]["freq"] = i * 1000
    check_settings(settings("esp32s3", **pins))
    pins["p6"]["freq"] = 25000
    matches(problem(settings("esp32s3", **pins)), "…have 5 frequencies (a servo's is 50 Hz); …4 at once")
