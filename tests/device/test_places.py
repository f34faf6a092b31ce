"""Who may stay with the server, and for how long: deadlines, and newcomers when all places are taken."""

import asyncio
import json
from time import ticks_diff

from firmware import places as places_module
from firmware.connection import BODY, HEAD, IDLE, LINGER, WRITE, Connection
from firmware.ratelimit import key_of
from firmware.response import Response
from harness import cases, equal
from http_bench import LIMITS, Bench, Wire, echo, get

PUT_HEAD = b"PUT / HTTP/1.1\r\nHost: door\r\nContent-Length: 9\r\n\r\n"
FOREIGN = b"PUT / HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 9\r\n\r\n"


class Stream:
    """A body that never ends."""

    def __init__(self):
        self.closed = False
        self.length = 1 << 30

    def __iter__(self):
        return self

    def __next__(self):
        return bytes(1024)

    def close(self):
        self.closed = True


async def place_reader(bench):
    """A client that asks for an endless body and reads none of it; the server waits for it to do so."""
    client = await bench.place(get("/endless"))
    connection = client.connection
    await bench.until(lambda: connection.stream.out_buf)
    before = None
    while before != connection.deadline:  # the buffers of the network take some megabytes
        before = connection.deadline
        await asyncio.sleep_ms(20)
    return client


def endless(streams):
    """A handler, and in `streams` the bodies that it began."""

    def handle(request):
        if request.path != "/endless":
            return echo(request)
        streams.append(Stream())
        return Response(200, streams[-1], b"text/plain", length=streams[-1].length)

    return handle


@cases(
    [
        ("nothing at all: closed without a word", b"", HEAD, 5, None),
        ("half of a head", get("/")[:20], HEAD, 5, 408),
        ("an empty line", b"\r\n", HEAD, 5, 408),
        ("half of a body", PUT_HEAD + b"{}", BODY, 5, 408),
        ("no body", PUT_HEAD, BODY, 5, 408),
        ("silence after an answer", get("/"), IDLE, 15, None),
        ("half of a second head", get("/") + get("/")[:20], HEAD, 5, 408),
        ("the end of a client that was refused", FOREIGN, LINGER, 1, None),
    ]
)
async def test_deadline(data, state, seconds, status):
    async with Bench() as bench:
        client = await bench.place(data)
        connection = client.connection
        equal(connection.state, state)
        equal(ticks_diff(connection.deadline, connection.since), seconds * 1000)
        if data.startswith(get("/")) or data == FOREIGN:
            await client.answer()
        await bench.later(seconds - 0.001)
        equal(bench.places, [connection])
        await bench.later(0.001)
        if status:
            answer = await client.answer()
            equal((answer.status, json.loads(answer.body)["code"]), (status, "timeout"))
            equal(answer.fields["connection"], "close")
        equal(await client.rest(), b"")
        equal(bench.places, [])


async def test_dribbling_does_not_prolong_a_head():
    async with Bench() as bench:
        client = await bench.place(b"G")
        for octet in b"ET /":
            client.send(bytes([octet]))
            await bench.later(1.1)
        await bench.later(1.1)
        equal((await client.answer()).status, 408)


async def test_dribbling_does_not_prolong_a_body():
    async with Bench() as bench:
        client = await bench.place(PUT_HEAD)
        for octet in b"{   ":
            client.send(bytes([octet]))
            await bench.later(1.1)
        await bench.later(1.1)
        equal((await client.answer()).status, 408)


async def test_a_request_starts_the_time_of_the_next_anew():
    async with Bench() as bench:
        client = await bench.place(get("/"))
        for _ in range(3):
            await bench.later(10)
            client.send(get("/"))
            await asyncio.sleep_ms(10)
        for _ in range(4):
            equal((await client.answer()).status, 200)


async def test_reader_that_does_not_read():
    streams = []
    async with Bench(endless(streams)) as bench:
        client = await place_reader(bench)
        equal(client.connection.state, WRITE)
        await bench.later(4)
        equal(bench.places, [client.connection])
        await bench.later(2)
        equal(bench.places, [])
        assert streams[0].closed
        client.take()


