"""Requests out of one connection's octets, however these are cut; without a network."""

from time import ticks_add, ticks_diff, ticks_ms

from firmware.connection import BODY, HEAD, IDLE, STREAM, WRITE, Connection, first_to_go, heaviest
from firmware.request import RequestError
from harness import cases, equal, raises
from http_bench import LIMITS, Wire, get

OCTETS = (
    b"\r\n"
    + get("/one")
    + get("/two", "Content-Type: application/json", method="PUT", body='{"value": true}\r\n\r\n')
    + b"\r\n"
    + get("/three", method="POST", body="{}")
)
REQUESTS = [("GET", "/one", b""), ("PUT", "/two", b'{"value": true}\r\n\r\n'), ("POST", "/three", b"{}")]


def accept(request):
    """What a server checks, where it finds nothing wrong."""


def connection_of(*chunks, takes=1000000, **limits):
    all_limits = dict(LIMITS)
    all_limits.update(limits)
    return Connection(Wire(*chunks, takes=takes), ("192.168.1.7", 50000), all_limits)


def requests(connection):
    """All requests that come until nothing more arrives."""
    got = []
    while connection.sock.chunks:
        assert connection.read()
        request = connection.next_request(accept)
        while request is not None:
            got.append((request.method, request.path, request.body))
            request = connection.next_request(accept)
    return got


def test_at_once():
    equal(requests(connection_of(OCTETS)), REQUESTS)


def test_octet_by_octet():
    connection = connection_of(*[OCTETS[i : i + 1] for i in range(len(OCTETS))])
    equal(requests(connection), REQUESTS)
    equal((connection.buffer, connection.request), (b"", None))


def test_cut_in_two_anywhere():
    for cut in range(1, len(OCTETS)):
        equal(requests(connection_of(OCTETS[:cut], OCTETS[cut:])), REQUESTS)


def test_peer_goes_along():
    connection = connection_of(get("/"))
    connection.read()
    equal(connection.next_request(accept).peer, ("192.168.1.7", 50000))


def test_end_of_the_stream():
    connection = connection_of(get("/")[:9], b"")
    assert connection.read()
    assert not connection.read()


def test_nothing_yet_is_not_the_end():
    connection = connection_of()
    assert connection.read()
    equal(connection.next_request(accept), None)


def test_buffer_is_bounded():
    """Whatever comes, no more than a head and a body is kept; the rest stays with the network."""
    connection = connection_of(*[b"x" * 1460] * 100, max_head=2560, max_body=256)
    with_error = False
    for _ in range(100):
        connection.read()
        assert len(connection.buffer) <= 2560 + 256 + 4, len(connection.buffer)
        try:
            connection.next_request(accept)
        except RequestError as error:
            with_error = True
            equal(error.status, 414)
            break
    assert with_error


def test_body_may_be_forbidden():
    """The limits of a board in safe mode."""
    connection = connection_of(get("/", "A: " + "x" * 2000)[:-4], b"\r\n\r\n", max_body=0)
    equal(len(requests(connection)), 1)
    connection = connection_of(get("/", method="PUT", body="{}"), max_body=0)
    connection.read()
    equal(raises(RequestError, connection.next_request, accept).status, 413)


@cases(
    [
        ("a head that may still end", get("/", "A: " + "x" * 5000)[:4096], None),
        ("one that may not", get("/", "A: " + "x" * 5000)[:4097], 431),
        ("an empty one, and much behind it", b"\r\n\r\n\r\n" + b"x" * 5000, 400),
        ("no line at all", b"x" * 4097, 414),
    ]
)
def test_long_heads(data, status):
    connection = connection_of(*[data[i : i + 1000] for i in range(0, len(data), 1000)])
    while connection.sock.chunks:
        connection.read()
    if status is None:
        equal(connection.next_request(accept), None)
    else:
        equal(raises(RequestError, connection.next_request, accept).status, status)


def test_states_and_deadlines():
    connection = connection_of(
        get("/")[:9],
        get("/")[9:],
        get("/", method="PUT", body="{}")[:-2],
        b"{}",
        head_timeout=3,
        body_timeout=7,
    )
    connection.wait_for(IDLE, 15)
    connection.read()
    equal(connection.next_request(accept), None)
    equal((connection.state, ticks_diff(connection.deadline, connection.since)), (HEAD, 3000))
    connection.read()
    assert connection.next_request(accept)
    connection.wait_for(IDLE, 15)
    connection.read()
    equal(connection.next_request(accept), None)
    equal((connection.state, ticks_diff(connection.deadline, connection.since)), (BODY, 7000))
    connection.read()
    equal(connection.next_request(accept).body, b"{}")


def put(fields, body=b""):
    return b"PUT / HTTP/1.1\r\nHost: door\r\n" + fields + b"\r\n\r\n" + body


