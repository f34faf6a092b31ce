"""What a person sees of each kind of pin, and what their hands do."""

from __future__ import annotations

import pytest

from pinwarden import boardlib
from pinwarden_sim.hands import Hands
from pinwarden_sim.instruments import PinRecord, PwmRecord, Shine, StripRecord
from pinwarden_sim.readout import read

GPIO, OTHER = 32, 33


class Bench:
    """As much of a board as is looked at and touched here."""

    def __init__(self) -> None:
        self._pin, self._pwm, self._strip = PinRecord(GPIO), PwmRecord(GPIO), StripRecord(GPIO)
        self.voltages: dict[int, int] = {}

    def pin(self, gpio: int) -> PinRecord:
        return self._pin if gpio == GPIO else PinRecord(gpio)

    def pwm(self, gpio: int) -> PwmRecord:
        return self._pwm

    def strip(self, gpio: int) -> StripRecord:
        return self._strip

    def drive(self, gpio: int, level: int | None) -> None:
        self.pin(gpio).record(0, level)

    def analog(self, gpio: int, millivolts: int) -> None:
        self.voltages[gpio] = millivolts

    def waves(self, *waves: tuple[int, float]) -> None:
        for freq, duty in waves:
            self._pwm.record(0, freq, duty)
            self._pin.record(0, duty if freq else None)


def settings(**pins: dict) -> dict:
    for number, pin in enumerate(pins.values()):
        pin.setdefault("gpio", (GPIO, OTHER, 25)[number])
    raw = {"version": 1, "name": "demo", "chip": "esp32", "pins": pins}
    return boardlib.firmware("settings").check_settings(raw)


def spec(kind: str, **members: object) -> dict:
    return settings(it={"kind": kind, **members})["pins"]["it"]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("members", "level", "told"),
    [
        pytest.param({"kind": "switch"}, None, ("-", "not driven"), id="before the start"),
        pytest.param({"kind": "switch"}, 1, ("1", "on"), id="a switch"),
        pytest.param({"kind": "pulse", "active_low": True}, 0, ("0", "on"), id="active low"),
        pytest.param({"kind": "input"}, None, ("1", "off"), id="pulled up by its resistor"),
        pytest.param({"kind": "input"}, 0, ("0", "on"), id="pressed"),
        pytest.param({"kind": "input", "pull": "down"}, None, ("0", "on"), id="pulled down, active low"),
        pytest.param({"kind": "pwm"}, 0, ("0 %", "0 %"), id="PWM at its end is a level"),
        pytest.param({"kind": "pwm", "active_low": True}, 0.25, ("25 %", "75 %"), id="PWM, active low"),
        pytest.param({"kind": "pwm"}, 0.0625, ("6.25 %", "6.25 %"), id="PWM, three digits"),
        pytest.param({"kind": "pwm"}, None, ("-", "not driven"), id="PWM of a board that is off"),
    ],
)
def test_levels(bench, members, level, told):
    bench.pin(GPIO).record(0, level)
    assert read(bench, spec(**members))[:2] == told


@pytest.mark.parametrize(
    ("members", "waves", "told"),
    [
        ({}, [], ("-", "not driven")),
        ({}, [(50, 0)], ("0 µs", "never moved")),
        ({}, [(50, 0.075)], ("1500 µs", "90°")),
        ({}, [(50, 0.125), (50, 0)], ("0 µs", "180°, not held")),
        ({"min": -45, "max": 45, "min_us": 2000, "max_us": 1000}, [(50, 0.1)], ("2000 µs", "-45°")),
        ({}, [(50, 0.1), (0, 0)], ("-", "not driven")),
    ],
)
def test_a_servos_angle(bench, members, waves, told):
    bench.waves(*waves)
    shown = read(bench, spec("servo", **members))
    assert shown[:2] == told
    assert told[1] in shown.picture.plain


@pytest.mark.parametrize(
    ("members", "octets", "words", "picture"),
    [
        ({}, None, "never told a colour", "never told a colour"),
        ({}, "88ff00", "#ff8800", "██ #ff8800"),
        ({"order": "RGB", "count": 2}, "ff8800" * 2, "#ff8800", "██ #ff8800"),
        ({"count": 2}, "88ff00000000", "2 colours, #ff8800 first", "██ 2 colours, #ff8800 first"),
        ({"order": "GRBW"}, "1020f080", "#a090ff", "██ #a090ff"),
        ({"count": 300}, "000000" * 300, "#000000", "█" * 16 + "… #000000"),
    ],
)
def test_a_strips_colours(bench, members, octets, words, picture):
    if octets is not None:
        bench.strip(GPIO).history.append(Shine(5.0, bytes.fromhex(octets)))
    shown = read(bench, spec("rgb", **members))
    assert shown.words == words
    assert shown.picture.plain == picture
    assert shown.changed == (None if octets is None else 5.0)


@pytest.mark.parametrize(
    ("millivolts", "members", "told"),
    [
        (None, {}, ("0 mV", "0 %")),
        (1650, {}, ("1650 mV", "50 %")),
        (2500, {"from_mv": 500, "to_mv": 1500, "low": -40, "high": 85, "unit": "°C"}, ("2500 mV", "85 °C")),
        (825, {"low": 100, "high": 0, "digits": 2, "unit": ""}, ("825 mV", "75.00")),
    ],
)
def test_a_voltage_as_a_reading(bench, millivolts, members, told):
    if millivolts is not None:
        bench.analog(GPIO, millivolts)
    assert read(bench, spec("analog", **members))[:2] == told


@pytest.mark.parametrize(("pull", "rests", "pressed"), [("up", 1, 0), ("down", 0, 1), ("none", 1, 0)])
def test_a_key_presses_and_lets_go(bench, pull, rests, pressed):
    hands = Hands(bench, settings(button={"kind": "input", "pull": pull}))
    hands.connect()
    level = bench.pin(GPIO).level
    assert (rests if level is None else level) == rests
    press = hands.actions()["1"]
    press()
    assert bench.pin(GPIO).level == pressed
    press()
    assert bench.pin(GPIO).level == (rests if pull == "none" else None)


def test_keys_turn_the_analog_input_that_was_chosen(bench):
    hands = Hands(
        bench,
        settings(
            a_knob={"kind": "analog", "from_mv": 1000, "to_mv": 2000},
            b_knob={"kind": "analog"},
            contact={"kind": "input"},
        ),
    )
    hands.connect()
    assert bench.voltages == {GPIO: 1500, OTHER: 1650}
    assert hands.keys == {"1": "contact", "2": "a_knob", "3": "b_knob"}, "contacts first"
    actions = hands.actions()
    for _ in range(20):
        actions["+"]()
    assert bench.voltages[GPIO] == 2000, "not past its end"
    actions["3"]()
    actions["-"]()
    assert bench.voltages == {GPIO: 2000, OTHER: 1485}
    assert hands.hint() == "1 contact · 2 a_knob · 3 b_knob · + - turn b_knob"


def test_without_inputs_there_is_nothing_to_press(bench):
    hands = Hands(bench, settings(relay={"kind": "switch"}))
    hands.connect()
    assert (hands.keys, hands.actions(), hands.hint()) == ({}, {}, "")
