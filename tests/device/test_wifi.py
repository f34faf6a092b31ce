"""Joining the Wi-Fi, and coming back to it."""

from firmware.wifi import Wifi
from harness import cases, equal

HOME = {"ssid": "Home", "password": "12345678"}
CONNECTING, GOT_IP, IDLE = 1001, 1010, 1000


class Done(Exception):
    """The script is over."""


class Radio:
    """The module `network` and its WLAN. `script` has the status at each look, as `status()` tells it.
    `left_open` is an access point from before a soft reset.
    """

    STA_IF = 0
    AP_IF = 1
    PM_NONE = 0

    def __init__(self, script, connect_error=None, left_open=False):
        self.script = script
        self.connect_error = connect_error
        self.access_point = AccessPoint(left_open)
        self.calls = []
        self.now = IDLE
        self.dbm = -60

    def hostname(self, name):
        self.calls.append(("hostname", name))

    def WLAN(self, interface):
        return self.access_point if interface == self.AP_IF else self

    def active(self, on):
        self.calls.append(("active", on))

    def config(self, **members):
        for name in sorted(members):
            self.calls.append((name, members[name]))

    def connect(self, ssid, password):
        self.calls.append(("connect", ssid, password))
        if self.connect_error:
            error, self.connect_error = self.connect_error, None
            raise error

    def disconnect(self):
        self.calls.append(("disconnect",))

    def isconnected(self):
        return self.now == GOT_IP

    def status(self, what=None):
        if what == "rssi":
            if self.now != GOT_IP:
                raise OSError("Wifi Not Connected")
            return self.dbm
        return self.now

    def ifconfig(self):
        return ("192.168.1.20", "255.255.255.0", "192.168.1.1", "192.168.1.1")


class AccessPoint:
    """The board's own, as far as the station minds."""

    def __init__(self, is_open):
        self.is_open = is_open

    def active(self, on=None):
        if on is not None:
            self.is_open = on
        return self.is_open


class Setup:
    """A setup mode that is at `at`, and whose watch is over at once."""

    def __init__(self, at):
        self.at = at
        self.has_network = None

    def address(self):
        return self.at

    async def watch(self, joined_at, has_network):
        equal(joined_at(), None)
        self.has_network = has_network


async def run(radio, credentials=HOME, look=None, setup=None):
    """Run the script. Returns the Wifi, the seconds of each wait longer than a poll, and the log."""
    waits, log = [], []

    async def sleep_ms(ms):
        if ms > 500:
            waits.append(ms / 1000)
        if not radio.script:
            raise Done
        radio.now = radio.script.pop(0)
        if look:
            look(wifi)

    wifi = Wifi(radio, "door", credentials, setup, log.append, sleep_ms)
    try:
        await wifi.keep_connected()
    except Done:
        pass
    return wifi, waits, log


async def test_connects():
    radio = Radio([CONNECTING, CONNECTING, GOT_IP, GOT_IP])
    wifi, waits, log = await run(radio)
    equal(radio.calls[0], ("hostname", "door"))
    equal(radio.calls[-1], ("connect", "Home", "12345678"))
    for setting in (("active", True), ("reconnects", 0), ("pm", 0)):
        assert setting in radio.calls, radio.calls
    equal((wifi.address(), wifi.signal(), waits), ("192.168.1.20", -60, []))
    equal(log, ["wifi: connected, 192.168.1.20"])


async def test_before_and_after_a_connection_there_is_no_address():
    seen = []
    radio = Radio([CONNECTING, GOT_IP, GOT_IP, 200, CONNECTING, GOT_IP, GOT_IP])
    _, _, log = await run(radio, look=lambda wifi: seen.append(wifi.address()))
    there = "192.168.1.20"
    equal(seen, [None, None, there, there, None, None, there])
    equal(log[1], "wifi: the connection is lost")


async def test_a_lost_connection_is_sought_at_once():
    radio = Radio([GOT_IP, GOT_IP, 200, CONNECTING, GOT_IP, GOT_IP])
    _, waits, _ = await run(radio)
    equal(waits, [])
    equal(len([call for call in radio.calls if call[0] == "connect"]), 2)
    equal(len([call for call in radio.calls if call[0] == "hostname"]), 1)


async def test_signal_of_a_connection_that_has_just_gone():
    radio = Radio([GOT_IP, GOT_IP])
    wifi, _, _ = await run(radio)
    radio.now = 200
    equal(wifi.signal(), None)


