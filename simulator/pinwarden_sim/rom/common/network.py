"""Stand-in for the board's `network`: a Wi-Fi station with an access point that the host of the simulation
switches off and on, and the board's own access point, of which the host is told.
"""

from micropython import const
from simulated import silicon

STA_IF = 0
AP_IF = 1

_IDLE = const(1000)
_GOT_IP = const(1010)
_NO_AP_FOUND = const(201)

_HOSTNAME_MAX = const(32)
_SIGNAL = const(-55)  # dBm

_interfaces = {}


class WLAN:
    """One object for each interface, as on the board. Connects at once when the access point is in reach."""

    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 0
    SEC_OPEN = 0
    SEC_WPA2 = 3

    def __new__(cls, interface=STA_IF):
        if interface not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        if interface not in _interfaces:
            wlan = _interfaces[interface] = object.__new__(cls)
            wlan._interface = interface
            wlan._active = wlan._wanted = False
            wlan._settings = {}  # what the firmware has set; for the rest see network_rest.py
        return _interfaces[interface]

    def __init__(self, interface=STA_IF):
        pass

    def active(self, on=None):
        if on is not None:
            self._active = bool(on)
            if not on:
                self._wanted = False
            self._tell()
        return self._active

    def connect(self, ssid=None, key=None, *, bssid=None):
        if not self._active:
            raise OSError("Wifi Not Started")
        if self._wanted and not self.isconnected():
            # The driver refuses a second connect() while it is at the first: esp_wifi_set_config() fails
            # then.
            raise OSError("Wifi Internal State Error")
        if ssid is not None:
            self._settings["ssid"] = ssid
        self._wanted = True
        silicon.chip().station = self
        if not silicon.chip().access_point:
            self.beacon_lost()

    def disconnect(self):
        self._wanted = False

    def beacon_lost(self):
        """The simulation's: the access point went out of reach. The driver tries again by itself, unless
        told otherwise.
        """
        if self._settings.get("reconnects") == 0:
            self._wanted = False

    def isconnected(self):
        if self._interface == AP_IF:
            return False
        return self._active and self._wanted and silicon.chip().access_point

    def status(self, what=None):
        if what == "rssi":
            if not self.isconnected():
                raise OSError("Wifi Not Connected")
            return _SIGNAL
        if what is not None:
            raise ValueError("unknown status param")
        if self.isconnected():
            return _GOT_IP
        if self._wanted:
            return _NO_AP_FOUND
        return _IDLE

    def config(self, *names, **values):
        for name, value in values.items():
            if name in ("hostname", "dhcp_hostname"):
                hostname(value)
            else:
                self._settings[name] = value
        if names:
            from simulated import network_rest

            return network_rest.config(self, names[0])
        self._tell()

    def _tell(self):
        """Tell the host what the board's own access point looks like from outside."""
        if self._interface == AP_IF:
            seen = None
            if self._active:
                seen = {"ssid": self.config("ssid"), "security": self.config("security")}
            silicon.chip().link.send({"e": "access_point", "access_point": seen})

    def ifconfig(self, fields=None):
        address = "127.0.0.1" if self.isconnected() else "0.0.0.0"
        if self._interface == AP_IF:
            address = "192.168.4.1"  # as the firmware sees it; it is reached at the same port as ever
        return (address, "255.0.0.0", address, address)

    def __getattr__(self, name):
        from simulated import network_rest

        return network_rest.of_wlan(self, name)


def hostname(name=None):
    """The name that DHCP and mDNS tell the network; must be set before connecting. ValueError above 32
    characters.
    """
    chip = silicon.chip()
    if name is not None:
        if len(name) > _HOSTNAME_MAX:
            raise ValueError
        chip.hostname = name
    return chip.hostname


def __getattr__(name):
    """What the firmware never uses; in ROM on a board, and here not in its memory."""
    from simulated import network_rest

    return getattr(network_rest, name)
