"""Stand-in for the board's `ntptime`: a time server that the host of the simulation keeps, or takes away."""

import errno

import utime
from simulated import clock, silicon

host = "pool.ntp.org"
timeout = 1


def time():
    """Seconds since 2000, from the server. Raises OSError when it does not answer or the Wi-Fi is down."""
    chip = silicon.chip()
    connected = chip.station is None or chip.station.isconnected()
    if not connected or not chip.ntp["up"]:
        raise OSError(errno.ETIMEDOUT)
    return int(utime.time() + chip.ntp["offset"]) - clock.EPOCH


def settime():
    """Set the chip's clock."""
    silicon.chip().clock.set(time() + clock.EPOCH)
