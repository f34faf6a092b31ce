"""Safe mode: the pins stay as boot.py left them, and /healthz says what is wrong. Nothing else is served."""

import network

from . import storage
from .api import not_allowed
from .http import Server
from .response import json_response, problem
from .setup_mode import make_setup_mode
from .wifi import Wifi

PORT = 80  # the settings' may be what is wrong

_LIMITS = {
    "max_head": 4096,
    "max_body": 2048,  # of what a client sends: it is to hear of the safe mode, not of a limit
    "connections": 2,
    "head_timeout": 5,
    "body_timeout": 5,
    "write_timeout": 5,
    "idle_timeout": 5,
}


def make(problems):
    """Say on the serial port what is wrong, a list of str. Returns what says it on the network:
    (Wifi, Server, its credentials or None).
    """
    print("safe mode: the pins stay safe, and no request is served, until this is mended:")
    for text in problems:
        print(" ", text)
    hostname = _salvage("settings.json", "hostname", "pinwarden")
    if len(hostname) > 32:  # more than the network takes
        hostname = "pinwarden"
    credentials = _salvage_wifi()
    is_allowed = _salvage_member("settings.json", "setup_mode")
    password = _salvage_member("/secrets.json", "setup_password")
    wifi = Wifi(network, hostname, credentials, make_setup_mode(network, hostname, is_allowed, password))

    def handle(request):
        if request.path != "/healthz":
            return problem(503, "safe_mode", "the board is in safe mode; see /healthz")
        if request.method not in ("GET", "HEAD"):
            return not_allowed(("GET",))
        return json_response({"status": "safe_mode", "problems": problems}, 503)

    server = Server(handle, _LIMITS, lambda: (hostname + ".local", hostname) + wifi.addresses())
    return wifi, server, credentials


def _salvage(path, name, default):
    """Return the str member `name` of a file that as a whole may be wrong."""
    value = _salvage_member(path, name)
    return value if type(value) is str and value else default


def _salvage_wifi():
    wifi = _salvage_member("/secrets.json", "wifi")
    if type(wifi) is not dict or type(wifi.get("ssid")) is not str or type(wifi.get("password")) is not str:
        return None
    return wifi


def _salvage_member(path, name):
    try:
        data = storage.load(path)
    except ValueError:
        return None
    return data.get(name) if type(data) is dict else None
