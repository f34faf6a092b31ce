"""Boards answer as docs/openapi.yaml says, whatever schemathesis makes of it, right or wrong."""

from __future__ import annotations

import copy
import json
import re
import time
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import settings
from schemathesis import Case, CheckContext, GenerationMode, Response

import testbed
from pinwarden.proof import sign
from pinwarden_sim import Board

from .conftest import PINS

SPEC = Path(__file__).parents[2] / "docs" / "openapi.yaml"

# Beyond the usual: a limit of the pin (429, 409) or its kind (422) may refuse a request of the right form.
LIMITS = ["2xx", "304", "403", "404", "409", "422", "429"]


def strict(raw: dict) -> dict:
    """The same interface with the pins and the key that there are, and nothing undocumented in an answer."""
    raw = copy.deepcopy(raw)
    raw["components"]["parameters"]["Name"]["schema"] = {"enum": [*PINS, "cellar"]}
    key = raw["paths"]["/api/v1/keys"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    key["properties"]["from"] = {"enum": [testbed.KID]}
    for schema in raw["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return raw


schema = schemathesis.openapi.from_dict(strict(schemathesis.openapi.from_path(SPEC).raw_schema))
CLOCK = "/api/v1/clock"  # takes signed requests only
EVENTS = "/api/v1/events"  # does not end
RUNNING = re.compile(r'(?<="remaining_ms": )\d+')
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
# TRACE and QUERY are methods that the board does not have at all: 501, not 405 (RFC 9110 section 9.1).
schema.config.phases.coverage.unexpected_methods = {"get", "put", "post", "delete", "options", "patch"}
schema.config.checks.positive_data_acceptance.expected_statuses = LIMITS
# What is too long for its member may be too long for any body.
REFUSALS = ["400", "401", "403", "404", "405", "409", "413", "414", "415", "422", "429"]
schema.config.checks.negative_data_rejection.expected_statuses = REFUSALS


def problems_tell_their_status(ctx: CheckContext, response: Response, case: Case) -> None:
    """RFC 9457 section 3.1.2; and nothing about a token or a pin may be kept by anybody."""
    if response.status_code >= 400 and "problem" in response.headers["content-type"][0]:
        assert response.json()["status"] == response.status_code
    if not case.path.endswith("/"):
        assert response.headers["cache-control"] == ["no-store"]


def test_the_clock_is_told_as_documented(board: Board) -> None:
    """First: what the others revoke is revoked."""
    now = int(time.time())
    admin, reader = testbed.token("admin"), testbed.token("pins:read")
    for status, token, told, kind in (
        (200, admin, {"now": now}, "application/json"),
        (401, admin, {"now": now + 7200}, "application/json"),
        (403, reader, {"now": now}, "application/json"),
        (415, admin, {"now": now}, "text/plain"),
        (422, admin, {"now": str(now)}, "application/json"),
        (422, testbed.token("admin", iat=None), {"now": now - 86400}, "application/json"),
    ):
        body = json.dumps(told).encode()
        created = told["now"] if isinstance(told["now"], int) else now
        challenge = httpx.get(f"{board.url}/api/v1/challenge", trust_env=False).json()["nonce"]
        host = f"127.0.0.1:{board.port}"
        fields = sign(token, "PUT", host, CLOCK, body, challenge=challenge, created=created)
        answer = httpx.put(
            board.url + CLOCK, headers={**fields, "Content-Type": kind}, content=body, trust_env=False
        )
        assert answer.status_code == status, answer.text
        schema[CLOCK]["PUT"].validate_response(answer)


@pytest.mark.parametrize(
    "scopes",
    [("pins:read", "pins:write", "audit:read"), ("pins:read:relay",), ("admin",)],
    ids=["all", "one pin", "admin"],
)
@schema.exclude(path=[CLOCK, EVENTS]).parametrize()
@settings(max_examples=12, derandomize=True, deadline=None)
def test_answers_as_documented(case: Case, board: Board, scopes: tuple[str, ...]) -> None:
    headers = testbed.bearer(testbed.token(*scopes, jti="documented"))
    case.call_and_validate(board.url, headers=headers, additional_checks=[problems_tell_their_status])


def test_streams_are_as_documented(board: Board) -> None:
    """Each event's data is what the same document says of the answer that it stands for."""
    listed, one = "/api/v1/pins", "/api/v1/pins/{name}"
    headers = testbed.bearer(testbed.token("pins:read", "pins:write", sub="follower"))
    with httpx.Client(base_url=board.url, headers=headers, trust_env=False) as client:
        with client.stream("GET", EVENTS) as stream:
            assert (stream.status_code, stream.headers["Content-Type"]) == (200, "text/event-stream")
            lines = stream.iter_lines()
            for path, of in ((listed, schema[listed]["GET"]), (f"{listed}/relay", schema[one]["GET"])):
                data = next(line for line in lines if line.startswith("data: ")).removeprefix("data: ")
                answer = client.get(path)
                assert RUNNING.sub("", data) == RUNNING.sub("", answer.text)
                of.validate_response(answer)
                assert client.post(f"{listed}/relay/toggle", json={}).status_code == 200
        for status, headers in ((401, {"Authorization": ""}), (403, testbed.bearer(testbed.token("admin")))):
            answer = client.get(EVENTS, headers=headers)
            assert answer.status_code == status
            schema[EVENTS]["GET"].validate_response(answer)


def test_every_operation_is_met() -> None:
    assert schema.statistic.operations.total == 18
