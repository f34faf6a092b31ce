"""What the server answers: requests on one connection, bodies, limits, faults of the handler."""

import asyncio
import errno
import json

from firmware import http as http_module
from firmware.connection import Connection
from firmware.response import Response
from harness import cases, equal, raises
from http_bench import LIMITS, Bench, Quick, Wire, echo, get


async def test_keeps_the_connection():
    async with Bench() as bench:
        client = bench.connect()
        for path in ("/one", "/two", "/three"):
            client.send(get(path))
            answer = await client.answer()
            equal((answer.status, answer.body), (200, b"GET " + path.encode() + b" "))
            assert "connection" not in answer.fields
        equal(len(bench.server.seen), 1)


async def test_pipelined_requests_are_answered_in_order():
    async with Bench() as bench:
        client = bench.connect(
            get("/one") + get("/two", method="PUT", body="{}") + get("/three", "Connection: close")
        )
        for body in (b"GET /one ", b"PUT /two {}", b"GET /three "):
            equal((await client.answer()).body, body)
        equal(await client.rest(), b"")


@cases(
    [
        ("the client says so", get("/", "Connection: close")),
        ("in any case, in a list", get("/", "Connection: foo, CLOSE")),
        ("in a second field", get("/", "Connection: foo", "Connection: close")),
        ("HTTP/1.0 knows no keep-alive", b"GET / HTTP/1.0\r\nHost: door\r\n\r\n"),
        ("nor is its own told to it", b"GET / HTTP/1.0\r\nHost: door\r\nConnection: keep-alive\r\n\r\n"),
    ]
)
async def test_closes_the_connection(request):
    async with Bench() as bench:
        client = bench.connect(request)
        answer = await client.answer()
        equal((answer.status, answer.fields["connection"]), (200, "close"))
        equal(await client.rest(), b"")
        equal(bench.places, [])


async def test_serves_without_a_place_what_arrives_whole_and_closes():
    async with Bench() as bench:
        for _ in range(20):
            await bench.exchange(get("/", "Connection: close"))
        equal([c.task for c in bench.server.seen], [None] * 20)


async def test_client_that_ends_its_half_after_the_request_is_answered():
    async with Bench() as bench:
        client = bench.connect(get("/"))
        if hasattr(client.sock, "shutdown"):  # MicroPython's sockets have none
            client.sock.shutdown(1)
        equal((await client.answer()).status, 200)


async def test_head_is_get_without_the_body():
    async with Bench() as bench:
        client = bench.connect(get("/x", method="HEAD") + get("/x"))
        head = await client.answer(no_body=True)
        whole = await client.answer()
        equal(whole.body, b"GET /x ")
        equal(head.fields, dict(whole.fields, **{"content-length": "8"}))


async def test_body_in_pieces():
    async with Bench() as bench:
        client = bench.connect()
        for octet in get("/", method="POST", body='{"ms": 500}'):
            client.send(bytes([octet]))
            await asyncio.sleep_ms(0)
        equal((await client.answer()).body, b'POST / {"ms": 500}')
        client.send(get("/next"))
        equal((await client.answer()).body, b"GET /next ")


async def test_expect_continue():
    async with Bench() as bench:
        client = bench.connect(
            b"PUT / HTTP/1.1\r\nHost: door\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n"
        )
        answer = await client.answer()
        equal((answer.status, answer.fields), (100, {}))
        client.send(b"{}")
        answer = await client.answer()
        equal((answer.status, answer.body), (200, b"PUT / {}"))


