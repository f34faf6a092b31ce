"""The Wi-Fi station: joins one network, and comes back to it for ever. Beside it, setup mode if there is one.

The driver's own retries are switched off (`reconnects=0`): without a limit they run on behind our back, and
refuse a new `connect()` meanwhile. Nothing here blocks the loop: `connect()` only starts an attempt, and
whether it has come off is looked up once in a while.
"""

import asyncio

from micropython import const

_POLL_MS = const(500)
_LONGEST_DELAY_S = const(60)

# An attempt, with association and DHCP, may take 20 s. The driver says at once that a first attempt has
# failed; of a further one it goes on telling the last failure whether it has failed or not, so such an
# attempt gets 10 s.
_ATTEMPT_POLLS = const(40)
_BLIND_POLLS = const(20)

_CONNECTING = const(1001)

# ESP-IDF's reasons (wifi_err_reason_t), as `status()` tells them. The last one stays until a connection comes
# off.
# One string, not one for each: a string costs the board as much again as its text.
_REASONS = const(
    "2 dropped; the password may be wrong\n"
    "15 no agreement on the keys; the password is probably wrong\n"
    "200 the access point went out of reach\n"
    "201 no network of this name is in reach; it must be at 2.4 GHz, and capitals count\n"
    "202 refused; the password is probably wrong\n"
    "203 refused; the access point may be full\n"
    "204 no agreement on the keys; the password is probably wrong\n"
    "210 the network's security is none that the board has\n"
    "211 the network's security is weaker than the board accepts\n"
    "212 the signal is too weak\n"
    "1001 no answer in time; the network may give out no addresses (DHCP)\n"
)


# Of the driver: OSError with its words, RuntimeError ("Wifi Unknown Error 0x…") for what it has no words for.
_DRIVER_ERRORS = (OSError, RuntimeError)


class Wifi:
    """`network` is MicroPython's module of that name, `credentials` the member "wifi" of the secrets or None,
    `setup` a SetupMode or None.
    """

    def __init__(self, network, hostname, credentials, setup=None, log=print, sleep_ms=asyncio.sleep_ms):
        self._network = network
        self._hostname = hostname
        self._credentials = credentials
        self._setup = setup
        self._log = log
        self._sleep_ms = sleep_ms
        self._wlan = None
        self._address = None

    def address(self):
        """The board's IPv4 address in the network that it joins, as text, as of half a second ago; None while
        it is not connected.
        """
        return self._address

    def addresses(self):
        """Where the board can be reached: its addresses in the network that it joins and at its own access
        point, each a str or None.
        """
        return (self._address, self._setup.address() if self._setup else None)

    def network(self):
        """How the board can be reached: "station" in the network that it joins, "setup" at its own access
        point only, None not at all.
        """
        if self._address is not None:
            return "station"
        return "setup" if self.addresses()[1] else None

    def signal(self):
        """The strength of the access point's signal in dBm, or None while the board is not connected."""
        if self._wlan is None or self._address is None:
            return None
        try:
            return self._wlan.status("rssi")
        except (OSError, RuntimeError, ValueError):  # the connection was lost a moment ago
            return None

    async def keep_connected(self):
        """Join the network, and again whenever it is lost, waiting 1, 2, 4 … 60 s between attempts, and have
        setup mode ready. Returns only if the board has neither.
        """
        if self._credentials is None:
            self._log("wifi: no network is set; deploy one")
            if self._setup:
                await self._setup.watch(self.address, False)
        elif self._setup:
            await asyncio.gather(self._setup.watch(self.address, True), self._stay_joined())
        else:
            await self._stay_joined()

    async def _stay_joined(self):
        delay = 0
        while True:
            try:
                if await self._connect():
                    delay = 0
                    while self._look(self._wlan):
                        await self._sleep_ms(_POLL_MS)
                    self._log("wifi: the connection is lost")
                    continue
            except _DRIVER_ERRORS as error:  # for what it cannot do in its present state
                self._address = None
                self._log(f"wifi: the driver failed: {error}")
            self._disconnect()  # or the driver refuses the next connect()
            delay = min(delay * 2 or 1, _LONGEST_DELAY_S)
            if self.addresses()[1]:
                delay = _LONGEST_DELAY_S  # an attempt disturbs whoever is at the access point
            self._log(f"wifi: not connected; trying again in {delay} s")
            await self._sleep_ms(delay * 1000)

    async def _connect(self):
        """One attempt, from whatever state the driver is in."""
        wlan = self._start()
        before = wlan.status()
        wlan.connect(self._credentials["ssid"], self._credentials["password"])
        status = _CONNECTING
        for poll in range(_ATTEMPT_POLLS):
            if self._look(wlan):
                self._log(f"wifi: connected, {self._address}")
                return True
            status = wlan.status()
            told = status != before and _reason(status) is not None
            if status != _CONNECTING and (told or poll >= _BLIND_POLLS):
                break
            await self._sleep_ms(_POLL_MS)
        self._log(f"wifi: {_reason(status) or 'the attempt failed'} (status {status})")
        return False

    def _disconnect(self):
        try:
            if self._wlan is not None:
                self._wlan.disconnect()
        except _DRIVER_ERRORS:
            pass  # there is nothing to end

    def _start(self):
        if self._wlan is None:
            network = self._network
            network.hostname(self._hostname)  # DHCP and mDNS read it when the connection starts
            access_point = network.WLAN(network.AP_IF)
            if access_point.active() and self.network() is None:
                access_point.active(False)  # a soft reset leaves it open, whatever the settings say now
            wlan = network.WLAN(network.STA_IF)
            wlan.active(True)
            if wlan.isconnected():
                wlan.disconnect()  # a soft reset leaves the old connection, which may be to another network
            wlan.config(reconnects=0)
            if hasattr(wlan, "PM_NONE"):
                wlan.config(pm=wlan.PM_NONE)  # a sleeping radio answers late, and misses mDNS queries
            self._wlan = wlan
        return self._wlan

    def _look(self, wlan):
        """Is there a connection? Notes the address, which DHCP may change."""
        address = wlan.ifconfig()[0] if wlan.isconnected() else None
        self._address = address if address != "0.0.0.0" else None
        return self._address is not None


def _reason(status):
    """Return why an attempt has failed, or None if `status` does not tell."""
    start = ("\n" + _REASONS).find("\n%d " % status)
    return None if start < 0 else _REASONS[start : _REASONS.find("\n", start)].split(" ", 1)[1]
