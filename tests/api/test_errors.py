"""Each error that docs/http-api.md lists, from a real board: status, code, and what comes along."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

import testbed
from pinwarden_sim import Board
from testbed import KID, token

DOCS = Path(__file__).parents[2] / "docs"

READ, WRITE, ADMIN = token("pins:read"), token("pins:read", "pins:write"), token("admin")
BEFORE = int(time.time()) - 7200  # what is older is revoked
JSON = {"Content-Type": "application/json"}
CHALLENGE = "WWW-Authenticate"
BEARER = 'Bearer realm="door"'
NONCE = 'nonce="[A-Za-z0-9_-]{16}"'
SIGNED = f'Pinwarden realm="door", error="[a-z_]+", {NONCE}'
EITHER = f'{BEARER}, Pinwarden realm="door", {NONCE}'


class Case(NamedTuple):
    """A request, and what its answer has to be. `head` are fields of the answer by regular expression."""

    name: str
    request: dict[str, Any]
    status: int
    code: str
    more: dict[str, Any] = {}  # noqa: RUF012
    head: dict[str, str] = {}  # noqa: RUF012


def get(path: str, value: str | None = READ, **headers: str) -> dict[str, Any]:
    credential = testbed.bearer(value) if value else {}
    return {"method": "GET", "url": path, "headers": {**credential, **headers}}


def put(name: str, body: str, value: str = WRITE, **headers: str) -> dict[str, Any]:
    return {**get(f"/api/v1/pins/{name}", value, **{**JSON, **headers}), "method": "PUT", "content": body}


def post(path: str, body: str = "{}", value: str = WRITE, **headers: str) -> dict[str, Any]:
    return {**get(f"/api/v1/pins/{path}", value, **{**JSON, **headers}), "method": "POST", "content": body}


def admin(method: str, path: str, body: str = "", value: str = ADMIN) -> dict[str, Any]:
    return {**get(path, value, **JSON), "method": method, "content": body}


def rotation(kid: str, source: str = KID, salt: str = "A" * 43) -> str:
    return json.dumps({"kid": kid, "from": source, "salt": salt})


def refused(reason: str, value: str) -> Case:
    challenge = BEARER + ', error="invalid_token", error_description="[^"]+"'
    request = get("/api/v1/device", value)
    return Case(reason, request, 401, "invalid_token", {"reason": reason}, {CHALLENGE: challenge})


def scope(wanted: str, request: dict[str, Any]) -> Case:
    challenge = f'{BEARER}, error="insufficient_scope", scope="{wanted}"'
    return Case(wanted, request, 403, "insufficient_scope", {}, {CHALLENGE: challenge})


PINS, KEYS, REVOKED = "/api/v1/pins", "/api/v1/keys", "/api/v1/revocations"
TOKENS = "/api/v1/tokens"
GUEST = '{"sub": "guest", "scope": "pins:read:relay", "ttl": 60}'
CHILD = token("admin", jti="x", parent={"jti": "y", "iat": int(time.time())})
BASIC = {"Authorization": "Basic eDp5"}
HALF = {"Authorization": "Pinwarden e30.e30"}
PROOF = token("pins:read", cnf={"pinwarden": "proof"})
TEXT = {"Content-Type": "text/plain"}
ON = '{"value": true}'
CASES = [
    Case("no token", get(PINS, None), 401, "missing_token", {}, {CHALLENGE: EITHER}),
    Case("another scheme", get(PINS, None, **BASIC), 401, "missing_token", {}, {CHALLENGE: EITHER}),
    Case("two tokens", get(PINS, f"{READ} {READ}"), 400, "invalid_request", {}, {CHALLENGE: BEARER + ".+"}),
    Case("a token in the URL", get(f"{PINS}?access_token={READ}", None), 401, "missing_token"),
    Case("half a signed request", get(PINS, None, **HALF), 400, "invalid_request", {}, {CHALLENGE: SIGNED}),
    Case("shown", get(PINS, PROOF), 401, "invalid_token", {"reason": "proof_required"}, {CHALLENGE: SIGNED}),
    refused("malformed", "hello"),
    refused("signature", token("pins:read", secret=testbed.OTHER_SECRET)),
    refused("kid", token("pins:read", kid="2025-01")),
    refused("expired", token("pins:read", ttl=-1)),
    refused("not_yet_valid", token("pins:read", nbf=4102444800)),
    refused("audience", token("pins:read", aud="gate")),
    refused("missing_claim", token("pins:read", exp=None)),
    refused("claim_type", token("pins:read", nbf=-1)),
    refused("too_large", token("x" * 2000)),
    refused("revoked", token("pins:read", iat=BEFORE - 1)),
    scope("pins:read", get(PINS, token("pins:write"))),
    scope("pins:read:relay", get(f"{PINS}/relay", token("pins:read:lamp"))),
    scope("pins:write:relay", put("relay", ON, READ)),
    scope("pins:write:lamp", post("lamp/toggle", value=token("pins:write:relay"))),
    scope("pins:write:opener", post("opener/pulse", value=token("device:read"))),
    Case("another site's page", post("relay/toggle", Origin="http://evil.example"), 403, "forbidden_origin"),
    Case("no such path", get("/api/v1/lamps"), 404, "not_found"),
    Case("no such file", get("/app.py"), 404, "not_found"),
    Case("no such pin", get(f"{PINS}/cellar"), 404, "unknown_pin"),
    Case("POST it", {**get(PINS), "method": "POST"}, 405, "method_not_allowed", {}, {"Allow": "GET, HEAD"}),
    Case("interlock", put("down", ON), 409, "interlocked", {"pin": "up"}),
    Case("a body too long", put("relay", " " * 2049), 413, "body_too_large"),
    Case("a path too long", get("/" + "x" * 1100), 414, "uri_too_long"),
    Case("not JSON's type", put("relay", ON, **TEXT), 415, "unsupported_media_type"),
    Case("expectations", put("relay", ON, Expect="magic"), 417, "expectation_failed"),
    Case("another host", get("/", None, Host="evil.example"), 421, "misdirected"),
    Case("not JSON", put("relay", '{"value": true'), 400, "invalid_request"),
    Case("a member twice", put("relay", '{"value": true, "value": false}'), 400, "invalid_request"),
    Case("no value", put("relay", "{}"), 422, "bad_value"),
    Case("a value of another type", put("relay", '{"value": 1}'), 422, "bad_value"),
    Case("another member", put("relay", '{"value": true, "ms": 5}'), 422, "bad_value"),
    Case("a pulse too long", post("opener/pulse", '{"ms": 10001}'), 422, "bad_value"),
    Case("a pulse pin is no switch", post("opener/toggle"), 422, "not_supported"),
    Case("min_interval", post("bell/toggle"), 429, "too_soon", {"retry_ms": "\\d+"}, {"Retry-After": "\\d+"}),
    Case("a head too long", get("/", None, Cookie="x" * 4000), 431, "head_too_large"),
    scope("admin", get(KEYS)),
    scope("admin", admin("POST", REVOKED, '{"jti": "x"}', READ)),
    Case("another secret for a key", admin("POST", KEYS, rotation(KID)), 409, "key_exists"),
    Case("a fifth key", admin("POST", KEYS, rotation("fifth")), 409, "too_many_keys"),
    Case("from a key that is not there", admin("POST", KEYS, rotation("x", "ghost")), 404, "unknown_key"),
    Case("a salt too short", admin("POST", KEYS, rotation("x", salt="AAAA")), 422, "bad_value"),
    Case("the key that signed this", admin("DELETE", f"{KEYS}/{KID}"), 409, "key_in_use"),
    Case("no such key", admin("DELETE", f"{KEYS}/ghost"), 404, "unknown_key"),
    Case("no PUT there", admin("PUT", f"{KEYS}/{KID}"), 405, "method_not_allowed", {}, {"Allow": "DELETE"}),
    scope("admin", admin("POST", TOKENS, GUEST, READ)),
    scope("pins:read:relay", admin("POST", TOKENS, GUEST, token("admin", jti="x"))),
    Case("no id to revoke it by", admin("POST", TOKENS, GUEST), 422, "no_jti"),
    Case("a child's child", admin("POST", TOKENS, GUEST, CHILD), 403, "not_shareable"),
    Case("no guest", admin("POST", TOKENS, "{}", token("admin", jti="x")), 422, "bad_value"),
    Case("a time to come", admin("POST", REVOKED, '{"before": 4102444800}'), 422, "bad_value"),
    Case("neither whom nor when", admin("POST", REVOKED, "{}"), 422, "bad_value"),
    Case("no method of ours", {**get("/"), "method": "TRACE"}, 501, "method_not_implemented"),
]  # fmt: skip

# What another test than this one brings about: the clock, the settings, time and memory.
ELSEWHERE = set(
    "clock_unset safe_mode timeout busy out_of_memory internal perhaps_done version_not_supported last_key "
    "too_many_revocations too_many_streams insufficient_storage rate_limited "
    "stale_nonce replayed created_out_of_window bearer_disabled".split()
)
REASONS_ELSEWHERE = {"alg", "crit", "typ", "issuer"}


@pytest.fixture(scope="module")
def client(board: Board) -> Iterator[httpx.Client]:
    """The board's client; `up` is on, `bell` has just changed. It has four keys; old tokens are revoked."""
    with httpx.Client(base_url=board.url, trust_env=False) as made:
        for kid in ("second", "third", "fourth"):
            assert made.request(**admin("POST", KEYS, rotation(kid))).status_code in (200, 201, 409)
        revoked = made.request(**admin("POST", REVOKED, json.dumps({"before": BEFORE})))
        assert revoked.status_code == 201
        for request in (put("down", '{"value": false}'), put("up", ON), post("bell/toggle")):
            assert made.request(**request).status_code in (200, 429)
        yield made
        made.request(**put("up", '{"value": false}'))


