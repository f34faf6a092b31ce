"""Clients that misbehave, each in a way of its own, for as long as they are told to: slow ones, silent ones,
those who are gone, those who send what is no request, and those who ask as fast as they can.

All of them run in one thread. They come from addresses 127.0.0.x of this computer, several from each.
"""

from __future__ import annotations

import asyncio
import errno
import random
import re
import socket
import struct
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable

from bench import workload

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset
TCP_REPAIR = 19  # Linux: a socket in repair closes without a word to the other side
# Octets; a slow reader's, so that the network holds little more of an answer than a board's does.
WINDOW, SEGMENT = 2048, 536
DRIP = 0.1  # seconds between the octets of a slow client
PACE = 0.05  # seconds between the connections of one client that is done with one
# Seconds after which a client gives up. Whom the full queue of newcomers has dropped, and who says nothing,
# never hears of it: there is nothing of such a connection on the board.
LONG = 120.0

PAGES = 20
ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) ")
HOST = b"Host: door.local\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
PAGE = b"GET /icon-512.png HTTP/1.1\r\n" + HOST + b"\r\n"
TOGGLE = b"POST /api/v1/pins/relay/toggle HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"

Form = Callable[["Abusers", "Wire"], Awaitable[None]]


class Gone(Exception):
    """The board has closed the connection."""


class Wire:
    """One connection of a client that misbehaves."""

    def __init__(self, sock: socket.socket, answers: Counter[str]) -> None:
        self._sock = sock
        self._answers = answers
        self._loop = asyncio.get_running_loop()

    async def send(self, data: bytes) -> None:
        try:
            await self._loop.sock_sendall(self._sock, data)
        except OSError:
            raise Gone from None

    async def read(self, most: int = 65536) -> bytes:
        """What comes next; each answer's status is counted."""
        try:
            data = await self._loop.sock_recv(self._sock, most)
        except OSError:
            raise Gone from None
        if not data:
            raise Gone
        self._answers.update(status.decode() for status in ANSWER.findall(data))
        return data

    async def until_cut(self, most: int | None = None) -> None:
        """Read until the board closes; if it has given `most` answers by then, it has not cut anything."""
        given = 0
        while given != most:
            given += len(ANSWER.findall(await self.read()))

    async def drip(self, data: bytes) -> None:
        """Send an octet at a time, until the board closes."""
        for octet in data:
            await self.send(bytes([octet]))
            try:
                await asyncio.wait_for(self.read(), DRIP)
            except TimeoutError:
                continue
        await self.until_cut()

    def reset(self) -> None:
        """Be closed by a reset, as a program that crashes."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def vanish(self) -> bool:
        """Be closed without a word, as a phone that has left the house; return whether this computer can."""
        try:
            self._sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except OSError:  # not Linux, or no administrator
            return False
        return True


class Abusers:
    """`connections` clients that misbehave towards a board on this computer, between `start()` and `stop()`.

    `tokens` are good ones whose signatures get lost; `hold` is for how many seconds slow readers don't read,
    longer than the board waits for them. What came of it, by the form's name: `.opened` (connections), `.cut`
    (how many of them the board has closed), `.longest` (seconds until it did), `.answers` (their statuses).
    """

    def __init__(
        self,
        port: int,
        connections: int,
        tokens: list[str],
        *,
        hold: float = 8.0,
        only: tuple[str, ...] = (),
        seed: int = 1,
    ) -> None:
        self.port = port
        self.chance = random.Random(seed)
        self.forged = [workload.forged(token) for token in tokens]
        self.opened: Counter[str] = Counter()
        self.cut: Counter[str] = Counter()
        self.answers: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.longest: dict[str, float] = {}
        self.faults: list[str] = []  # of our own
        self.hold = hold
        self._connections = connections
        self._forms = {name: form for name, form in FORMS.items() if not only or name in only}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> Abusers:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Abusers:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _work(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        names = list(self._forms)
        tasks = [
            asyncio.create_task(self._client(names[number % len(names)], source(number)))
            for number in range(self._connections)
        ]
        while not self._stop.is_set():
            await asyncio.sleep(0.05)
        # More than once: Python before 3.12 loses a cancellation that meets the end of a wait_for().
        while pending := [task for task in tasks if not task.done()]:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=0.1)
        for task in tasks:
            if not task.cancelled() and (fault := task.exception()):
                self.faults.append(repr(fault))

    async def _client(self, name: str, address: str) -> None:
        """Misbehave again and again."""
        form = self._forms[name]
        while not self._stop.is_set():
            with socket.socket() as sock:
                if name in SLOW_READERS:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
                sock.setblocking(False)
                try:
                    sock.bind((address, 0))
                    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
                except OSError as error:
                    if error.errno in (errno.EADDRNOTAVAIL, errno.EADDRINUSE):
                        address = "127.0.0.1"
                    await asyncio.sleep(PACE)
                    continue
                self.opened[name] += 1
                start = time.monotonic()
                try:
                    await asyncio.wait_for(form(self, Wire(sock, self.answers[name])), LONG)
                except Gone:
                    self.longest[name] = max(self.longest.get(name, 0.0), time.monotonic() - start)
                    self.cut[name] += 1
                except TimeoutError:
                    self.longest[name] = LONG
            await asyncio.sleep(PACE)


def source(number: int) -> str:
    """The address of a client: every tenth comes from the good client's own, the others two by two."""
    return "127.0.0.1" if number % 10 == 0 else f"127.0.0.{2 + number // 2}"


