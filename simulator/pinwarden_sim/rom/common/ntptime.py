"""Stand-in for the board's `ntptime`: time servers that the host of the simulation keeps, takes away, or has
lie.
"""

import errno

import utime
from simulated import clock, silicon

host = "pool.ntp.org"
timeout = 1

_KISS = 2085978496 - clock.EPOCH  # what the board's makes of a time that is all zeros


def time():
    """Seconds since 2000, from the server. Raises OSError when it does not answer or the Wi-Fi is down."""
    chip = silicon.chip()
    server = chip.ntp["names"].get(host, chip.ntp)
    connected = chip.station is None or chip.station.isconnected()
    if not connected or not server["up"]:
        raise OSError(errno.ETIMEDOUT)
    if server["reply"] == "short":
        raise ValueError("buffer too small")
    if server["reply"] == "kiss":
        return _KISS
    server["offset"] += server["step"]
    return int(utime.time() + server["offset"]) - clock.EPOCH


def settime():
    """Set the chip's clock."""
    silicon.chip().clock.move(time() + clock.EPOCH)
