"""A bounded HTTP/1.1 server on asyncio: memory, sockets and time have limits before a request is known to be good.

It reads in chunks (`readline()` reads the board's sockets an octet at a time, without limit) and writes an answer at
once. A connection whose request arrives whole with the first chunk is served where it is accepted, without a task and
without a place among the `connections`; only one that is slow, or kept alive, takes both. When all places are taken the
one that has waited longest goes, not the newcomer: idle sockets do not lock the owner out.
"""

import asyncio
import errno
import gc
import socket
import sys
from time import ticks_diff, ticks_ms

from micropython import const

from .connection import BODY, HEAD, IDLE, LINGER, WRITE, Connection
from .request import RequestError
from .response import Response, problem

_BACKLOG = const(4)  # connections that the network stack holds for us; lwIP has about 10 sockets in all
_SWEEP_MS = const(250)  # how late a deadline may be seen
_WRITE_ROUNDS = const(6)  # a body in many chunks gets so many times write_timeout as a whole
_NOTHING = bytearray(0)  # reading nothing waits until there is something, and reads nothing

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Server:
    """Serves HTTP by `handle(request) -> Response`, a function that neither waits nor blocks.

    `limits` are the settings under `http`: max_head and max_body in octets, connections, and head_timeout, body_timeout,
    write_timeout and idle_timeout in seconds. `origins` are the foreign origins (str) that CORS admits.
    `hosts()` returns the names and addresses (lower case, a tuple) that requests may be for, as of now.
    `on_error(exception)` hears of faults in `handle`; `on_request(request or None, response)` of every answer.
    """

    def __init__(self, handle, limits, hosts, origins=(), on_error=None, on_request=None):
        self._handle = handle
        self._hosts = hosts
        self._limits = limits
        self._origins = [origin.encode() for origin in origins]
        self._on_error = on_error or sys.print_exception
        self._on_request = on_request
        self._places = []  # the connections that have a task
        self._sweeper = None

    async def serve(self, host="0.0.0.0", port=80):
        """Accept connections for ever. Raises OSError when the port cannot be had."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(socket.getaddrinfo(host, port)[0][-1])
            listener.listen(_BACKLOG)
            listener.setblocking(False)
            stream = asyncio.StreamReader(listener)
            while True:
                await stream.readinto(_NOTHING)
                try:
                    sock, peer = listener.accept()
                except OSError as error:
                    if error.errno != errno.EAGAIN:
                        # No socket or no memory left: make room, and let others run before trying again.
                        gc.collect()
                        self._make_room()
                        await asyncio.sleep_ms(50)
                    continue
                self._welcome(Connection(sock, peer, self._limits))
        finally:
            for connection in list(self._places):
                self._drop(connection)
            listener.close()

    def _welcome(self, connection):
        """Serve a new connection on the spot if its request is here; else give it a place."""
        stays = False
        try:
            connection.sock.setblocking(False)
            stays = connection.read() and self._advance(connection)
            if stays and len(self._places) >= self._limits["connections"] and not self._make_room():
                connection.send_last(_busy())
                stays = False
        except Exception as error:
            self._fault(error)
        if not stays:
            connection.sock.close()
            return
        if connection.deadline is None:
            connection.wait_for(HEAD, self._limits["head_timeout"])
        self._places.append(connection)
        connection.task = asyncio.create_task(self._attend(connection))
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    async def _attend(self, connection):
        """See one connection with a place to its end."""
        connection.stream = asyncio.StreamReader(connection.sock)
        try:
            stays = True
            while stays:
                if connection.unsent:
                    stays = await self._finish_writing(connection)
                else:
                    await connection.stream.readinto(_NOTHING)
                    stays = connection.read()
                stays = stays and self._advance(connection)
        except Exception as error:
            self._fault(error)
        finally:
            self._leave(connection)

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
            response = problem(error.status, error.code, str(error))
            if self._on_request:
                self._on_request(None, response)
            connection.send_last(response)
            if connection.buffer[-4:] == b"\r\n\r\n" and error.status != 413:
                return False  # nothing more was on its way
            connection.linger()
            return True

    def _check(self, request):
        """Refuse what other web sites make a browser send. Raises RequestError."""
        hosts = self._hosts()
        if request.host not in hosts:
            # DNS rebinding: with a name of theirs that resolves to this board, their page counts as ours.
            raise RequestError(421, "misdirected", "this board answers to " + ", ".join(hosts))
        origin = request.fields.get(b"origin")
        if origin is None or request.method in _SAFE_METHODS or origin in self._origins:
            return
        if origin.lower() != b"http://" + request.fields[b"host"].lower():
            raise RequestError(403, "forbidden_origin", "requests from other web sites are refused")

    def _answer(self, connection, request):
        """Handle `request` and write the answer, as far as the socket takes it; return False to close."""
        origin = request.fields.get(b"origin")
        admitted = origin is not None and origin in self._origins
        try:
            if admitted and b"access-control-request-method" in request.fields and request.method == "OPTIONS":
                response = _preflight()
            else:
                response = self._handle(request)
        except MemoryError:
            gc.collect()
            response = problem(503, "out_of_memory", "out of memory; try again", b"Retry-After: 1\r\n")
        except Exception as error:
            self._on_error(error)
            response = problem(500, "internal", "a fault of the board; its log says more")
        if self._on_request:
            self._on_request(request, response)
        if admitted:
            response.fields += b"Access-Control-Allow-Origin: %s\r\nVary: Origin\r\n" % origin
        keep_alive = request.keeps_alive()
        data = response.head(keep_alive)
        body = response.body
        if request.method == "HEAD":
            body = None
        elif type(body) is bytes:
            data += body
            body = None
        sent = connection.send(data)
        if sent < len(data) or body is not None:
            connection.unsent = (data[sent:], body, keep_alive)
            connection.wait_for(WRITE, self._limits["write_timeout"])
            return True
        if keep_alive:
            connection.wait_for(IDLE, self._limits["idle_timeout"])
        return keep_alive

    async def _finish_writing(self, connection):
        """Write what the socket did not take at once; return whether the connection stays open."""
        rest, body, keep_alive = connection.unsent
        stream = connection.stream
        timeout = self._limits["write_timeout"]
        started = ticks_ms()
        stream.write(rest)
        await stream.drain()
        if body is not None:
            for chunk in body:
                if ticks_diff(ticks_ms(), started) > timeout * 1000 * _WRITE_ROUNDS:
                    return False
                connection.wait_for(WRITE, timeout)
                stream.write(chunk)
                await stream.drain()
        connection.unsent = None
        connection.wait_for(IDLE, self._limits["idle_timeout"])
        return keep_alive

    def _make_room(self):
        """Close the connection that has waited longest; return False if all are being written to."""
        now = ticks_ms()
        oldest = None
        for connection in self._places:
            if connection.state == LINGER:
                oldest = connection
                break
            if connection.state != WRITE and (
                oldest is None or ticks_diff(now, connection.since) > ticks_diff(now, oldest.since)
            ):
                oldest = connection
        if oldest is None:
            return False
        if oldest.state == BODY or oldest.buffer:
            oldest.send_last(_busy())
        self._drop(oldest)
        return True

    def _drop(self, connection):
        connection.task.cancel()
        # Its task leaves when it next runs, and closes the socket then: the poll that waits for it must be undone before.
        # One that never ran yet will never run.
        if connection.stream is None:
            self._leave(connection)
        else:
            self._places.remove(connection)

    def _leave(self, connection):
        if connection in self._places:
            self._places.remove(connection)
        if type(connection.unsent) is tuple and hasattr(connection.unsent[1], "close"):
            connection.unsent[1].close()  # the file behind it
        connection.sock.close()

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
                if ticks_diff(connection.deadline, now) > 0:
                    continue
                if connection.state == BODY or connection.state == HEAD and connection.buffer:
                    connection.send_last(problem(408, "timeout", "the request did not arrive in time"))
                self._drop(connection)
        self._sweeper = None


def _busy():
    return problem(503, "busy", "all connections are taken", b"Retry-After: 1\r\n")


def _preflight():
    """Return the answer that lets a page of an admitted origin send its request (Fetch standard, CORS)."""
    allowed = b"Access-Control-Allow-Methods: GET, PUT, POST\r\nAccess-Control-Allow-Headers: Authorization, Content-Type\r\n"
    return Response(204, fields=allowed + b"Access-Control-Max-Age: 600\r\n")
