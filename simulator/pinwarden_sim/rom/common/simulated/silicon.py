"""The one chip of this process: its clock, pads, radio and memory, and what the world outside does to them.

Hardware is global, so this is too: `chip()` gives the chip; the ROM replaces it by one with a link to the
host. A plain script (a device test) gets a chip without a link, whose clock is set and whose pins nobody
sees.
"""

import gc
import sys

import utime

from .clock import Clock
from .pads import Pads

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_the_chip = None


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
        self.pads = Pads(self.model, config.get("levels") or {}, link)
        # "offset" is seconds from the host's clock to the time server's, "step" what it grows by at each
        # question; "names" are servers that differ from all others.
        self.ntp = config.get("ntp") or {"up": True, "offset": 0, "reply": "good", "step": 0, "names": {}}
        self.access_point = config.get("wifi", True)  # whether one is in reach
        self.station = None  # the network.WLAN that wants to be connected
        self.nvs = config.get("nvs") or {}
        self.flash = None
        self.started = utime.ticks_ms()
        for command in config.get("world", ()):  # what it did before this start
            self.obey(command)

    def obey(self, command):
        """Carry out what the host asks. Returns the answer, a dict."""
        if command["do"] == "status":
            return self.status()
        if command["do"] == "memory":  # on the serial port: MicroPython tells it nowhere else
            import micropython

            gc.collect()
            micropython.qstr_info()
            micropython.mem_info()
            return {}
        import simulated.world

        try:
            return simulated.world.obey(self, command)
        finally:  # or it would stay, in the midst of the free memory
            for name in ("world", "clock_set"):
                if sys.modules.pop("simulated." + name, None):
                    delattr(simulated, name)

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
    if _the_chip is None:
        from .no_link import NoLink

        power_on({"clock": {"offset": 0, "set": True}}, NoLink())
    return _the_chip


def power_on(config, link):
    """Make the chip of this process. Returns it."""
    global _the_chip
    _the_chip = Silicon(config, link)
    return _the_chip
