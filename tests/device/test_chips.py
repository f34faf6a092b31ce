"""The pin tables of the chips."""

from firmware.chips import CHIPS, good_gpios, gpio_problem, within
from harness import cases, equal


@cases(
    [
        ("an empty text has no GPIO", 0, "", False),
        ("a single number", 5, "5", True),
        ("the first of a range", 6, "6-11", True),
        ("the last of a range", 11, "6-11", True),
        ("one past a range", 12, "6-11", False),
        ("a number after a range", 20, "6-11,20", True),
        ("1 is not in 11", 1, "11", False),
    ]
)
def test_within(gpio, ranges, expected):
    equal(within(gpio, ranges), expected)


@cases(
    [
        ("esp32: a free pin", "esp32", 26, None),
        ("esp32: strapping pins are allowed, with a warning on the host", "esp32", 12, None),
        ("esp32: 16 is free without PSRAM", "esp32", 16, None),
        ("esp32: the flash's clock", "esp32", 6, "flash"),
        ("esp32: the flash's last line", "esp32", 11, "flash"),
        ("esp32: 20 is on no package but one", "esp32", 20, "is not a GPIO"),
        ("esp32: 24 was never bonded", "esp32", 24, "is not a GPIO"),
        ("esp32: 34 has no output driver", "esp32", 34, "input"),
        ("esp32: 39 has no output driver", "esp32", 39, "input"),
        ("esp32: 40 is past the last", "esp32", 40, "is not a GPIO"),
        ("esp32: no negative number is a pin", "esp32", -1, "is not a GPIO"),
        ("esp32: the prompt's line out is the only way in by USB", "esp32", 1, "USB"),
        ("esp32: the prompt's line in is the only way in by USB", "esp32", 3, "USB"),
        ("esp32s2: 46 is the only input-only pin", "esp32s2", 46, "input"),
        ("esp32s2: 45 is an output", "esp32s2", 45, None),
        ("esp32s2: 47 exists on the S3 only", "esp32s2", 47, "is not a GPIO"),
        ("esp32s2: 22 was never bonded", "esp32s2", 22, "is not a GPIO"),
        ("esp32s2: the flash begins with the PSRAM's chip select", "esp32s2", 26, "flash"),
        ("esp32s2: 33 is free", "esp32s2", 33, None),
        ("esp32s2: USB", "esp32s2", 19, "USB"),
        ("esp32s3: 46 is an output, unlike the S2's", "esp32s3", 46, None),
        ("esp32s3: 48 is the last", "esp32s3", 48, None),
        ("esp32s3: 32 is the flash's", "esp32s3", 32, "flash"),
        ("esp32s3: 33 to 37 are free without octal memory", "esp32s3", 35, None),
        ("esp32s3: USB", "esp32s3", 20, "USB"),
        ("esp32c3: the flash", "esp32c3", 12, "flash"),
        ("esp32c3: USB, which the official build doesn't even offer as pins", "esp32c3", 18, "USB"),
        ("esp32c3: UART0 is free, the prompt is on USB", "esp32c3", 21, None),
        ("esp32c3: 22 is past the last", "esp32c3", 22, "is not a GPIO"),
        ("esp32c6: the flash", "esp32c6", 24, "flash"),
        ("esp32c6: USB", "esp32c6", 13, "USB"),
        ("esp32c6: 18 is free, on the C3 it is USB", "esp32c6", 18, None),
        ("esp32c6: 31 is past the last", "esp32c6", 31, "is not a GPIO"),
    ]
)
def test_gpio_problem(chip, gpio, expected):
    problem = gpio_problem(chip, gpio)
    if expected is None:
        equal(problem, None)
    else:
        assert expected in (problem or ""), problem
        assert (problem or "").split(",")[0].endswith(" " + chip), problem


@cases(
    [
        ("an input needs no driver", "esp32", 34, "input", None),
        ("the flash is the flash's", "esp32", 6, "input", "flash"),
        ("ADC1 without a driver", "esp32", 34, "analog", None),
        ("ADC1 with one", "esp32", 32, "analog", None),
        ("ADC2 is silent beside Wi-Fi", "esp32", 4, "analog", "ADC2"),
        ("no ADC at all", "esp32", 18, "analog", "ADC1"),
        ("S3: the first of ADC1", "esp32s3", 1, "analog", None),
        ("S3: the last", "esp32s3", 10, "analog", None),
        ("S3: the first of ADC2", "esp32s3", 11, "analog", "ADC2"),
        ("C3: the last of ADC1", "esp32c3", 4, "analog", None),
        ("C3: ADC2", "esp32c3", 5, "analog", "ADC2"),
        ("C6: the last of ADC1", "esp32c6", 6, "analog", None),
        ("C6: it has no second ADC", "esp32c6", 7, "analog", "ADC1"),
        ("a servo is an output", "esp32", 34, "servo", "input"),
    ]
)
def test_gpio_of_a_kind(chip, gpio, kind, expected):
    problem = gpio_problem(chip, gpio, kind)
    if expected is None:
        equal(problem, None)
    else:
        assert expected in (problem or ""), problem


def test_good_gpios_of_an_esp32():
    equal(good_gpios("esp32"), [4, 13, 14, 18, 19, 21, 22, 23, 25, 26, 27, 32, 33])
    equal(good_gpios("esp32", "analog"), list(range(32, 40)))
    equal(good_gpios("esp32", "input"), good_gpios("esp32") + [34, 35, 36, 37, 38, 39])


def test_every_suggested_output_is_one():
    for chip in CHIPS:
        suggested = good_gpios(chip)
        assert len(suggested) >= 8, chip
        for gpio in suggested:
            equal(gpio_problem(chip, gpio), None)
            assert not within(gpio, CHIPS[chip]["strapping"]), (chip, gpio)


def test_every_table_has_the_same_rows():
    rows = sorted(CHIPS["esp32"])
    for chip in CHIPS:
        equal(sorted(CHIPS[chip]), rows)
