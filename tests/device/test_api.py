"""The HTTP interface: which routes there are, who may do what, and what is told to whom."""

import json

from access_bench import NOW, token
from api_bench import ALL, JSON, RELAY, Board, code_of, field
from harness import cases, equal, raises

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
READ = ("pins:read", "pins:read:relay")
WRITE = ("pins:write", "pins:write:relay")
SCOPES = (
    "",
    "pins:read",
    "pins:read:relay",
    "pins:read:relay2",
    "pins:read:rel",
    "pins:readX",
    "pins:write",
    "pins:write:relay",
    "pins:write:relay2",
    "pins:write:lamp",
    "pins:writeX",
    "pins",
    "admin",
    "audit:read",
)


@cases(
    [
        ("device: any valid token", "/api/v1/device", {"GET": SCOPES}, "GET, HEAD"),
        ("pin", RELAY, {"GET": READ, "PUT": WRITE}, "GET, PUT, HEAD"),
        ("toggle", RELAY + "/toggle", {"POST": WRITE}, "POST"),
        ("pulse", RELAY + "/pulse", {"POST": WRITE}, "POST"),
    ]
)
def test_route_method_scope(path, needed, allow):
    """Each route with each method and each scope: what docs/http-api.md grants, and nothing else moves."""
    for method in METHODS:
        granting = needed.get("GET" if method == "HEAD" else method)
        for scope in SCOPES:
            board = Board()
            body = b'{"value":true}' if method == "PUT" else b""
            response = board.ask(method, path, JSON, value=token(scope), body=body)
            where = (method, path, scope)
            if granting is None:
                equal((where, code_of(response)), (where, (405, "method_not_allowed")))
                equal(field(response, "Allow"), allow)
            elif scope in granting:
                equal((where, response.status), (where, 200))
                equal((where, board.moved()), (where, method in ("PUT", "POST")))
                continue
            else:
                equal((where, code_of(response)), (where, (403, "insufficient_scope")))
                challenge = field(response, "WWW-Authenticate")
                assert challenge.endswith(f'error="insufficient_scope", scope="{granting[1]}"'), challenge
            assert not board.moved(), where


@cases([(path, path) for path in ("device", "pins", "pins/relay", "pins/relay/toggle", "pins/relay/pulse")])
def test_without_a_token(path):
    for method in METHODS:
        board = Board()
        response = board.ask(method, "/api/v1/" + path, JSON, value=None, body=b'{"value":true}')
        assert code_of(response) in ((401, "missing_token"), (405, "method_not_allowed"))
        assert not board.moved()
        equal(field(response, "WWW-Authenticate") is None, response.status == 405)


@cases(
    [
        ("all of them", "pins:read pins:write", ["bell", "down", "lamp", "opener", "relay", "up"], True),
        ("read only", "pins:read", ["bell", "down", "lamp", "opener", "relay", "up"], False),
        ("two of them", "pins:read:relay pins:read:lamp", ["lamp", "relay"], False),
        ("one, and it may be written", "pins:read:relay pins:write:relay", ["relay"], True),
        ("writing another", "pins:read:relay pins:write:lamp", ["relay"], False),
        ("one that is not there", "pins:read:ghost", [], False),
    ]
)
def test_list(scope, names, writable):
    response = Board().ask("GET", "/api/v1/pins", value=token(scope))
    pins = json.loads(response.body)["pins"]
    equal([pin["name"] for pin in pins], names)
    equal([pin["writable"] for pin in pins], [writable] * len(names))


@cases([("writing is not reading", "pins:write"), ("nothing", ""), ("a scope that begins so", "pins:reader")])
def test_list_is_refused(scope):
    equal(code_of(Board().ask("GET", "/api/v1/pins", value=token(scope))), (403, "insufficient_scope"))


def test_pin_tells_what_it_is():
    board = Board()
    expected = {"name": "lamp", "label": "", "kind": "switch", "value": False, "writable": True}
    equal(json.loads(board.ask("GET", "/api/v1/pins/lamp").body), expected)
    response = board.ask("PUT", "/api/v1/pins/lamp", JSON, body=b'{"value": true}')
    equal(json.loads(response.body), dict(expected, value=True, remaining_ms=60000))
    response = board.ask("POST", "/api/v1/pins/lamp/toggle", JSON)
    equal(json.loads(response.body), expected)
    response = board.ask("POST", "/api/v1/pins/lamp/pulse", JSON, body=b'{"ms": 200}')
    equal(json.loads(response.body), dict(expected, value=True, remaining_ms=200))


def test_device_tells_of_the_token():
    response = Board().ask("GET", "/api/v1/device", value=token("pins:read", privileges=["x"]))
    told = json.loads(response.body)
    equal(told["name"], "door")
    equal(told["token"], {"sub": "anna", "scope": "pins:read x", "exp": NOW + 3600})


@cases(
    [
        ("without the scope one learns nothing", "pins:read:relay", 403, "insufficient_scope"),
        ("nor with that for writing", "pins:write", 403, "insufficient_scope"),
        ("with it, that there is none", "pins:read", 404, "unknown_pin"),
        ("with the scope for just this", "pins:read:ghost", 404, "unknown_pin"),
    ]
)
def test_unknown_pin(scope, status, code):
    """A stranger cannot find out the names of pins: one that is there and one that is not answer alike."""
    board = Board()
    equal(code_of(board.ask("GET", "/api/v1/pins/ghost", value=token(scope))), (status, code))
    if status == 403:
        there = board.ask("GET", "/api/v1/pins/lamp", value=token(scope))
        missing = board.ask("GET", "/api/v1/pins/ghost", value=token(scope))
        equal(there.body.replace(b"lamp", b"ghost"), missing.body)
        equal(there.fields.replace(b"lamp", b"ghost"), missing.fields)