@cases(
    [
        ("the body is here already", get("/", "Expect: 100-continue", method="PUT", body="{}")),
        ("there is no body", get("/", "Expect: 100-continue")),
        (
            "HTTP/1.0 has no interim answers",
            b"PUT / HTTP/1.0\r\nHost: door\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        ),
    ]
)
async def test_nothing_to_continue(request):
    async with Bench() as bench:
        equal((await bench.exchange(request)).status, 200)


def put(fields, body=""):
    """A PUT with exactly these field lines after its Host."""
    return ("PUT / HTTP/1.1\r\nHost: door\r\n" + fields + "\r\n\r\n" + body).encode()


@cases(
    [
        ("a body of 2048 octets is taken", put("Content-Length: 2048", "x" * 2048), 200, ""),
        ("a body of 2049 is not", put("Content-Length: 2049", "x" * 2049), 413, "body_too_large"),
        ("nor is one that is only announced", put("Content-Length: 99999999999"), 413, "body_too_large"),
        (
            "no body is asked for that is refused",
            put("Content-Length: 4096\r\nExpect: 100-continue"),
            413,
            None,
        ),
        ("an expectation that we cannot meet", put("Content-Length: 2\r\nExpect: a pony"), 417, None),
        (
            "nor when the body is here",
            put("Content-Length: 2\r\nExpect: a pony", "{}"),
            417,
            "expectation_failed",
        ),
        ("a token of 2048 octets fits", get("/", "Authorization: Bearer " + "x" * 2048), 200, ""),
        ("a head of 4096 octets", get("/", "A: " + "x" * (4096 - 31)), 200, ""),
        ("a head of 4097", get("/", "A: " + "x" * (4097 - 31)), 431, "head_too_large"),
        ("a head without end", get("/")[:-2] + b"A: " + b"x" * 5000, 431, "head_too_large"),
        ("a hundred fields: each costs an object", get("/", *["A:"] * 100), 431, "head_too_large"),
        ("a target of 1025 octets", get("/" + "x" * 1024), 414, "uri_too_long"),
        ("a request line without end", b"GET /" + b"x" * 5000, 414, "uri_too_long"),
        ("no request at all", b"\r\n\r\n\r\n\r\n", 400, "invalid_request"),
        ("TLS, as browsers try it first", b"\x16\x03\x01\x02\x00\x01\x00", 400, "invalid_request"),
        ("lines that end in LF, so that the head never ends", b"GET / HTTP/1.1\nHost: door\n\n", 400, None),
        ("one such line", b"GET / HTTP/1.1\r\nHost: door\nA: b\r\n", 400, None),
        (
            "another's name: DNS rebinding",
            b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            421,
            "misdirected",
        ),
        ("as HEAD, without a body", b"HEAD / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, None),
    ]
)
async def test_limits(data, status, code):
    async with Bench() as bench:
        client = bench.connect(data)
        answer = await client.answer(no_body=data[:4] == b"HEAD")
        equal(answer.status, status)
        if status == 200:
            return
        equal(answer.fields["content-type"], "application/problem+json")
        equal(answer.fields["connection"], "close")
        if code:
            equal(json.loads(answer.body)["code"], code)
        equal(client.unread, b"")  # nothing more than that
        equal((await bench.exchange(get("/"))).status, 200)
        equal([s for _, s in bench.answered], [status, 200])


async def test_refusal_survives_what_was_still_on_its_way():
    """A socket that is closed with octets unread resets the connection, and the answer is lost."""
    async with Bench() as bench:
        client = bench.connect(put("Content-Length: 30000", "x" * 1000))
        for _ in range(20):
            await asyncio.sleep_ms(0)
            client.send(b"x" * 1400)
        equal((await client.answer()).status, 413)
        assert not client.ended
        await bench.later(1.1)
        equal(await client.rest(), b"")


async def test_endless_body_is_not_read_for_ever():
    async with Bench() as bench:
        client = bench.connect(put("Content-Length: 99999999"))
        equal((await client.answer()).status, 413)
        sent = 0
        while bench.places and sent < 1000000:
            try:
                sent += client.sock.send(b"x" * 1400)
            except OSError:
                break
            await asyncio.sleep_ms(0)
        assert sent < 200000, sent


async def test_answer_to_a_request_with_garbage_after_it():
    async with Bench() as bench:
        client = bench.connect(get("/") + b"\0\1\2 garbage\r\n\r\n")
        equal((await client.answer()).status, 200)
        equal((await client.answer()).status, 400)
        equal(await client.rest(), b"")


@cases(
    [
        ("any exception is a 500", ValueError, 500, "internal", 1),
        ("one of the system too", OSError, 500, "internal", 1),
        ("no memory is a 503, and no fault", MemoryError, 503, "out_of_memory", 0),
    ]
)
async def test_handler_that_raises(exception, status, code, faults):
    def handle(request):
        if request.path == "/bad":
            raise exception("secret detail")
        return echo(request)

    async with Bench(handle) as bench:
        client = bench.connect(get("/bad"))
        answer = await client.answer()
        equal((answer.status, json.loads(answer.body)["code"]), (status, code))
        assert b"secret" not in answer.body
        client.send(get("/good"))  # the connection goes on, too
        equal((await client.answer()).status, 200)
        equal(len(bench.faults), faults)
        bench.faults.clear()


async def test_listener_that_raises_costs_one_connection():
    async with Bench() as bench:

        def on_request(request, response):
            raise ValueError("a full disk")

        bench.server.on_request, kept = on_request, bench.server.on_request
        equal(await bench.connect(get("/")).rest(), b"")
        bench.server.on_request = kept
        equal(len(bench.faults), 1)
        bench.faults.clear()
        equal((await bench.exchange(get("/"))).status, 200)


async def test_body_in_chunks():
    pieces = [b"x" * 1024] * 300

    def handle(request):
        return Response(200, iter(pieces), b"text/plain", length=1024 * 300)

    async with Bench(handle) as bench:
        client = bench.connect(get("/a") + get("/b"))
        for _ in range(2):
            equal(len((await client.answer()).body), 1024 * 300)
        client.send(get("/c"))
        equal(len((await client.answer()).body), 1024 * 300)


async def test_nothing_is_left_when_it_stops():
    async with Bench() as bench:
        clients = []
        for data in (b"", get("/")[:20], get("/")):
            clients.append(await bench.place(data))
        equal(len(bench.places), 3)
        bench.task.cancel()
        equal(await clients[0].rest(), b"")
        equal(await clients[1].rest(), b"")
        await bench.until(lambda: not bench.places)
        raises(OSError, bench.connect)


async def test_port_that_is_taken():
    async with Bench() as bench:
        try:
            await bench.server.serve("127.0.0.1", bench.port)
        except OSError as error:
            equal(error.errno, errno.EADDRINUSE)
        else:
            raise AssertionError("two servers on one port")


class Poor(Quick):
    """There is no memory for a task."""

    @staticmethod
    def create_task(coroutine):
        coroutine.close()
        raise MemoryError


async def test_no_memory_for_a_place():
    async with Bench() as bench:
        try:
            http_module.asyncio = Poor
            equal(await bench.connect(get("/")[:9]).rest(), b"")
        finally:
            http_module.asyncio = Quick
        equal(bench.places, [])
        equal((await bench.exchange(get("/"))).status, 200)


async def test_dropped_before_its_task_ever_ran():
    bench = Bench()
    wire = Wire(get("/")[:9])
    bench.server._welcome(Connection(wire, ("192.168.1.7", 50000), LIMITS))
    connection = bench.places[0]
    bench.server._drop(connection)
    equal((bench.places, wire.closed), ([], True))
    await asyncio.sleep_ms(10)
    equal(bench.faults, [])
