"""The connections of a server that have a place and a task, and who of them goes: when time is over, when all
places are taken, and when memory is short.
"""

import asyncio
import gc
import sys
from time import ticks_diff, ticks_ms

from micropython import const

from .connection import BODY, HEAD, first_to_go, heaviest
from .ratelimit import Limiter, key_of
from .request import RequestError
from .response import problem

_SWEEP_MS = const(250)  # how late a deadline may be seen
_ROOM = const(4096)  # octets in one piece: what a request with a good token needs at most, but for a long one


class Places:
    """What a Server does with its connections; for the arguments see there."""

    def __init__(self, limits, on_error, on_request, on_low_memory):
        self.limits = limits
        self.limiter = Limiter(limits)
        self.on_error = on_error or sys.print_exception
        self.on_request = on_request
        self.on_low_memory = on_low_memory
        self.places = []
        self.served = None  # the connection whose turn it is
        self._sweeper = None

    def charge(self, peer):
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

    def is_full(self):
        """Tell whether all places are taken."""
        return len(self.places) >= self.limits["connections"]

    def make_room(self, newcomer=None):
        """Close the connection that is the first to go for a newcomer of this address; return whether there
        was any. Never raises.
        """
        return self._turn_out_one(self.places, newcomer, busy())

    def bound(self, connection):
        """Let strangers' unfinished requests hold no more, all together, than one of them may. Return whether
        `connection`, which has just read, stays.
        """
        if connection.is_known or not connection.held():
            return True
        connection.address = key_of(connection.peer)
        while True:
            holders = [connection]
            held = connection.held()
            for one in self.places:
                if one is not connection and not one.is_known and one.held():
                    holders.append(one)
                    held += one.held()
            if len(holders) == 1 or held <= self.limits["max_head"] + self.limits["max_body"]:
                return True
            goes = heaviest(holders)
            if goes is connection:
                self._dismiss(goes, short())
                return False
            self._turn_out(goes, short())

    def _turn_out_one(self, connections, newcomer, error):
        goes = first_to_go(connections, newcomer)
        if goes is not None:
            self._turn_out(goes, error)
        return goes is not None

    def _turn_out(self, connection, error):
        """Drop a connection; one that has begun a request is told why. Never raises."""
        self._dismiss(connection, error)
        self._drop(connection)

    def _dismiss(self, connection, error):
        """Tell a connection that has begun a request why it has to go. Never raises."""
        try:
            if connection.state == BODY or (connection.state == HEAD and connection.buffer):
                if error.code != "busy":  # that is no doing of its own
                    error = self.charge(connection.peer) or error
                response = problem(error.status, error.code, str(error), error.fields)
                if self.on_request:
                    self.on_request(connection.request, response)
                connection.send_last(response)
        except Exception as error:
            self.fault(error)  # it goes all the same

    def _drop(self, connection):
        connection.task.cancel()
        connection.let_go()
        # Its task leaves when it next runs, and closes the socket then: the poll that waits for it must be
        # undone before. One that never ran yet will never run.
        if connection.stream is None:
            self.leave(connection)
        else:
            self.places.remove(connection)

    def leave(self, connection):
        if connection in self.places:
            self.places.remove(connection)
        if self.served is connection:
            self.served = None
        connection.let_go()
        connection.close()

    def reclaim(self, request=None):
        """Get memory back, in larger pieces: what is only kept for speed is small, and lies in between. If
        that is not enough, strangers go who have us keep some: those who do not read their answers, or don't
        send the rest of a request. Answers that have been on their way for a moment only are cut for one with
        a token.

        Before a `request` is handled that is done only where it is needed, and helps.
        """
        newcomer = None
        if request is not None:
            if not self._holders() or _has_room():
                return
            if b"authorization" in request.fields:
                newcomer = b""
        if self.on_low_memory:
            self.on_low_memory()
        gc.collect()
        while not _has_room() and self._turn_out_one(self._holders(), newcomer, short()):
            gc.collect()

    def _holders(self):
        """Return the connections, but for that whose turn it is, that make us keep octets, and on which no
        good token has come.
        """
        return [
            one
            for one in self.places
            if (one.unsent or one.buffer) and not one.is_known and one is not self.served
        ]

    def fault(self, error):
        """Take an exception that ended a connection. None ends the server."""
        gc.collect()
        # OSError: the other side is gone. MemoryError: there is garbage now. Anything else is ours.
        if not isinstance(error, (OSError, MemoryError)):
            self.on_error(error)

    async def _sweep(self):
        """Close what has passed its deadline, while there is any connection."""
        while self.places:
            await asyncio.sleep_ms(_SWEEP_MS)
            now = ticks_ms()
            for connection in list(self.places):
                if ticks_diff(connection.deadline, now) <= 0:
                    late = RequestError(408, "timeout", "the request did not arrive in time")
                    self._turn_out(connection, late)
        self._sweeper = None


def busy():
    """Return the RequestError for one that has to go for another."""
    return RequestError(503, "busy", "all connections are taken", b"Retry-After: 1\r\n")


def short():
    """Return the RequestError for one for which there is no memory."""
    return RequestError(503, "out_of_memory", "out of memory; try again", b"Retry-After: 1\r\n")


def _has_room():
    """Tell whether there is memory for a request."""
    try:
        bytearray(_ROOM)
        return True
    except MemoryError:
        return False
