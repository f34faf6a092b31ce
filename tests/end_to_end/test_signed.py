"""Signed requests from the command to a running board: what a listener records is worth nothing."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import testbed
from pinwarden import board as files
from pinwarden.device import Device
from pinwarden.mint import mint_token
from pinwarden.signed import Client
from pinwarden_sim import Board

RELAY = 26
TOGGLE = "/api/v1/pins/relay/toggle"
POLICY = "\n[policy]\n"


class Recorder:
    """Stands between a client and a board, and writes down what the client sends."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client:
                request = _whole(client)
                if request:
                    self.requests.append(request)
                    client.sendall(say(self._board, request))

    def end(self) -> None:
        """Stand there no longer."""
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


def _whole(client: socket.socket) -> bytes:
    """One request with its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := client.recv(65536)):
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(lines.get(b"content-length", 0)):
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body


def say(board: Board, request: bytes) -> bytes:
    """Send these octets to the board; what it answers until it closes the connection."""
    with socket.create_connection(("127.0.0.1", board.port), 10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65536):
            answer += more
    return answer


@contextmanager
def recording(board: Board) -> Iterator[Recorder]:
    recorder = Recorder(board)
    try:
        yield recorder
    finally:
        recorder.end()


@pytest.fixture
def door(pinwarden: Callable, tmp_path: Path) -> Device:
    pinwarden("init", "door")
    return Device.load(tmp_path / "door")


def start(door: Device, flash: Path, runtime: str, **policy: object) -> Board:
    """The device's board, not yet started. Any address on this computer is its own."""
    secrets = {**door.secrets(), "wifi": {"ssid": "simulated", "password": "simulated-air"}}
    settings = {**door.settings, "policy": {**door.settings["policy"], **policy}}
    files.install(flash, settings, secrets, mpy=runtime == "micropython")
    return Board(flash, runtime, clock=int(time.time()))


def test_a_recording_opens_nothing(runtime: str, door: Device, pinwarden: Callable, tmp_path: Path) -> None:
    with start(door, tmp_path / "flash", runtime) as board, start(door, tmp_path / "two", runtime) as other:
        board.start()
        other.start()
        with recording(board) as recorder:
            at = ("--address", recorder.address)
            assert json.loads(pinwarden("call", "door", "POST", "pins/relay/toggle", *at))["value"] is True
            pinwarden("call", "door", "PUT", "pins/relay", "--data", '{"value": false}', *at)
            pinwarden("call", "door", "PUT", "pins/relay", "--data", '{"value": true}', *at)
            pinwarden("keys", "list", "door", *at)
            token = pinwarden("mint", "door", "--pin", "relay", "--proof").strip()
            pinwarden("call", "door", "POST", "pins/relay/toggle", "--token", token, *at)
        levels = [0, 1, 0, 1, 0]
        assert testbed.levels(board, RELAY) == levels
        said = b"".join(recorder.requests)
        assert b"Bearer" not in said
        assert token.rpartition(".")[2].encode() not in said
        signed = [request for request in recorder.requests if b"Pinwarden" in request]
        assert len(signed) == 5
        for request in [*signed, *reversed(signed)]:
            assert b'"replayed"' in say(board, request)
            assert b'"stale_nonce"' in say(other, request)
        # What was recorded cannot be put together to another request, either.
        head, _, _ = signed[1].partition(b"\r\n\r\n")
        assert b" 401 " in say(board, head + b"\r\n\r\n" + b'{"value": true }')
        moved = signed[0].replace(b"/toggle", b"/pulse", 1)
        assert b'"reason": "signature"' in say(board, moved)
        shown = signed[-1].replace(b"Authorization: Pinwarden", b"Authorization: Bearer")
        assert b" 401 " in say(board, shown)
        for restart in (board.reset, board.power_cut):
            restart()
            if restart == board.power_cut:
                board.clock.set(int(time.time()))
            board.start()
            for request in signed:
                assert b'"stale_nonce"' in say(board, request)
        assert testbed.levels(board, RELAY)[-1] == 0
        assert testbed.levels(other, RELAY) == [0]


