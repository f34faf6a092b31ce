"""How much strangers may ask: the buckets by themselves, in a time of their own, and what the server makes of
them.
"""

import asyncio
import json
import sys

import api_bench
from access_bench import NOW, signed
from firmware import ratelimit
from firmware.ratelimit import Limiter, address_of, key_of
from firmware.response import Response
from harness import cases, equal
from http_bench import Bench, echo, get

WRAP = 1 << 30  # MicroPython's ticks begin anew after so many milliseconds
GUESS = "Authorization: Bearer a.b.c"


class Time:
    """`with Time() as time:` is the time that a limiter sees, in milliseconds."""

    def __init__(self, now=0):
        self.now = now

    def __enter__(self):
        self.kept = ratelimit.ticks_ms
        ratelimit.ticks_ms = lambda: self.now % WRAP
        return self

    def __exit__(self, *error):
        ratelimit.ticks_ms = self.kept


def limiter_of(per_minute):
    return Limiter({"strangers": per_minute})


def burst(limiter, key):
    """How many requests it takes at once."""
    count = 0
    while limiter.spend(key) == 0:
        count += 1
        assert count < 100000
    return count


def test_four_addresses_of_good_tokens_are_known():
    limiter = limiter_of(120)
    for key in (1, 2, 3, 4, 2, 5):
        limiter.know(key)
    equal(limiter.known, [2, 3, 4, 5])


@cases([("by default", 120, 61), ("few", 10, 6), ("one a minute", 1, 1), ("many", 6000, 3001)])
def test_half_a_minutes_worth_at_once(per_minute, most):
    with Time():
        equal(burst(limiter_of(per_minute), 1), most)


@cases([("by default", 120), ("few", 10), ("one a minute", 1), ("many", 6000)])
def test_then_as_many_as_are_allowed(per_minute):
    with Time() as time:
        limiter = limiter_of(per_minute)
        burst(limiter, 1)
        count = 0
        for _ in range(600):  # ten minutes
            time.now += 1000
            count += burst(limiter, 1)
        assert per_minute * 10 - 1 <= count <= per_minute * 10 + 1, count


def test_tells_when_it_may_ask_again():
    with Time(WRAP - 40000) as time:  # the ticks wrap within this
        limiter = limiter_of(60)
        for _ in range(200):
            burst(limiter, 1)
            wait = limiter.spend(1)
            assert 0 < wait <= 1000, wait
            time.now += wait - 1
            equal(limiter.spend(1), 1)  # refused ones cost nothing
            time.now += 1
            equal(limiter.spend(1), 0)


def test_one_asks_while_another_is_refused():
    with Time():
        limiter = limiter_of(120)
        burst(limiter, 1)
        equal(burst(limiter, 2), 60)


def test_a_poll_each_second_is_never_refused():
    with Time() as time:
        limiter = limiter_of(120)
        for _ in range(3600):
            time.now += 1000
            equal(limiter.spend(1), 0)


@cases([("one", 1), ("four", 4), ("as many as can be told apart, but one", 15)])
def test_who_asks_little_is_let_in_while_others_flood(flooders):
    """A phone that loads its page, five requests at once, twice a minute."""
    with Time() as time:
        limiter = limiter_of(120)
        asked = 0
        for second in range(600):
            for flooder in range(1, flooders + 1):
                asked += burst(limiter, flooder)
            if second % 30 == 0:
                for _ in range(5):
                    equal((second, limiter.spend(99)), (second, 0))
            time.now += 1000
        # Nor are the flooders refused what there is.
        assert asked >= 600 * min(2 * flooders, 7), asked


def test_all_together_are_limited():
    """However many addresses somebody takes: eight requests a second, and 240 at once."""
    with Time() as time:
        limiter = limiter_of(120)
        count = 0
        for _ in range(60):
            for key in range(1, 255):
                count += burst(limiter, key)
            time.now += 1000
        assert 7 * 60 <= count <= 8 * 60 + 240, count


def test_a_new_address_takes_over_the_least_debt():
    with Time() as time:
        limiter = limiter_of(1000)
        for key in range(1, 17):  # key 16 owes most
            for _ in range(key):
                limiter.spend(key)
        limiter.spend(99)  # in the place of key 1, with its debt of one request beside its own
        assert 1 not in limiter._keys
        equal(limiter._owed[limiter._keys.index(99)], 2 * 60)
        limiter.spend(98)  # 2 and 99 owe the same; one of them goes, nobody who owes more
        for key in range(3, 17):
            assert key in limiter._keys
        time.now += 3 * 60
        equal(limiter.spend(97), 0)
        equal(limiter._owed[limiter._keys.index(97)], 60)  # nothing was owed any more