async def test_reader_that_reads_too_slowly():
    """Each write is in time; but together they may take six times write_timeout."""
    streams = []
    async with Bench(endless(streams)) as bench:
        client = await place_reader(bench)
        connection = client.connection
        connection.wait_for(WRITE, 5)
        for _ in range(7):
            await bench.later(4.2)
            equal(bench.places, [connection])
            before = connection.deadline
            for _ in range(2000):  # until it is seen that there is room again
                client.take()
                client.unread = b""
                await asyncio.sleep_ms(0)
                if connection.deadline != before:
                    break
        await bench.later(2)
        while client.take():
            client.unread = b""
        await bench.until(lambda: not bench.places)
        assert streams[0].closed


async def test_ten_silent_sockets_do_not_lock_the_owner_out():
    async with Bench() as bench:
        for _ in range(10):
            await bench.place()
        equal(len(bench.places), 4)
        equal((await bench.exchange(get("/"))).status, 200)
        owner = await bench.place(get("/")[:9])  # in two segments: it needs a place
        owner.send(get("/")[9:] + get("/again"))
        equal((await owner.answer()).status, 200)
        equal((await owner.answer()).body, b"GET /again ")


async def test_whoever_is_served_at_once_needs_no_place():
    async with Bench() as bench:
        silent = []
        for _ in range(4):
            silent.append((await bench.place()).connection)
        equal((await bench.exchange(get("/", "Connection: close"))).status, 200)
        equal(bench.places, silent)


@cases(
    [
        ("half of a head", get("/")[:20], True),
        ("half of a body", PUT_HEAD + b"{}", True),
        ("a silent one has asked for nothing", b"", False),
    ]
)
async def test_the_one_that_has_waited_longest_goes(data, told):
    async with Bench() as bench:
        clients = []
        for _ in range(4):
            clients.append(await bench.place(data))
            bench.passed += 100
        newcomer = await bench.place(get("/new"))
        if told:
            answer = await clients[0].answer()
            equal((answer.status, answer.fields["retry-after"]), (503, "1"))
            equal(json.loads(answer.body)["code"], "busy")
        equal(await clients[0].rest(), b"")
        equal((await newcomer.answer()).body, b"GET /new ")
        equal(bench.places, [c.connection for c in clients[1:]] + [newcomer.connection])


async def test_idle_goes_before_a_younger_request():
    async with Bench() as bench:
        idle = await bench.place(get("/"))
        await idle.answer()
        bench.passed += 100
        for _ in range(3):
            await bench.place(get("/")[:9])
        await bench.place(get("/")[:9])
        equal(await idle.rest(), b"")  # nothing of a 503 that nobody asked for


async def test_strangers_go_before_one_who_has_shown_a_token():
    async with Bench() as bench:
        owner = await bench.place(get("/"))
        await owner.answer()
        owner.connection.is_known = True
        bench.passed += 900
        stranger = await bench.place(get("/")[:9])
        for _ in range(2):
            bench.passed += 100
            await bench.place(get("/")[:9])
        await bench.place(get("/")[:9])
        assert owner.connection in bench.places
        equal((await stranger.answer()).status, 503)


async def test_one_that_only_lingers_goes_first():
    async with Bench() as bench:
        for _ in range(3):
            await bench.place(get("/")[:9])
        bench.passed += 100
        refused = await bench.place(FOREIGN)
        equal((await refused.answer()).status, 421)
        await bench.place(get("/"))
        equal(await refused.rest(), b"")
        equal(len(bench.places), 4)


async def test_one_that_is_written_to_goes_last():
    async with Bench(endless([])) as bench:
        reader = await place_reader(bench)
        waiting = []
        for _ in range(4):
            bench.passed += 100
            waiting.append(await bench.place(get("/")[:9]))
        equal((await waiting[0].answer()).status, 503)
        assert reader.connection in bench.places


