"""The composition root: reads the board's files, builds the parts, connects them, runs them.

The version's own files are found from the working directory, which main.py has set; /secrets.json and /state
outlive versions.
"""

import asyncio
import gc
import sys
import time

import machine
import network

from . import storage


def run(problem=None):
    """Run the application, for ever; if there is a `problem`, in safe mode, which tells it. Raises what no
    part could deal with: main.py then resets the board.
    """
    asyncio.run(_main(problem))


async def _main(problem):
    asyncio.get_event_loop().set_exception_handler(_stray_exception)
    if problem:
        await _safe_mode([problem])
        return
    storage.make_folder("/state")
    try:
        settings, secrets, verifier = _read_files()
    except ValueError as error:  # SettingsError and KeyRejected are ValueErrors
        await _safe_mode(str(error).split("\n"))
        return
    version = _read_version()
    gc.collect()
    # The parts are loaded only now, into the room that was needed to check the settings. The other way round
    # that room would be holes between the parts, too small for a long request.
    from .access import Access
    from .api import Api
    from .clock import Clock, keep_time
    from .http import Server
    from .page import find_files
    from .pins import Pins, enforce
    from .wifi import Wifi

    try:
        pins = Pins(settings["pins"], _make_pin)
    except ValueError as error:  # a GPIO that this chip's MicroPython does not offer
        await _safe_mode([str(error)])
        return
    clock = Clock(machine.RTC())
    hostname = settings["hostname"]
    setup = log = None
    if settings["setup_mode"]:
        from .setup_mode import make_setup_mode  # here, and below: what is not used takes no memory

        setup = make_setup_mode(network, hostname, True, secrets["setup_password"])
    if settings["log"] == "requests":
        from .request_log import RequestLog

        log = RequestLog(clock)
    credentials = secrets["wifi"]
    secrets = None
    wifi = Wifi(network, hostname, credentials, setup)
    revoked = _read_revoked(clock, settings)
    access = Access(verifier, clock, settings["name"], revoked)

    started = time.ticks_ms()

    def describe():
        try:
            from .status import describe  # for each such request, like the next

            return describe(settings, version, clock, wifi, started)
        finally:
            _unload("status", "crashes")

    page_files = find_files("firmware/web")
    find_files = None
    _unload("page")

    def page(request):
        if request.path not in page_files:
            return None
        from .page import answer  # for each such request: phones keep the page

        try:
            return answer(page_files, request)
        finally:
            _unload("page")

    def administer(request, parts):
        # Loaded for each such request: it is a tenth of the application's memory, and asked for once a month.
        access.forget()
        gc.collect()
        try:
            from .admin import Admin

            return Admin(access, settings, revoked).answer(request, parts)
        finally:
            _unload("admin", "admin_keys", "keyring", "hkdf", "revocation")

    api = Api(
        access,
        pins,
        clock,
        describe,
        page,
        administer,
    )
    names = (hostname + ".local", hostname) + tuple(settings["hosts"])
    server = Server(
        log.timed(api.handle) if log else api.handle,
        settings["http"],
        lambda: names + wifi.addresses(),
        settings["origins"],
        on_request=log.write if log else None,
        on_low_memory=access.forget,
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
        _serve(server, wifi, credentials, settings["http"]["port"]),
        _watch(lambda: server.is_listening and (wifi.network() or not credentials)),
    )


async def _safe_mode(problems):
    from . import safe_mode  # which no healthy board needs to hold

    wifi, server, credentials = safe_mode.make(problems)
    await asyncio.gather(
        wifi.keep_connected(), _serve(server, wifi, credentials, safe_mode.PORT), _watch(lambda: False)
    )


async def _serve(server, wifi, credentials, port):
    # Until there is an address nobody can ask, and every Host would be a foreign one.
    while credentials and wifi.network() is None:
        await asyncio.sleep_ms(100)
    joined_at, own = wifi.addresses()
    print("http: serving", joined_at or own or "without Wi-Fi", "port", port)
    await server.serve(port=port)


def _watch(is_healthy):
    from .watchdog import watch

    # main.py leaves slots.py in memory for a version on trial only.
    return watch(is_healthy, sys.modules.pop("slots", None), _forget_crashes, machine.WDT)


def _forget_crashes():
    from .crashes import forget

    try:
        forget()
    finally:
        _unload("crashes")


def _read_version():
    from .status import version

    try:
        return version()
    finally:
        _unload("status", "crashes")


def _read_files():
    """Return the checked settings, the checked secrets, and the verifier that they make. Raises ValueError, a
    problem on each line.
    """
    # What checks them is a fifth of the application's memory and needed only now: it is unloaded again.
    from .keyring import make_verifier
    from .settings import check_secrets, check_settings

    try:
        settings = check_settings(storage.load("settings.json"))
        secrets = check_secrets(storage.load("/secrets.json"))
        return settings, secrets, make_verifier(settings, secrets["keys"])
    finally:
        _unload("settings", "schema", "chips", "keyring", "hkdf")


def _read_revoked(clock, settings):
    from .revocation import Revocations

    revoked = Revocations(now=clock.now, max_ttl=settings["max_ttl"]).revoked
    if revoked.recover is None:  # else it has work left: until the time is known
        _unload("revocation")
    return revoked


def _unload(*names):
    """Have modules forgotten, ours or those of /lib, and free their memory. Nothing of them can be called any
    more. Some may not be there: memory can end in the middle of loading them.
    """
    package = __name__[: __name__.rfind(".")]
    for name in names:
        module = sys.modules.pop(package + "." + name, None)
        if module is not None:
            sys.modules[package].__dict__.pop(name, None)  # is not there yet if its loading has failed
        else:
            module = sys.modules.pop(name, None)
        if module is not None:
            # The collector takes each old word on the stack for a pointer, and one can keep a whole module.
            module.__dict__.clear()


def _make_pin(gpio, level):
    return machine.Pin(gpio, machine.Pin.OUT, value=level)


def _stray_exception(loop, context):
    # Of a task that nobody awaits: the connections', whose faults http.py takes. So it is a fault of ours,
    # worth a line.
    error = context.get("exception")
    if error is not None:
        sys.print_exception(error)
