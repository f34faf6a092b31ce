"""The composition root: reads the board's files, builds the parts, connects them, runs them."""

import asyncio
import gc
import sys
import time

import machine
import network
import strictjson

from . import VERSION, storage
from .access import Access
from .api import Api, not_allowed
from .clock import Clock, keep_time
from .http import Server
from .keyring import make_verifier
from .page import Page
from .pins import Pins, enforce
from .response import json_response, problem
from .wifi import Wifi

_SAFE_MODE_LIMITS = {
    "max_head": 4096,
    "max_body": 2048,  # of what a client sends: it is to hear of the safe mode, not of a limit
    "connections": 2,
    "head_timeout": 5,
    "body_timeout": 5,
    "write_timeout": 5,
    "idle_timeout": 5,
}


def run():
    """Run the application, for ever. Raises what no part could deal with: main.py then resets the board."""
    asyncio.run(_main())


async def _main():
    asyncio.get_event_loop().set_exception_handler(_stray_exception)
    storage.make_folder("/state")
    try:
        settings, secrets = _read_settings()
        verifier = make_verifier(settings, secrets["keys"])
        pins = Pins(settings["pins"], _make_pin)
    except ValueError as error:  # SettingsError and KeyRejected are ValueErrors
        await _safe_mode(str(error).split("\n"))
        return
    gc.collect()
    clock = Clock(machine.RTC())
    wifi = Wifi(network, settings["hostname"], secrets["wifi"])
    api = Api(
        Access(verifier, clock, settings["name"]),
        pins,
        clock,
        Device(settings["name"], clock, wifi).describe,
        Page("/firmware/web").answer,
    )
    names = (settings["hostname"] + ".local", settings["hostname"]) + tuple(settings["hosts"])
    log = RequestLog(clock) if settings["log"] == "requests" else None
    server = Server(
        log.timed(api.handle) if log else api.handle,
        settings["http"],
        lambda: names + (wifi.address(),),
        settings["origins"],
        on_request=log.write if log else None,
        on_low_memory=verifier.forget,
    )
    gc.collect()
    # Sooner than when nothing is left: what lives on then lies beside the rest, not all over, and after weeks
    # there is room for a long token, too. It costs a tenth of a request; without it, a board in a soak test
    # was full of holes after 2,500 requests.
    gc.threshold(gc.mem_free() * 2 // 3)
    await asyncio.gather(
        enforce(pins),
        wifi.keep_connected(),
        keep_time(clock, settings["ntp"], lambda: wifi.address() is not None and not pins.busy()),
        _serve(server, wifi, secrets["wifi"], settings["http"]["port"]),
    )


async def _serve(server, wifi, credentials, port):
    # Until there is an address nobody can ask, and every Host would be a foreign one.
    while credentials and wifi.address() is None:
        await asyncio.sleep_ms(100)
    print("http: serving", wifi.address() or "without Wi-Fi", "port", port)
    await server.serve(port=port)


async def _safe_mode(problems):
    """Answer /healthz with what is wrong, and nothing else. The pins stay as boot.py left them: safe."""
    print("safe mode: the pins stay safe, and no request is served, until this is mended:")
    for text in problems:
        print(" ", text)
    hostname = _salvage("/settings.json", "hostname", "pinwarden")
    if len(hostname) > 32:  # more than the network takes
        hostname = "pinwarden"
    credentials = _salvage_wifi()
    wifi = Wifi(network, hostname, credentials)

    def handle(request):
        if request.path != "/healthz":
            return problem(503, "safe_mode", "the board is in safe mode; see /healthz")
        if request.method not in ("GET", "HEAD"):
            return not_allowed(("GET",))
        return json_response({"status": "safe_mode", "problems": problems}, 503)

    server = Server(handle, _SAFE_MODE_LIMITS, lambda: (hostname + ".local", hostname, wifi.address()))
    await asyncio.gather(wifi.keep_connected(), _serve(server, wifi, credentials, 80))


def _read_settings():
    """Return the checked (settings, secrets). Raises ValueError, a problem on each line."""
    # What checks them is a sixth of the application's memory and needed only now: it is unloaded again.
    from .settings import check_secrets, check_settings

    try:
        return check_settings(_load("/settings.json")), check_secrets(_load("/secrets.json"))
    finally:
        package = sys.modules[__name__[: __name__.rfind(".")]]
        for name in ("settings", "schema", "chips"):
            del sys.modules[package.__name__ + "." + name]
            delattr(package, name)


def _load(path):
    """Return the value in the JSON file `path`. Raises ValueError."""
    try:
        data = storage.read(path)
    except OSError as error:
        raise ValueError("%s: cannot be read: %r; deploy it again" % (path, error)) from None
    if data is None:
        raise ValueError("%s: is missing; deploy it" % path)
    try:
        return strictjson.loads(data)
    except strictjson.JSONError as error:
        raise ValueError("%s: is not JSON: %s; deploy it again" % (path, error)) from None


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
        data = _load(path)
    except ValueError:
        return None
    return data.get(name) if type(data) is dict else None


def _make_pin(gpio, level):
    return machine.Pin(gpio, machine.Pin.OUT, value=level)


def _stray_exception(loop, context):
    # Of a task that nobody awaits: the connections', whose faults http.py takes. So it is a fault of ours,
    # worth a line.
    error = context.get("exception")
    if error is not None:
        sys.print_exception(error)


class Device:
    """What the board tells of itself to whoever has a token."""

    def __init__(self, name, clock, wifi):
        self._name = name
        self._clock = clock
        self._wifi = wifi
        self._started = time.ticks_ms()

    def describe(self):
        """Return the answer to GET /api/v1/device but for the token."""
        clock = self._clock.state()
        clock["now"] = self._clock.now()
        return {
            "name": self._name,
            "version": VERSION,
            "uptime_s": time.ticks_diff(time.ticks_ms(), self._started) // 1000,
            "clock": clock,
            "heap": {"free": gc.mem_free(), "used": gc.mem_alloc()},
            "reset_cause": _reset_cause(),
            "signal_dbm": self._wifi.signal(),
        }


def _reset_cause():
    cause = machine.reset_cause()
    for name in ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET"):
        if getattr(machine, name, None) == cause:
            return name[:-6].lower()
    return "unknown"


class RequestLog:
    """One line a request on the serial port: time (UTC), method, path, status, subject, duration, problem."""

    def __init__(self, clock):
        self._clock = clock
        self._ms = 0

    def timed(self, handle):
        """Return `handle` with a stop-watch."""

        def measure(request):
            started = time.ticks_ms()
            try:
                return handle(request)
            finally:
                self._ms = time.ticks_diff(time.ticks_ms(), started)

        return measure

    def write(self, request, response):
        """Log one request; None where its head could not be read."""
        now = self._clock.now()
        at = "--:--:--" if now is None else "%02d:%02d:%02d" % (now // 3600 % 24, now // 60 % 60, now % 60)
        what = request.method + " " + request.path[:64] if request else "-"
        subject = _one_word(response.subject) if response.subject else "-"
        # One string: print() writes each of its arguments by itself.
        line = "%s %s %d %s %dms" % (at, what, response.status, subject, self._ms)
        print(line + " " + response.code if response.code else line)


def _one_word(text):
    # It comes from a token that somebody signed; a line break or an escape sequence in it must not forge a
    # line.
    return "".join(c if 33 <= ord(c) < 127 else "_" for c in text[:32])
