"""What the server does when memory, a socket or a handshake fails: it lets go of something, and goes on. And
what it tells of it.
"""

import errno
import json
from time import ticks_add

from firmware import http as http_module
from firmware import places as places_module
from firmware.connection import IDLE, LINGER, WRITE, Connection
from firmware.http import Server
from firmware.ratelimit import key_of
from firmware.response import PERHAPS_DONE, Response, problem
from harness import cases, equal
from http_bench import LIMITS, Bench, Quick, Wire, echo, get

PEER = ("192.168.1.7", 50000)


class Starved(Wire):
    """A socket for whose octets there is no memory."""

    def recv(self, most):
        raise MemoryError

    def recv_into(self, *where):
        raise MemoryError

    readinto = recv_into


def starved(bench, low=None):
    """A connection of its own to the server, which has heard of no memory for what comes."""
    if low is not None:
        bench.server.on_low_memory = lambda: low.append(1)
    connection = Connection(Starved(), PEER, LIMITS, bench.server._scratch)
    connection.buffer = get("/a-big-head")[:20]
    connection.reclaim = lambda: None
    return connection


async def test_no_memory_for_what_comes_is_told():
    bench, low = Bench(), []
    connection = starved(bench, low)
    equal(bench.server._step(connection), True)  # it stays a moment, so that the answer arrives
    equal((connection.state, connection.buffer, connection.request), (LINGER, b"", None))
    head, _, body = connection.sock.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 "), head
    assert b"Connection: close" in head, head
    assert b"Retry-After: 1" in head, head
    told = json.loads(body)
    equal(told["code"], "out_of_memory")
    assert " " in told["detail"], told
    equal(bench.answered, [(None, 503)])
    equal((low, bench.faults), ([1], []))


@cases([("lingers", LINGER), ("gets one", WRITE)])
async def test_no_memory_for_one_that_has_its_answer(state):
    """A second answer into the first would be read as a part of it."""
    bench, low = Bench(), []
    connection = starved(bench, low)
    connection.state = state
    equal(bench.server._step(connection), False)
    equal((connection.sock.sent, bench.answered, low), (b"", [], [1]))


async def test_without_a_hint_about_memory_and_without_a_log():
    bench = Bench()
    bench.server.on_request = None
    connection = starved(bench)
    equal(bench.server._step(connection), True)
    assert connection.sock.sent.startswith(b"HTTP/1.1 503 ")


async def test_a_handler_without_memory_lets_go_of_what_is_kept_for_speed():
    def handle(request):
        raise MemoryError

    low = []
    async with Bench(handle) as bench:
        bench.server.on_low_memory = lambda: low.append(1)
        equal((await bench.exchange(get("/"))).status, 503)
    equal(low, [1])


@cases(
    [
        ("no memory: who has waited longest makes room", MemoryError(), 0),
        ("no socket: the same", OSError(errno.ENOMEM, "full"), 0),
        ("it went again: nobody has to go", OSError(errno.ECONNABORTED, "gone"), 1),
        ("there was nobody", OSError(errno.EAGAIN, "nobody"), 1),
    ]
)
async def test_who_cannot_be_accepted(error, left):
    errors = [error]

    def make(*given):
        if errors:
            raise errors.pop()
        return Connection(*given)

    async with Bench() as bench:
        await bench.place()
        try:
            http_module.Connection = make
            bench.connect(get("/"))
            await bench.until(lambda: not errors)
            await bench.until(lambda: len(bench.places) == left)
            equal((await bench.exchange(get("/next", "Connection: close"))).status, 200)
            equal(len(bench.places), left)
        finally:
            http_module.Connection = Connection


class Doorman:
    """tls.Tls, but that it has no cryptography: it lets in whom it is told to."""

    def __init__(self, *verdicts):
        self.verdicts = list(verdicts)
        self.asked = []

    async def admit(self, server, connection):
        self.asked.append((server, connection))
        verdict = self.verdicts.pop(0)
        if not verdict:
            connection.sock.close()
        return verdict


def test_in_tls_when_it_is_told_so():
    doorman = Doorman()
    for tls in (None, doorman):
        assert Server(echo, LIMITS, lambda: ("door",), tls=tls).tls is tls


async def test_who_is_not_admitted_to_tls_is_not_served():
    async with Bench() as bench:
        doorman = bench.server.tls = Doorman(False, True)
        equal(await bench.connect(get("/one")).rest(), b"")
        equal((len(bench.server.seen), len(doorman.asked)), (0, 1))
        equal((await bench.exchange(get("/two"))).body, b"GET /two ")
        server, connection = doorman.asked[1]
        assert server is bench.server
        assert connection is bench.server.seen[0]
        assert connection._reclaim == server.reclaim
        assert connection._scratch is server._scratch


