"""Stand-in for the board's `socket`: the real one, but that "all addresses" is this computer's loopback and
the ports are the host's choice.
"""

import usocket
from simulated import silicon


def getaddrinfo(host, port, *rest):
    if host in ("", "0.0.0.0", "::"):
        host = "127.0.0.1"
        port = silicon.chip().host_port(port)
    return usocket.getaddrinfo(host, port, *rest)


def __getattr__(name):
    return getattr(usocket, name)
