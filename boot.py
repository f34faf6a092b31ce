"""The first code on the board: every output to its safe level, and nothing else.

It stands alone, because it has to work where nothing else does: it runs before main.py, and when the USB
tools have taken the board over, which skips main.py. Whatever is wrong with the settings, it ends quietly, or
USB would be lost.
"""

# What would crash the chip or cut USB off: "flash" and "repl" of firmware/chips.py, which may be missing or
# broken.
_NEVER = {
    "esp32": (1, 3, 6, 7, 8, 9, 10, 11),
    "esp32s2": (19, 20, 26, 27, 28, 29, 30, 31, 32),
    "esp32s3": (19, 20, 26, 27, 28, 29, 30, 31, 32),
    "esp32c3": (12, 13, 14, 15, 16, 17, 18, 19),
    "esp32c6": (12, 13, 24, 25, 26, 27, 28, 29, 30),
}


def settings_path():
    """Return where the settings of the version that starts are. Never raises."""
    try:
        import slots

        return slots.folder(slots.state()["slot"]) + "/settings.json"
    except Exception as error:  # slots.py may be missing or broken, too
        print("boot: the settings are looked for in the root:", repr(error))
        return "/settings.json"


def drive_outputs_safe(path=None, make_pin=None, make_strip=None):
    """Drive each output that the settings name to its safe level, as far as they can be read. Never raises.

    `path` is the settings file, by default that of the version that starts. `make_pin(gpio, level)` makes an
    output that starts at this level; by default it is a real pin. Those that are off when safe go first: at
    no moment are two interlocked pins on. A servo gets no pulses, a strip of lights is made dark:
    `make_strip(gpio, lights, octets of each)`, by default a real one, is what `write()` makes so. Returns how
    many were driven.
    """
    driven = 0
    path = path or settings_path()
    try:
        import json

        if make_pin is None:
            from machine import Pin

            make_pin = lambda gpio, level: Pin(gpio, Pin.OUT, value=level)  # noqa: E731
            make_strip = lambda gpio, n, bpp: __import__("neopixel").NeoPixel(Pin(gpio), n, bpp)  # noqa: E731
        with open(path) as file:
            settings = json.load(file)
        never = _NEVER[settings["chip"]]
        specs = list(settings["pins"].values())
    except Exception as error:
        print("boot: no output driven,", path, "cannot be used:", repr(error))
        return driven
    for safe in (False, True):
        for spec in specs:
            try:
                kind, gpio = spec.get("kind"), spec["gpio"]
                # The safe angle of a servo is no level, nor is a colour.
                on = bool(spec.get("safe")) and kind not in ("servo", "rgb")
                if on == safe and gpio not in never and kind not in ("input", "analog"):
                    make_pin(gpio, int(safe != bool(spec.get("active_low"))))
                    driven += 1
                    if kind == "rgb" and make_strip:  # whose lights keep their colour until they are told
                        make_strip(gpio, spec["count"], len(spec["order"])).write()
            except Exception as error:
                print("boot: an output was not driven:", repr(error))
    return driven


drive_outputs_safe()
