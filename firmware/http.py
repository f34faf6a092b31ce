"""A bounded HTTP/1.1 server on asyncio: memory, sockets and time have limits before a request is known to be
good.

It reads in chunks (`readline()` reads the board's sockets an octet at a time, without limit) and writes an
answer at once. A connection whose request arrives whole with the first chunk is served where it is accepted,
without a task and without a place among the `connections`; only one that is slow, or kept alive, takes both.
When all places are taken one of the address that has most goes (connection.py), not the newcomer: idle
sockets do not lock the owner out. Requests that nobody with a key has made are counted, and refused when they
are too many (ratelimit.py); one that brings a credential is verified first, always.
"""

import asyncio
import errno
import gc
import socket
import sys
from time import ticks_diff, ticks_ms

from micropython import const

from .connection import BODY, CHUNK, HEAD, IDLE, LINGER, WRITE, Connection, finish, first_to_go
from .origins import check_host, check_origin, is_preflight, preflight
from .ratelimit import Limiter, key_of
from .request import RequestError
from .response import problem

_BACKLOG = const(4)  # connections that the network stack holds for us; lwIP has about 10 sockets in all
_SWEEP_MS = const(250)  # how late a deadline may be seen
_WRITER_MS = const(1000)  # how long newcomers wait for those who are written to, when these have all places
_WRITER_POLL_MS = const(20)
_NOBODY = (errno.EAGAIN, errno.ECONNABORTED)  # why accept() has nobody: it went again
_NOTHING = bytearray(0)  # reading nothing waits until there is something, and reads nothing


