"""HTTPS, for boards whose settings want it: connections in TLS 1.2, and plain HTTP that is sent there.

Loaded only where http.tls is on. A session takes about 21 kB outside of Python's heap, and a handshake half a
second of the processor, in pieces between which everything else runs: so there are few of both.
"""

import asyncio
from binascii import a2b_base64

from micropython import const
from tls import PROTOCOL_TLS_SERVER, SSLContext

from .http import Server
from .ratelimit import key_of
from .response import Response

SESSIONS = 2  # at once
PORT = const(443)
PLAIN_PORT = const(80)
_COST = const(3)  # requests of a stranger that a handshake counts as

# What the certificate's key is good for, without the modes of CBC. The first is the fastest on the chips.
_CIPHERS = ("TLS-ECDHE-ECDSA-WITH-AES-128-GCM-SHA256", "TLS-ECDHE-ECDSA-WITH-AES-256-GCM-SHA384")


class Tls:
    """What the sessions of a server have in common. `pair` is "tls" of the secrets, `limits` are its limits:
    they get tighter here. Raises ValueError.
    """

    def __init__(self, pair, limits):
        if pair is None:
            raise ValueError("http.tls: holds true, and secrets.json has no certificate; deploy again")
        try:
            self._context = SSLContext(PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(a2b_base64(pair["cert"]), a2b_base64(pair["key"]))
            self._context.set_ciphers(_CIPHERS)
        except (ValueError, OSError) as error:
            refused = str(error)
            raise ValueError("tls: the certificate cannot be used: " + refused)
        limits["connections"] = min(limits["connections"], SESSIONS)

    async def admit(self, server, connection):
        """Put a new connection of `server` into TLS; return whether it may stay. Raises OSError, MemoryError.

        The handshake goes on whenever the connection is read, and is a part of the time for the head.
        """
        sock = connection.sock
        try:
            # Nobody has shown a token before the handshake. So that strangers at many addresses do not use up
            # what all may ask, and lock the owner out, where a good one came from is not counted.
            if key_of(connection.peer) not in server.limiter.known:
                for _ in range(_COST):
                    if server.charge(connection.peer):
                        sock.close()
                        return False
            if server.is_full():
                server.make_room(key_of(connection.peer))
                await asyncio.sleep_ms(0)  # who goes closes the session only now
            sock.setblocking(False)
            connection.sock = self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except (OSError, MemoryError):
            sock.close()
            raise
        connection.raw = sock
        return True

    async def redirect(self, server, limits, hosts):
        """Send whoever comes by plain HTTP to `server`, once that is there, for ever. `limits` and `hosts`
        are those of `server`.
        """
        port = limits["port"]
        if port == PLAIN_PORT:
            return
        while not server.is_listening:
            await asyncio.sleep_ms(100)
        await Server(lambda request: redirection(request, port), limits, hosts).serve(port=PLAIN_PORT)


def redirection(request, port):
    """Return the Response that sends a request to the same place by HTTPS, at `port`."""
    # The name is one of the board's, or the request would not be here; and of the rest the parser has taken
    # nothing that could end a line.
    target = request.path if request.path[:1] == "/" else "/"
    if request.query:
        target += "?" + request.query
    there = request.host if port == PORT else "%s:%d" % (request.host, port)
    fields = "Location: https://%s%s\r\n" % (there, target)
    return Response(308, b"", b"text/plain", fields.encode())
