"""Setup mode: the board's own access point, for when there is no network to join.

Only where the settings allow it, and only behind a password: an open access point is never made. What is
served there is what is served on the network, behind the same guard. The clock is not helped by it: there is
no time server here.

While the access point is open the station tries its network once a minute only. There is one radio: each
attempt takes it through all channels for two or three seconds, in which a phone at the access point hangs or
drops out, and a network that comes back pulls the access point over to its own channel.
"""

import asyncio
from time import ticks_diff, ticks_ms

from micropython import const

_UNREACHABLE_S = const(300)  # without a network, before the access point opens
_GRACE_S = const(30)  # with a network again, before it closes: answers get through, and networks flap
_POLL_MS = const(1000)

_WPA2 = const(3)  # WLAN.SEC_WPA2
_CLIENTS = const(4)  # as many as the server has places; each takes the driver memory
_NAME_MAX = const(32)  # bytes of an SSID (IEEE 802.11 section 9.4.2.2)
_SUFFIX = "-setup"


def make_setup_mode(network, hostname, is_allowed, password, log=print):
    """Return the SetupMode, or None where it is not allowed or has no password that WPA2 takes.

    `is_allowed` is the settings' `setup_mode`, `password` the secrets' `setup_password`, either as it was
    found: only True and a str of 8 to 63 characters will do.
    """
    if is_allowed is not True:
        return None
    # The driver would cut a longer one, and take a shorter one for none: both after it was told of WPA2.
    if type(password) is not str or not 8 <= len(password.encode()) <= 63:
        log("wifi: no setup mode: it needs a setup_password of 8 to 63 characters; deploy one")
        return None
    return SetupMode(network, hostname, password, log)


class SetupMode:
    """`network` is MicroPython's module of that name; the access point is called `hostname` + "-setup"."""

    def __init__(self, network, hostname, password, log=print, sleep_ms=asyncio.sleep_ms, ticks_ms=ticks_ms):
        self._network = network
        self._name = hostname[: _NAME_MAX - len(_SUFFIX)] + _SUFFIX  # the driver would cut the end
        self._password = password
        self._log = log
        self._sleep_ms = sleep_ms
        self._ticks_ms = ticks_ms
        self._address = None

    def address(self):
        """The access point's IPv4 address as text while it is open, else None."""
        return self._address

    async def watch(self, joined_at, has_network):
        """Open the access point when there is no network to join (`has_network` is False), or none was
        joined for five minutes; close it half a minute after one was. For ever. `joined_at()` returns the
        board's address in the network, or None; it is asked once a second.
        """
        patience = _UNREACHABLE_S if has_network else 0
        since = self._ticks_ms()  # when it was last as it should be: joined, or open, and not both
        while True:
            now = self._ticks_ms()
            is_open = self._address is not None
            if (joined_at() is not None) != is_open:
                since = now
            elif ticks_diff(now, since) >= (_GRACE_S if is_open else patience) * 1000:
                if is_open:
                    self._close()
                else:
                    self._open()
                    patience = _UNREACHABLE_S  # a driver that failed is not asked every second
                since = now
            await self._sleep_ms(_POLL_MS)

    def _open(self):
        ap = self._network.WLAN(self._network.AP_IF)
        try:
            # All of it at once, and before the interface is switched on: the driver's default is an open
            # network. ESP32's takes it in this order (others do not), and is asked whether it has, before
            # and after.
            ap.config(ssid=self._name, key=self._password, security=_WPA2, max_clients=_CLIENTS)
            if self._is_guarded(ap):
                ap.active(True)
                if self._is_guarded(ap):
                    self._address = ap.ifconfig()[0]
                    self._log(f"wifi: setup mode, network {self._name} at {self._address}")
                    return
            problem = "the driver did not take the password"
        except (OSError, RuntimeError, ValueError) as error:  # RuntimeError: the driver's unnamed errors
            problem = str(error)
        self._log(f"wifi: no setup mode: {problem}")
        self._close()

    def _is_guarded(self, ap):
        return ap.config("security") == _WPA2 and ap.config("ssid") == self._name

    def _close(self):
        was_open = self._address is not None
        try:
            self._network.WLAN(self._network.AP_IF).active(False)
        except (OSError, RuntimeError) as error:
            self._log(f"wifi: setup mode cannot end: {error}")
            return
        self._address = None
        if was_open:
            self._log("wifi: setup mode ends")