@cases(
    [
        ("wrong name", 201, "no network of this name"),
        ("wrong password", 202, "password"),
        ("wrong password, found out in the handshake", 15, "password"),
        ("out of reach", 200, "out of reach"),
        ("a reason that isn't known", 77, "status 77"),
    ]
)
async def test_says_what_is_wrong(status, part):
    _, _, log = await run(Radio([status] * 30))
    assert part in log[0], log
    assert HOME["password"] not in " ".join(log)


async def test_a_failure_that_the_driver_tells_is_not_waited_for():
    radio = Radio([CONNECTING, CONNECTING, 201])
    _, waits, _ = await run(radio)
    equal((waits, radio.calls[-1]), ([1], ("disconnect",)))


async def test_no_answer_is_waited_for_20_s_the_first_time():
    radio = Radio([CONNECTING] * 40)
    _, waits, log = await run(radio)
    equal(waits, [1])
    assert "DHCP" in log[0], log


async def test_a_status_of_the_last_attempt_leaves_a_slow_one_its_time():
    # The driver tells 201 until it is connected: 9 s of it are no failure.
    radio = Radio([201, 201] + [201] * 18 + [GOT_IP, GOT_IP])
    wifi, waits, _ = await run(radio)
    equal((waits, wifi.address()), ([1], "192.168.1.20"))


async def test_back_off_is_60_s_at_most_and_begins_anew():
    # Each attempt is told to have failed, at once, for another reason than the one before it.
    script = []
    for _ in range(5):
        script += [201, CONNECTING, 202, CONNECTING]
    script.extend([GOT_IP, GOT_IP, 201, 202, IDLE])
    _, waits, _ = await run(Radio(script))
    equal(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 1])


@cases(
    [
        ("in words", OSError("Wifi Internal State Error")),
        ("without", RuntimeError("Wifi Unknown Error 0x0102")),
    ]
)
async def test_a_driver_that_fails_is_tried_again(error):
    radio = Radio([IDLE, GOT_IP, GOT_IP], error)
    wifi, waits, log = await run(radio)
    equal((waits, wifi.address()), ([1], "192.168.1.20"))
    assert "Wifi " in log[0], log
    equal(
        [call[0] for call in radio.calls if call[0] in ("connect", "disconnect")],
        ["connect", "disconnect", "connect"],
    )


async def test_a_connection_from_before_a_soft_reset_is_given_up():
    radio = Radio([GOT_IP])
    radio.now = GOT_IP
    await run(radio)
    assert radio.calls.index(("disconnect",)) < radio.calls.index(("connect", "Home", "12345678"))


async def test_without_credentials_nothing_is_started():
    radio = Radio([])
    wifi, _, log = await run(radio, None)
    equal((radio.calls, wifi.address(), wifi.signal()), ([], None, None))
    equal((wifi.addresses(), wifi.network()), ((None, None), None))
    equal(len(log), 1)


@cases(
    [
        ("neither", [CONNECTING], None, (None, None), None),
        ("joined", [GOT_IP, GOT_IP], None, ("192.168.1.20", None), "station"),
        ("setup mode", [CONNECTING], "192.168.4.1", (None, "192.168.4.1"), "setup"),
        (
            "joined, and setup mode still open",
            [GOT_IP] * 2,
            "192.168.4.1",
            ("192.168.1.20", "192.168.4.1"),
            "station",
        ),
    ]
)
async def test_where_the_board_can_be_reached(script, at, addresses, network):
    wifi, _, _ = await run(Radio(script), setup=Setup(at))
    equal((wifi.addresses(), wifi.network()), (addresses, network))


async def test_in_setup_mode_the_network_is_tried_once_a_minute():
    script = []
    for _ in range(3):
        script += [201, CONNECTING, 202, CONNECTING]
    _, waits, _ = await run(Radio(script), setup=Setup("192.168.4.1"))
    equal(waits, [60] * 6)


@cases([("a network to join", HOME, True), ("none: setup mode is all there is", None, False)])
async def test_setup_mode_is_had_ready(credentials, has_network):
    setup = Setup(None)
    radio = Radio([GOT_IP])
    await run(radio, credentials, setup=setup)
    equal(setup.has_network, has_network)
    equal(bool(radio.calls), has_network)


@cases([("it is closed", None, False), ("setup mode has opened it meanwhile", "192.168.4.1", True)])
async def test_an_access_point_from_before_a_soft_reset(at, stays):
    radio = Radio([GOT_IP], left_open=True)
    await run(radio, setup=Setup(at))
    equal(radio.access_point.is_open, stays)
