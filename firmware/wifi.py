"""The Wi-Fi station: joins one network, and comes back to it for ever.

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
_REASONS = {
    2: "dropped; the password may be wrong",
    15: "no agreement on the keys; the password is probably wrong",
    200: "the access point went out of reach",
    201: "no network of this name is in reach; it must be at 2.4 GHz, and capitals count",
    202: "refused; the password is probably wrong",
    203: "refused; the access point may be full",
    204: "no agreement on the keys; the password is probably wrong",
    210: "the network's security is none that the board has",
    211: "the network's security is weaker than the board accepts",
    212: "the signal is too weak",
    1001: "no answer in time; the network may give out no addresses (DHCP)",
}


class Wifi:
    """`network` is MicroPython's module of that name, `credentials` the member "wifi" of the secrets."""

    def __init__(self, network, hostname, credentials, log=print, sleep_ms=asyncio.sleep_ms):
        self._network = network
        self._hostname = hostname
        self._credentials = credentials
        self._log = log
        self._sleep_ms = sleep_ms
        self._wlan = None
        self._address = None

    def address(self):
        """The board's IPv4 address as text, as of half a second ago; None while it is not connected."""
        return self._address

    def signal(self):
        """The strength of the access point's signal in dBm, or None while the board is not connected."""
        if self._wlan is None or self._address is None:
            return None
        try:
            return self._wlan.status("rssi")
        except (OSError, ValueError):  # the connection was lost a moment ago
            return None

    async def keep_connected(self):
        """Join the network, and again whenever it is lost, waiting 1, 2, 4 … 60 s between attempts. Returns
        only if the board has no network to join.
        """
        if self._credentials is None:
            self._log("wifi: no network is set; deploy one")
            return
        delay = 0
        while True:
            try:
                if await self._connect():
                    delay = 0
                    while self._look(self._wlan):
                        await self._sleep_ms(_POLL_MS)
                    self._log("wifi: the connection is lost")
                    continue
            except OSError as error:  # the driver's, for what it cannot do in its present state
                self._address = None
                self._log(f"wifi: the driver failed: {error}")
            self._disconnect()  # or the driver refuses the next connect()
            delay = min(delay * 2 or 1, _LONGEST_DELAY_S)
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
            told = status in _REASONS and status != before
            if status != _CONNECTING and (told or poll >= _BLIND_POLLS):
                break
            await self._sleep_ms(_POLL_MS)
        self._log(f"wifi: {_REASONS.get(status, 'the attempt failed')} (status {status})")
        return False

    def _disconnect(self):
        try:
            if self._wlan is not None:
                self._wlan.disconnect()
        except OSError:
            pass  # there is nothing to end

    def _start(self):
        if self._wlan is None:
            network = self._network
            network.hostname(self._hostname)  # DHCP and mDNS read it when the connection starts
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
