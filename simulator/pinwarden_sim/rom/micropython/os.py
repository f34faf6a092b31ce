"""Stand-in for the board's `os` on MicroPython's unix port, which lacks two functions that the ESP32 has."""

import uos


def sync():
    """Nothing is cached: what is written is on the flash."""


def uname():
    """(sysname, nodename, release, version, machine)"""
    import sys

    from simulated import silicon

    release = "%d.%d.%d" % tuple(sys.implementation[1][:3])
    return ("esp32", "esp32", release, sys.version, "Simulated board with " + silicon.chip().model.upper())


def __getattr__(name):
    return getattr(uos, name)
