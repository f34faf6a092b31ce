"""Answers without an end, as the server writes them: who follows one keeps the place, and who does not read
is cut.
"""

import asyncio
import json

from firmware.connection import STREAM, WRITE
from firmware.response import Response
from harness import cases, equal
from http_bench import Bench, echo, get


class Source:
    """A handler whose streams tell what stands in `.told`, one after another, and end with None."""

    def __init__(self, *told):
        self.told = list(told)
        self.open = 0
        self.asked = 0

    def __call__(self, request):
        if request.path != "/events":
            return echo(request)
        return Response(200, self.stream(), b"text/event-stream", length=-1)

    def stream(self):
        self.open += 1
        at = 0
        try:
            while True:
                self.asked += 1
                if at == len(self.told):
                    yield b""
                    continue
                if self.told[at] is None:
                    return
                if isinstance(self.told[at], Exception):
                    raise self.told[at]
                at += 1
                yield self.told[at - 1]
        finally:
            self.open -= 1


async def follow(bench, source, address=None):
    """A client whose stream has been written to, as far as there is something to tell."""
    count = source.open
    client = await bench.place(get("/events"), address)
    await bench.until(lambda: source.open > count)
    return client


async def hear(client, text):
    while len(client.unread) < len(text):
        assert not client.ended, "the stream has ended"
        await client.read()
    equal(client.unread, text)
    client.unread = b""


async def test_is_told_as_it_comes_until_it_ends():
    source = Source(b"one ")
    async with Bench(source) as bench:
        client = await follow(bench, source)
        answer = await client.answer()
        equal((answer.status, answer.fields["content-type"]), (200, "text/event-stream"))
        equal(answer.fields["connection"], "close")
        assert "content-length" not in answer.fields
        await hear(client, b"one ")
        source.told.extend([b"two ", b"three"])
        await hear(client, b"two three")
        equal(client.connection.state, STREAM)
        source.told.append(None)
        equal(await client.rest(), b"")
        equal((bench.places, source.open), ([], 0))


async def test_head_has_no_stream():
    source = Source(b"one ")
    async with Bench(source) as bench:
        client = bench.connect(get("/events", method="HEAD"))
        answer = await client.answer(no_body=True)
        equal((answer.fields["connection"], "content-length" in answer.fields), ("close", False))
        equal(await client.rest(), b"")
        equal((source.asked, bench.places), (0, []))


async def test_silence_is_no_fault():
    """Nothing to tell for longer than any deadline, and nothing from the other side."""
    source = Source()
    async with Bench(source, write_timeout=1) as bench:
        client = await follow(bench, source)
        await client.answer(no_body=True)
        for _ in range(5):
            asked = source.asked
            await bench.later(0.8)
            await bench.until(lambda: source.asked > asked)  # noqa: B023
        equal(bench.places, [client.connection])
        source.told.append(b"late")
        await hear(client, b"late")
        source.told.append(None)


async def test_who_does_not_read_is_cut():
    source = Source(b"", *[bytes(65536)] * 200)  # the buffers of the network take some megabytes
    async with Bench(source) as bench:
        client = await bench.place(get("/events"))
        await bench.until(lambda: client.connection.stream.out_buf)
        equal(client.connection.state, WRITE)  # a stream's place would be kept
        await bench.later(4)
        equal(bench.places, [client.connection])
        await bench.later(2)
        equal((bench.places, source.open), ([], 0))
        client.take()


async def test_who_is_gone_is_noticed_by_writing():
    source = Source()
    async with Bench(source) as bench:
        client = await follow(bench, source)
        client.close()

        def is_noticed():
            source.told.append(b":\n\n")
            return not source.open

        await bench.until(is_noticed)
        await bench.until(lambda: not bench.places)


async def test_what_comes_behind_is_never_read():
    """A second request, or as much as anybody likes to send."""
    source = Source(b"one ")
    async with Bench(source) as bench:
        client = await bench.place(get("/events") + get("/second"))
        await client.answer(no_body=True)
        try:
            for _ in range(1000):
                client.sock.send(bytes(4096))
                await asyncio.sleep_ms(0)
        except OSError:  # there is no room for more
            pass
        assert len(client.connection.buffer) < 4096
        source.told.append(None)
        assert client.unread.startswith(b"one ")


async def test_streams_keep_their_places_from_newcomers():
    source = Source()
    async with Bench(source) as bench:
        followers = []
        for _ in range(2):
            followers.append(await follow(bench, source))
        for _ in range(10):
            bench.passed += 100
            await bench.place(get("/")[:9])
        equal(len(bench.places), 4)
        equal((await bench.exchange(get("/"))).status, 200)
        source.told.append(b"still here")
        for client in followers:
            await client.answer(no_body=True)
            await hear(client, b"still here")
        source.told.append(None)


HOG, OWNER = "192.168.1.66", "192.168.1.7"


@cases(
    [
        ("who has it and one more has most", [HOG, OWNER], "10.0.0.1", 1),
        ("but a stream itself stays: of the others the oldest", [HOG, "10.0.0.1"], OWNER, 0),
    ]
)
async def test_a_stream_counts_as_a_place_of_its_owner(others, newcomer, goes):
    source = Source()
    async with Bench(source, connections=3) as bench:
        await follow(bench, source, OWNER)
        clients = []
        for address in others:
            clients.append(await bench.place(get("/")[:9], address))
            bench.passed += 100
        await bench.place(get("/")[:9], newcomer)
        equal((await clients[goes].answer()).status, 503)
        equal(len(bench.places), 3)
        equal(source.open, 1)
        source.told.append(None)


async def test_only_streams_and_one_more():
    """More of them than the application lets be: there is no place for one who is slow, nor is any added. Who
    asks at once needs none.
    """
    source = Source()
    async with Bench(source, connections=2) as bench:
        for _ in range(2):
            await follow(bench, source)
        slow = bench.connect(get("/")[:9])
        answer = await slow.answer()
        equal((answer.status, json.loads(answer.body)["code"]), (503, "busy"))
        equal(await slow.rest(), b"")
        equal(await bench.connect(b"").rest(), b"")
        equal(len(bench.places), 2)
        equal((await bench.exchange(get("/", "Connection: close"))).status, 200)
        equal(source.open, 2)
        source.told.append(None)


@cases([("memory", MemoryError(), 0), ("a fault of ours", ValueError("odd"), 1)])
async def test_a_fault_ends_one_stream(error, faults):
    source = Source(b"one ")
    async with Bench(source) as bench:
        client = await follow(bench, source)
        await client.answer(no_body=True)
        source.told.append(error)
        equal(await client.rest(), b"one ")
        equal((await bench.exchange(get("/"))).status, 200)
        equal(list(bench.faults), [error][:faults])
        bench.faults.clear()


async def test_the_servers_end_ends_streams():
    source = Source()
    async with Bench(source) as bench:
        client = await follow(bench, source)
        await client.answer(no_body=True)
        bench.task.cancel()
        equal(await client.rest(), b"")
        equal(source.open, 0)
