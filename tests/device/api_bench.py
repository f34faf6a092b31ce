"""The interface over pins on a bench: for the tests of api.py."""

import json

from access_bench import NOW, Clock, access_of, request_of, token
from firmware.api import Api
from firmware.response import Response
from harness import equal
from pin_bench import Bench

JSON = "Content-Type: application/json"
ALL = token("pins:read", "pins:write")
RELAY = "/api/v1/pins/relay"


class Board:
    """The interface, over pins on a bench: `bench`, or one with switches."""

    def __init__(self, unix=NOW, bench=None):
        self.bench = bench or Bench(
            relay={},
            lamp={"max_on": 60},
            opener={"kind": "pulse", "ms": 300},
            bell={"min_interval": 1500},
            up={"interlock": ["down"]},
            down={"interlock": ["up"]},
        )
        self.made = list(self.bench.history)
        self.clock = Clock(unix)
        describe = lambda: {"name": "door"}  # noqa: E731
        self.api = Api(access_of(self.clock), self.bench.pins, self.clock, describe, page, administer)

    def ask(self, method, path, *fields, value=ALL, body=b""):
        """The answer; `value` is the token, None for none."""
        fields = list(fields)
        if value is not None:
            fields.append("Authorization: Bearer " + value)
        return self.api.handle(request_of(method, path, *fields, body=body))

    def moved(self):
        return self.bench.history != self.made


def administer(request, grant, parts):
    raise AssertionError("nobody here may ask for that")


def page(request):
    return Response(200, b"<!doctype html>", b"text/html") if request.path == "/" else None


def code_of(response):
    """(status, code) of a problem, whose body must agree with it."""
    told = json.loads(response.body)
    equal(response.content_type, b"application/problem+json")
    equal((told["status"], told["code"]), (response.status, response.code))
    assert told["detail"]
    assert told["title"]
    return response.status, response.code


def field(response, name):
    """The value of one field line, or None."""
    for line in str(response.fields, "utf-8").split("\r\n"):
        if line.startswith(name + ": "):
            return line[len(name) + 2 :]
    return None