class Server:
    """Serves HTTP by `handle(request) -> Response`, a function that neither waits nor blocks.

    `limits` are the settings under `http`: max_head and max_body in octets, connections, head_timeout,
    body_timeout, write_timeout and idle_timeout in seconds, and strangers, in requests a minute (0 or left
    out: as many as come). `origins` are the foreign origins (str) that CORS
    admits. `hosts()` returns the names and addresses (lower case, a tuple) that requests may be for, as of
    now. `on_error(exception)` hears of faults in `handle`; `on_request(request or None, response)` of every
    answer. `on_low_memory()` lets go of what can be made again. `tls` is a tls.Tls where connections are in
    TLS.
    """

    def __init__(
        self,
        handle,
        limits,
        hosts,
        origins=(),
        on_error=None,
        on_request=None,
        on_low_memory=None,
        tls=None,
    ):
        self.tls = tls
        self._on_low_memory = on_low_memory
        self._handle = handle
        self._hosts = hosts
        self._limits = limits
        self.limiter = Limiter(limits)
        self._origins = [origin.encode() for origin in origins]
        self._on_error = on_error or sys.print_exception
        self._on_request = on_request
        self._scratch = memoryview(bytearray(CHUNK))
        self._places = []  # the connections that have a task
        self._sweeper = None
        self.is_listening = False

    async def serve(self, host="0.0.0.0", port=80):
        """Accept connections for ever. Raises OSError when the port cannot be had."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(socket.getaddrinfo(host, port)[0][-1])
            listener.listen(_BACKLOG)
            listener.setblocking(False)
            stream = asyncio.StreamReader(listener)
            self.is_listening = True
            while True:
                await stream.readinto(_NOTHING)
                # To make room now would break the page of a phone whose browser opens many connections.
                # Newcomers wait in the network stack; a moment only, or four who don't read would lock
                # everybody out.
                waited = 0
                while waited < _WRITER_MS and self._is_full() and not first_to_go(self._places):
                    await asyncio.sleep_ms(_WRITER_POLL_MS)
                    waited += _WRITER_POLL_MS
                try:
                    sock, peer = listener.accept()
                    connection = Connection(sock, peer, self._limits, self._scratch, self._reclaim)
                    if self.tls and not await self.tls.admit(self, connection):
                        continue
                except (OSError, MemoryError) as error:
                    if getattr(error, "errno", None) not in _NOBODY:
                        # No socket or no memory left: make room, and let others run before trying again.
                        gc.collect()
                        self._make_room()
                        await asyncio.sleep_ms(50)
                    continue
                self._welcome(connection)
        finally:
            self.is_listening = False
            for connection in list(self._places):
                self._drop(connection)
            listener.close()

    def _welcome(self, connection):
        """Serve a new connection on the spot if its request is here; else give it a place."""
        try:
            connection.sock.setblocking(False)
            if self._step(connection):
                connection.address = key_of(connection.peer)
                if self._is_full():
                    self._make_room(connection.address)
                if connection.deadline is None:
                    connection.wait_for(HEAD, self._limits["head_timeout"])
                gc.collect()  # or what stays as long as the connection lies in the midst of the free memory
                self._places.append(connection)
                if self._sweeper is None:
                    self._sweeper = asyncio.create_task(self._sweep())
                connection.task = asyncio.create_task(self._attend(connection))
                return
        except Exception as error:
            self._fault(error)
        self._leave(connection)

    async def _attend(self, connection):
        """See one connection with a place to its end."""
        connection.stream = asyncio.StreamReader(connection.sock)
        try:
            stays = True
            while stays:
                if connection.unsent:
                    stays = await finish(connection) and self._step(connection, reads=False)
                else:
                    await connection.stream.readinto(_NOTHING)
                    stays = self._step(connection)
        except Exception as error:
            self._fault(error)
        finally:
            self._leave(connection)

    def _step(self, connection, reads=True):
        """Read, and answer what is complete; return False when the connection is to be closed."""
        try:
            return (not reads or connection.read()) and self._advance(connection)
        except MemoryError:
            pass
        if connection.state >= WRITE:  # it has an answer, or half of one
            self._reclaim()
            return False
        # A big head, most often. What it took is let go for the answer.
        connection.buffer = b""
        connection.request = None
        self._reclaim()
        response = _out_of_memory()
        if self._on_request:
            self._on_request(None, response)
        connection.send_last(response)
        connection.linger()
        return True

    def _advance(self, connection):
        """Answer what is complete in the buffer; return False when the connection is to be closed."""
        if connection.state == LINGER:
            return True
        try:
            while True:
                request = connection.next_request(self._check)
                if request is None:
                    return True
                if not self._answer(connection, request):
                    return False
                if connection.unsent:
                    return True
        except RequestError as error:
            refused = error
        return self._refuse(connection, refused)

    def _refuse(self, connection, error):
        """Answer a request that cannot be served; return False to close the connection at once."""
        request = error.request
        if error.status != 429:
            error = self._charge(connection.peer) or error
        response = problem(error.status, error.code, str(error), error.fields)
        if self._on_request:
            self._on_request(request, response)
        if request is not None and request.method == "HEAD":
            response.body = b""
        connection.send_last(response)
        if not connection.buffer and (request is None or len(request.body) == request.length):
            return False  # nothing more is on its way
        connection.linger()
        return True

    def _check(self, request):
        check_host(request, self._hosts())
        check_origin(request, self._origins, self.tls is not None)
        if b"authorization" not in request.fields:
            # Before anything is done for it. A credential is verified first: neither does somebody at the
            # owner's address lock the owner out, nor somebody who has spent what all may ask.
            limited = self._charge(request.peer)
            if limited is not None:
                raise limited

    def _charge(self, peer):
        """Count a request of a stranger. Return the RequestError for one who asks too often, or None."""
        wait = self.limiter.spend(key_of(peer))
        if not wait:
            return None
        return RequestError(
            429,
            "rate_limited",
            "too many requests without a good token",
            b"Retry-After: %d\r\n" % (wait // 1000 + 1),
        )

    def _answer(self, connection, request):
        """Handle `request` and write the answer, as far as the socket takes it; return False to close."""
        response = self._respond(request)
        if response.stranger and b"authorization" in request.fields and response.status < 500:
            # It guesses. A page's file in the answer has not been opened yet.
            limited = self._charge(request.peer)
            if limited is not None:
                limited.request = request
                raise limited
        elif not response.stranger and response.status < 400:  # no recording: that is refused
            connection.is_known = True
            if self.tls:
                self.limiter.know(key_of(request.peer))
        if self._on_request:
            self._on_request(request, response)
        if self._origins:
            self._admit(request, response)
        keep_alive = response.length >= 0 and request.keeps_alive()
        data = response.head(keep_alive)
        if request.method == "HEAD":
            response.body = None  # pyright: ignore[reportAttributeAccessIssue]
        elif type(response.body) is bytes:
            data += response.body
            response.body = None  # pyright: ignore[reportAttributeAccessIssue]
        sent = connection.send(data)
        if sent < len(data) or response.body is not None:
            connection.wait_for(WRITE, self._limits["write_timeout"])
            connection.unsent = (data[sent:], response.body, keep_alive)
            if response.body is not None:
                self._reclaim()
            return True
        if keep_alive:
            connection.wait_for(IDLE, self._limits["idle_timeout"])
        return keep_alive

    def _admit(self, request, response):
        """Let the page of an admitted origin read the answer."""
        origin = request.fields.get(b"origin")
        if origin in self._origins:
            response.fields += b"Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n" % origin

    def _respond(self, request):
        """Return the Response to `request`, whatever happens while it is made."""
        try:
            if self._origins and is_preflight(request, self._origins):
                return preflight()
            return self._handle(request)
        except Exception as error:
            failure = error
        if isinstance(failure, MemoryError):
            self._reclaim()
            return _out_of_memory()
        self._on_error(failure)
        return problem(500, "internal", "a fault of the board; its log says more")

    def _is_full(self):
        return len(self._places) >= self._limits["connections"]

    def _make_room(self, newcomer=None):
        """Close the connection that is the first to go, if there is any. Never raises."""
        goes = first_to_go(self._places, newcomer)
        if goes is not None:
            busy = RequestError(503, "busy", "all connections are taken", b"Retry-After: 1\r\n")
            self._turn_out(goes, busy)

    def _turn_out(self, connection, error):
        """Drop a connection; one that has begun a request is told why. Never raises."""
        try:
            if connection.state == BODY or (connection.state == HEAD and connection.buffer):
                if error.status == 408:  # 503 is no doing of its own
                    error = self._charge(connection.peer) or error
                response = problem(error.status, error.code, str(error), error.fields)
                if self._on_request:
                    self._on_request(connection.request, response)
                connection.send_last(response)
        except Exception as error:
            self._fault(error)  # it goes all the same
        self._drop(connection)

    def _drop(self, connection):
        connection.task.cancel()
        # Its task leaves when it next runs, and closes the socket then: the poll that waits for it must be
        # undone before. One that never ran yet will never run.
        if connection.stream is None:
            self._leave(connection)
        else:
            self._places.remove(connection)

    def _leave(self, connection):
        if connection in self._places:
            self._places.remove(connection)
        if type(connection.unsent) is tuple and hasattr(connection.unsent[1], "close"):
            connection.unsent[1].close()  # the file behind it
        connection.close()

    def _reclaim(self):
        """Get memory back, in larger pieces: what is only kept for speed is small, and lies in between."""
        if self._on_low_memory:
            self._on_low_memory()
        gc.collect()

    def _fault(self, error):
        """Take an exception that ended a connection. None ends the server."""
        gc.collect()
        # OSError: the other side is gone. MemoryError: there is garbage now. Anything else is ours.
        if not isinstance(error, (OSError, MemoryError)):
            self._on_error(error)

    async def _sweep(self):
        """Close what has passed its deadline, while there is any connection."""
        while self._places:
            await asyncio.sleep_ms(_SWEEP_MS)
            now = ticks_ms()
            for connection in list(self._places):
                if ticks_diff(connection.deadline, now) <= 0:
                    late = RequestError(408, "timeout", "the request did not arrive in time")
                    self._turn_out(connection, late)
        self._sweeper = None


def _out_of_memory():
    return problem(503, "out_of_memory", "out of memory; try again", b"Retry-After: 1\r\n")