def test_the_client_goes_on_after_a_restart(runtime: str, door: Device, tmp_path: Path) -> None:
    with start(door, tmp_path / "flash", runtime) as board:
        board.start()
        client = Client(door, f"127.0.0.1:{board.port}")
        token = mint_token(door, subject="anna", scope=["pins:write"], ttl=600)
        for value in (True, False):
            answer = client.send("POST", TOGGLE, token=token, body=b"{}")
            assert (answer.status, answer.problem["value"]) == (200, value)
        board.reset()
        board.start()
        before = len(board.pin(RELAY).levels)
        assert client.send("POST", TOGGLE, token=token, body=b"{}").status == 200
        # More than one challenge is good for: the next one comes with a refusal.
        for _ in range(140):
            assert client.send("GET", "/api/v1/pins", token=token).status in (200, 403)
        assert testbed.levels(board, RELAY)[before:] == [1]


def test_clocks_that_differ(runtime: str, door: Device, tmp_path: Path) -> None:
    """Signed for the board's time; what the token says is by this computer's."""
    with start(door, tmp_path / "flash", runtime) as board:
        board.start()
        now = time.time()
        token = mint_token(door, subject="anna", scope=["pins:write"], ttl=3600, now=int(now) - 7200)
        ahead = Client(door, f"127.0.0.1:{board.port}", clock=lambda: time.time() + 3600)
        assert ahead.send("POST", TOGGLE, token=token, body=b"{}").status == 401, "it has expired"
        token = mint_token(door, subject="anna", scope=["pins:write"], ttl=7200)
        assert ahead.send("POST", TOGGLE, token=token, body=b"{}").status == 200
        late = Client(door, f"127.0.0.1:{board.port}")
        answer = late.send("POST", TOGGLE, token=token, body=b"{}", at=int(now) - 1000)
        assert answer.problem["code"] == "created_out_of_window"
        assert testbed.levels(board, RELAY) == [0, 1]


def test_signed_requests_only(runtime: str, pinwarden: Callable, tmp_path: Path) -> None:
    pinwarden("init", "door")
    file = tmp_path / "door" / "device.toml"
    file.write_text(file.read_text().replace("#bearer = true", "bearer = false"))
    pinwarden("check", "door")
    door = Device.load(tmp_path / "door")
    with start(door, tmp_path / "flash", runtime) as board:
        board.start()
        at = ("--address", f"127.0.0.1:{board.port}")
        assert json.loads(pinwarden("call", "door", "POST", "pins/relay/toggle", *at))["value"] is True
        refused = pinwarden("call", "door", "POST", "pins/relay/toggle", "--bearer", *at, code=1)
        assert "[bearer_disabled]" in refused
        assert "leave --bearer out" in refused
        told = json.loads(pinwarden("doctor", "door", "--no-usb", "--json", *at))
        states = {check["name"]: check["state"] for check in told["checks"] if check["group"] == "http"}
        for name in ("accepted", "forged", "expired", "audience", "bearer"):
            assert states[name] == "ok", told
        assert testbed.levels(board, RELAY) == [0, 1]


def test_a_token_for_signed_requests_only(runtime: str, door: Device, tmp_path: Path) -> None:
    with start(door, tmp_path / "flash", runtime) as board:
        board.start()
        token = mint_token(door, subject="anna", scope=["pins:write"], ttl=600, proof=True)
        shown = httpx.post(board.url + TOGGLE, headers=testbed.bearer(token), json={}, trust_env=False)
        assert (shown.status_code, shown.json()["reason"]) == (401, "proof_required")
        client = Client(door, f"127.0.0.1:{board.port}")
        assert client.send("POST", TOGGLE, token=token, body=b"{}").status == 200
        assert testbed.levels(board, RELAY) == [0, 1]
