"""Hands the authority's certificate to phones of this network: one file, by a link that nobody guesses.

By plain HTTP, as a phone that does not trust the authority yet can get it no other way. Whoever stands
between could hand out another one: that is what the fingerprint is compared for.
"""

from __future__ import annotations

import http.server
import secrets
import socket
from collections.abc import Callable

TYPE = "application/x-x509-ca-cert"  # by which iOS and Android know what it is
_TIMEOUT = 10.0  # seconds that a client may take


class Handout(http.server.ThreadingHTTPServer):
    """Serves `der` at `.url` until it is closed. `taken(address)` is called when somebody has got it."""

    daemon_threads = True

    def __init__(self, der: bytes, taken: Callable[[str], object], address: str | None = None) -> None:
        self.path = f"/{secrets.token_hex(4)}/pinwarden-ca.crt"
        self.der, self.taken = der, taken
        host = address or own_address()
        super().__init__((host, 0), _Handler)
        self.url = f"http://{host}:{self.server_address[1]}{self.path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is nobody's business."""


def own_address() -> str:
    """This computer's address in its network. Nothing is sent to find it. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # an address of RFC 5737, which is nobody's
        return probe.getsockname()[0]


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout = _TIMEOUT
    server: Handout  # type: ignore[assignment]

    def do_GET(self) -> None:
        if not secrets.compare_digest(self.path.encode(), self.server.path.encode()):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", TYPE)
        self.send_header("Content-Length", str(len(self.server.der)))
        self.end_headers()
        self.wfile.write(self.server.der)
        self.server.taken(self.client_address[0])

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: `taken` tells what matters."""
