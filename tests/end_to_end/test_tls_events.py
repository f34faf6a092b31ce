"""A stream of events in TLS, where the settings want one: the other of the two sessions is for the rest."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

import testbed
import tlsbed

EVENTS, TOGGLE = "/api/v1/events", "/api/v1/pins/relay/toggle"


def test_one_stream_and_what_else_is_asked(
    runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = tlsbed.make_authority(tmp_path, monkeypatch)
    pair = tlsbed.certificate(tlsbed.make_device(tmp_path))
    reader = testbed.bearer(testbed.token("pins:read"))
    writer = testbed.bearer(testbed.token("pins:read", "pins:write", sub="bert"))
    with (
        tlsbed.board(tmp_path / "flash", runtime, pair, streams=1) as board,
        tlsbed.client(board, signer) as phone,
        tlsbed.client(board, signer) as other,
        phone.stream("GET", EVENTS, headers=reader, extensions=tlsbed.SNI) as stream,
    ):
        assert stream.status_code == 200
        data = (line for line in stream.iter_lines() if line.startswith("data: "))
        assert "pins" in json.loads(next(data)[6:])
        for value in (True, False):
            answer = other.post(TOGGLE, headers=writer, json={}, extensions=tlsbed.SNI)
            assert (answer.status_code, json.loads(next(data)[6:])["value"]) == (200, value)
        refused: httpx.Response = other.get(EVENTS, headers=writer, extensions=tlsbed.SNI)
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_streams")


def test_none_unless_the_settings_want_it() -> None:
    assert testbed.settings(http={"tls": True})["http"]["streams"] == 0
    assert testbed.settings(http={"tls": True, "streams": 1})["http"]["streams"] == 1
