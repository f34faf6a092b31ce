"""Setup mode: when the board's own access point opens and closes, and that it is never an open one."""

from time import ticks_add

from firmware.setup_mode import SetupMode, make_setup_mode
from harness import cases, equal

PASSWORD = "k7mw-3hfp-x9rt"
ADDRESS = "192.168.4.1"
OPENED = "wifi: setup mode, network door-setup at 192.168.4.1"
MINUTE = 60


class Done(Exception):
    """The time of the test is over."""


class Driver:
    """The module `network` and its access point. `refuses` are the calls that fail, each with its exception;
    `deaf` makes `config()` a call without effect.
    """

    AP_IF = 1

    def __init__(self, refuses=None, deaf=False):
        self.refuses = refuses or {}
        self.deaf = deaf
        self.settings = {"ssid": "ESP_0A1B2C", "security": 0}  # as ESP-IDF has it: open
        self.is_active = False
        self.calls = []
        self.seen = []  # what was on the air: (name, security)

    def WLAN(self, interface):
        equal(interface, self.AP_IF)
        return self

    def active(self, on):
        self.call("active" if on else "inactive")
        self.is_active = on
        if on:
            self.seen.append((self.settings["ssid"], self.settings["security"]))

    def config(self, name=None, **values):
        if name is not None:
            return self.settings[name]
        self.call("config")
        if not self.deaf:
            self.settings.update(values)
        return None

    def ifconfig(self):
        return (ADDRESS, "255.255.255.0", ADDRESS, ADDRESS)

    def call(self, name):
        self.calls.append(name)
        if name in self.refuses:
            raise self.refuses[name]


async def watch(seconds, joined=(), has_network=True, driver=None, hostname="door"):
    """Let setup mode watch for so many seconds, of ticks that wrap on the way. `joined` are the spans, from
    one second to before another, in which the station has an address. Returns (the driver, the seconds at
    which the access point opened and closed, the log).
    """
    driver = driver or Driver()
    log, changes = [], []
    now, was_open = 0, False
    start = ticks_add(0, -10000)

    async def sleep_ms(ms):
        nonlocal now, was_open
        if (setup.address() is not None) != was_open:
            was_open = not was_open
            changes.append(now)
        equal(ms, 1000)
        now += 1
        if now > seconds:
            raise Done

    setup = SetupMode(driver, hostname, PASSWORD, log.append, sleep_ms, lambda: ticks_add(start, now * 1000))
    try:
        await setup.watch(
            lambda: "192.168.1.20" if any(begin <= now < end for begin, end in joined) else None, has_network
        )
    except Done:
        pass
    equal(was_open, driver.is_active)
    assert PASSWORD not in " ".join(log), log
    return driver, changes, log


@cases(
    [
        ("no network is configured: at once", 30, [], False, [0]),
        ("none has been reached for five minutes", 6 * MINUTE, [], True, [300]),
        ("not sooner", 299, [], True, []),
        ("the network is there: never", 20 * MINUTE, [(5, 9999)], True, []),
        ("lost: five minutes later", 20 * MINUTE, [(5, 601)], True, [900]),
        ("back in time", 20 * MINUTE, [(5, 600), (890, 9999)], True, []),
        ("back later: it closes half a minute after", 20 * MINUTE, [(5, 101), (501, 9999)], True, [400, 530]),
        (
            "a network that flaps does not close it",
            20 * MINUTE,
            [(310, 335), (340, 365), (400, 429)],
            True,
            [300],
        ),
        (
            "once more after that",
            30 * MINUTE,
            [(401, 501), (1001, 9999)],
            True,
            [300, 430, 800, 1030],
        ),
    ]
)
async def test_opens_and_closes(seconds, joined, has_network, expected):
    _, changes, log = await watch(seconds, joined, has_network)
    equal(changes, expected)
    equal(len(log), len(expected))
    if log:
        equal(log[0], OPENED)
    if len(log) > 1:
        equal(log[1], "wifi: setup mode ends")


async def test_it_is_guarded_before_it_is_on_the_air():
    driver, _, _ = await watch(1, has_network=False)
    equal(driver.calls, ["config", "active"])
    equal(driver.seen, [("door-setup", 3)])
    equal(driver.settings, {"ssid": "door-setup", "key": PASSWORD, "security": 3, "max_clients": 4})


async def test_a_long_name_keeps_its_end():
    driver, _, _ = await watch(1, has_network=False, hostname="d" * 32)
    equal(driver.seen, [("d" * 26 + "-setup", 3)])


@cases(
    [
        ("the configuration, in words", {"config": OSError("Wifi Invalid Mode")}, False, "Invalid Mode"),
        (
            "the configuration, without",
            {"config": RuntimeError("Wifi Unknown Error 0x0102")},
            False,
            "0x0102",
        ),
        ("the configuration, as unknown", {"config": ValueError("unknown config param")}, False, "unknown"),
        ("the password, in silence", {}, True, "did not take the password"),
        ("to switch on", {"active": OSError("WiFi Out of Memory")}, False, "Memory"),
    ]
)
async def test_what_the_driver_refuses_leaves_nothing_open(refuses, deaf, told):
    driver, changes, log = await watch(6 * MINUTE, has_network=False, driver=Driver(refuses, deaf))
    equal((changes, driver.seen), ([], []))
    equal(len(log), 2)  # not every second, but again after five minutes
    assert told in log[0], log
    equal(driver.calls[-1], "inactive")


async def test_a_driver_that_loses_the_password_when_it_is_switched_on():
    class Forgetful(Driver):
        def active(self, on):
            super().active(on)
            if on:
                self.settings["security"] = 0

    driver, changes, log = await watch(1, has_network=False, driver=Forgetful())
    equal((changes, driver.is_active, driver.calls[-1]), ([], False, "inactive"))
    assert "did not take the password" in log[0], log


async def test_a_driver_that_cannot_close_is_asked_again():
    driver = Driver({"inactive": OSError("Wifi Internal Error")})
    joined = [(401, 9999)]
    _, changes, log = await watch(500, joined, driver=driver)
    equal(changes, [300])
    equal(driver.calls.count("inactive"), 3)  # 430, 460, 490
    assert "cannot end" in log[1], log


@cases(
    [
        ("allowed, with a password", True, PASSWORD, True, 0),
        ("not allowed", False, PASSWORD, False, 0),
        ("not a setting of ours: a board in safe mode reads what it finds", None, PASSWORD, False, 0),
        ("allowed by a truth that is none", 1, PASSWORD, False, 0),
        ("no password", True, None, False, 1),
        ("an empty password", True, "", False, 1),
        ("7 characters", True, "1234567", False, 1),
        ("64 characters", True, "a" * 64, False, 1),
        ("a password that is none", True, ["12345678"], False, 1),
    ]
)
def test_is_made_only_where_it_is_allowed_and_has_a_password(allowed, password, is_made, lines):
    log = []
    equal(make_setup_mode(Driver(), "door", allowed, password, log.append) is not None, is_made)
    equal(len(log), lines)
    if lines:
        assert "setup_password" in log[0], log
