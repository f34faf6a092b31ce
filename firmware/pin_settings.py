"""The settings of the pins: what each kind takes, and what two of them may not share.

Part of settings.py, which says what becomes of the problems.
"""

from .chips import CHIPS, good_gpios, gpio_problem
from .pin import rests_on
from .schema import check, check_object, is_name, show, suggestion

# The longest delay that may be asked of a pin. MicroPython's ticks tell earlier from later within 2**29 ms
# (6.2 days): what is to end later than that would look as if it had ended already.
LONGEST_S = 6 * 86400

MAX_PINS = 16

# Rows: see schema.py.
_ANY = (
    ("kind", ..., "choice", ("switch", "pulse", "pwm", "servo", "rgb", "input", "analog"), None),
    ("gpio", ..., "int", 0, 48),
    ("label", None, "text", 1, 40),
)
_OUTPUT = (
    ("max_on", 0, "int", 0, LONGEST_S),  # seconds; 0: no limit
    ("min_interval", 0, "int", 0, 3600000),  # milliseconds
    ("confirm", False, "bool", None, None),  # whether the page asks for a long press
)
_LOCKED = (("interlock", (), "names", "text", MAX_PINS - 1),)
_LEVEL = (("active_low", False, "bool", None, None), ("safe", False, "bool", None, None))
_PULSE = (("ms", 500, "int", 1, 86400000), ("max_ms", 10000, "int", 1, 86400000))
_PWM = (("freq", 1000, "int", 1, 40000),)  # Hz
_SERVO = (
    ("min", 0, "int", -360, 360),  # degrees
    ("max", 180, "int", -360, 360),
    ("min_us", 500, "int", 100, 3000),  # the pulse's width there; the other way round, it turns so
    ("max_us", 2500, "int", 100, 3000),
    ("safe", None, "int", -360, 360),  # None: min
    ("detach_ms", 1000, "int", 0, 60000),  # after the last move; 0: hold the angle for ever
)
_RGB = (
    ("count", 1, "int", 1, 300),
    ("order", "GRB", "text", 3, 4),
    ("brightness", 100, "int", 1, 100),  # per cent
    ("safe", "#000000", "text", 7, 7),
)
_INPUT = (
    ("pull", "up", "choice", ("up", "down", "none"), None),
    ("active_low", True, "bool", None, None),
    ("debounce_ms", 20, "int", 0, 1000),
)
_ANALOG = (
    ("from_mv", 0, "int", 0, 3300),
    ("to_mv", 3300, "int", 0, 3300),
    ("low", 0, "int", -100000, 100000),  # the reading at from_mv
    ("high", 100, "int", -100000, 100000),
    ("unit", "%", "text", 0, 8),
    ("digits", 0, "int", 0, 3),
    ("smooth", 8, "int", 1, 64),  # samples
    ("step", 1, "int", 1, 10000),  # last digits
)
_KINDS = {
    "switch": _ANY + _LEVEL + _OUTPUT + _LOCKED + _PULSE,
    "pulse": _ANY + _LEVEL + _OUTPUT + _LOCKED + _PULSE,
    "pwm": _ANY + _LEVEL + _OUTPUT + _LOCKED + _PWM,
    "servo": _ANY + _OUTPUT + _SERVO,
    "rgb": _ANY + _OUTPUT + _LOCKED + _RGB,
    "input": _ANY + _INPUT,
    "analog": _ANY + _ANALOG,
}


def check_pins(problems, data, chip):
    """The pins in `data` with every default filled in; what is wrong is added to the list `problems`."""
    if type(data) is not dict or len(data) > MAX_PINS:
        held = f"{len(data)} pins" if type(data) is dict else show(data)
        problems.append(f"pins: holds {held}; may hold an object of at most {MAX_PINS} pins")
        return {}
    pins = {}
    for name in sorted(data):  # MicroPython's dicts keep no order, and the messages should
        if not is_name(name, 1, 24, "-_"):
            problems.append(
                f"pins: {show(name)} is no pin's name; may be 1 to 24 of a-z, 0-9, - and _, a letter first"
            )
            continue
        spec = _check_pin(problems, "pins." + name, data[name], chip)
        if type(spec) is dict:
            pins[name] = spec
            spec["label"] = spec["label"] or name
    _check_shared_gpios(problems, pins)
    _check_interlocks(problems, pins, data)
    _check_pwm(problems, pins, chip)
    return pins


def _check_pin(problems, path, data, chip):
    if type(data) is not dict:
        return check(problems, path, data, "object", _KINDS["switch"], None)  # says that it is none
    kind = data.get("kind")
    if type(kind) is not str or kind not in _KINDS:
        # What else it may hold depends on that.
        spec = check_object(problems, path + ".", {n: data[n] for n in data if _has(_ANY, n)}, _ANY)
        _check_gpio(problems, path, spec, chip, "input")
        return spec
    rows = _KINDS[kind]
    foreign = {}
    for name in sorted(data):
        kinds = [] if _has(rows, name) else [other for other in sorted(_KINDS) if _has(_KINDS[other], name)]
        if kinds:
            foreign[name] = kinds
    spec = check_object(problems, path + ".", {n: data[n] for n in data if n not in foreign}, rows)
    for name in sorted(foreign):
        kinds = " or ".join(foreign[name])
        problems.append(f"{path}.{name}: is for the kind {kinds}; this is a pin of the kind {kind}")
    if "ms" in spec:
        _check_times(problems, path, spec, data)
    elif kind in _OWN:
        _OWN[kind](problems, path, spec)
    _check_gpio(problems, path, spec, chip, kind)
    return spec


