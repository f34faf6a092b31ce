"""A server on the loopback and its clients, in one event loop and in a time of their own: for the tests of
http.py.
"""

import asyncio
import errno
import json
import random
import socket
import sys
import time

from firmware import connection as connection_module
from firmware import http as http_module
from firmware import places as places_module
from firmware import ratelimit as ratelimit_module
from firmware.http import Server
from firmware.response import Response
from harness import equal

LIMITS = {
    "max_head": 4096,
    "max_body": 2048,
    "connections": 4,
    "head_timeout": 5,
    "body_timeout": 5,
    "write_timeout": 5,
    "idle_timeout": 15,
}
HOSTS = ("door.local", "door", "192.168.1.20")
WAIT_MS = 5000  # for what is to happen at once; a slow machine is no failure
NOTHING = bytearray(0)


def echo(request):
    """The handler of most tests: tells what it was asked."""
    text = f"{request.method} {request.path} {str(request.body, 'utf-8')}"
    return Response(200, text.encode(), b"text/plain")


def get(path="/", *fields, method="GET", body=""):
    """The octets of a good request, with further field lines."""
    lines = [f"{method} {path} HTTP/1.1", "Host: door"]
    lines.extend(fields)
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Wire:
    """A socket without a network: gives its chunks one by one, and takes so many octets of an answer."""

    def __init__(self, *chunks, takes=1000000):
        self.chunks = list(chunks)
        self.takes = takes
        self.sent = b""
        self.closed = False

    def setblocking(self, flag):
        pass

    def recv(self, most):
        if not self.chunks:
            raise OSError(errno.EAGAIN, "nothing yet")
        chunk = self.chunks.pop(0)
        if len(chunk) > most:
            self.chunks.insert(0, chunk[most:])
        return chunk[:most]

    def send(self, data):
        part = data[: self.takes]
        if not part:
            raise OSError(errno.EAGAIN, "full")
        self.takes -= len(part)
        self.sent += part
        return len(part)

    def close(self):
        self.closed = True


class Answer:
    """An HTTP answer: `.status`, `.fields` (by lower-case name) and `.body`."""

    def __init__(self, head):
        first, *lines = str(head, "utf-8").split("\r\n")
        self.status = int(first.split(" ")[1])
        self.fields = {}
        for line in lines:
            name, _, value = line.partition(": ")
            assert name.lower() not in self.fields, "twice: " + name
            self.fields[name.lower()] = value
        self.body = b""


class Client:
    """The other end of a connection."""

    def __init__(self, port, data=b""):
        self.sock = socket.socket()
        self.sock.connect(socket.getaddrinfo("127.0.0.1", port)[0][-1])
        self.sock.setblocking(False)
        self.stream = asyncio.StreamReader(self.sock)
        self.unread = b""
        self.ended = False
        if data:
            self.send(data)

    def send(self, data):
        equal(self.sock.send(data), len(data))

    async def answer(self, no_body=False):
        """The next Answer; `no_body`: to HEAD."""
        while b"\r\n\r\n" not in self.unread:
            assert not self.ended, f"the connection ended with {self.unread!r}"
            await self.read()
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        answer = Answer(head)
        if not no_body:
            length = int(answer.fields.get("content-length", "0"))
            while len(self.unread) < length:
                assert not self.ended, "the connection ended within an answer"
                await self.read()
            answer.body = self.unread[:length]
            self.unread = self.unread[length:]
        if answer.fields.get("content-type") == "application/problem+json" and answer.body:
            assert " " in json.loads(answer.body)["detail"], "a refusal without a reason"
        return answer

    async def rest(self):
        """What comes until the connection ends."""
        while not self.ended:
            await self.read()
        rest, self.unread = self.unread, b""
        return rest

    async def read(self):
        """Wait for something and take it."""
        await asyncio.wait_for_ms(self.stream.readinto(NOTHING), WAIT_MS)
        self.take()

    def take(self):
        """Take what is there; return whether there was anything."""
        try:
            data = self.sock.recv(65536)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return False
            data = b""  # reset
        self.unread += data
        self.ended = not data
        return not self.ended

    def close(self):
        self.sock.close()


MODULES_WITH_TIME = (places_module, connection_module, ratelimit_module)


