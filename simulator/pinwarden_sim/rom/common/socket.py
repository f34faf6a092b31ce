"""Stand-in for the board's `socket`: the real one, but that "all addresses" is this computer's loopback and
the port is the host's choice.
"""

import usocket
from simulated import silicon
from usocket import *  # noqa: F403


def getaddrinfo(host, port, *rest):
    if host in ("", "0.0.0.0", "::"):
        host = "127.0.0.1"
        port = silicon.chip().port or port
    return usocket.getaddrinfo(host, port, *rest)