def test_silence_of_days_is_no_debt():
    """Ticks wrap: after between six and twelve days what was paid off looks as if it lay ahead."""
    with Time() as time:
        limiter = limiter_of(120)
        burst(limiter, 1)
        burst(limiter, 2)
        for days in (1, 5, 6, 7, 9, 12):
            time.now += days * 86400000
            equal((days, burst(limiter, 1)), (days, 61))


def test_allocates_nothing():
    if sys.implementation.name != "micropython":
        return
    import gc

    limiter = limiter_of(120)
    for key in range(1, 50):
        limiter.spend(key)
    gc.collect()
    before = gc.mem_alloc()
    gc.disable()
    try:
        for key in range(1, 1000):
            limiter.spend(key)
        used = gc.mem_alloc() - before
    finally:
        gc.enable()
    # With 64 bits and a clock that counts in them nothing else is made either.
    assert used < 256, used


SOCKADDR = bytearray(b"\x02\x00\xc3\x50\xc0\xa8\x01\x07\0\0\0\0\0\0\0\0")


@cases(
    [
        ("a board's", ("192.168.1.7", 50000), "192.168.1.7"),
        ("MicroPython's unix port", SOCKADDR, "192.168.1.7"),
        ("of bytes", bytes(SOCKADDR), "192.168.1.7"),
        ("great numbers", ("255.255.255.255", 1), "255.255.255.255"),
        ("small ones", ("0.0.0.0", 1), "0.0.0.0"),  # noqa: S104
        ("this computer's", ("127.0.0.1", 65535), "127.0.0.1"),
    ]
)
def test_address(peer, text):
    equal(address_of(peer), text)
    octets = [int(part) for part in text.split(".")]
    key = key_of(peer)
    equal(key, (octets[0] * 256**3 + octets[1] * 256**2 + octets[2] * 256 + octets[3]) % (1 << 30))
    assert 0 <= key < 1 << 30  # no object on a board


def guarded(request):
    """A handler that knows one token."""
    response = echo(request)
    if request.fields.get(b"authorization") == b"Bearer good":
        response.stranger = False
    elif b"authorization" in request.fields:
        response.status = 401
    return response


GOOD = get("/good", "Authorization: Bearer good")
HERE, THERE = "192.168.1.66", "192.168.1.7"


async def exhaust(bench, data=None, most=200):
    """Ask until it is refused; return that answer."""
    for _ in range(most):
        answer = await bench.exchange(data or get("/"), address=HERE)
        if answer.status == 429:
            return answer
    raise AssertionError("it never was too much")


def check_429(answer):
    equal(answer.status, 429)
    told = json.loads(answer.body)
    equal((told["code"], told["status"], told["title"]), ("rate_limited", 429, "Too Many Requests"))
    equal(answer.fields["connection"], "close")
    assert 1 <= int(answer.fields["retry-after"]) <= 60


