"""One TCP connection: its bounded buffer, what it waits for, and the requests that come out of it.

Everything is taken from the socket in chunks and given back as whole requests; the buffer never holds more
than one head and one body. Who may stay and for how long is the server's business (http.py); who goes first
is told here.
"""

import asyncio
import errno
from time import ticks_add, ticks_diff, ticks_ms

from micropython import const

from .request import RequestError, parse_head

CHUNK = const(1460)  # octets a read: what one TCP segment brings over Wi-Fi
_LINGER_OCTETS = const(65536)
_LINGER_MS = const(1000)
_TLS = const(b"\x16")  # begins a TLS handshake
_MAX_LINE = const(1100)  # a request line with the longest target that parse_head takes

_WRITER_MS = const(1000)  # how long an answer may be on its way before its place can be wanted
# Parts of a rank: the longest wait is 360 s, and nobody has more than 7 places.
_PLACE = const(1 << 20)
_OUT_OF_TURN = const(1 << 24)

# What a connection waits for.
HEAD = const(0)
BODY = const(1)
IDLE = const(2)  # the next request
WRITE = const(3)
LINGER = const(4)  # the other side's end; what comes is thrown away
STREAM = const(5)  # something to tell: an answer without an end, see events.py

_WRITE_ROUNDS = const(6)  # a body in many chunks gets so many times write_timeout as a whole
_LOOK_MS = const(50)  # how late a stream may be


class Connection:
    """A socket that does not block, and the state of the request on it.

    `limits` as in http.Server. `scratch` is a memoryview of CHUNK octets that all connections may share,
    `reclaim()` is called when there is no room for what has come, before giving up.
    `.deadline` and `.since` are in ticks_ms.
    """

    # Until it is set; most connections end before most of these are.
    stream = None
    task = None
    address = None  # see ratelimit.key_of; those with a place have one
    request = None  # the one whose body is awaited
    unsent = None  # (octets, iterator of octets or None, keep_alive) of the answer that is being written
    state = HEAD
    buffer = b""
    deadline = None
    is_known = False  # a good token has come on it
    _head = 0  # octets of the last whole head
    raw = None  # the socket below, where `sock` is a TLS session on it

    def __init__(self, sock, peer, limits, scratch=None, reclaim=None):
        self.sock = sock
        self.peer = peer
        self.limits = limits
        self._scratch = scratch
        self._reclaim = reclaim

    def read(self):
        """Take what has arrived; return False at the end of the stream. Raises OSError."""
        room = self.limits["max_head"] + self.limits["max_body"] + 4 - len(self.buffer)
        try:
            chunk = self._receive(min(CHUNK, room))
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return True
            raise
        if chunk is None:
            return True
        if self.state == LINGER:
            self._to_discard -= len(chunk)
            return len(chunk) > 0 and self._to_discard > 0
        try:
            self.buffer = self.buffer + chunk if self.buffer else chunk
        except MemoryError:
            if self._reclaim is None:
                raise
            self._reclaim()
            self.buffer = self.buffer + chunk
        return len(chunk) > 0

    def _receive(self, most):
        """Return what has arrived, at most so many octets: b"" at the end, None or EAGAIN if nothing has."""
        if self._scratch is None or not hasattr(self.sock, "readinto"):
            return self.sock.recv(most)
        # recv() makes room for all that may come before it knows how much does: on a heap in pieces there is
        # none so large. The scratch was made at the start, and only what came is copied.
        count = self.sock.readinto(self._scratch[:most])
        if count is None:
            return None
        try:
            return bytes(self._scratch[:count])
        except MemoryError:
            if self._reclaim is None:
                raise
        self._reclaim()
        return bytes(self._scratch[:count])

    def next_request(self, check):
        """Return the next whole Request, or None while it is incomplete.

        `check(request)` is asked as soon as the head is here, before any of the body is waited for. Raises
        RequestError.
        """
        request = self.request
        if request is None:
            request = self._next_head()
            if request is None:
                return None
            request.peer = self.peer
            try:
                check(request)
                if request.length:
                    self._await_body(request)
            except RequestError as error:
                error.request = request  # pyright: ignore[reportAttributeAccessIssue]
                raise
        if request.length:
            if request.length > len(self.buffer):
                return None
            request.body = self.buffer[: request.length]
            self.buffer = self.buffer[request.length :]
            self.request = None
        return request

    def _next_head(self):
        buffer = self.buffer
        if not buffer:
            return None
        if buffer[:2] == b"\r\n":  # RFC 9112 section 2.2: an empty line before a request is ignored
            buffer = buffer[2:]
        end = buffer.find(b"\r\n\r\n")
        most = self.limits["max_head"]
        if end > most or (end < 0 and len(buffer) > most):
            if not 0 <= buffer.find(b"\r\n") <= _MAX_LINE:
                raise RequestError(414, "uri_too_long", "the request line is too long")
            raise RequestError(431, "head_too_large", "the head is longer than %d octets" % most)
        if end < 0:
            if buffer[:1] == _TLS or buffer.count(b"\n") != buffer.count(b"\r\n"):
                # The end would never come. A browser that tries https first is to know soon.
                raise RequestError(
                    400, "invalid_request", "this is not HTTP, or its lines do not end in CR LF"
                )
            if self.state == IDLE:
                self.wait_for(HEAD, self.limits["head_timeout"])
            return None
        self.buffer = buffer[end + 4 :]
        self._head = end
        try:
            return parse_head(buffer, end)
        except MemoryError:
            if self._reclaim is None:
                raise
        self._reclaim()
        return parse_head(buffer, end)

    def _await_body(self, request):
        """Refuse a body that may not come; wait for one that isn't here whole."""
        if request.length > self.limits["max_body"]:
            detail = "the body is longer than %d octets" % self.limits["max_body"]
            raise RequestError(413, "body_too_large", detail)
        expect = request.fields.get(b"expect")
        if expect is not None and request.version == 1 and expect.lower() != b"100-continue":
            raise RequestError(417, "expectation_failed", "only 100-continue is understood")
        if request.length > len(self.buffer):
            if expect is not None and request.version == 1 and not self.buffer:
                self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.request = request
            self.wait_for(BODY, self.limits["body_timeout"])

    def held(self):
        """Return how many octets of an unfinished request it makes us keep."""
        if self.state > BODY:
            return 0
        return len(self.buffer) + (self._head if self.request is not None else 0)

    def wait_for(self, state, seconds):
        """Enter `state`, for `seconds` at most."""
        self.state = state
        self.since = ticks_ms()
        self.deadline = ticks_add(self.since, seconds * 1000)

    def send(self, data):
        """Send what the socket takes of `data` now; return how many octets that was. Raises OSError."""
        try:
            if self.raw is not None:  # not each build's session has send(); None is EAGAIN
                return self.sock.write(data) or 0
            return self.sock.send(data)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return 0
            raise

    def send_last(self, response):
        """Send `response` as far as it goes at once: the connection is to be closed."""
        try:
            self.send(response.head(False) + response.body)
        except OSError:
            pass  # the other side is gone already

    def linger(self):
        """Read on for a moment and forget it.

        A socket closed with octets unread resets the connection, and the other side may lose the answer.
        """
        self.buffer = b""
        self._to_discard = _LINGER_OCTETS
        self.state = LINGER
        self.since = ticks_ms()
        self.deadline = ticks_add(self.since, _LINGER_MS)

    def let_go(self):
        """Free what it makes us keep: of a request, and of an answer with the file behind it."""
        self.buffer = b""
        self.request = None
        unsent = self.unsent
        self.unsent = None
        if unsent is not None and hasattr(unsent[1], "close"):
            unsent[1].close()
        if self.stream is not None:
            self.stream.out_buf = b""

    def close(self):
        """Close the socket."""
        self.sock.close()
        if self.raw is None:
            return
        # A handshake that failed has made the session forget it. What is unread of whoever speaks plain HTTP
        # there would make a reset of its end.
        try:
            self.raw.recv(CHUNK)
        except (OSError, MemoryError):
            pass
        self.raw.close()