async def test_who_has_shown_a_good_token_in_tls_is_let_in_again():
    """The address is kept, not who has it: see ratelimit.py."""
    response = Response(200)
    response.stranger = False
    async with Bench(lambda request: response) as bench:
        known = []
        bench.server.limiter.know = known.append
        equal((await bench.exchange(get("/"))).status, 200)
        equal(known, [])
        bench.server.tls = Doorman(True)
        equal((await bench.exchange(get("/"), address="192.168.1.7")).status, 200)
        equal(known, [key_of(PEER)])


async def test_it_tells_whether_it_listens():
    async with Bench() as bench:
        equal(bench.server.is_listening, True)
        bench.task.cancel()
        await bench.until(lambda: bench.server.is_listening is False)
    equal(Bench(echo).server.is_listening, False)


class Watched(Quick):
    """asyncio that notes how long newcomers are made to wait."""

    naps = []

    @staticmethod
    def sleep_ms(ms):
        if ms < 100:  # else it is who looks at the deadlines
            Watched.naps.append(ms)
        return Quick.sleep_ms(ms)


async def test_newcomers_wait_only_for_those_who_are_written_to():
    """And a second at most: four who do not read lock nobody out."""
    async with Bench() as bench:
        http_module.asyncio = Watched
        places = []
        for _ in range(3):
            places.append(await bench.place())
        Watched.naps.clear()
        equal((await bench.exchange(get("/", "Connection: close"))).status, 200)
        places.append(await bench.place())
        equal((await bench.exchange(get("/", "Connection: close"))).status, 200)
        equal(Watched.naps, [])
        for client in places:
            client.connection.wait_for(WRITE, 5)
        equal((await bench.exchange(get("/", "Connection: close"))).status, 200)
        equal((sum(Watched.naps), len(Watched.naps) > 10), (1000, True))
        equal(len(bench.places), 4)  # who is served at once needs no place


async def test_what_is_let_go_of_when_memory_is_low():
    low = []
    server = Server(echo, LIMITS, lambda: ("door",), on_low_memory=lambda: low.append(1))
    server.reclaim()
    equal(low, [1])
    # All connections read into the same octets: none needs room of its own for that.
    assert len(server._scratch) > 0


async def test_who_has_ended_its_half_gets_all_answers():
    """Behind an answer that takes a while, too."""

    def handle(request):
        if request.path == "/long":
            return Response(200, iter([b"x" * 1024] * 300), b"text/plain", length=1024 * 300)
        return echo(request)

    async with Bench(handle) as bench:
        client = bench.connect(get("/long") + get("/two"))
        if hasattr(client.sock, "shutdown"):  # MicroPython's sockets have none
            client.sock.shutdown(1)
        equal(len((await client.answer()).body), 1024 * 300)
        equal((await client.answer()).body, b"GET /two ")


async def test_after_a_long_answer_it_is_idle():
    async with Bench(lambda request: Response(200, iter([b"abc"]), b"text/plain", length=3)) as bench:
        client = await bench.place(get("/"))
        equal((await client.answer()).body, b"abc")
        await bench.until(lambda: client.connection.state == IDLE)


async def test_faults_are_told_as_they_are():
    def bad():
        yield b"a"
        raise ValueError("a torn page")

    def handle(request):
        if request.path == "/handler":
            raise KeyError("a slip")
        return Response(200, bad(), b"text/plain", length=9)

    async with Bench(handle) as bench:
        equal((await bench.exchange(get("/handler"))).status, 500)
        await bench.connect(get("/body")).rest()
        equal([type(fault) for fault in bench.faults], [KeyError, ValueError])
        bench.faults.clear()


SECURE = "Origin: https://door"
PLAIN = "Origin: http://door"


@cases([("in the clear", None, PLAIN, SECURE), ("in TLS", Doorman(True, True), SECURE, PLAIN)])
async def test_its_own_page_has_come_the_same_way(tls, own, other):
    async with Bench() as bench:
        bench.server.tls = tls and Doorman(True, True)
        equal((await bench.exchange(get("/", own, method="PUT", body="{}"))).status, 200)
        equal((await bench.exchange(get("/", other, method="PUT", body="{}"))).status, 403)


GUESS = "Authorization: Bearer guess"


