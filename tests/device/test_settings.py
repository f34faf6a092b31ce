"""The settings of the board: what is filled in, and every way to get them wrong."""

from firmware.settings import SettingsError, check_settings
from harness import cases, equal, raises

RELAY = {"kind": "switch", "gpio": 26}
LEAST = {"version": 1, "name": "door", "chip": "esp32", "pins": {"relay": RELAY}}
DEFAULTS = {
    "version": 1,
    "name": "door",
    "hostname": "door",
    "hosts": [],
    "setup_mode": False,
    "chip": "esp32",
    "issuer": None,
    "leeway": 0,
    "max_ttl": 7776000,
    "origins": [],
    "log": "errors",
    "language": "en",
    "ntp": ["pool.ntp.org", "time.cloudflare.com"],
    "http": {
        "port": 80,
        "tls": False,
        "max_head": 4096,
        "max_body": 2048,
        "connections": 4,
        "head_timeout": 5,
        "body_timeout": 5,
        "write_timeout": 5,
        "idle_timeout": 15,
        "streams": 2,
        "strangers": 120,
    },
    "policy": {"bearer": True, "max_jump": 86400},
    "pins": {
        "relay": {
            "kind": "switch",
            "gpio": 26,
            "label": "relay",
            "active_low": False,
            "safe": False,
            "max_on": 0,
            "min_interval": 0,
            "confirm": False,
            "interlock": [],
            "ms": 500,
            "max_ms": 10000,
        }
    },
}


def changed(base, **members):
    result = dict(base)
    result.update(members)
    return result


def settings(**members):
    return changed(LEAST, **members)


def with_pin(**members):
    return settings(pins={"relay": changed(RELAY, **members)})


def with_pins(**pins):
    """Pins "a", "b" … on GPIOs of their own, with these members."""
    free = [4, 13, 14, 18]
    result = {}
    for i, name in enumerate(sorted(pins)):
        result[name] = changed({"kind": "switch", "gpio": free[i]}, **pins[name])
    return settings(pins=result)


def problems(data):
    return raises(SettingsError, check_settings, data).problems


def test_defaults():
    equal(check_settings(LEAST), DEFAULTS)


def test_what_was_checked_passes_again_unchanged():
    equal(check_settings(check_settings(LEAST)), DEFAULTS)


@cases(
    [
        ("HTTP's port", {}, 80),
        ("HTTPS's port", {"tls": True}, 443),
        ("no other where one is given", {"tls": True, "port": 8443}, 8443),
        ("nor where it is the other's", {"tls": True, "port": 80}, 80),
    ]
)
def test_the_port_goes_by_the_scheme(http, port):
    result = check_settings(settings(http=http))
    equal(result["http"]["port"], port)
    equal(check_settings(result), result)


def test_the_result_is_new():
    given = settings(hosts=["door.lan"], http={"port": 8080})
    result = check_settings(given)
    result["hosts"].append("x")
    result["http"]["port"] = 1
    result["pins"]["relay"]["gpio"] = 1
    equal(given, settings(hosts=["door.lan"], http={"port": 8080}))
    equal(check_settings(LEAST)["ntp"], DEFAULTS["ntp"])


@cases(
    [
        (
            "every member of the top",
            settings(hostname="d2", hosts=["Door.LAN", "10.0.0.7"], issuer="https://id", log="requests"),
        ),
        ("setup mode", settings(setup_mode=True)),
        ("no time servers", settings(ntp=[])),
        ("no pins yet", settings(pins={})),
        ("a name of two characters", settings(name="d1")),
        ("a name of 32 characters, as mDNS takes", settings(name="d" * 32)),
        ("an origin with a port", settings(origins=["http://127.0.0.1:8080", "https://panel.example"])),
        ("the limits of http", settings(http={"connections": 6, "max_head": 8192})),
        ("signed requests only", settings(policy={"bearer": False, "max_jump": 3600})),
        ("a strapping pin: the host warns of it", with_pin(gpio=12)),
        ("the longest max_on: six days, within which ticks compare", with_pin(max_on=518400)),
        ("pin names with _ and -", settings(pins={"a_b-c": RELAY, "x": changed(RELAY, gpio=4)})),
        ("a label beyond ASCII", with_pin(label="Tür")),
    ]
)
def test_accepts(data):
    check_settings(data)


def test_hosts_are_made_lower_case():
    equal(check_settings(settings(hosts=["Door.LAN"]))["hosts"], ["door.lan"])


def test_an_interlock_named_once_holds_both_ways():
    pins = check_settings(with_pins(a={}, b={"interlock": ["a", "c", "a"]}, c={"safe": True}))["pins"]
    equal([pins[name]["interlock"] for name in ("a", "b", "c")], [["b"], ["a", "c"], ["b"]])


def test_the_default_pulse_is_no_longer_than_the_limit():
    equal(check_settings(with_pin(max_ms=200))["pins"]["relay"]["ms"], 200)


