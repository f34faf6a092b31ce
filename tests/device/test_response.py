"""What an answer looks like on the wire."""

import json

from firmware.response import Response, json_response, problem
from harness import cases, equal


def fields(response, keep_alive=True):
    """(status line, fields by name) of the head."""
    head = str(response.head(keep_alive), "utf-8")
    assert head.endswith("\r\n\r\n"), head
    first, *lines = head[:-4].split("\r\n")
    pairs = [line.split(": ", 1) for line in lines]
    assert len({name.lower() for name, _ in pairs}) == len(pairs), head
    return first, dict(pairs)


ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def both(**more):
    return dict(ALWAYS, **{name.replace("_", "-"): value for name, value in more.items()})


def test_plain():
    first, got = fields(Response(200, b"hello", b"text/plain"))
    equal(first, "HTTP/1.1 200 OK")
    equal(got, both(Content_Type="text/plain", Content_Length="5"))


def test_last():
    equal(fields(Response(), keep_alive=False)[1]["Connection"], "close")
    assert "Connection" not in fields(Response())[1]


@cases([("204", 204, "No Content"), ("304", 304, "Not Modified")])
def test_without_content(status, reason):
    """RFC 9110 section 8.6: no Content-Length where there can be no content; nor is there a type."""
    first, got = fields(Response(status, fields=b"A: b\r\n"))
    equal(first, f"HTTP/1.1 {status} {reason}")
    equal(got, both(A="b"))


def test_a_rule_of_its_own():
    got = fields(Response(200, b"", fields=b"Cache-Control: no-cache\r\n"))[1]
    equal(got["Cache-Control"], "no-cache")


def test_length_of_an_iterator():
    equal(fields(Response(200, iter([b"ab", b"c"]), length=3))[1]["Content-Length"], "3")


def test_json():
    response = json_response({"name": "tür", "on": True})
    equal(json.loads(response.body), {"name": "tür", "on": True})
    equal(fields(response)[1]["Content-Length"], str(len(response.body)))
    equal(json_response([], 503).status, 503)


def test_problem():
    """RFC 9457 section 3.1, with members of our own."""
    response = problem(429, "too_soon", 'wait "a bit"', b"Retry-After: 2\r\n", retry_ms=1500)
    equal(
        json.loads(response.body),
        {
            "title": "Too Many Requests",
            "status": 429,
            "code": "too_soon",
            "detail": 'wait "a bit"',
            "retry_ms": 1500,
        },
    )
    first, got = fields(response)
    equal(first, "HTTP/1.1 429 Too Many Requests")
    equal((got["Content-Type"], got["Retry-After"]), ("application/problem+json", "2"))
    equal(response.code, "too_soon")


STATUS = (400, 401, 403, 404, 405, 408, 409, 413, 414, 415, 417, 421, 422, 429, 431, 500, 501, 503, 505)


@cases([(str(status), status) for status in STATUS])
def test_every_status_that_is_used_has_its_line(status):
    response = problem(status, "x", "y")
    title = json.loads(response.body)["title"]
    assert title
    equal(title.strip(), title)
    equal(fields(response)[0], f"HTTP/1.1 {status} {title}")