async def silent(us: Abusers, wire: Wire) -> None:
    await wire.until_cut()


async def idle(us: Abusers, wire: Wire) -> None:
    await wire.send(GET)
    await wire.until_cut()


async def slow_head(us: Abusers, wire: Wire) -> None:
    await wire.drip(b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * 4000)


async def slow_body(us: Abusers, wire: Wire) -> None:
    await wire.send(TOGGLE + b"Authorization: Bearer a.b.c\r\nContent-Length: 2000\r\n\r\n")
    await wire.drip(b" " * 2000)


async def slow_reader(us: Abusers, wire: Wire) -> None:
    """Takes the page an octet at a time. The end is behind what the network holds: that is taken later."""
    await wire.send(PAGE * PAGES)
    end = time.monotonic() + us.hold
    while time.monotonic() < end:
        await wire.read(1)
        await asyncio.sleep(DRIP)
    await wire.until_cut(PAGES)


async def zero_window(us: Abusers, wire: Wire) -> None:
    """Takes nothing at all, so that the board cannot send any more."""
    await wire.send(PAGE * PAGES)
    await asyncio.sleep(us.hold)
    await wire.until_cut(PAGES)


async def half_open(us: Abusers, wire: Wire) -> None:
    """Begins a head and is gone, without an end that the board could see; where it cannot, it is silent."""
    await wire.send(GET[: us.chance.randrange(len(GET))])
    if not wire.vanish():
        await wire.until_cut()


async def resets(us: Abusers, wire: Wire) -> None:
    wire.reset()
    data = us.chance.choice([b"", GET[:20], PAGE, PAGE * 20, TOGGLE + b"Content-Length: 9\r\n\r\n{"])
    if data:
        await wire.send(data)
    await asyncio.sleep(us.chance.random() / 20)


async def big_head(us: Abusers, wire: Wire) -> None:
    await wire.send(b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"x" * 100_000 + b"\r\n\r\n")
    await wire.until_cut()


async def malformed(us: Abusers, wire: Wire) -> None:
    data = bytearray(TOGGLE + b"Authorization: Bearer a.b.c\r\nContent-Length: 2\r\n\r\n{}")
    for _ in range(us.chance.randrange(1, 8)):
        data[us.chance.randrange(len(data))] = us.chance.randrange(256)
    await wire.send(bytes(data))
    await wire.until_cut()


async def guesses(us: Abusers, wire: Wire) -> None:
    """Tokens with signatures of other tokens' as fast as the board refuses them."""
    token = us.chance.choice(us.forged).encode()
    while True:
        await wire.send(TOGGLE + b"Authorization: Bearer " + token + b"\r\nContent-Length: 2\r\n\r\n{}")
        await wire.read()


async def flood(us: Abusers, wire: Wire) -> None:
    """Asks for a page, as fast as it comes."""
    while True:
        await wire.send(us.chance.choice([GET, PAGE, GET * 20]))
        await wire.read()


SLOW_READERS = ("slow_reader", "zero_window")
SLOW = ("silent", "idle", "slow_head", "slow_body", *SLOW_READERS)  # whose end is the board's doing
FORMS: dict[str, Form] = {
    form.__name__: form
    for form in (
        silent,
        idle,
        slow_head,
        slow_body,
        slow_reader,
        zero_window,
        half_open,
        resets,
        big_head,
        malformed,
        guesses,
        flood,
    )
}