@cases(
    [
        ("a page", get("/")),
        ("a guess", get("/", GUESS)),
        ("a guess with a body", get("/", GUESS, method="POST", body="{}")),
        ("what cannot be read", b"HELLO\r\n\r\n"),
        ("a head too long", get("/", "A: " + "x" * 5000)),
        ("for another host", b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
        ("a body too long", get("/", GUESS, "Content-Length: 99999")),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00"),
    ]
)
async def test_what_strangers_do_is_counted(data):
    async with Bench(guarded, strangers=10) as bench:
        check_429(await exhaust(bench, data, 8))
        assert len(bench.answered) >= 4, bench.answered  # what they were told before that
        equal(bench.answered[-1][1], 429)
        # That one is refused, at whatever it asks; but not its neighbours.
        check_429(await bench.exchange(get("/"), address=HERE))
        check_429(await bench.exchange(get("/", GUESS), address=HERE))
        equal((await bench.exchange(get("/"), address=THERE)).status, 200)


async def test_a_good_token_always_gets_through():
    """From the address of somebody who floods, at the first time, again and again, and kept open."""
    async with Bench(guarded, strangers=10) as bench:
        await exhaust(bench)
        for _ in range(50):
            equal((await bench.exchange(GOOD, address=HERE)).status, 200)
        client = await bench.place(GOOD, HERE)
        for _ in range(50):
            equal((await client.answer()).status, 200)
            client.send(GOOD)
        equal((await client.answer()).status, 200)
        check_429(await bench.exchange(get("/"), address=HERE))


async def test_old_recordings_are_counted_and_do_not_lock_their_owner_out():
    """At the same address even: a phone that slept over a restart hears of the new challenge, and goes on."""
    board = api_bench.Board()
    relay = "/api/v1/pins/relay"

    def asked(own, **how):
        return get(relay, *signed(api_bench.ALL, "GET", relay, own, **how))

    async with Bench(board.api.handle, strangers=10) as bench:
        recording = asked("recorded", created=NOW - 301, challenge="B" * 16)
        equal((await bench.exchange(recording, address=HERE)).status, 401)
        check_429(await exhaust(bench, recording, 8))
        for number in range(20):
            own = "own-%05d" % number
            told = json.loads((await bench.exchange(asked(own, challenge="B" * 16), address=HERE)).body)
            equal((told["code"], told["nonce"]), ("stale_nonce", "A" * 16))
            equal((await bench.exchange(asked(own), address=HERE)).status, 200)
        check_429(await bench.exchange(recording, address=HERE))


async def test_a_good_token_costs_nothing():
    async with Bench(guarded, strangers=10) as bench:
        for _ in range(100):
            equal((await bench.exchange(GOOD, address=HERE)).status, 200)
        for _ in range(6):
            equal((await bench.exchange(get("/"), address=HERE)).status, 200)


async def test_it_may_ask_again_after_what_it_was_told():
    async with Bench(guarded, strangers=10) as bench:
        refused = await exhaust(bench)
        await bench.later(int(refused.fields["retry-after"]))
        equal((await bench.exchange(get("/"), address=HERE)).status, 200)
        check_429(await bench.exchange(get("/"), address=HERE))


async def test_nothing_is_done_for_a_request_without_a_credential():
    async with Bench(guarded, strangers=10) as bench:
        asked = []

        def handle(request):
            asked.append(request.path)
            return Response(200)

        bench.server._handle = handle
        await exhaust(bench)
        before = len(asked)
        check_429(await bench.exchange(get("/file"), address=HERE))
        # Not even is its body waited for.
        check_429(await bench.exchange(get("/", "Content-Length: 2000", method="PUT"), address=HERE))
        equal(len(asked), before)


async def test_the_file_of_a_page_is_not_opened_for_a_guess():
    """Such an answer is an iterator, and it opens the file at its first step."""

    def handle(request):
        if request.path != "/file":
            return Response(200)
        return Response(200, read(), b"text/plain", length=6)

    opened = []

    def read():
        opened.append(1)
        yield b"octets"

    async with Bench(handle, strangers=10) as bench:
        equal((await bench.exchange(get("/file", GUESS), address=HERE)).body, b"octets")
        await exhaust(bench)
        check_429(await bench.exchange(get("/file", GUESS), address=HERE))
        check_429(await bench.exchange(get("/file"), address=HERE))
        equal(opened, [1])


@cases([("a fault", RuntimeError, 500), ("memory, which his token may have taken", MemoryError, 429)])
async def test_what_who_brings_a_token_is_told_of_the_board(error, status):
    """Faults of the board's own are not hidden from an owner whose address asks too often."""

    def handle(request):
        if request.path == "/":
            return echo(request)
        raise error

    async with Bench(handle, strangers=10) as bench:
        await exhaust(bench)
        equal((await bench.exchange(get("/x", GUESS), address=HERE)).status, status)
        bench.faults.clear()


async def test_slow_ones_are_counted():
    async with Bench(guarded, strangers=10) as bench:
        for want in (408, 408, 408, 408, 408, 408, 429):
            slow = await bench.place(get("/")[:20], HERE)
            await bench.later(5.01)
            bench.passed -= 5010  # so that it pays nothing off meanwhile
            equal((await slow.answer()).status, want)


async def test_pipelined_ones_are_counted():
    async with Bench(guarded, strangers=10) as bench:
        client = await bench.place(get("/") * 20, HERE)
        for _ in range(6):
            equal((await client.answer()).status, 200)
        check_429(await client.answer())
        await bench.later(1)
        equal(await client.rest(), b"")


async def test_head_is_refused_without_a_body():
    async with Bench(guarded, strangers=10) as bench:
        await exhaust(bench)
        client = bench.connect(get("/", method="HEAD"))
        equal((await client.answer(no_body=True)).status, 429)
        equal(await client.rest(), b"")


async def test_without_a_limit():
    async with Bench(guarded, strangers=0) as bench:
        for _ in range(200):
            equal((await bench.exchange(get("/"), address=HERE)).status, 200)


async def test_a_flood_from_everywhere_does_not_keep_a_token_out():
    async with Bench(guarded, strangers=10) as bench:
        refused = 0
        for number in range(300):
            data = (get("/"), get("/", GUESS), b"HELLO\r\n\r\n")[number % 3]
            answer = await bench.exchange(data, address="192.168.1.%d" % (number % 254 + 1))
            refused += answer.status == 429
            if number % 10 == 0:
                equal((await bench.exchange(GOOD, address=HERE)).status, 200)
        assert refused > 200, refused
        await asyncio.sleep_ms(0)
