"""The bodies of commands: what they may hold, of which type, and what a pin makes of them."""

import json

from api_bench import JSON, RELAY, Board, code_of, field
from harness import cases, equal


@cases(
    [
        ("as documented", "application/json", 200),
        ("with its charset", "application/json; charset=utf-8", 200),
        ("in any case, with spaces", " Application/JSON ;x=y", 200),
        ("a form: what a foreign page may send unasked", "application/x-www-form-urlencoded", 415),
        ("a form with a file", "multipart/form-data; boundary=x", 415),
        ("text: the same", "text/plain", 415),
        ("text that mentions it", "text/plain; application/json", 415),
        ("something that begins so", "application/jsonp", 415),
        ("a list", "text/plain, application/json", 415),
        ("an empty one", "", 415),
        ("none", None, 415),
    ]
)
def test_content_type(value, status):
    for method, path, body in (
        ("PUT", RELAY, b'{"value":true}'),
        ("POST", RELAY + "/toggle", b"{}"),
        ("POST", RELAY + "/pulse", b""),
    ):
        board = Board()
        fields = [] if value is None else ["Content-Type: " + value]
        response = board.ask(method, path, *fields, body=body)
        equal((path, response.status), (path, status))
        equal(board.moved(), status == 200)
        if status == 415:
            equal(code_of(response), (415, "unsupported_media_type"))


@cases(
    [
        ("no body", b"", 422, "bad_value"),
        ("an empty object", b"{}", 422, "bad_value"),
        ("an integer for a bool", b'{"value":1}', 422, "bad_value"),
        ("a string", b'{"value":"true"}', 422, "bad_value"),
        ("null", b'{"value":null}', 422, "bad_value"),
        ("a list", b'{"value":[true]}', 422, "bad_value"),
        ("a member more", b'{"value":true,"ms":5}', 422, "bad_value"),
        ("another member", b'{"ms":5}', 422, "bad_value"),
        ("other capitals", b'{"Value":true}', 422, "bad_value"),
        ("no object", b"true", 422, "bad_value"),
        ("an array", b'[{"value":true}]', 422, "bad_value"),
        ("an array of names", b'["value"]', 422, "bad_value"),
        ("a string that is the name", b'"value"', 422, "bad_value"),
        ("null alone", b"null", 422, "bad_value"),
        ("a name twice: which one counts?", b'{"value":false,"value":true}', 400, "invalid_request"),
        ("the same, escaped", b'{"value":false,"v\\u0061lue":true}', 400, "invalid_request"),
        ("no JSON", b"value=true", 400, "invalid_request"),
        ("JSON that MicroPython's own parser takes", b'{"value" true}', 400, "invalid_request"),
        ("something after it", b'{"value":true}x', 400, "invalid_request"),
        ("NUL after it", b'{"value":true}\0', 400, "invalid_request"),
        ("a byte order mark", b'\xef\xbb\xbf{"value":true}', 400, "invalid_request"),
        ("no UTF-8", b'{"value":"\xff"}', 400, "invalid_request"),
        ("white space alone", b" ", 400, "invalid_request"),
        ("deep nesting", b"[" * 2048, 400, "invalid_request"),
    ]
)
def test_put_refuses(body, status, code):
    board = Board()
    equal(code_of(board.ask("PUT", RELAY, JSON, body=body)), (status, code))
    assert not board.moved()


@cases(
    [
        ("white space", b' \r\n{ "value" : true } ', True),
        ("an escaped name is the same name", b'{"v\\u0061lue":true}', True),
        ("what it is already", b'{"value":false}', False),
    ]
)
def test_put_takes(body, value):
    response = Board().ask("PUT", RELAY, JSON, body=body)
    equal((response.status, json.loads(response.body)["value"]), (200, value))


@cases(
    [
        ("a bool, which is an int to some", b'{"ms":true}'),
        ("a fraction", b'{"ms":500.0}'),
        ("an exponent", b'{"ms":5e2}'),
        ("a string", b'{"ms":"500"}'),
        ("null", b'{"ms":null}'),
        ("nothing", b'{"ms":0}'),
        ("less", b'{"ms":-1}'),
        ("more than it may", b'{"ms":10001}'),
        ("more than any number may", b'{"ms":99999999999999999999}'),
        ("another member", b'{"value":true}'),
        ("a member more", b'{"ms":5,"value":true}'),
        ("an array", b"[500]"),
        ("a number", b"500"),
    ]
)
def test_pulse_refuses(body):
    board = Board()
    equal(code_of(board.ask("POST", RELAY + "/pulse", JSON, body=body)), (422, "bad_value"))
    assert not board.moved()


@cases(
    [
        ("no body: the pin's own length", "opener", b"", 300),
        ("an empty object", "opener", b"{}", 300),
        ("so many milliseconds", "opener", b'{"ms":20}', 20),
        ("any switch can be pulsed", "relay", b"{}", 500),
        ("the most", "relay", b'{"ms":10000}', 10000),
    ]
)
def test_pulse(name, body, ms):
    board = Board()
    told = json.loads(board.ask("POST", f"/api/v1/pins/{name}/pulse", JSON, body=body).body)
    equal((told["value"], told["remaining_ms"]), (True, ms))
    board.bench.pass_ms(ms)
    equal(json.loads(board.ask("GET", "/api/v1/pins/" + name).body)["value"], False)


@cases(
    [
        ("no body", b"", 200, None),
        ("an empty object", b"{}", 200, None),
        ("a value: that would be PUT", b'{"value":true}', 422, "bad_value"),
        ("a member", b'{"x":1}', 422, "bad_value"),
        ("an array", b"[]", 422, "bad_value"),
        ("null", b"null", 422, "bad_value"),
    ]
)
def test_toggle(body, status, code):
    board = Board()
    response = board.ask("POST", RELAY + "/toggle", JSON, body=body)
    equal((response.status, response.code), (status, code))
    equal(board.moved(), status == 200)


def test_what_a_pin_refuses():
    board = Board()
    equal(board.ask("PUT", "/api/v1/pins/up", JSON, body=b'{"value":true}').status, 200)
    response = board.ask("PUT", "/api/v1/pins/down", JSON, body=b'{"value":true}')
    equal(code_of(response), (409, "interlocked"))
    response = board.ask("POST", "/api/v1/pins/opener/toggle", JSON)
    equal(code_of(response), (422, "not_supported"))
    response = board.ask("PUT", "/api/v1/pins/opener", JSON, body=b'{"value":true}')
    equal(code_of(response), (422, "not_supported"))
    equal(board.ask("POST", "/api/v1/pins/bell/toggle", JSON).status, 200)
    board.bench.ms += 100
    response = board.ask("POST", "/api/v1/pins/bell/toggle", JSON)
    equal(code_of(response), (429, "too_soon"))
    equal(json.loads(response.body)["retry_ms"], 1400)
    equal(field(response, "Retry-After"), "2")  # whole seconds, never too early
    equal(response.subject, "anna")
