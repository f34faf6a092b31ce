"""TCP ports of this computer."""

from __future__ import annotations

import socket


def take(port: int) -> socket.socket:
    """A socket that holds `port`, or any for 0, while the board is off: nobody else is given it then, and the
    board may still listen there. Raises OSError when it is taken: the firmware itself could not say it so
    well.
    """
    taken = socket.socket()
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
    except OSError:
        taken.close()
        raise
    return taken


def answers(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
