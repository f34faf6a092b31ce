"""PUT for the other kinds than switches: values, fades, and what is only read."""

import json

import audit_bench
from access_bench import request_of, token
from api_bench import JSON, Board, code_of
from firmware import audit_file
from firmware.audit import Audit
from harness import cases, equal
from pin_bench import Bench, Machine


def board():
    """With a pin of each kind; those that are read read 0."""
    machine = Machine()
    machine.levels[1] = 1
    machine.microvolts[0] = 0
    kinds = ("analog", "input", "pwm", "rgb", "servo")
    return Board(bench=Bench(machine=machine, **{kind: {"kind": kind} for kind in kinds}))


@cases(
    [
        ("a share", "pwm", b'{"value":0.25}', 0.25),
        ("a whole number", "pwm", b'{"value":1}', 1),
        ("an exponent", "pwm", b'{"value":5e-1}', 0.5),
        ("more digits than a share has", "pwm", b'{"value":0.33333333333333333333333333333}', 0.333),
        ("an angle", "servo", b'{"value":90}', 90),
        ("a colour", "rgb", b'{"value":"#FF8800"}', "#ff8800"),
        ("a colour in a while", "rgb", b'{"fade_ms":500,"value":"#ff8800"}', "#ff8800"),
        ("at once", "rgb", b'{"value":"#ff8800","fade_ms":0}', "#ff8800"),
    ]
)
def test_takes(name, body, value):
    made = board()
    response = made.ask("PUT", "/api/v1/pins/" + name, JSON, body=body)
    told = json.loads(response.body)
    equal((response.status, told["value"], told["writable"]), (200, value, True))
    equal(told.get("fading_ms"), 500 if b"500" in body else None)
    equal(response.action, ("set", name, value))
    # What the audit keeps of it is on one short line.
    audit = Audit(audit_bench.Clock())
    audit.hear(request_of("PUT", "/"), response)
    (entry,) = audit_bench.waiting(audit)
    said = json.loads("{" + str(audit_file.event(entry, 0), "utf-8") + "}")
    equal((said["what"], said["pin"], said["value"]), ("set", name, value))


@cases(
    [
        ("a share as text", "pwm", b'{"value":"0.5"}', "bad_value"),
        ("a bool for a share", "pwm", b'{"value":true}', "bad_value"),
        ("a number that becomes infinity", "pwm", b'{"value":1e39}', "bad_value"),
        ("half a degree", "servo", b'{"value":0.5}', "bad_value"),
        ("a colour by name", "rgb", b'{"value":"red"}', "bad_value"),
        ("a fade without a colour", "rgb", b'{"fade_ms":500}', "bad_value"),
        ("a fade of null", "rgb", b'{"value":"#ffffff","fade_ms":null}', "bad_value"),
        ("a fade that takes half a millisecond", "rgb", b'{"value":"#ffffff","fade_ms":0.5}', "bad_value"),
        ("another member", "rgb", b'{"value":"#ffffff","fade":500}', "bad_value"),
        ("a share that fades", "pwm", b'{"value":0.5,"fade_ms":500}', "not_supported"),
        ("a button that is pressed from afar", "input", b'{"value":true}', "not_supported"),
        ("a measurement that is made up", "analog", b'{"value":100}', "not_supported"),
    ]
)
def test_refuses(name, body, code):
    made = board()
    equal(code_of(made.ask("PUT", "/api/v1/pins/" + name, JSON, body=body)), (422, code))
    assert not made.moved()


@cases(
    [
        (f"{name} {action}", name, action)
        for name in ("servo", "rgb", "input", "analog")
        for action in ("toggle", "pulse")
    ]
)
def test_actions_of_switches(name, action):
    made = board()
    equal(code_of(made.ask("POST", f"/api/v1/pins/{name}/{action}", JSON)), (422, "not_supported"))
    assert not made.moved()


def test_nobody_may_write_what_is_read():
    pins = json.loads(board().ask("GET", "/api/v1/pins", value=token("pins:read pins:write")).body)["pins"]
    writable = {pin["name"]: pin["writable"] for pin in pins}
    equal(writable, {"analog": False, "input": False, "pwm": True, "rgb": True, "servo": True})
    pins = json.loads(board().ask("GET", "/api/v1/pins", value=token("pins:read")).body)["pins"]
    assert not any(pin["writable"] for pin in pins)