# In what is expected, "…" stands for any text.
@cases(
    [
        (
            "a bool is no number",
            {"leeway": True},
            "leeway: holds true; may hold a whole number from 0 to 300",
        ),
        ("a number is no bool", {"setup_mode": 1}, "setup_mode: holds 1; may hold true or false"),
        ("a bool is no version", {"version": True}, "version: holds true; may hold 1"),
        ("1.0 is no whole number: floats lose seconds on the board", {"leeway": 1.0}, "leeway: holds 1.0; …"),
        ("null is no number", {"leeway": None}, "leeway: holds null; …"),
        ("text is no number", {"leeway": "5"}, 'leeway: holds "5"; …'),
        ("a later version", {"version": 2}, "version: holds 2; may hold 1"),
        ("too small", {"max_ttl": 59}, "max_ttl: holds 59; …from 60 to…"),
        ("too big", {"http": {"connections": 7}}, "http.connections: holds 7; …from 1 to 6"),
        ("a head too small for any token", {"http": {"max_head": 2048}}, "http.max_head: holds 2048; …"),
        ("a list is no object", {"http": []}, "http: holds a list; may hold an object with port, …"),
        ("a chip that isn't known", {"chip": "esp8266"}, 'chip: holds "esp8266"; …"esp32s3"…'),
        ("a chip as it is written on the box", {"chip": "ESP32-S3"}, 'chip: holds "ESP32-S3"; …"esp32s3"…'),
        ("a name with capitals", {"name": "Door"}, 'name: holds "Door"; …a-z…'),
        ("a name of one character", {"name": "d"}, 'name: holds "d"; …2 to 32…'),
        ("a name of 33 characters", {"name": "d" * 33}, "name: holds …2 to 32…"),
        ("a name that ends with -", {"name": "door-"}, 'name: holds "door-"; …'),
        ("a name that begins with a digit", {"name": "1door"}, 'name: holds "1door"; …a letter first…'),
        ("a name with _, which no host name has", {"name": "my_door"}, 'name: holds "my_door"; …'),
        ("an empty name", {"name": ""}, 'name: holds ""; …'),
        ("a line break doesn't break the message", {"name": "do\nor"}, 'name: holds "do?or"; …'),
        ("a host with a path", {"hosts": ["ok", "door/x"]}, 'hosts[1]: holds "door/x"; …host name…'),
        ("a host with a port", {"hosts": ["door:80"]}, 'hosts[0]: holds "door:80"; …'),
        ("a host with an empty label", {"hosts": ["door..lan"]}, "hosts[0]: …"),
        ("too many hosts", {"hosts": ["h"] * 9}, "hosts: holds 9 values; may hold a list of at most 8"),
        ("a host alone is no list", {"hosts": "door.lan"}, 'hosts: holds "door.lan"; may hold a list…'),
        (
            "an origin with a slash never matches",
            {"origins": ["https://a.b/"]},
            "origins[0]: …nothing after it",
        ),
        ("an origin in capitals", {"origins": ["https://A.b"]}, "origins[0]: …lower-case…"),
        (
            "any origin at all is no origin",
            {"origins": ["*"]},
            'origins[0]: holds "*"; may hold "https://host"…',
        ),
        ("an origin without a scheme", {"origins": ["a.b"]}, "origins[0]: …"),
        ("an origin with an empty port", {"origins": ["https://a.b:"]}, "origins[0]: …"),
        ("too many time servers", {"ntp": ["a"] * 5}, "ntp: holds 5 values; …at most 4"),
        ("an empty issuer", {"issuer": ""}, 'issuer: holds ""; …or null'),
        ("a member nearly right", {"origns": []}, 'origns: is not known; did you mean "origins"?'),
        ("a member of an object", {"http": {"maxhead": 1}}, 'http.maxhead: is not known; …"max_head"?'),
        ("a member like no other", {"zzzzzz": 1}, "zzzzzz: is not known; may hold version, name, …"),
        ("a member with a line break", {"a\nb": 1}, '"a?b": is not known; …'),
        ("pins as a list", {"pins": [RELAY]}, "pins: holds a list; …an object…"),
        ("17 pins", {"pins": {f"p{i}": RELAY for i in range(17)}}, "pins: holds 17 pins; …at most 16…"),
        ("a pin's name with capitals", {"pins": {"Relay": RELAY}}, 'pins: "Relay" is no pin\'s name; …a-z…'),
        ("a pin's name with a slash, which parts paths", {"pins": {"a/b": RELAY}}, 'pins: "a/b" is no …'),
        ("a pin's name of 25 characters", {"pins": {"p" * 25: RELAY}}, 'pins: "ppp…1 to 24…'),
        ("a pin that is no object", {"pins": {"relay": 26}}, "pins.relay: holds 26; …kind, gpio, …"),
        (
            "two pins on one GPIO",
            {"pins": {"a": RELAY, "b": RELAY}},
            "pins.b.gpio: holds 26, which pins.a…",
        ),
        ("a pin without a GPIO", {"pins": {"a": {"kind": "switch"}}}, "pins.a.gpio: is missing; …0 to 48"),
    ]
)
def test_refuses(members, expected):
    only_problem(settings(**members), expected)


