"""Requests that no client sends but to harm, raw, to a whole board: each is refused with the right status,
moves nothing, and leaves the board serving.
"""

from __future__ import annotations

import json
import random
import re
from contextlib import suppress

import pytest

HOST = b"Host: door.local\r\n"
TOGGLE = b"POST /api/v1/pins/relay/toggle HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\n"


def get(fields: bytes, path: bytes = b"/healthz") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n"


ATTACKS = [
    # Two readings of where a request ends: what follows would be one that somebody else's proxy never saw.
    ("two lengths", get(b"Content-Length: 0\r\nContent-Length: 50\r\n"), 400),
    ("two lengths alike", get(b"Content-Length: 0\r\nContent-Length: 0\r\n"), 400),
    ("a list of lengths", get(b"Content-Length: 0, 0\r\n"), 400),
    (
        "CL.TE",
        get(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n" + TOGGLE + b"\r\n",
        400,
    ),
    (
        "TE.CL",
        get(b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n") + b"8\r\nSMUGGLED\r\n0\r\n\r\n",
        400,
    ),
    ("chunked alone", get(b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n", 400),
    ("identity", get(b"Transfer-Encoding: identity\r\n"), 400),
    (
        "an encoding that is hidden by a space",
        get(b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n"),
        400,
    ),
    ("by a tab", get(b"Transfer-Encoding\t: chunked\r\n"), 400),
    ("by a fold", get(b"A: b\r\n Transfer-Encoding: chunked\r\n"), 400),
    ("by a bare LF", get(b"A: b\nTransfer-Encoding: chunked\r\n"), 400),
    ("by a bare CR", get(b"A: b\rTransfer-Encoding: chunked\r\n"), 400),
    ("by NUL", get(b"A: b\0Transfer-Encoding: chunked\r\n"), 400),
    ("a length with a sign", get(b"Content-Length: +0\r\n"), 400),
    ("a negative one", get(b"Content-Length: -1\r\n"), 400),
    ("a hexadecimal one", get(b"Content-Length: 0x0\r\n"), 400),
    ("two numbers", get(b"Content-Length: 0 0\r\n"), 400),
    ("an empty one", get(b"Content-Length:\r\n"), 400),
    ("one beyond all numbers", get(b"Content-Length: " + b"9" * 400 + b"\r\n"), 413),
    ("one beyond the limit", get(b"Content-Length: 2049\r\n"), 413),
    # Lines.
    ("bare LF throughout", b"GET /healthz HTTP/1.1\nHost: door.local\n\n", 400),
    ("bare CR throughout", b"GET /healthz HTTP/1.1\rHost: door.local\r\r", 408),
    ("obs-fold", get(b"A: b\r\n c\r\n"), 400),
    ("a field without a name", get(b": b\r\n"), 400),
    ("a field without a colon", get(b"A\r\n"), 400),
    ("a name that is no token", get(b"A(b): c\r\n"), 400),
    ("no version", b"GET /healthz\r\n" + HOST + b"\r\n", 400),
    ("HTTP/0.9", b"GET /healthz\r\n\r\n", 400),
    ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),
    ("nothing but line ends", b"\r\n" * 50, 400),
    # Whose request it is.
    ("no host", b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    ("two hosts", get(HOST), 400),
    ("an empty host", b"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ("a port that is none", b"GET /healthz HTTP/1.1\r\nHost: door.local:http\r\n\r\n", 400),
    ("DNS rebinding", b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    ("a name that ends in ours", b"GET /healthz HTTP/1.1\r\nHost: evil-door.local\r\n\r\n", 421),
    ("a name that begins with ours", b"GET /healthz HTTP/1.1\r\nHost: door.local.evil.example\r\n\r\n", 421),
    ("another host in the target", b"GET http://evil.example/healthz HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a proxy's request", b"CONNECT door.local:80 HTTP/1.1\r\n" + HOST + b"\r\n", 501),
    ("a foreign page", TOGGLE + b"Origin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}", 403),
    ("a sandboxed frame", TOGGLE + b"Origin: null\r\nContent-Length: 2\r\n\r\n{}", 403),
    # Too much.
    ("a head of 100 kB", get(b"A: " + b"b" * 100_000 + b"\r\n"), 431),
    ("50,000 fields", get(b"A:\r\n" * 50_000), 431),
    ("as many fields as fit", get(b"A:\r\n" * 1000), 431),
    ("a target of 100 kB", get(b"", b"/" + b"a" * 100_000), 414),
    ("a target of 1,025 octets", get(b"", b"/" + b"a" * 1024), 414),
    ("4,000 spaces", b"GET" + b" " * 4000 + b"/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    ("a token of 4,000 octets", get(b"Authorization: Bearer " + b"a" * 3900 + b"\r\n", b"/api/v1/pins"), 401),
    # What is to be found where nothing is.
    ("out of the folder", get(b"", b"/../secrets.json"), 404),
    ("encoded", get(b"", b"/%2e%2e/secrets.json"), 404),
    ("twice encoded", get(b"", b"/%252e%252e/secrets.json"), 404),
    ("the secrets themselves", get(b"", b"/secrets.json"), 404),
    ("a NUL in the target", get(b"", b"/index.html\0.txt"), 400),
    ("an escape sequence in the target", get(b"", b"/\x1b[2Jhealthz"), 400),
    ("a fragment", get(b"", b"/#token=x"), 400),
    # Without a token.
    ("no token", TOGGLE + b"Content-Length: 2\r\n\r\n{}", 401),
    ("in the target", TOGGLE.replace(b"toggle", b"toggle?access_token=a.b.c") + b"\r\n", 401),
    ("not even a token", TOGGLE + b"Authorization: Bearer\r\n\r\n", 400),
    ("two", TOGGLE + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", 400),
    ("none that anybody signed", TOGGLE + b"Authorization: Bearer eyJhbGciOiJub25lIn0.e30.AAAA\r\n\r\n", 401),
    ("a method override", get(b"X-HTTP-Method-Override: POST\r\n", b"/api/v1/pins/relay/toggle"), 405),
    ("an expectation", get(b"Expect: a pony\r\nContent-Length: 2\r\n") + b"{}", 417),
    ("half of a head", get(b"")[:40], 408),
    ("half of a body", get(b"Content-Length: 9\r\n") + b"{", 408),
]


@pytest.mark.parametrize(("data", "status"), [pytest.param(*row[1:], id=row[0]) for row in ATTACKS])
def test_is_refused(target, data: bytes, status: int) -> None:
    if status in (400, 401, 404, 405):
        data = data.replace(HOST, HOST + b"Connection: close\r\n", 1)  # these keep the connection
    answer = target.send(data)
    head, _, body = answer.partition(b"\r\n\r\n")
    told = json.loads(body)  # and nothing after it: no second answer, to what was smuggled
    if len(data) > 2000 and told["code"] == "out_of_memory":
        status = 503  # a big head needs big blocks, and a board that has run for a while may have none
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer[:300]
    assert b"Content-Type: application/problem+json" in head
    assert told["status"] == status
    target.check()


def mutants(seed: int, count: int, good: bytes) -> list[bytes]:
    """Noise, and good requests that noise has hit."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        if chance.random() < 0.3:
            made.append(chance.randbytes(chance.randrange(1, 3000)))
            continue
        data = bytearray(good * chance.randrange(1, 4))
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(data))
            kind = chance.randrange(4)
            if kind == 0:
                data[at] = chance.randrange(256)
            elif kind == 1:
                del data[at : at + chance.randrange(1, 40)]
            elif kind == 2:
                data[at:at] = chance.choice([b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\r\n\r\n", b"\xff"])
            else:
                data[at:at] = data[: chance.randrange(len(data))]
            if not data:
                data += b"\0"
        made.append(bytes(data))
    return made


def test_noise(target) -> None:
    """Whatever comes: what the board says are answers, and then it serves."""
    good = TOGGLE + b"Authorization: Bearer a.b.c\r\nContent-Length: 2\r\n\r\n{}"
    for number, data in enumerate(mutants(20261101, 300, good)):
        with target.connect(data) as client:
            client.shutdown(1)  # the end of what comes, so that the board need not wait for more
            answer = b""
            with suppress(ConnectionError):
                while part := client.recv(65536):
                    answer += part
        assert not answer or re.match(rb"HTTP/1\.1 (40\d|41\d|42\d|431|501|505) ", answer), (
            number,
            answer[:100],
        )
        if number % 25 == 0:
            target.check()
    target.check()


def test_what_was_attacked_is_as_it_was(target) -> None:
    answer = target.send(target.request("/api/v1/pins/relay"))
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["value"] is False
