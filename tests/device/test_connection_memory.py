"""What a connection reads where memory is short, from a socket that reads into memory as a board's does; and
what it lets go of.
"""

import errno

from firmware import connection as connection_module
from firmware.connection import CHUNK, LINGER, Connection
from firmware.response import Response
from harness import cases, equal, raises
from http_bench import LIMITS, Wire, get

PEER = ("192.168.1.7", 50000)


class Socket(Wire):
    """Reads into memory only."""

    recv = None

    def readinto(self, view):
        if not self.chunks:
            return None
        chunk = self.chunks.pop(0)
        view[: len(chunk)] = chunk
        return len(chunk)


class Scratch:
    """A scratch of which so many copies cannot be made, for want of memory."""

    def __init__(self, failures):
        self.view = memoryview(bytearray(CHUNK))
        self.failures = failures
        self.taken = 0

    def __getitem__(self, part):
        self.taken += 1
        if self.taken > 1 and self.failures:  # the first is for the socket
            self.failures -= 1
            raise MemoryError
        return self.view[part]


class Octets:
    """What has come so far, and cannot be added to the first time."""

    def __init__(self, data):
        self.data = data
        self.failures = 1

    def __len__(self):
        return len(self.data)

    def __add__(self, chunk):
        if self.failures:
            self.failures -= 1
            raise MemoryError
        return self.data + chunk


class Kept:
    """A part of an answer that holds a file."""

    closed = False

    def close(self):
        self.closed = True


class Stream:
    out_buf = b"what the socket did not take"


def accept(request):
    """What a server checks, where it finds nothing wrong."""


def connection_of(*chunks, scratch=None, reclaimed=None):
    """A connection; `reclaimed` is told of each time that it asks for memory."""
    reclaim = None if reclaimed is None else lambda: reclaimed.append(1)
    return Connection(Socket(*chunks), PEER, LIMITS, scratch or memoryview(bytearray(CHUNK)), reclaim)


def test_it_reads_into_the_scratch():
    connection = connection_of(get("/one")[:9], get("/one")[9:])
    assert connection.read()
    equal(connection.next_request(accept), None)
    assert connection.read()
    equal(connection.next_request(accept).path, "/one")


def test_nothing_yet_and_the_end():
    connection = connection_of()
    assert connection.read()
    connection.sock.chunks.append(b"")
    assert not connection.read()


def test_a_socket_that_only_gives_is_asked_so():
    connection = Connection(Wire(get("/one")), PEER, LIMITS, memoryview(bytearray(CHUNK)))
    assert connection.read()
    equal(connection.next_request(accept).path, "/one")


def test_octets_are_copied_once_there_is_room():
    reclaimed = []
    connection = connection_of(get("/one"), scratch=Scratch(1), reclaimed=reclaimed)
    assert connection.read()
    equal((connection.next_request(accept).path, reclaimed), ("/one", [1]))


@cases([("that nobody frees", None, 1), ("that is still too little", [], 2)])
def test_no_room_for_octets(reclaimed, failures):
    connection = connection_of(get("/one"), scratch=Scratch(failures), reclaimed=reclaimed)
    raises(MemoryError, connection.read)
    equal(reclaimed or [], [1] * (failures - 1))


def test_octets_are_added_once_there_is_room():
    reclaimed = []
    connection = connection_of(get("/one")[9:], reclaimed=reclaimed)
    connection.buffer = Octets(get("/one")[:9])
    assert connection.read()
    equal((connection.next_request(accept).path, reclaimed), ("/one", [1]))


def test_no_room_to_add_them():
    connection = connection_of(get("/one")[9:])
    connection.buffer = Octets(get("/one")[:9])
    raises(MemoryError, connection.read)


@cases([("freed", []), ("that nobody frees", None)])
def test_room_for_a_head(reclaimed):
    parse = connection_module.parse_head
    failures = [MemoryError()]

    def parse_head(data, end):
        if failures:
            raise failures.pop()
        return parse(data, end)

    # Two of them: where the first one ends has to be told.
    connection = connection_of(get("/one") + get("/two"), reclaimed=reclaimed)
    connection.read()
    connection_module.parse_head = parse_head
    try:
        if reclaimed is None:
            raises(MemoryError, connection.next_request, accept)
        else:
            equal((connection.next_request(accept).path, reclaimed), ("/one", [1]))
    finally:
        connection_module.parse_head = parse


class Session:
    """A TLS session, which takes so much at a time (None: nothing now), above a socket of its own."""

    def __init__(self, takes=None):
        self.takes = takes
        self.written = b""
        self.asked = []
        self.closed = False

    def write(self, data):
        self.written += data[: self.takes or 0]
        return self.takes

    def recv(self, most):
        self.asked.append(most)
        raise OSError(errno.EAGAIN, "nothing yet")

    def close(self):
        self.closed = True


@cases([("a part", 5, 5), ("nothing now", None, 0)])
def test_send_through_a_session(takes, sent):
    connection = Connection(Session(takes), PEER, LIMITS)
    connection.raw = Session()
    equal(connection.send(b"HTTP/1.1 200"), sent)
    equal(connection.sock.written, b"HTTP/1.1 200"[:sent])


def test_the_socket_below_a_session_is_emptied_and_closed():
    connection = Connection(Session(), PEER, LIMITS)
    connection.raw = Session()
    connection.close()
    equal((connection.sock.closed, connection.sock.asked), (True, []))
    equal((connection.raw.closed, connection.raw.asked), (True, [CHUNK]))


def test_a_last_answer_says_so():
    connection = connection_of()
    connection.send_last(Response(503, b"{}", b"application/problem+json"))
    assert b"\r\nConnection: close\r\n" in connection.sock.sent, connection.sock.sent
    assert connection.sock.sent.endswith(b"\r\n\r\n{}"), connection.sock.sent


def test_lingering_takes_what_comes_an_octet_at_a_time():
    connection = connection_of(b"x", b"y", b"")
    connection.linger()
    equal((connection.state, connection.buffer), (LINGER, b""))
    equal([connection.read() for _ in range(3)], [True, True, False])


def test_what_it_lets_go_of():
    kept = Kept()
    connection = connection_of()
    connection.buffer = b"GET"
    connection.request = object()
    connection.unsent = (b"rest", kept, True)
    connection.stream = Stream()
    connection.let_go()
    equal((connection.buffer, connection.request, connection.unsent), (b"", None, None))
    equal((connection.stream.out_buf, kept.closed), (b"", True))
    connection.let_go()  # nothing is there any more
