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

from micropython import const

from .connection import CHUNK, HEAD, IDLE, LINGER, WRITE, Connection, finish, first_to_go
from .origins import check_host, check_origin, is_preflight, preflight
from .places import Places, busy, short
from .ratelimit import key_of
from .request import RequestError
from .response import PERHAPS_DONE, Response, problem

_BACKLOG = const(4)  # connections that the network stack holds for us; lwIP has about 10 sockets in all
_WRITER_MS = const(1000)  # how long newcomers wait for those who are written to, when these have all places
_WRITER_POLL_MS = const(20)
_NOBODY = (errno.EAGAIN, errno.ECONNABORTED)  # why accept() has nobody: it went again
_NOTHING = bytearray(0)  # reading nothing waits until there is something, and reads nothing


class Server(Places):
    """Serves HTTP by `handle(request) -> Response`, a function that neither waits nor blocks. Once it has set
    the request's `.is_begun`, what was asked for may have been done, and no answer says "try again".

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
        super().__init__(limits, on_error, on_request, on_low_memory)
        self.tls = tls
        self._handle = handle
        self._hosts = hosts
        self._origins = [origin.encode() for origin in origins]
        self._scratch = memoryview(bytearray(CHUNK))
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
                while waited < _WRITER_MS and self.is_full() and not first_to_go(self.places):
                    await asyncio.sleep_ms(_WRITER_POLL_MS)
                    waited += _WRITER_POLL_MS
                try:
                    sock, peer = listener.accept()
                    connection = Connection(sock, peer, self.limits, self._scratch, self.reclaim)
                    if self.tls and not await self.tls.admit(self, connection):
                        continue
                except (OSError, MemoryError) as error:
                    if getattr(error, "errno", None) not in _NOBODY:
                        # No socket or no memory left: make room, and let others run before trying again.
                        gc.collect()
                        self.make_room()
                        await asyncio.sleep_ms(50)
                    continue
                self._welcome(connection)
        finally:
            self.is_listening = False
            for connection in list(self.places):
                self._drop(connection)
            listener.close()

    def _welcome(self, connection):
        """Serve a new connection on the spot if its request is here; else give it a place."""
        try:
            connection.sock.setblocking(False)
            if self._step(connection):
                connection.address = key_of(connection.peer)
                if self.is_full() and not self.make_room(connection.address):
                    self._dismiss(connection, busy())  # all are streams: those of the owner
                    self.leave(connection)
                    return
                if connection.deadline is None:
                    connection.wait_for(HEAD, self.limits["head_timeout"])
                gc.collect()  # or what stays as long as the connection lies in the midst of the free memory
                self.places.append(connection)
                if self._sweeper is None:
                    self._sweeper = asyncio.create_task(self._sweep())
                connection.task = asyncio.create_task(self._attend(connection))
                return
        except Exception as error:
            self.fault(error)
        self.leave(connection)

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
            self.fault(error)
        finally:
            self.leave(connection)

    def _step(self, connection, reads=True):
        """Read, and answer what is complete; return False when the connection is to be closed."""
        self.served = connection
        try:
            return (not reads or connection.read()) and self._advance(connection) and self.bound(connection)
        except MemoryError:
            pass
        if connection.state >= WRITE:  # it has an answer, or half of one
            self.reclaim()
            return False
        # A big head, most often. What it took is let go for the answer.
        connection.buffer = b""
        connection.request = None
        self.reclaim()
        error = self.charge(connection.peer) or short()
        response = problem(error.status, error.code, str(error), error.fields)
        if self.on_request:
            self.on_request(None, response)
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
            error = self.charge(connection.peer) or error
        response = problem(error.status, error.code, str(error), error.fields)
        if self.on_request:
            self.on_request(request, response)
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
            limited = self.charge(request.peer)
            if limited is not None:
                raise limited

    def _answer(self, connection, request):
        """Handle `request` and write the answer, as far as the socket takes it; return False to close."""
        try:
            return self._reply(connection, request, self._respond(request))
        except MemoryError:
            if not request.is_begun:  # nothing has been done: the caller says so
                raise
        if connection.state < WRITE:
            connection.state = WRITE
            connection.send(PERHAPS_DONE)
        self.reclaim()
        if self.on_request:
            self.on_request(request, Response(500, code="perhaps_done"))
        return False

    def _reply(self, connection, request, response):
        """Write the answer to `request`, as far as the socket takes it; return False to close."""
        is_fault = response.status >= 500 and response.code != "out_of_memory"
        if response.stranger and b"authorization" in request.fields and not is_fault:
            # It guesses, or what it sends takes the memory. A page's file in the answer is not open yet.
            limited = self.charge(request.peer)
            if limited is not None:
                limited.request = request
                raise limited
        elif not response.stranger and response.status < 400:  # no recording: that is refused
            connection.is_known = True
            if self.tls:
                self.limiter.know(key_of(request.peer))
        if self.on_request:
            self.on_request(request, response)
        if self._origins:
            self._admit(request, response)
        keep_alive = response.length >= 0 and request.keeps_alive()
        data = response.head(keep_alive)
        if request.method == "HEAD":
            response.body = None  # pyright: ignore[reportAttributeAccessIssue]
        elif type(response.body) is bytes:
            try:
                data += response.body
                response.body = None  # pyright: ignore[reportAttributeAccessIssue]
            except MemoryError:  # one after the other, then: that takes no more than there is
                response.body = (response.body,)  # pyright: ignore[reportAttributeAccessIssue]
        connection.state = WRITE  # whatever fails from here on, no second answer goes into the first
        sent = connection.send(data)
        if sent < len(data) or response.body is not None:
            connection.wait_for(WRITE, self.limits["write_timeout"])
            connection.unsent = (data[sent:], response.body, keep_alive)
            if response.body is not None:
                self.reclaim()
            return True
        if keep_alive:
            connection.wait_for(IDLE, self.limits["idle_timeout"])
        return keep_alive

    def _admit(self, request, response):
        """Let the page of an admitted origin read the answer."""
        origin = request.fields.get(b"origin")
        if origin in self._origins:
            response.fields += b"Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n" % origin

    def _respond(self, request):
        """Return the Response to `request`, whatever happens while it is made."""
        self.reclaim(request)
        try:
            if self._origins and is_preflight(request, self._origins):
                return preflight()
            return self._handle(request)
        except Exception as error:
            failure = error
        if isinstance(failure, MemoryError):
            if request.is_begun:
                raise failure
            self.reclaim()
            refused = short()
            response = problem(refused.status, refused.code, str(refused), refused.fields)
            response.stranger = not request.is_proven
            return response
        self.on_error(failure)
        return problem(500, "internal", "a fault of the board; its log says more")
