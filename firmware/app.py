"""The composition root: reads the board's files, builds the parts, connects them, runs them.

The version's own files are found from the working directory, which main.py has set; /secrets.json and /state
outlive versions.
"""

import asyncio
import gc
import os
import sys
import time

import machine
import network

from . import storage
from . import unload as _unload


def run(problem=None):
    """Run the application, for ever; if there is a `problem`, in safe mode, which tells it. Raises what no
    part could deal with: main.py then resets the board.
    """
    leave = []
    try:
        asyncio.run(_main(problem, leave))
    finally:
        while leave:
            try:
                leave[0]()
                leave.pop(0)
            except KeyboardInterrupt:
                pass  # some tools send more than one Ctrl-C


async def _main(problem, leave):
    global _parts, _safe_mode, _read_files, _read_version, _read_mark, _read_revoked, _serve, _watch
    asyncio.get_event_loop().set_exception_handler(_stray_exception)
    tasks = _safe_mode([problem]) if problem else _parts(leave)
    # A twentieth of the application's memory, and never called again.
    del _parts, _safe_mode, _read_files, _read_version, _read_mark, _read_revoked, _serve, _watch
    gc.collect()
    # Sooner than when nothing is left: what lives on then lies beside the rest, not all over, and after weeks
    # there is room for a long token, too. It costs a tenth of a request; without it, a board in a soak test
    # was full of holes after 2,500 requests.
    gc.threshold(gc.mem_free() * 2 // 3)
    await asyncio.gather(*tasks)


def _parts(leave):
    """Build and connect the parts. Return what has to run, for ever; `leave` gets what is to be called at the
    end.
    """
    # The names of a module stay for ever. So those of the rare ones lie beside the rest, and not, some at a
    # time, in the midst of the free memory.
    for name in ("firmware.audit_file", "firmware.newkey", "firmware.admin_keys", "firmware.clock_set"):
        __import__(name)
    _unload("audit_file", "newkey", "hkdf", "admin_keys", "keyring", "verifier", "clock_set", "timekeeping")
    gc.collect()
    warnings = set(storage.make_folder("/state"))  # what /healthz warns of: files that were damaged
    try:
        settings, secrets, verifier = _read_files()
    except ValueError as error:  # SettingsError and KeyRejected are ValueErrors
        return _safe_mode(str(error).split("\n"))
    version = _read_version()
    mark = _read_mark(warnings)
    gc.collect()
    # The parts are loaded only now, into the room that was needed to check the settings. The other way round
    # that room would be holes between the parts, too small for a long request.
    from .access import Access
    from .api import Api
    from .audit import Audit, keep_audit
    from .clock import Clock, keep_time
    from .http import Server
    from .page import find_files
    from .pins import Pins, enforce
    from .proof import Proofs
    from .wifi import Wifi

    http = settings["http"]
    tls = None
    try:
        pins = Pins(settings["pins"], machine)
        settings["pins"] = pins.names()  # the objects know the rest
        if http["tls"]:
            from .tls import Tls

            tls = Tls(secrets.get("tls"), http)
    except ValueError as error:  # a GPIO that this chip's MicroPython does not offer; a certificate
        return _safe_mode([str(error)])
    clock = Clock(machine.RTC(), mark)
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
    revoked = _read_revoked(clock, warnings)
    access = Access(
        verifier, clock, settings["name"], revoked, Proofs(os.urandom), settings["policy"]["bearer"]
    )

    started = time.ticks_ms()

    audit = Audit(clock)
    audit.note(("start", None, version["reset_cause"]))

    def write_audit(due=7):
        gc.collect()
        try:
            from .audit_file import write  # some times a day

            is_damaged = write(audit, due)
        except Exception as error:  # that nobody's pins stand still for
            if "audit" not in warnings:
                print("audit: cannot be written: %r" % error)
            warnings.add("audit")
            return error
        finally:
            _unload("audit_file", "aside")
        (warnings.add if is_damaged else warnings.discard)("audit")

    def hear(request, response):
        if log:
            log.write(request, response)
        audit.hear(request, response)

    leave += (pins.make_safe, write_audit)

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
        if "\n" + request.path + " " not in page_files:
            return None
        from .page import answer  # for each such request: phones keep the page

        try:
            return answer(page_files, request)
        finally:
            _unload("page")

    def administer(request, grant, parts):
        # Loaded for each such request: it is a tenth of the application's memory, and asked for once a month.
        access.forget()
        gc.collect()
        try:
            if parts[0] == "clock":
                from .clock_set import answer

                return answer(request, clock)
            if parts[0] == "tokens":
                from .share import answer

                return answer(request, grant, access, settings, os.urandom)
            if parts[0] == "audit":
                from .audit_read import read

                return read(audit, request.query)
            from .admin import Admin

            return Admin(access, settings, revoked).answer(request, parts)
        finally:
            _unload("admin", "admin_keys", "keyring", "newkey", "hkdf", "verifier", "jwtrules")
            _unload("revocation", "clock_set", "timekeeping", "audit_read", "audit_file", "share")
            _unload("jwtencode")
            if events and request.method not in ("GET", "HEAD") and parts[0] != "tokens":
                events.end()

    def sync(asked, delay):
        gc.collect()
        try:
            from .timekeeping import flush, sync  # every hour, and every six hours

            if asked is None:
                return flush(clock)
            return sync(clock, settings["ntp"], settings["policy"]["max_jump"], asked, delay)
        finally:
            _unload("timekeeping", "ntptime")

    events = None
    if http["streams"]:
        from .events import Events

        events = Events(pins, clock, http["streams"], settings["leeway"])
    api = Api(
        access,
        pins,
        clock,
        describe,
        page,
        administer,
        warnings,
        events,
    )
    names = (hostname + ".local", hostname) + tuple(settings["hosts"])

    def hosts():
        return names + wifi.addresses()

    server = Server(
        log.timed(api.handle) if log else api.handle,
        http,
        hosts,
        settings["origins"],
        on_request=hear,
        on_low_memory=access.forget,
        tls=tls,
    )
    tasks = [
        enforce(pins),
        wifi.keep_connected(),
        keep_time(clock, sync, wifi.address, pins.busy),
        _serve(server, wifi, credentials, http["port"]),
        _watch(lambda: server.is_listening and (wifi.network() or not credentials)),
        keep_audit(audit, write_audit, pins.busy),
    ]
    if tls:
        tasks.append(tls.redirect(server, http, hosts))
    return tasks


def _safe_mode(problems):
    from . import safe_mode  # which no healthy board needs to hold

    wifi, server, credentials = safe_mode.make(problems)
    return [wifi.keep_connected(), _serve(server, wifi, credentials, safe_mode.PORT), _watch(lambda: False)]


async def _serve(server, wifi, credentials, port):
    # Until there is an address nobody can ask, and every Host would be a foreign one.
    while credentials and wifi.network() is None:
        await asyncio.sleep_ms(100)
    joined_at, own = wifi.addresses()
    print("https:" if server.tls else "http:", "serving", joined_at or own or "without Wi-Fi", "port", port)
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
    from .settings import check_secrets, check_settings
    from .verifier import make_verifier

    try:
        settings = check_settings(storage.load("settings.json"))
        secrets = check_secrets(storage.load("/secrets.json"))
        return settings, secrets, make_verifier(settings, secrets["keys"])
    finally:
        _unload("settings", "pin_settings", "schema", "chips", "verifier", "jwtrules")


def _read_mark(warnings):
    from .timekeeping import load

    try:
        mark = load()
        if mark is None:
            warnings.add("clock")
        return mark or (0, 0, 0)
    finally:
        _unload("timekeeping", "aside")


def _read_revoked(clock, warnings):
    from .revocation import Revocations

    revocations = Revocations(now=clock.now, certain=clock.certain)
    revoked = revocations.revoked
    if revocations.lost:
        warnings.add("revocations")
    if revoked.recover is None:  # else it has work left: until the time is known
        _unload("revocation", "aside")
    return revoked


def _stray_exception(loop, context):
    # Of a task that nobody awaits: the connections', whose faults http.py takes. So it is a fault of ours,
    # worth a line.
    error = context.get("exception")
    if error is not None:
        sys.print_exception(error)