async def finish(connection):
    """Write what the socket did not take at once, and what is still to come; return whether the connection
    stays open.

    A chunk without octets is of a stream: there is nothing to tell at this moment. Where there is,
    whoever does not take it in time is cut, as with any answer.
    """
    rest, body, keep_alive = connection.unsent
    stream = connection.stream
    timeout = connection.limits["write_timeout"] * 1000
    stream.write(rest)
    rest = None
    connection.unsent = (None, body, keep_alive)  # the stream has the octets now
    await stream.drain()
    for chunk in body or ():
        now = ticks_ms()
        if connection.state == WRITE and ticks_diff(now, connection.since) > timeout * _WRITE_ROUNDS:
            return False
        connection.deadline = ticks_add(now, timeout)
        if chunk:
            if connection.state == STREAM:  # who does not read does not keep a place for it
                connection.wait_for(WRITE, connection.limits["write_timeout"])
            stream.write(chunk)
            chunk = None  # there need not be room for two
            await stream.drain()
        else:
            connection.state = STREAM
            await asyncio.sleep_ms(_LOOK_MS)
    connection.unsent = None
    connection.wait_for(IDLE, connection.limits["idle_timeout"])
    return keep_alive


def first_to_go(connections, address=None):
    """Return which of the connections makes room for a newcomer from `address`: of the address that has most
    of them, the newcomer counted in, so that whoever takes all turns out nobody who has one. While nobody has
    come yet, and all get answers that have been on their way for a moment only, return None.

    A stream keeps its place, which only the holder of a token gets, and there are fewer streams than places.
    """
    now = ticks_ms()
    chosen = None
    highest = 0
    for connection in connections:
        rank = ticks_diff(now, connection.since)  # of one address's, who has waited longest
        if connection.state == LINGER:  # it has its answer
            rank += _OUT_OF_TURN
        elif connection.state == STREAM:
            continue
        elif connection.is_known and connection.state == IDLE:
            rank //= 1000  # strangers first
        elif connection.state == WRITE:  # it would get half of one, and a page is loaded with many of these
            rank = rank // 1000 if rank > _WRITER_MS else rank - _OUT_OF_TURN
        for other in connections:
            if other.address == connection.address:
                rank += _PLACE
        if address == connection.address:
            rank += _PLACE
        if (chosen is None and address is not None) or rank > highest:
            chosen = connection
            highest = rank
    return chosen


def heaviest(connections):
    """Return which of the connections goes for the octets that it makes us keep: the one that holds most,
    what all of its address hold counted in.
    """
    chosen = None
    most = -1
    for connection in connections:
        weight = connection.held()
        for other in connections:
            if other.address == connection.address:
                weight += other.held()
        if weight > most:
            chosen = connection
            most = weight
    return chosen
