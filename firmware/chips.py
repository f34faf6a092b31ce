"""Which GPIO of which chip may do what: the pin tables, as data.

Sources: Espressif's "GPIO & RTC GPIO" page and datasheet of each chip, and the list of pins that
MicroPython's esp32 port exposes (`ports/esp32/machine_pin.h`). Host and board read this same table.

    count       GPIOs are numbered from 0 to count - 1
    absent      numbers in that range that the chip doesn't have
    flash       wired to the flash memory: driving one crashes the board at once
    input_only  no output driver
    repl        the only way that the USB tools have into the board
    strapping   read by the chip at reset: what hangs on one can keep the board from starting
    uart        UART0, where the boot ROM prints at reset, although the prompt is on USB: a relay chatters
    shared      free on some modules, taken by the memory on others
    adc1        can measure a voltage; ADC2 cannot while Wi-Fi is on
    pwm         how many outputs with how many frequencies at once (LEDC)

strapping, uart and shared are allowed; the host tools warn of them.
"""

# Ranges are text ("6-11"), read when asked for: a board needs one of these tables, once, at start, and all of
# them as sets would cost it a few kilobytes.
CHIPS = {
    "esp32": {
        "count": 40,
        "absent": "20,24,28-31",
        "flash": "6-11",
        "input_only": "34-39",
        "repl": "1,3",
        "strapping": "0,2,5,12,15",
        "uart": "",
        "shared": "16,17",
        "adc1": "32-39",
        "pwm": (16, 8),
    },
    "esp32s2": {
        "count": 47,
        "absent": "22-25",
        "flash": "26-32",
        "input_only": "46",
        "repl": "19,20",
        "strapping": "0,45,46",
        "uart": "43,44",
        "shared": "",
        "adc1": "1-10",
        "pwm": (8, 4),
    },
    "esp32s3": {
        "count": 49,
        "absent": "22-25",
        "flash": "26-32",
        "input_only": "",
        "repl": "19,20",
        "strapping": "0,3,45,46",
        "uart": "43,44",
        "shared": "33-37",
        "adc1": "1-10",
        "pwm": (8, 4),
    },
    "esp32c3": {
        "count": 22,
        "absent": "",
        "flash": "12-17",
        "input_only": "",
        "repl": "18,19",
        "strapping": "2,8,9",
        "uart": "20,21",
        "shared": "11",
        "adc1": "0-4",
        "pwm": (6, 4),
    },
    "esp32c6": {
        "count": 31,
        "absent": "",
        "flash": "24-30",
        "input_only": "",
        "repl": "12,13",
        "strapping": "4,5,8,9,15",
        "uart": "16,17",
        "shared": "",
        "adc1": "0-6",
        "pwm": (6, 4),
    },
}

_IMPOSSIBLE = (
    ("absent", "is not a GPIO of an {}"),
    ("flash", "is wired to the flash memory of an {}"),
    ("repl", "is the USB tools' way into an {}, which has no other"),
)


def within(gpio, ranges):
    """Is `gpio` in a text of ranges such as "0,2,12-15"?"""
    for part in ranges.split(",") if ranges else ():
        first, _, last = part.partition("-")
        if int(first) <= gpio <= int(last or first):
            return True
    return False


def gpio_problem(chip, gpio, kind="switch"):
    """Why `gpio` cannot be a pin of this kind on `chip`, as the end of a sentence, or None."""
    table = CHIPS[chip]
    if not 0 <= gpio < table["count"]:
        return _IMPOSSIBLE[0][1].format(chip)
    for group, reason in _IMPOSSIBLE:
        if within(gpio, table[group]):
            return reason.format(chip)
    if kind == "analog":
        if not within(gpio, table["adc1"]):
            return f"has no ADC1 on an {chip}, and ADC2 does not work beside Wi-Fi"
    elif kind != "input" and within(gpio, table["input_only"]):
        return f"can only be an input on an {chip}"
    return None


def good_gpios(chip, kind="switch"):
    """The GPIOs of `chip` that can be a pin of this kind on every module, with nothing to consider: a list of
    int.
    """
    table = CHIPS[chip]
    return [
        gpio
        for gpio in range(table["count"])
        if not gpio_problem(chip, gpio, kind)
        and not any(within(gpio, table[group]) for group in ("strapping", "uart", "shared"))
    ]