@cases(
    [
        (
            "asked for once, however the body is cut",
            [put(b"Expect: 100-continue\r\nContent-Length: 2"), b"{", b"}"],
            1,
        ),
        (
            "not asked for what comes already",
            [put(b"Expect: 100-continue\r\nContent-Length: 2", b"{"), b"}"],
            0,
        ),
        ("not asked for unless it is waited for", [put(b"Content-Length: 2"), b"{", b"}"], 0),
    ]
)
def test_continue(chunks, times):
    connection = connection_of(*chunks)
    equal(requests(connection), [("PUT", "/", b"{}")])
    equal(connection.sock.sent, b"HTTP/1.1 100 Continue\r\n\r\n" * times)


@cases(
    [
        ("a body too long", put(b"Content-Length: 2049"), 413),
        ("an expectation that we cannot meet", put(b"Content-Length: 2\r\nExpect: more"), 417),
        ("the same with the body", put(b"Content-Length: 2\r\nExpect: more", b"{}"), 417),
    ]
)
def test_refusal_knows_its_request(data, status):
    connection = connection_of(data)
    connection.read()
    error = raises(RequestError, connection.next_request, accept)
    equal((error.status, error.request.method), (status, "PUT"))
    equal(connection.sock.sent, b"")


def test_check_comes_before_any_of_the_body():
    def check(request):
        raise RequestError(421, "misdirected", "not here")

    connection = connection_of(put(b"Expect: 100-continue\r\nContent-Length: 99999"))
    connection.read()
    error = raises(RequestError, connection.next_request, check, code="misdirected")
    equal((error.request.method, connection.sock.sent, connection.request), ("PUT", b"", None))


def test_lingering_keeps_nothing():
    connection = connection_of(*[b"x" * 1460] * 100)
    connection.linger()
    reads = 0
    while connection.read():
        equal(connection.buffer, b"")
        reads += 1
    assert 40 <= reads <= 50, reads  # 64 KB, and then it is enough


@cases([("all of it", 100, 12), ("as much as there is room for", 5, 5), ("nothing, when it is full", 0, 0)])
def test_send(takes, sent):
    equal(connection_of(takes=takes).send(b"HTTP/1.1 200"), sent)


def waiting(state, ms=0, address="a"):
    """A connection that has been in `state` for so long."""
    connection = connection_of()
    connection.wait_for(state, 5)
    connection.since = ticks_add(ticks_ms(), -ms)
    connection.address = address
    return connection


def test_nobody_goes():
    equal(first_to_go([]), None)
    equal(first_to_go([], "b"), None)
    equal(first_to_go([waiting(WRITE)]), None)  # its answer has been on its way for a moment only


def test_somebody_goes_for_who_has_come():
    writer = waiting(WRITE)
    assert first_to_go([writer], "b") is writer


def test_a_stream_stays_wherever_it_stands():
    stream, stranger = waiting(STREAM, 9000), waiting(HEAD, 10)
    assert first_to_go([stream, stranger], "b") is stranger
    assert first_to_go([stranger, stream], "b") is stranger
    equal(first_to_go([stream], "b"), None)


def test_who_is_idle_after_a_good_token_goes_after_strangers():
    idle, stranger = waiting(IDLE, 900), waiting(HEAD, 100)
    assert first_to_go([idle, stranger], "b") is idle
    idle.is_known = True
    assert first_to_go([idle, stranger], "b") is stranger
    busy = waiting(HEAD, 900)  # it may take its time with a request no longer than anybody
    busy.is_known = True
    assert first_to_go([busy, stranger], "b") is busy


def test_nobody_is_known_from_the_start():
    equal(connection_of().is_known, False)


def test_the_heaviest_with_its_address_counted_in():
    light, heavy, alone = waiting(HEAD), waiting(HEAD), waiting(HEAD, address="b")
    light.buffer, heavy.buffer, alone.buffer = b"x" * 1000, b"x" * 1001, b"x" * 1500
    for connections in ([light, heavy, alone], [alone, heavy, light]):
        assert heaviest(connections) is heavy
    equal(heaviest([]), None)


@cases(
    [
        ("an unfinished head", [get("/")[:9]], 9),
        (
            "a head, and half a body",
            [put(b"Content-Length: 2", b"{")],
            len(put(b"Content-Length: 2")) - 4 + 1,
        ),
        ("nothing", [], 0),
        ("a request that is whole", [get("/")], 0),
    ]
)
def test_what_an_unfinished_request_holds(chunks, octets):
    connection = connection_of(*chunks)
    connection.read()
    connection.next_request(accept)
    equal(connection.held(), octets)


def test_what_is_not_of_an_unfinished_request():
    connection = waiting(IDLE)
    connection.buffer = b"x"
    equal(connection.held(), 0)
