"""What `network` has beside what the firmware uses. Loaded when somebody asks for it."""

from . import silicon

STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_BEACON_TIMEOUT = 200
STAT_ASSOC_FAIL = 203
STAT_HANDSHAKE_TIMEOUT = 204

_country = "XX"


def of_wlan(wlan, name):
    """The method of this name of a network.WLAN. Raises AttributeError."""

    def ipconfig(name=None, **values):
        if name == "addr4":
            return wlan.ifconfig()[:2]
        if name == "gw4":
            return wlan.ifconfig()[2]
        if name == "dhcp4":
            return True
        if name is not None:
            raise ValueError("unknown config param")
        return None

    def scan():
        """[(ssid, bssid, channel, RSSI, security, hidden)]"""
        if not silicon.chip().access_point:
            return []
        ssid = wlan.config("ssid").encode()
        return [(ssid, b"\x02\x00\x00\x00\x00\x01", 1, -55, wlan.SEC_WPA2, False)]

    if name == "ipconfig":
        return ipconfig
    if name == "scan":
        return scan
    raise AttributeError(name)


def config(wlan, name):
    """What the firmware has set by this name, or the driver's own. Raises ValueError for another."""
    import network

    if name in ("hostname", "dhcp_hostname"):
        return network.hostname()
    if name == "mac":  # the chip's identity
        import machine

        return machine.unique_id()
    if name == "essid":
        name = "ssid"
    # Of an access point, the security is that until the firmware says otherwise.
    own = {"reconnects": -1, "pm": 1, "txpower": 20.0, "channel": 1, "ssid": "", "security": 0}
    if name not in wlan._settings and name not in own:
        raise ValueError("unknown config param")
    return wlan._settings.get(name, own.get(name))


def country(code=None):
    global _country
    if code is not None:
        if len(code) != 2:
            raise ValueError
        _country = code
    return _country