async def test_the_log_hears_what_was_asked():
    def handle(request):
        return problem(500 if request.path == "/fault" else 401, "some_code", "some detail")

    async with Bench(handle) as bench:
        foreign = get("/foreign").replace(b"Host: door", b"Host: evil.example")
        equal((await bench.exchange(foreign)).status, 421)
        equal((await bench.exchange(get("/guess", GUESS))).status, 401)
        # Who asks too often is told when to come again, to the second, and no sooner than that.
        bench.server.limiter.spend = lambda key: 1999999
        answer = await bench.exchange(get("/more", GUESS))
        equal((answer.status, answer.fields["retry-after"]), (429, "2000"))
        # That is for guesses: a fault of the board is told as one.
        equal((await bench.exchange(get("/fault", GUESS))).status, 500)
        asked = [(request.path, status) for request, status in bench.answered]
        equal(asked, [("/foreign", 421), ("/guess", 401), ("/more", 429), ("/fault", 500)])


async def test_who_has_the_memory_taken_has_asked_too():
    """But for who was known to have a good token by then."""

    def handle(request):
        request.is_proven = request.path == "/proven"
        raise MemoryError

    async with Bench(handle) as bench:
        spent = []
        bench.server.limiter.spend = lambda key: spent.append(key) or (len(spent) > 1) * 5000
        equal((await bench.exchange(get("/proven", GUESS))).status, 503)
        equal(spent, [])
        for status in (503, 429):
            equal((await bench.exchange(get("/stranger", GUESS))).status, status)
        connection = starved(bench)
        bench.server._step(connection)
        assert connection.sock.sent.startswith(b"HTTP/1.1 429 "), connection.sock.sent
        equal(len(spent), 3)


async def hanging(bench):
    """Four that keep the server's memory, or not: half of a head; an answer that is not read, for a while and
    for a moment; and half of a head after a good token.
    """
    clients = [await bench.place(get("/")[:9])]
    for _ in range(2):
        clients.append(await bench.place(get("/unread")))
    clients.append(await bench.place(get("/known")))
    await clients[3].answer()
    clients[3].send(get("/")[:9])
    await bench.until(lambda: clients[3].connection.buffer)
    for client, ms in zip(clients, (2000, 3000, 0, 9000)):
        client.connection.since = ticks_add(bench.ticks_ms(), -ms)
    return clients


def unread(request):
    if request.path == "/unread":
        return Response(200, iter([b"x" * 1024] * 30000), b"text/plain", length=1024 * 30000)
    response = echo(request)
    response.stranger = request.path != "/known"
    return response


TOKEN = "Authorization: Bearer some"


@cases(
    [
        ("there is enough", 0, TOKEN, []),
        ("one goes: who is written to is the later one", 2, TOKEN, [0]),
        ("and the next", 3, TOKEN, [0, 1]),
        (
            "with a token an answer of a moment ago as well; who has shown a good one stays",
            9,
            TOKEN,
            [0, 1, 2],
        ),
        ("without a token it does not", 9, "Accept: a", [0, 1]),
    ]
)
async def test_who_keeps_memory_goes_when_there_is_none(failures, field, gone):
    left = [failures]

    def short(size):
        if left[0]:
            left[0] -= 1
            raise MemoryError
        return b""

    async with Bench(unread, connections=5) as bench:
        clients = await hanging(bench)
        try:
            places_module.bytearray = short
            equal((await bench.exchange(get("/", field, "Connection: close"))).status, 200)
        finally:
            del places_module.bytearray
        stays = [number for number in range(4) if clients[number].connection in bench.places]
        equal(stays, [number for number in range(4) if number not in gone])
        for number in gone:  # at once, not when its task comes to its end
            connection = clients[number].connection
            equal((connection.buffer, connection.unsent, connection.stream.out_buf), (b"", None, b""))


async def test_who_is_served_is_not_turned_out_for_itself():
    """With the first octets of its next request in our hands."""
    async with Bench() as bench:
        client = await bench.place(get("/")[:9])
        try:
            places_module.bytearray = no_memory
            client.send(get("/")[9:] + get("/next")[:9])
            equal((await client.answer()).status, 200)
        finally:
            del places_module.bytearray


@cases(
    [
        ("an answer", 200, False, True),
        ("to what has not changed", 304, False, True),
        ("a refusal, which a recording may have got", 400, False, False),
        ("what anybody may see", 200, True, False),
    ]
)
async def test_who_has_shown_a_good_token_is_known(status, stranger, is_known):
    response = Response(status)
    response.stranger = stranger
    bench = Bench(lambda request: response)
    connection = Connection(Wire(get("/")), PEER, LIMITS)
    bench.server._step(connection)
    equal(connection.is_known, is_known)