def _has(rows, name):
    return any(row[0] == name for row in rows)


def _check_times(problems, path, spec, given):
    ms, max_ms, max_on = spec["ms"], spec["max_ms"], spec["max_on"]
    if ms is None or max_ms is None or max_on is None:
        return
    limit, name = (max_on * 1000, "max_on") if 0 < max_on * 1000 < max_ms else (max_ms, "max_ms")
    if "ms" not in given:
        spec["ms"] = min(ms, limit)
    elif ms > limit:
        problems.append(f"{path}.ms: holds {ms}; may hold at most {limit}, because of {name}")


def _check_servo(problems, path, spec):
    least, most = spec["min"], spec["max"]
    if least is None or most is None:
        return
    if least >= most:
        problems.append(f"{path}.max: holds {most}; may hold more than min, which is {least}")
        return
    if spec["safe"] is None:
        spec["safe"] = least
    if not least <= spec["safe"] <= most:
        problems.append(f"{path}.safe: holds {spec['safe']}; may hold {least} to {most} degrees")
    if spec["min_us"] is not None and spec["min_us"] == spec["max_us"]:
        problems.append(f"{path}.max_us: holds {spec['max_us']}, as min_us does; it would never move")


_ORDERS = "RGB RBG GRB GBR BRG BGR"


def _check_rgb(problems, path, spec):
    order, safe = spec["order"], spec["safe"]
    colours = (order or "GRB").replace("W", "", 1)
    if len(colours) != 3 or colours not in _ORDERS.split(" "):
        problems.append(
            f'{path}.order: holds {show(order)}; may hold the letters R, G, B, and W, such as "GRB"'
        )
    if safe is not None:
        spec["safe"] = safe.lower()
        if safe[0] != "#" or not all(char in "0123456789abcdef" for char in safe[1:].lower()):
            problems.append(f'{path}.safe: holds {show(safe)}; may hold a colour such as "#ff8800"')


def _check_analog(problems, path, spec):
    least, most = spec["from_mv"], spec["to_mv"]
    if least is not None and most is not None and least >= most:
        problems.append(f"{path}.to_mv: holds {most}; may hold more than from_mv, which is {least}")
    if spec["low"] is not None and spec["low"] == spec["high"]:
        problems.append(f"{path}.high: holds {spec['high']}, as low does; every reading would be the same")


_OWN = {"servo": _check_servo, "rgb": _check_rgb, "analog": _check_analog}


def _check_gpio(problems, path, spec, chip, kind):
    gpio = spec["gpio"]
    if chip not in CHIPS or gpio is None:
        return
    problem = gpio_problem(chip, gpio, kind)
    if problem:
        free = ", ".join([str(good) for good in good_gpios(chip, kind)])
        problems.append(f"{path}.gpio: {gpio} {problem}; use {free}")
    elif spec.get("pull") in ("up", "down") and gpio_problem(chip, gpio):
        problems.append(
            f'{path}.pull: holds "{spec["pull"]}", and GPIO {gpio} of an {chip} has no resistors; use "none"'
        )


def _check_shared_gpios(problems, pins):
    owners = {}
    for name in sorted(pins):
        gpio = pins[name]["gpio"]
        if gpio in owners:
            text = "pins.{}.gpio: holds {}, which pins.{} has already; give each pin its own"
            problems.append(text.format(name, gpio, owners[gpio]))
        elif gpio is not None:
            owners[gpio] = name


def _check_interlocks(problems, pins, data):
    """Each pin gets the names of all that exclude it, sorted, whichever side named the other."""
    locks = {name: set() for name in pins if "interlock" in pins[name]}
    for name in sorted(locks):
        path = f"pins.{name}.interlock"
        for other in pins[name]["interlock"] or ():
            if other == name:
                problems.append(f"{path}: holds the pin itself; may hold the names of other pins")
            elif other in locks:
                locks[name].add(other)
                locks[other].add(name)
            elif other in pins:
                if pins[other]["kind"]:
                    text = "{}: holds {}, of the kind {}, which is neither on nor off"
                    problems.append(text.format(path, show(other), pins[other]["kind"]))
            elif other is not None and other not in data:
                others = [known for known in sorted(data) if known != name]
                problems.append(f"{path}: holds {show(other)}, which is no pin; {suggestion(other, others)}")
    for name in sorted(locks):
        pins[name]["interlock"] = sorted(locks[name])
        for other in pins[name]["interlock"]:
            if name < other and rests_on(pins[name]) and rests_on(pins[other]):
                safe = show(pins[other]["safe"])
                text = "pins.{}.safe: holds {}, and pins.{} is on, too; of two interlocked pins only one may"
                problems.append(text.format(other, safe, name))


def _check_pwm(problems, pins, chip):
    """Both kinds that give pulses share the chip's few generators."""
    names = [name for name in sorted(pins) if pins[name]["kind"] in ("pwm", "servo")]
    if not names or chip not in CHIPS:
        return
    most, clocks = CHIPS[chip]["pwm"]
    rates = {pins[name].get("freq", 50) for name in names}
    if len(names) > most:
        problems.append(f"pins: {len(names)} are of the kinds pwm and servo; an {chip} can drive {most}")
    if len(rates) > clocks:
        text = "pins: {} have {} frequencies (a servo's is 50 Hz); an {} can make {} at once"
        problems.append(text.format(", ".join(names), len(rates), chip, clocks))