@cases(
    [
        ("another version", "/api/v2/pins"),
        ("the version alone", "/api/v1"),
        ("nothing behind it", "/api/v1/"),
        ("a slash at the end", "/api/v1/pins/"),
        ("of a pin", RELAY + "/"),
        ("of an action", RELAY + "/toggle/"),
        ("an action that is none", RELAY + "/explode"),
        ("an action without a pin", "/api/v1/pins//toggle"),
        ("below device", "/api/v1/device/toggle"),
        ("other capitals", "/api/v1/Pins"),
        ("two slashes", "/api/v1//pins"),
        ("two at the root", "//api/v1/pins"),
        ("percent encoding", "/api/v1/p%69ns"),
        ("a segment with a dot", "/api/v1/./pins"),
        ("back and forth", "/api/v1/device/../pins"),
        ("a parameter", "/api/v1/pins;x"),
        ("no page of this name", "/secrets.json"),
        ("a file of the firmware", "/firmware/app.mpy"),
    ]
)
def test_nothing_there(path):
    """Whether with a token or without."""
    for method in METHODS:
        board = Board()
        equal(code_of(board.ask(method, path, JSON, value=None)), (404, "not_found"))
        equal(code_of(board.ask(method, path, JSON, body=b'{"value":true}')), (404, "not_found"))
        assert not board.moved()


@cases(
    [
        ("percent encoding: a name has one spelling", "/api/v1/pins/%72elay"),
        ("other capitals", "/api/v1/pins/RELAY"),
        ("a dot", "/api/v1/pins/relay."),
        ("a quotation mark", '/api/v1/pins/re"lay'),
        ("a method of the class", "/api/v1/pins/__class__"),
    ]
)
def test_no_such_pin(path):
    board = Board()
    equal(code_of(board.ask("GET", path)), (404, "unknown_pin"))
    equal(code_of(board.ask("PUT", path, JSON, body=b'{"value":true}')), (404, "unknown_pin"))
    challenge = field(board.ask("GET", path, value=token("")), "WWW-Authenticate")
    equal(challenge.count('"'), 6)


def test_query_is_no_part_of_it():
    equal(Board().ask("GET", RELAY + "?value=true").status, 200)


def test_output_that_fails_is_no_answer():
    """The server makes a 500 of it, and the board's log says more."""
    board = Board()
    board.bench.broken.extend(range(6))
    raises(OSError, board.ask, "POST", RELAY + "/toggle", JSON)


def test_reading_changes_nothing():
    board = Board()
    for path in ("device", "pins", "pins/relay", "pins/relay/toggle", "pins/relay/pulse"):
        for method in ("GET", "HEAD", "OPTIONS"):
            for query in ("", "?value=true", "?ms=5"):
                board.ask(method, "/api/v1/" + path + query, JSON, body=b'{"value":true}')
    assert not board.moved()


@cases(
    [
        ("a known time", NOW, "GET", 200, {"status": "ok"}),
        ("without a body, the server does that", NOW, "HEAD", 200, {"status": "ok"}),
        ("an unset clock", None, "GET", 503, {"status": "clock_unset"}),
    ]
)
def test_health(unix, method, status, told):
    board = Board(unix)
    for warnings in ([], ["clock", "revocations"]):
        board.api.warnings = warnings
        response = board.ask(method, "/healthz", value=None)
        found = json.loads(response.body)
        equal(found.pop("warnings", []), warnings)
        equal("detail" in found, unix is None)
        found.pop("detail", None)
        equal((response.status, found), (status, told))


@cases([("the page", "/"), ("health", "/healthz")])
def test_public_is_read_only(path):
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        response = Board().ask(method, path, JSON)
        equal(code_of(response), (405, "method_not_allowed"))
        equal(field(response, "Allow"), "GET, HEAD")
    equal(Board().ask("GET", path, value=None).status, 200)


def test_unset_clock_admits_nobody():
    board = Board(None)
    for method, path in (
        ("GET", RELAY),
        ("PUT", RELAY),
        ("POST", RELAY + "/toggle"),
        ("GET", "/api/v1/device"),
    ):
        response = board.ask(method, path, JSON, body=b'{"value":true}')
        equal(code_of(response), (503, "clock_unset"))
        equal(field(response, "Retry-After"), "5")
    equal(board.ask("GET", "/", value=None).status, 200)
    assert not board.moved()


@cases(
    [
        ("it has expired", token("pins:write", exp=NOW), "expired"),
        ("it was tampered with", ALL[:-2] + "AA", "signature"),
        ("it is none", "x", "malformed"),
    ]
)
def test_reason_of_a_bad_token(value, reason):
    board = Board()
    response = board.ask("POST", RELAY + "/toggle", JSON, value=value)
    equal(code_of(response), (401, "invalid_token"))
    equal(json.loads(response.body)["reason"], reason)
    equal(response.subject, None)
    assert not board.moved()
