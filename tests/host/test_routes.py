"""Paths may be short, and each request asks for the least that it needs."""

import pytest

from pinwarden.errors import BadRequest
from pinwarden.routes import full_path, least_scope


@pytest.mark.parametrize(
    ("short", "path"),
    [
        ("pins", "/api/v1/pins"),
        ("pins/relay/toggle", "/api/v1/pins/relay/toggle"),
        ("api/v1/device", "/api/v1/device"),
        ("/api/v1/device", "/api/v1/device"),
        ("healthz", "/healthz"),
        ("/", "/"),
        ("challenge", "/api/v1/challenge"),
        ("audit?since=1", "/api/v1/audit?since=1"),
    ],
)
def test_paths_may_be_short(short: str, path: str) -> None:
    assert full_path(short) == path


@pytest.mark.parametrize(
    "path", ["", "http://door/", "//door/x", "a b", "a\r\nHost: x", "pins#x", "pins/ü", "\x00"]
)
def test_refuses_what_is_no_path(path: str) -> None:
    with pytest.raises(BadRequest) as caught:
        full_path(path)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/v1/device", []),
        ("GET", "/api/v1/pins", ["pins:read"]),
        ("GET", "/api/v1/pins?x=1", ["pins:read"]),
        ("GET", "/api/v1/pins/relay", ["pins:read:relay"]),
        ("HEAD", "/api/v1/pins/relay", ["pins:read:relay"]),
        ("PUT", "/api/v1/pins/relay", ["pins:write:relay"]),
        ("POST", "/api/v1/pins/relay/toggle", ["pins:write:relay"]),
        ("GET", "/api/v1/events", ["pins:read"]),
        ("GET", "/api/v1/audit", ["audit:read"]),
        ("POST", "/api/v1/revocations", ["admin"]),
        ("POST", "/api/v1/tokens", ["admin"]),
        ("GET", "/api/v1/keys", ["admin"]),
        ("PUT", "/api/v1/clock", ["admin"]),
        ("DELETE", "/api/v1/keys/2026-11", ["admin"]),
        ("GET", "/api/v1/nothing", []),
    ],
)
def test_asks_for_the_least_scope(method: str, path: str, scope: list[str]) -> None:
    assert least_scope(method, path) == scope
