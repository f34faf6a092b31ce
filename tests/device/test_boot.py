"""boot.py: outputs to their safe level, whatever the settings file holds."""

import json
import os
import sys

import boot
import slots
from firmware.chips import CHIPS, within
from harness import cases, equal

FILE = "test_boot.json"


def driven(text):
    """What boot.py drives for this content of the file: a list of (gpio, level), and what it returned."""
    made = []
    with open(FILE, "w") as file:
        file.write(text)
    try:
        count = boot.drive_outputs_safe(
            FILE,
            lambda gpio, level: made.append((gpio, level)),
            lambda gpio, lights, octets: Strip(made, gpio, lights, octets),
        )
    finally:
        os.remove(FILE)
    equal(count, len([row for row in made if row[0] != "dark"]))
    return made


class Strip:
    def __init__(self, made, *what):
        self.made = made
        self.what = what

    def write(self):
        self.made.append(("dark",) + self.what)


def settings(pins, chip="esp32"):
    return json.dumps({"version": 1, "name": "door", "chip": chip, "pins": pins})


@cases(
    [
        ("off by default, which is low", {"gpio": 4}, [(4, 0)]),
        ("off is high on an active-low relay", {"gpio": 4, "active_low": True}, [(4, 1)]),
        ("safe may be on", {"gpio": 4, "safe": True}, [(4, 1)]),
        ("safe may be on, on an active-low relay", {"gpio": 4, "safe": True, "active_low": True}, [(4, 0)]),
        ("a pin of the flash would crash the chip, each time it starts", {"gpio": 6}, []),
        ("the prompt's pin would lock USB out", {"gpio": 1}, []),
        ("a pin without a GPIO is passed over", {"kind": "switch"}, []),
        ("what is no table is passed over", 5, []),
        ("a dimmer's level is off", {"kind": "pwm", "gpio": 4, "safe": False}, [(4, 0)]),
        ("an active-low dimmer's, too", {"kind": "pwm", "gpio": 4, "active_low": True}, [(4, 1)]),
        ("a dimmer may be full when safe", {"kind": "pwm", "gpio": 4, "safe": True}, [(4, 1)]),
        (
            "a servo gets no pulses: its safe angle is no level",
            {"kind": "servo", "gpio": 4, "safe": 90},
            [(4, 0)],
        ),
        (
            "a strip is made dark, whatever its safe colour",
            {"kind": "rgb", "gpio": 4, "safe": "#ff0000", "count": 7, "order": "GRBW"},
            [(4, 0), ("dark", 4, 7, 4)],
        ),
        ("an rgb of unknown length: its wire at least", {"kind": "rgb", "gpio": 4}, [(4, 0)]),
        ("an input is not driven", {"kind": "input", "gpio": 4, "active_low": True}, []),
        ("nor is what is measured", {"kind": "analog", "gpio": 4}, []),
    ]
)
def test_level(spec, expected):
    equal(driven(settings({"relay": spec})), expected)


def test_what_is_off_when_safe_goes_first():
    pins = {
        "a": {"gpio": 4, "safe": True},
        "b": {"gpio": 5},
        "c": {"gpio": 13, "safe": True},
        "d": {"gpio": 14},
    }
    made = driven(settings(pins))
    equal(sorted(made[:2]), [(5, 0), (14, 0)])
    equal(sorted(made[2:]), [(4, 1), (13, 1)])


def test_one_bad_pin_does_not_stop_the_others():
    made = []

    def make_pin(gpio, level):
        if gpio == 5:
            raise ValueError("invalid pin")
        made.append(gpio)

    with open(FILE, "w") as file:
        file.write(settings({"a": {"gpio": 4}, "b": {"gpio": 5}, "c": {"gpio": 13}}))
    try:
        equal(boot.drive_outputs_safe(FILE, make_pin), 2)
    finally:
        os.remove(FILE)
    equal(sorted(made), [4, 13])


@cases(
    [
        ("an empty file: the power went while it was copied", ""),
        ("half a file", '{"version": 1, "chip": "esp32", "pins": {"relay": {"gp'),
        ("not an object", "[1]"),
        ("no pins", '{"chip": "esp32"}'),
        ("pins of the wrong kind", '{"chip": "esp32", "pins": [1]}'),
        (
            "a chip that doesn't exist: no number means a pin",
            '{"chip": "z80", "pins": {"a": {"gpio": 4}}}',
        ),
        ("bytes that are no text", "\x00\x01\x02"),
    ]
)
def test_broken_file_ends_quietly(text):
    equal(driven(text), [])


def test_no_file_ends_quietly():
    equal(boot.drive_outputs_safe("there-is-no-such-file.json", None), 0)


@cases(
    [
        ("a version in a slot", lambda: "b", "/b/settings.json"),
        ("a plain copy in the root", lambda: None, "/settings.json"),
        ("a slots.py that fails", lambda: 1 // 0, "/settings.json"),
        ("one of another version, which returns nothing", lambda: [], "/settings.json"),
    ]
)
def test_the_settings_are_those_of_the_version_that_starts(slot, expected):
    class Slots:
        @staticmethod
        def state():
            return {"slot": slot()}

        folder = staticmethod(slots.folder)

    sys.modules["slots"] = Slots
    try:
        equal(boot.settings_path(), expected)
    finally:
        sys.modules["slots"] = slots


def test_without_slots_the_settings_are_in_the_root():
    path = sys.path[:]
    del sys.modules["slots"]
    sys.path[:] = []
    try:
        equal(boot.settings_path(), "/settings.json")
    finally:
        sys.path[:] = path
        sys.modules["slots"] = slots


def test_the_table_is_the_chips_own():
    equal(sorted(boot._NEVER), sorted(CHIPS))
    for chip in CHIPS:
        table = CHIPS[chip]
        wanted = [gpio for gpio in range(49) if within(gpio, table["flash"]) or within(gpio, table["repl"])]
        equal(list(boot._NEVER[chip]), wanted)
