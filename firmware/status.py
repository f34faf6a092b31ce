"""What the board tells of itself to whoever has a token: GET /api/v1/device."""

import gc
import json
import os
import sys
import time

import machine

from . import VERSION, crashes


def version():
    """Return what its deployment has left in the flash of the version that runs, and why it has started:
    members of the answer.
    """
    return {
        "build": _member("version.json", "build"),
        "rolled_back": _member("/slot.json", "note"),
        "reset_cause": _reset_cause(),
    }


def describe(settings, version, clock, wifi, started):
    """Return the answer to GET /api/v1/device but for the token. `started` is in ticks of milliseconds,
    `version` what version() has returned at the start.
    """
    clock_state = clock.state()
    clock_state["now"] = clock.now()
    gc.collect()  # what is garbage is free
    is_micropython = sys.implementation.name == "micropython"
    flash = os.statvfs("/")
    told = {
        "name": settings["name"],
        "version": VERSION,
        "slot": os.getcwd()[1:] or None,
        "chip": settings["chip"],
        "micropython": "%d.%d.%d" % sys.implementation.version[:3] if is_micropython else None,
        "uptime_s": time.ticks_diff(time.ticks_ms(), started) // 1000,
        "clock": clock_state,
        "heap": {"free": gc.mem_free(), "used": gc.mem_alloc()},
        "flash": {"free": flash[0] * flash[3], "size": flash[1] * flash[2]},
        "crashes": crashes.last(),
        "network": wifi.network(),
        "signal_dbm": wifi.signal(),
    }
    told.update(version)
    return told


def _member(path, name):
    try:
        with open(path) as file:
            text = json.load(file)[name]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a copy of the files, which was not deployed, has none
    return text if type(text) is str else None


def _reset_cause():
    cause = machine.reset_cause()
    for name in ("PWRON_RESET", "HARD_RESET", "WDT_RESET", "DEEPSLEEP_RESET", "SOFT_RESET"):
        if getattr(machine, name, None) == cause:
            return name[:-6].lower()
    return "unknown"
