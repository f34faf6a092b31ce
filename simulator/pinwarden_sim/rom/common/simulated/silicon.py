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


class NoLink:
    """Stands for the link to the host when there is none."""

    def send(self, event):
        pass

    def wait(self, ms):
        utime.sleep_ms(ms)

    def end(self, event):
        raise SystemExit(event["e"])


class Silicon:
    """All state of the chip. `config` is what the host says at power-on; see `Board` in
    `pinwarden_sim.board`.
    """

    def __init__(self, config, link):
        self.link = link
        self.model = config.get("chip", "esp32")
        self.reset_cause = config.get("cause", PWRON_RESET)
        self.port = config.get("port")  # the TCP port that every "0.0.0.0" becomes; None: as asked
        self.clock = Clock(config.get("clock"), link)
        self.pads = Pads(self.model, config.get("levels") or {}, link)
        # "offset" is seconds from the host's clock to the time server's.
        self.ntp = config.get("ntp") or {"up": True, "offset": 0}
        self.access_point = config.get("wifi", True)  # whether one is in reach
        self.station = None  # the network.WLAN that wants to be connected
        self.nvs = config.get("nvs") or {}
        self.flash = None
        self.started = utime.ticks_ms()

    def obey(self, command):
        """Carry out what the host asks. Returns the answer, a dict."""
        do = command["do"]
        if do == "clock":
            self.clock.set(command["unix"])
        elif do == "unset":
            self.clock.unset()
        elif do == "jump":
            self.clock.jump(command["seconds"])
        elif do == "ntp":
            self.ntp = command["ntp"]
        elif do == "wifi":
            self.access_point = command["up"]
            if self.station is not None and not self.access_point:
                self.station.beacon_lost()
        elif do == "drive":
            self.pads.find(command["gpio"]).drive(command["level"])
        elif do == "flash":
            self.flash.set(command["flash"])
        elif do == "status":
            return self.status()
        else:
            return {"error": "unknown command: %s" % do}
        return {}

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
        power_on({"clock": {"offset": 0, "set": True}}, NoLink())
    return _the_chip


def power_on(config, link):
    """Make the chip of this process. Returns it."""
    global _the_chip
    _the_chip = Silicon(config, link)
    return _the_chip
