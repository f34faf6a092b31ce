"""The one chip of this process: its clock, pads, radio and memory, and what the world outside does to them.

Hardware is global, so this is too: `chip()` gives the chip; the ROM replaces it by one with a link to the
host. A plain script (a device test) gets a chip without a link, whose clock is set and whose pins nobody
sees.
"""

import gc
import sys

import utime

from . import pads
from .clock import Clock

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_chips = []  # the one


class Silicon:
    """All state of the chip. `config` is what the host says at power-on; see `Board` in
    `pinwarden_sim.board`.
    """

    def __init__(self, config, link):
        self.link = link
        self.model = config.get("chip", "esp32")
        self.reset_cause = config.get("cause", PWRON_RESET)
        # The TCP ports of this computer that the board's become, in the order in which it opens them: its
        # web server's, and of one with TLS the one that sends there. None: as asked.
        self.ports = config.get("ports")
        self.opened = []
        self.clock = Clock(config.get("clock"), link)
        self.pads = {}  # those that are used, by their GPIO numbers
        # "offset" is seconds from the host's clock to the time server's, "step" what it grows by at each
        # question; "names" are servers that differ from all others.
        self.ntp = config.get("ntp") or {"up": True, "offset": 0, "reply": "good", "step": 0, "names": {}}
        self.access_point = config.get("wifi", True)  # whether one is in reach
        self.station = None  # the network.WLAN that wants to be connected
        self.hostname = "mpy-esp32"
        self.nvs = config.get("nvs") or {}
        self.flash = None
        self.started = utime.ticks_ms()

    def obey(self, command):
        """Carry out what the host asks. Returns the answer, a dict."""
        do = command["do"]
        if do == "status":
            return self.status()
        if do == "memory":  # on the serial port: MicroPython tells it nowhere else
            import micropython

            gc.collect()
            micropython.qstr_info()
            micropython.mem_info()
            return {}
        if do == "clock":
            self.clock.move(command["unix"])
        elif do == "jump":
            self.clock.jump(command["seconds"])
        elif do == "unset":
            self.clock.unset()
        elif do == "ntp":
            self.ntp = command["ntp"]
        elif do == "wifi":
            self.access_point = command["up"]
            if self.station is not None and not self.access_point:
                self.station.beacon_lost()
        elif do == "drive":
            pads.find(command["gpio"]).drive(command["level"])
        elif do == "analog":
            pads.find(command["gpio"]).millivolts = command["mv"]
        elif do == "flash":
            self.flash.set(command["flash"])
        else:
            return {"error": "unknown command: %s" % do}
        return {}

    def host_port(self, port):
        """The port of this computer that the board's `port` is."""
        if not self.ports:
            return port
        if port not in self.opened:
            self.opened.append(port)
        return self.ports[self.opened.index(port)]

    def status(self):
        gc.collect()
        measured = sys.implementation.name == "micropython"  # CPython's figures are made up
        return {
            "heap_free": gc.mem_free() if measured else None,
            "heap_used": gc.mem_alloc() if measured else None,
            "clock": self.clock.now() if self.clock.is_set else None,
            "uptime_ms": utime.ticks_diff(utime.ticks_ms(), self.started),
        }


def chip():
    """The chip of this process."""
    if not _chips:
        from .no_link import NoLink

        power_on({"clock": {"offset": 0, "set": True}}, NoLink())
    return _chips[0]


def power_on(config, link):
    """Make the chip of this process. Returns it."""
    _chips[:] = [Silicon(config, link)]
    for gpio, level in (config.get("levels") or {}).items():
        pads.find(int(gpio)).was_driven(level)
    for command in config.get("world", ()):  # what it did before this start
        chip().obey(command)
    return chip()