async def test_four_that_do_not_read_do_not_lock_the_owner_out():
    streams = []
    async with Bench(endless(streams)) as bench:
        readers = []
        for _ in range(4):
            readers.append(await place_reader(bench))
            bench.passed += 300
        owner = await bench.place(get("/")[:9])
        owner.send(get("/")[9:])
        equal((await owner.answer()).status, 200)
        equal([s.closed for s in streams], [True, False, False, False])
        # The end is no 503 amid what it was to read.
        equal((await readers[0].answer(no_body=True)).status, 200)
        for _ in range(3):
            assert b"HTTP" not in readers[0].unread
            readers[0].take()


async def test_four_answers_at_once_and_a_fifth():
    """As a browser does that loads a page: they wait for each other, and nobody gets half of an answer."""
    body = [b"x" * 1024] * 16

    def handle(request):
        return Response(200, iter(body), b"text/plain", length=16384)

    async with Bench(handle, connections=1) as bench:
        clients = [bench.connect(get("/", "Connection: close")) for _ in range(4)]
        for client in clients:
            equal(len((await client.answer()).body), 16384)


HOG, OWNER, THIRD = "192.168.1.66", "192.168.1.7", "192.168.1.8"


@cases(
    [
        ("of one address the oldest", [HOG, HOG, HOG, HOG], OWNER, 0),
        ("the owner has waited longest, but has one place only", [OWNER, HOG, HOG, HOG], THIRD, 1),
        ("who takes all places turns out nobody but itself", [OWNER, HOG, HOG, HOG], HOG, 1),
        ("nor with two, while others have one", [OWNER, HOG, THIRD, HOG], HOG, 1),
        ("each has one: whoever has waited longest", [THIRD, HOG, OWNER, "10.0.0.1"], "10.0.0.2", 0),
        ("but the newcomer's own counts as its second", [THIRD, OWNER, HOG, "10.0.0.1"], HOG, 2),
        ("two that have two each", [OWNER, HOG, OWNER, HOG], THIRD, 0),
    ]
)
async def test_who_has_most_places_makes_room(addresses, newcomer, goes):
    async with Bench() as bench:
        clients = []
        for address in addresses:
            clients.append(await bench.place(get("/")[:20], address))
            bench.passed += 100
        clients.append(await bench.place(get("/")[:20], newcomer))
        equal((await clients[goes].answer()).status, 503)
        clients.pop(goes)
        equal(bench.places, [client.connection for client in clients])


async def test_who_goes_for_a_newcomer_has_not_asked_too_often():
    """Else somebody could have an address charged by coming."""
    async with Bench(connections=1) as bench:
        spent = []
        client = await bench.place(get("/")[:20])
        bench.server.limiter.spend = lambda key: spent.append(key) or 0
        await bench.place(get("/")[:20])
        equal((await client.answer()).status, 503)
        equal(spent, [])


def test_a_connection_that_has_left_is_served_no_more():
    server = Bench().server
    one, other = Connection(Wire(), ("10.0.0.1", 5), LIMITS), Connection(Wire(), ("10.0.0.2", 5), LIMITS)
    server.served = one
    server.leave(other)
    equal(server.served, one)
    server.leave(one)
    equal(server.served, None)


async def test_an_answer_on_its_way_goes_before_another_address_only_when_it_is_late():
    """A page is loaded with many connections at once; three that don't read it are something else."""
    async with Bench(endless([])) as bench:
        readers = []
        for _ in range(3):
            readers.append(await bench.place(get("/endless"), HOG))
        idle = await bench.place(get("/"), OWNER)
        newcomer = await bench.place(get("/")[:20], HOG)
        equal(bench.places, [r.connection for r in readers] + [newcomer.connection])
        equal((await idle.answer()).status, 200)
        equal(await idle.rest(), b"")
        bench.passed += 1100
        owner = await bench.place(get("/")[:20], OWNER)
        assert newcomer.connection not in bench.places  # of the hog's, one that isn't written to
        bench.passed += 1100
        later = await bench.place(get("/")[:20], THIRD)
        equal(bench.places, [r.connection for r in readers[1:]] + [owner.connection, later.connection])


