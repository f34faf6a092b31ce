"""What pins do, told as it happens: Server-Sent Events, GET /api/v1/events.

No stream has a queue. Each knows the serial number of the last change that it has told, and asks the pins for
what came later: whoever reads slowly hears of the newest state only, and costs no memory for it.

A stream is a generator of octets: none where there is nothing to tell at this moment. It ends with its
token, and all end when somebody changes what tokens may do, or nobody knows the time any more: then their
clients ask again, and are judged anew.
"""

import gc
import json
from time import ticks_diff, ticks_ms

from micropython import const

from .response import Response

_BEAT_MS = const(1000)
_PLACE = const(1 << 20)  # a part of a rank that outweighs _TURN_MS
_TURN_MS = const(60000)  # so long a stream keeps its place against the first of another token


class Events:
    """At most `most` streams of what happens to `pins`. `leeway` is that of the times of tokens, in seconds.

    Whose phone has left the Wi-Fi without a word cannot be told from one that is silent: so the place of an
    old stream is given away when somebody wants it.
    """

    def __init__(self, pins, clock, most, leeway):
        self._pins = pins
        self._clock = clock
        self._most = most
        self._leeway = leeway
        self._epoch = 0
        self._streams = []  # of each [whose, since when, its generator]

    def answer(self, grant, describe):
        """Return the Response that tells a Grant what it may see, as describe(grant, name) does; None if
        there is no place for it now.
        """
        stream = [(grant.subject, grant.token_id), ticks_ms(), None]
        if not self._make_room(stream, False):
            return None
        gc.collect()  # or what stays as long as the stream lies in the midst of the free memory
        stream[2] = self._tell(stream, grant, describe, self._epoch)
        return Response(200, stream[2], b"text/event-stream", length=-1)  # pyright: ignore[reportArgumentType]

    def end(self):
        """End all streams: their tokens are to be judged anew."""
        self._epoch += 1  # also of those whose head waits to be written
        while self._streams:
            self._streams[-1][2].close()

    def _tell(self, stream, grant, describe, epoch):
        pins = self._pins
        # The place is taken only now, that the connection has one: whatever fails before, nothing is left.
        if epoch != self._epoch or not self._make_room(stream, True):
            return
        self._streams.append(stream)
        try:
            serial = pins.serial
            yield b'event: pins\ndata: {"pins": ['
            comma = b""
            for name in pins.names():
                if grant.allows("pins:read", name):
                    yield comma + json.dumps(describe(grant, name)).encode()
                    comma = b", "
            yield b"]}\n\n"
            beat = ticks_ms()
            while True:
                if ticks_diff(ticks_ms(), beat) >= _BEAT_MS:
                    beat = ticks_ms()
                    now = self._clock.now()
                    if now is None or grant.expires <= now - self._leeway:
                        return
                    yield b":\n\n"
                if serial == pins.serial:
                    yield b""
                    continue
                names = pins.changed_since(serial)
                serial = pins.serial
                for name in names:
                    if grant.allows("pins:read", name):
                        yield b"event: pin\ndata: %s\n\n" % json.dumps(describe(grant, name)).encode()
        finally:
            self._streams.remove(stream)

    def _make_room(self, stream, for_real):
        """Tell whether there is a place for a stream; and if it is `for_real`, end the one that has it.

        That is the oldest of the token that has most of them, the newcomer counted in: nobody keeps all
        places from others. Where each has one, it is the oldest, once it has had its turn.
        """
        streams = self._streams
        if len(streams) < self._most:
            return True
        goes = None
        highest = _PLACE + _TURN_MS - 1
        for one in streams:
            rank = _PLACE + min(abs(ticks_diff(stream[1], one[1])), _TURN_MS)
            for other in streams + [stream]:
                if other is not one and other[0] == one[0]:
                    rank += _PLACE
            if rank > highest:
                goes = one
                highest = rank
        if goes and for_real:
            goes[2].close()
        return goes is not None
