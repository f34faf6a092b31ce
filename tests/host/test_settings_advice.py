"""What settings allow but their owner should know."""

import pytest

from pinwarden import boardlib
from pinwarden.settings_advice import _SHARED, _STRAPPING, warnings


def settings(chip="esp32", gpio=26, *, members=None, **pin):
    pins = {"relay": {"kind": "switch", "gpio": gpio, **pin}}
    data = {"version": 1, "name": "door", "chip": chip, "pins": pins, **(members or {})}
    return boardlib.firmware("settings").check_settings(data)


def test_nothing_to_say():
    assert warnings(settings()) == []


@pytest.mark.parametrize(
    ("given", "beginning", "part"),
    [
        (settings(gpio=12), "pins.relay.gpio: 12 is read by the chip at reset", "1.8 V"),
        (settings(gpio=0), "pins.relay.gpio: 0 is read by the chip at reset", "bootloader"),
        (settings("esp32c6", 15), "pins.relay.gpio: 15 is read by the chip at reset", "JTAG"),
        (settings("esp32s3", 43), "pins.relay.gpio: 43 sends the boot messages", "flickers"),
        (settings(gpio=16), "pins.relay.gpio: 16 is not free on every module", "PSRAM"),
        (settings("esp32c3", 11), "pins.relay.gpio: 11 is not free on every module", "VDD_SPI"),
        (settings(kind="pulse", safe=True), "pins.relay.safe: true", "pulse switches it off"),
        (settings(members={"pins": {}}), "pins: there are none", "[pins.NAME]"),
        (settings(members={"ntp": []}), "ntp: without a time server", "pinwarden clock NAME --set"),
        (settings(members={"ntp": ["a.example"]}), "ntp: one server alone", "add a second"),
        (settings(members={"ntp": ["a.example", "A.example"]}), "ntp: one server alone", "add a second"),
        (settings(members={"ntp": ["a.b", "c.d", "a.b"]}), "ntp[2]: a.b is there twice", "counts as one"),
        (settings(members={"policy": {"max_jump": 7776000}}), "policy.max_jump: 90 days", "forges"),
        (settings(members={"origins": ["https://a.b:443"]}), "origins[0]: browsers leave out", "remove"),
    ],
)
def test_says(given, beginning, part):
    (text,) = warnings(given)
    assert text.startswith(beginning)
    assert part in text


def test_there_is_advice_for_every_gpio_that_needs_it():
    chips = boardlib.firmware("chips")
    for chip, table in chips.CHIPS.items():
        for gpio in range(table["count"]):
            if chips.gpio_problem(chip, gpio) is None:
                assert (gpio in _STRAPPING[chip]) == chips.within(gpio, table["strapping"]), (chip, gpio)
        assert (chip in _SHARED) == bool(table["shared"])
