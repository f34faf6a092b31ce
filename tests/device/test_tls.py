"""What the board does with connections in TLS, up to where a client of TLS is needed: those are in
tests/end_to_end/test_tls.py.
"""

import asyncio
import errno

from firmware.proof import authority
from firmware.request import parse_head
from firmware.tls import SESSIONS, Tls, redirection
from harness import cases, equal, raises
from http_bench import NOTHING, Bench, get
from tls_bench import CERT, KEY, PAIR

HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # the beginning of a ClientHello, of 517 octets


def bench(**limits):
    """A server whose connections are in TLS."""
    made = Bench(**limits)
    made.server.tls = Tls(PAIR, made.limits)
    return made


class Sessions:
    """`async with Sessions(bench):` has its server's sessions closed in the end."""

    def __init__(self, made):
        self.bench = made

    async def __aenter__(self):
        return await self.bench.__aenter__()

    async def __aexit__(self, kind, *rest):
        seen = self.bench.server.seen
        for client in self.bench.clients:
            client.close()
        if kind is None:
            await self.bench.until(lambda: not self.bench.places)
            equal([connection.raw.fileno() for connection in seen], [-1] * len(seen))
        seen.clear()  # a session of MicroPython's tells no descriptor
        await self.bench.__aexit__(kind, *rest)


async def ending(client):
    """What the client gets until its connection ends; "reset" if it does not end as it should."""
    got = b""
    while True:
        await asyncio.wait_for_ms(client.stream.readinto(NOTHING), 5000)
        try:
            data = client.sock.recv(1000)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                continue
            return "reset"
        got += data
        if not data:
            return got


@cases(
    [
        ("there is none", None, "http.tls: "),
        ("no certificate", {"cert": KEY, "key": KEY}, "tls: the certificate cannot be used: invalid cert"),
        ("no key", {"cert": CERT, "key": CERT}, "tls: the certificate cannot be used: invalid key"),
        ("half of a certificate", {"cert": CERT[:100], "key": KEY}, "tls: the certificate cannot be used: "),
        ("nothing", {"cert": "", "key": ""}, "tls: the certificate cannot be used: "),
    ]
)
def test_refuses_a_certificate(pair, message):
    text = str(raises(ValueError, Tls, pair, {"connections": 4}))
    assert text.startswith(message), text


@cases([("no more than two", 4, 2), ("as few as are wanted", 1, 1)])
def test_has_few_sessions(wanted, had):
    limits = {"connections": wanted}
    Tls(PAIR, limits)
    equal(limits["connections"], had)


@cases(
    [
        ("a request", get("/")),
        ("one with a long head", get("/", "X: " + "y" * 900)),
        ("what is no HTTP either", b"\x00" * 40),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n"),
    ]
)
async def test_ends_orderly_what_is_not_tls(data):
    async with Sessions(bench()) as made:
        equal(await ending(made.connect(data)), b"")
        equal(made.answered, [])


async def test_what_comes_later_is_not_tls():
    async with Sessions(bench()) as made:
        client = await made.place()
        client.send(get("/"))
        equal(await ending(client), b"")


@cases(
    [
        ("that never begins", b""),
        ("that stops within the head of a record", HELLO[:3]),
        ("that stops within the hello", HELLO),
    ]
)
async def test_a_handshake_has_a_deadline(data):
    async with Sessions(bench()) as made:
        client = await made.place(data)
        await made.later(4)
        equal(len(made.places), 1)
        await made.later(1.1)
        await made.until(lambda: not made.places)
        equal(await ending(client), b"")
        equal(made.answered, [])


async def test_each_octet_of_a_handshake_gains_no_time():
    async with Sessions(bench()) as made:
        client = await made.place()
        for i in range(5):
            client.send(HELLO[i : i + 1])
            await made.later(0.9)
        await made.later(0.6)
        await made.until(lambda: not made.places)
        equal(await ending(client), b"")


async def test_a_newcomer_gets_the_place_of_one_who_waits():
    async with Sessions(bench()) as made:
        clients = []
        for number in range(SESSIONS + 3):
            clients.append(await made.place(HELLO))
            equal(len(made.places), min(number + 1, SESSIONS))
            if number >= SESSIONS:
                equal(await ending(clients.pop(0)), b"")


async def test_no_more_sessions_than_there_may_be():
    """The one that goes has closed before the newcomer's is made: each takes 21 kB."""
    async with Sessions(bench()) as made:
        real = made.server.tls
        open_at_once = []

        class Counting:
            @staticmethod
            async def admit(server, connection):
                stays = await real.admit(server, connection)
                others = [one for one in server.seen if one.raw.fileno() >= 0]
                open_at_once.append(len(others) + 1)
                return stays

        made.server.tls = Counting
        for _ in range(6):
            await made.place(HELLO)
        equal(max(open_at_once), SESSIONS)


async def test_handshakes_count_as_requests_of_a_stranger():
    async with Sessions(bench(strangers=12)) as made:  # six at once: that is two handshakes
        await made.place(HELLO)
        await made.place(HELLO)
        refused = made.connect(HELLO)
        assert await ending(refused) in (b"", "reset")
        equal(len(made.places), 2)


class NoMemory:
    """No room for a session, as mbedTLS says it."""

    def wrap_socket(self, sock, **how):
        raise OSError(errno.ENOMEM)


async def test_no_room_for_a_session():
    async with Sessions(bench()) as made:
        client = await made.place(HELLO)
        tls = made.server.tls
        context, tls._context = tls._context, NoMemory()
        assert await ending(made.connect(HELLO)) in (b"", "reset")
        equal(await ending(client), b"")  # makes room
        tls._context = context
        await made.place(HELLO)


@cases(
    [
        ("the port that a client leaves out", b"door.local", b"door.local"),
        ("and one that does not", b"Door.local:443", b"door.local"),
        ("another port", b"door.local:8443", b"door.local:8443"),
        ("one that only ends like it", b"door.local:1443", b"door.local:1443"),
    ]
)
def test_signatures_do_not_hold_the_usual_port(host, signed):
    equal(authority(host), signed)


@cases(
    [
        ("the page", "/", 443, "https://door.local/"),
        ("with its query", "/a/b?c=%20d&e", 443, "https://door.local/a/b?c=%20d&e"),
        ("another port", "/x", 8443, "https://door.local:8443/x"),
        ("no path", "*", 443, "https://door.local/"),
        ("what looks like a host", "//evil.example/", 443, "https://door.local//evil.example/"),
    ]
)
def test_sends_to_https(target, port, location):
    method = "OPTIONS" if target == "*" else "GET"
    request = parse_head(f"{method} {target} HTTP/1.1\r\nHost: Door.local:80".encode())
    response = redirection(request, port)
    equal((response.status, response.fields), (308, f"Location: {location}\r\n".encode()))
    assert response.head(False).startswith(b"HTTP/1.1 308 Permanent Redirect\r\n")