class Quick:
    """asyncio, but that a server looks at its deadlines each 10 ms, not each 250."""

    StreamReader = asyncio.StreamReader
    create_task = staticmethod(asyncio.create_task)

    @staticmethod
    def sleep_ms(ms):
        return asyncio.sleep_ms(ms // 25)


class Observed(Server):
    """A server whose connections can be looked at, and come from the address that is wanted."""

    seen = None
    peer = None

    def _welcome(self, connection):
        self.seen.append(connection)
        connection.peer = self.peer or connection.peer
        super()._welcome(connection)


class Bench:
    """`async with Bench(handle) as bench:` runs a server; at the end nothing may be left of it.

    `bench.faults` has what the server told of: a test that expects any empties it.
    """

    def __init__(self, handle=echo, origins=(), hosts=HOSTS, **limits):
        self.limits = dict(LIMITS)
        self.limits.update(limits)
        self.faults = []
        self.answered = []  # (request or None, status) as the request log hears of them
        self.began = time.ticks_ms()
        self.passed = 0  # ms for the server: only a test lets time pass, however slow the machine
        self.clients = []
        self.server = Observed(
            handle, self.limits, lambda: hosts, origins, self.faults.append, self._note_answer
        )
        self.server.seen = []

    def _note_answer(self, request, response):
        self.answered.append((request, response.status))

    def ticks_ms(self):
        return time.ticks_add(self.began, self.passed)

    async def __aenter__(self):
        for module in MODULES_WITH_TIME:
            module.ticks_ms = self.ticks_ms
        http_module.asyncio = places_module.asyncio = Quick
        while True:
            self.port = random.randint(20000, 60000)
            self.task = asyncio.create_task(self._serve())
            self.taken = False
            await asyncio.sleep_ms(0)
            if not self.taken:
                return self

    async def _serve(self):
        try:
            await self.server.serve("127.0.0.1", self.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            self.taken = True

    async def __aexit__(self, kind, *rest):
        try:
            if kind is None:
                await self._check()
        finally:
            self.task.cancel()
            await asyncio.sleep_ms(0)
            for client in self.clients:
                client.close()
            for module in MODULES_WITH_TIME:
                module.ticks_ms = time.ticks_ms
            http_module.asyncio = places_module.asyncio = asyncio

    async def _check(self):
        equal(self.faults, [])
        for client in self.clients:
            client.close()
        await self.until(lambda: not self.places and self.server._sweeper is None)
        # One that was turned out has its socket closed by its task, when that runs next.
        await self.until(lambda: all(one.sock.fileno() == -1 for one in self.server.seen))
        self.task.cancel()
        await self.until(lambda: others() == 0)

    @property
    def places(self):
        return self.server.places

    def connect(self, data=b""):
        client = Client(self.port, data)
        self.clients.append(client)
        return client

    async def exchange(self, data, no_body=False, address=None):
        """The Answer to one request on a connection of its own, which seems to come from `address`."""
        self.server.peer = address and (address, 50000)
        client = self.connect(data)
        answer = await client.answer(no_body)
        client.close()
        return answer

    async def place(self, data=b"", address=None):
        """A client whose connection has its task, and has been read from; it seems to come from `address`."""
        self.server.peer = address and (address, 50000)
        count = len(self.server.seen)
        client = self.connect(data)
        await self.until(lambda: len(self.server.seen) > count)
        client.connection = self.server.seen[-1]
        await self.until(lambda: client.connection.stream is not None)
        return client

    async def until(self, predicate):
        """Wait until something is so."""
        end = time.ticks_add(time.ticks_ms(), WAIT_MS)
        while not predicate():
            assert time.ticks_diff(end, time.ticks_ms()) > 0, "it did not come to it"
            await asyncio.sleep_ms(1)

    async def later(self, seconds):
        """Let so much time pass for the server, which looks at its deadlines then."""
        self.passed += int(seconds * 1000)
        await asyncio.sleep_ms(30)


def others():
    """How many tasks there are beside the one that asks."""
    if sys.implementation.name == "micropython":
        return len(asyncio.core._io_queue.map) + (asyncio.core._task_queue.peek() is not None)
    return len(asyncio.all_tasks()) - 1