@pytest.mark.parametrize("case", CASES, ids=[f"{case.status} {case.name}" for case in CASES])
def test_error(client: httpx.Client, case: Case) -> None:
    answer = client.request(**case.request)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (case.status, case.code), body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert body["status"] == case.status
    assert body["detail"]
    for name, pattern in case.more.items():
        assert re.fullmatch(pattern, str(body[name])), body
    for name, pattern in case.head.items():
        assert re.fullmatch(pattern, answer.headers[name])


def test_no_error_moved_a_pin(board: Board, client: httpx.Client) -> None:
    before = {name: testbed.levels(board, spec["gpio"]) for name, spec in testbed.PINS.items()}
    for case in CASES:
        client.request(**case.request)
    assert {name: testbed.levels(board, spec["gpio"]) for name, spec in testbed.PINS.items()} == before


def test_without_the_time(board: Board, client: httpx.Client) -> None:
    board.ntp.down()
    board.clock.unset()
    try:
        answer = client.get("/api/v1/pins", headers=testbed.bearer(READ))
        assert (answer.status_code, answer.json()["code"]) == (503, "clock_unset")
        assert int(answer.headers["Retry-After"]) > 0
        assert client.get("/api/v1/pins").status_code == 401, "who has no token is told so"
        assert client.get("/").status_code == 200
    finally:
        board.clock.set(int(time.time()))
        board.ntp.up()


@pytest.mark.parametrize("document", ["openapi.yaml", "http-api.md"])
def test_the_documents_name_every_code(document: str) -> None:
    text = (DOCS / document).read_text()
    codes = {case.code for case in CASES} | ELSEWHERE
    reasons = {case.more["reason"] for case in CASES if "reason" in case.more} | REASONS_ELSEWHERE
    assert {word for word in codes | reasons if not re.search(rf"\b{word}\b", text)} == set()