async def test_sweeping_survives_a_lack_of_memory():
    """A deadline that passes while there is no memory for the answer; the next one is seen all the same."""

    def no_memory(*args, **kwargs):
        raise MemoryError

    async with Bench() as bench:
        kept = places_module.problem
        try:
            places_module.problem = no_memory
            for _ in range(2):
                client = await bench.place(get("/")[:9])
                await bench.later(6)
                equal(await client.rest(), b"")
                equal(bench.places, [])
            for _ in range(5):  # and so does making room
                await bench.place(get("/")[:9])
            equal(len(bench.places), 4)
        finally:
            places_module.problem = kept


async def test_sweeping_ends_with_the_last_connection():
    async with Bench() as bench:
        client = await bench.place()
        assert bench.server._sweeper is not None
        client.close()
        await bench.until(lambda: bench.server._sweeper is None)
        client = await bench.place()
        await bench.later(6)
        equal(await client.rest(), b"")


async def test_the_log_hears_of_every_answer():
    async with Bench() as bench:
        slow = await bench.place(PUT_HEAD)
        await bench.later(6)
        equal((await slow.answer()).status, 408)
        for _ in range(5):
            await bench.place(get("/")[:9])
        equal([(r and r.method, status) for r, status in bench.answered], [("PUT", 408), (None, 503)])


class Task:
    """The task of a connection, which nobody runs."""

    def cancel(self):
        pass


def kept(address, octets, known=False):
    """A connection that keeps so many octets of an unfinished request; the last part of its address."""
    connection = Connection(Wire(), ("10.0.0.%d" % address, 50000), LIMITS)
    connection.address = key_of(connection.peer)
    connection.buffer = bytes(octets)
    connection.is_known = known
    connection.wait_for(HEAD, 5)
    connection.task = Task()
    return connection


@cases(
    [
        ("all that one may", [], (1, 6144), []),
        ("two that hold as much", [(2, 4000)], (1, 2144), []),
        ("the larger of two goes", [(2, 4000)], (1, 2145), [0]),
        ("be it the one that has just read", [(2, 2145)], (1, 4000), ["own"]),
        ("of the address that has most", [(2, 3000), (3, 2500), (3, 2000)], (1, 100), [1]),
        ("as many as need be", [(2, 3000), (2, 3000), (2, 3000)], (1, 1400), [0, 1]),
        ("who has shown a good token keeps it", [(2, 4000, True), (3, 4000)], (1, 1400), []),
        ("and is asked for none", [(2, 4000)], (1, 4000, True), []),
    ]
)
async def test_unfinished_requests_hold_no_more_than_one_may(others, own, gone):
    """And whoever goes for that has asked for too much."""
    bench = Bench()
    spent = []
    bench.server.limiter.spend = lambda key: spent.append(key) and 0
    held = [kept(*other) for other in others]
    bench.places.extend(held)
    reader = kept(*own)
    equal(bench.server.bound(reader), "own" not in gone)
    equal([at for at in range(len(held)) if held[at] not in bench.places], [at for at in gone if at != "own"])
    equal(spent, [reader.address if at == "own" else held[at].address for at in gone])
    for at in gone:
        sent = (reader if at == "own" else held[at]).sock.sent
        assert sent.startswith(b"HTTP/1.1 503 "), sent
        assert b"out_of_memory" in sent, sent


async def test_the_head_counts_as_long_as_the_body_is_awaited():
    async with Bench() as bench:
        head = get("/", "X: " + "x" * 1000, "Content-Length: 9", method="PUT")
        client = await bench.place(head + b"half")
        equal(client.connection.held(), len(head))
        client.send(b" done")
        equal((await client.answer()).status, 200)
        equal(client.connection.held(), 0)