@cases(
    [
        (
            "a kind that isn't known",
            {"kind": "swich"},
            'kind: holds "swich"; …"switch" or "pulse" or …',
        ),
        ("an input-only GPIO", {"gpio": 34}, "gpio: 34 can only be an input on an esp32; use 4, 13, 14, …"),
        ("a GPIO of the flash", {"gpio": 6}, "gpio: 6 is wired to the flash memory of an esp32; use 4, …"),
        ("a GPIO that the chip hasn't", {"gpio": 24}, "gpio: 24 is not a GPIO of an esp32; use 4, …"),
        ("the prompt's GPIO", {"gpio": 1}, "gpio: 1 is the USB tools' way into an esp32…; use 4, …"),
        ("no number at all", {"gpio": "D4"}, 'gpio: holds "D4"; may hold a whole number from 0 to 48'),
        ("two letters swapped", {"gpoi": 4}, 'gpoi: is not known; did you mean "gpio"?'),
        ("a safe level as a number", {"safe": 0}, "safe: holds 0; may hold true or false"),
        ("max_on longer than ticks compare", {"max_on": 518401}, "max_on: holds 518401; …to 518400"),
        ("a pulse longer than max_ms", {"ms": 10001}, "ms: holds 10001; …10000, because of max_ms"),
        ("a pulse longer than max_on", {"ms": 2000, "max_on": 1}, "ms: holds 2000; …1000, because of max_on"),
        ("a pulse of no length", {"ms": 0}, "ms: holds 0; may hold a whole number from 1 to …"),
        ("a label with a control character", {"label": "a\x1b[31m"}, 'label: holds "a?[31m"; …printable…'),
        ("an interlock with itself", {"interlock": ["relay"]}, "interlock: holds the pin itself; …"),
        ("an interlock with no pin", {"interlock": ["lihgt"]}, 'interlock: holds "lihgt", …mean "light"?'),
        ("an interlock as text", {"interlock": "light"}, 'interlock: holds "light"; may hold a list…'),
        ("an interlock of numbers", {"interlock": [26]}, "interlock[0]: holds 26; may hold a text…"),
    ]
)
def test_refuses_pin(members, expected):
    pins = {"relay": changed(RELAY, **members), "light": {"kind": "switch", "gpio": 14}}
    only_problem(settings(pins=pins), "pins.relay." + expected)


def only_problem(data, expected):
    found = problems(data)
    equal(len(found), 1)
    rest = found[0]
    for i, part in enumerate(expected.split("…")):
        at = rest.find(part)
        assert at == 0 or (at > 0 and i > 0), found[0]
        rest = rest[at + len(part) :]
    assert not rest or expected.endswith("…"), found[0]


def test_a_gpio_is_one_of_the_chip():
    only_problem(
        changed(with_pin(gpio=34), chip="esp32c3"),
        "pins.relay.gpio: 34 is not a GPIO of an esp32c3; use 0, …",
    )


def test_of_two_interlocked_pins_one_is_on_when_safe():
    data = with_pins(up={"safe": True}, down={"safe": True, "interlock": ["up"]})
    only_problem(data, "pins.up.safe: holds true, and pins.down is on, too; of two…")


def test_what_is_missing_is_told():
    found = problems({})
    equal([text.split(":")[0] for text in found], ["version", "name", "chip"])


def test_no_object_at_all():
    for data in ([], None, "x", 1, True):
        equal(len(problems(data)), 1)


def test_all_problems_are_told_at_once():
    data = settings(name="D", leeway=-1, pins={"a": {"kind": "x", "gpio": 6}, "b": {"gpio": 34}, "C": {}})
    error = raises(SettingsError, check_settings, data)
    fields = ["name", "leeway", "pins", "pins.a.kind", "pins.a.gpio", "pins.b.kind"]
    equal([text.split(":")[0] for text in error.problems], fields)
    equal(str(error), "\n".join(error.problems))
    assert isinstance(error, ValueError)


def test_one_problem_does_not_hide_those_of_other_pins():
    data = settings(pins={"a": {"kind": "switch", "gpio": 4, "interlock": ["b"]}, "b": 5})
    only_problem(data, "pins.b: holds 5; …")


@cases(
    [
        ("two", {}, 2),
        ("of three connections two are for others", {"connections": 3}, 1),
        ("of two all", {"connections": 2}, 0),
        ("as many as there is room for", {"connections": 6, "streams": 4}, 4),
        ("none", {"streams": 0}, 0),
        ("none in TLS", {"tls": True}, 0),
        ("but one that is wanted", {"tls": True, "streams": 1}, 1),
    ]
)
def test_streams(http, count):
    equal(check_settings(settings(http=http))["http"]["streams"], count)


@cases(
    [
        ("all places", {"streams": 4}, 2),
        ("of one connection", {"connections": 1, "streams": 1}, 0),
        ("both of TLS", {"tls": True, "streams": 2}, 1),
        ("the only one of TLS", {"tls": True, "connections": 1, "streams": 1}, 0),
    ]
)
def test_too_many_streams(http, most):
    text = "http.streams: holds %d; may hold at most %d, as other requests need places too"
    equal(problems(settings(http=http)), [text % (http["streams"], most)])