async def test_an_answer_without_a_body_ends_nothing():
    async with Bench(lambda request: Response(204)) as bench:
        client = bench.connect()
        for _ in range(2):
            client.send(get("/"))
            answer = await client.answer(no_body=True)
            equal((answer.status, answer.fields.get("connection")), (204, None))


@cases([("what comes piece by piece", iter([b"a", b"b"]), [1]), ("what is there already", b"ab", [])])
async def test_room_is_made_before_a_long_answer(body, made):
    low = []
    bench = Bench(lambda request: Response(200, body, b"text/plain", length=2))
    bench.server.on_low_memory = lambda: low.append(1)
    connection = Connection(Wire(get("/"), takes=9), PEER, LIMITS)
    equal(bench.server._step(connection), True)
    equal(low, made)


class Faulty(Response):
    """A response for whose head there is no memory."""

    def head(self, keep_alive):
        raise MemoryError


def begun(path):
    """A handler for which memory ends once it has done what was asked for."""

    def handle(request):
        request.is_begun = request.path != "/not-begun"
        if request.path in ("/handler", "/not-begun"):
            raise MemoryError
        return Faulty(200, b"{}") if request.path == "/head" else Response(200, b"{}")

    return handle


def no_memory(*what):
    raise MemoryError


@cases([("making the answer", "/handler"), ("the log", "/log"), ("the answer's head", "/head")])
async def test_what_may_have_been_done_is_not_answered_with_try_again(path):
    low, heard = [], []
    async with Bench(begun(path)) as bench:
        bench.server.on_low_memory = lambda: low.append(1)
        bench.server.on_request = lambda *told: heard.append(told)
        if path == "/log":
            bench.server.on_request = no_memory
        client = bench.connect(get(path, method="POST") + get("/second", method="POST"))
        answer = await client.answer()
        told = json.loads(answer.body)
        equal((answer.status, told["code"]), (500, "perhaps_done"))
        assert low
        assert "retry-after" not in answer.fields
        equal(answer.fields["connection"], "close")
        equal(await client.rest(), b"")  # neither a second answer nor the next request's
        if path != "/log":
            request, response = heard[-1]
            equal((request.path, response.status, response.code), (path, 500, "perhaps_done"))


async def test_what_has_not_been_begun_may_be_tried_again():
    async with Bench(begun("/not-begun")) as bench:
        answer = await bench.exchange(get("/not-begun", method="POST"))
        equal((answer.status, json.loads(answer.body)["code"]), (503, "out_of_memory"))
        equal(answer.fields["retry-after"], "1")


class Head:
    """A head that no body can be put behind, for want of memory."""

    def __init__(self, octets):
        self.octets = octets

    def __len__(self):
        return len(self.octets)

    def __getitem__(self, part):
        return self.octets[part]

    def __add__(self, body):
        raise MemoryError


class Large(Response):
    """An answer of which head and body are too much in one piece."""

    def head(self, keep_alive):
        return Head(super().head(keep_alive))


@cases([("at once", 1000000), ("in parts", 9)])
async def test_an_answer_too_large_for_one_piece_goes_in_two(takes):
    body = b"x" * 3000
    head = Response(200, body).head(True)
    bench = Bench(lambda request: Large(200, body))
    connection = Connection(Wire(get("/"), takes=takes), PEER, LIMITS)
    equal(bench.server._step(connection), True)
    equal(connection.sock.sent, head[:takes])
    equal(connection.unsent, (head[takes:], (body,), True))


async def test_no_second_answer_goes_into_half_of_one():
    bench = Bench(begun("/"))
    connection = Connection(Wire(get("/", method="POST"), takes=9), PEER, LIMITS)

    def wait_for(state, seconds):
        connection.sock.takes = 1000  # by now there would be room
        raise MemoryError

    connection.wait_for = wait_for
    equal(bench.server._step(connection), False)
    equal(len(connection.sock.sent), 9)


def test_the_answer_that_is_made_already_is_as_the_others():
    head, _, body = PERHAPS_DONE.partition(b"\r\n\r\n")
    told = json.loads(body)
    made = problem(told["status"], told["code"], told["detail"])
    equal(told, json.loads(made.body))
    made.length = len(body)
    equal(sorted(head.split(b"\r\n")), sorted(made.head(False)[:-4].split(b"\r\n")))
