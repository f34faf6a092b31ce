"""What other web sites can make a browser send to the board, and what becomes of it: Origin, CORS."""

import json

from harness import cases, equal
from http_bench import Bench, get

OWN = "http://door"
FOREIGN = "http://evil.example"
KNOWN = "https://panel.example"


@cases(
    [
        ("no browser, no origin", "PUT", None, 200),
        ("our own page", "PUT", OWN, 200),
        ("our own page, in capitals", "PUT", "http://DOOR", 200),
        ("another site's POST", "POST", FOREIGN, 403),
        ("another site's PUT", "PUT", FOREIGN, 403),
        ("another site's DELETE", "DELETE", FOREIGN, 403),
        ("a sandboxed frame, or a file", "PUT", "null", 403),
        ("the name with something after it", "PUT", "http://door.evil.example", 403),
        ("another port is another origin", "PUT", "http://door:8080", 403),
        ("https is another origin", "PUT", "https://door", 403),
        ("an empty one", "PUT", "", 403),
        ("a configured one", "PUT", KNOWN, 200),
        ("a configured one, with another port", "PUT", KNOWN + ":444", 403),
        ("another site may ask: it cannot read the answer", "GET", FOREIGN, 200),
    ]
)
async def test_origin(method, origin, status):
    fields = [] if origin is None else ["Origin: " + origin]
    async with Bench(origins=(KNOWN,)) as bench:
        answer = await bench.exchange(get("/", *fields, method=method))
        equal(answer.status, status)
        if status == 403:
            equal(json.loads(answer.body)["code"], "forbidden_origin")
        if origin == KNOWN:
            equal(answer.fields["access-control-allow-origin"], KNOWN)
            equal(answer.fields["vary"], "Origin")
        else:
            assert "access-control-allow-origin" not in answer.fields


def preflight(origin):
    return get(
        "/api/v1/pins/relay",
        "Origin: " + origin,
        "Access-Control-Request-Method: PUT",
        "Access-Control-Request-Headers: authorization,content-type",
        method="OPTIONS",
    )


async def test_preflight_of_a_configured_origin():
    async with Bench(origins=(KNOWN,)) as bench:
        answer = await bench.exchange(preflight(KNOWN))
        equal(answer.status, 204)
        equal(answer.fields["access-control-allow-origin"], KNOWN)
        equal(answer.fields["access-control-allow-methods"], "GET, PUT, POST, DELETE")
        allowed = "Authorization, Content-Digest, Content-Type, Signature, Signature-Input"
        equal(answer.fields["access-control-allow-headers"], allowed)
        assert "content-length" not in answer.fields
        assert "access-control-allow-credentials" not in answer.fields


@cases([("of a foreign one", (KNOWN,), FOREIGN), ("where none is configured", (), KNOWN)])
async def test_preflight_goes_to_the_handler(origins, origin):
    async with Bench(origins=origins) as bench:
        answer = await bench.exchange(preflight(origin))
        equal(answer.body, b"OPTIONS /api/v1/pins/relay ")
        for name in answer.fields:
            assert not name.startswith("access-control"), name


async def test_no_host_fits_while_the_board_has_no_address():
    async with Bench(hosts=("door", None)) as bench:
        answer = await bench.exchange(b"GET / HTTP/1.1\r\nHost: none\r\n\r\n")
        equal(answer.status, 421)
        assert "None" not in str(answer.body, "utf-8")
