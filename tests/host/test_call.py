"""`pinwarden call`: one request with no more rights than it needs, and an answer that says what to do."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jwt
import pytest
from click.testing import Result

from pinwarden import call as client
from pinwarden.device import Device
from pinwarden.errors import Unreachable

from .conftest import FakeBoard
from .model_board import ModelBoard, NoAnswer

Run = Callable[..., Result]


TOKEN = "a.b." + "A" * 43


def claims_in(request: dict) -> dict:
    scheme, _, token = request["head"]["authorization"].partition(" ")
    whole = token if scheme == "Bearer" else f"{token}."
    return jwt.decode(whole, options={"verify_signature": False})


def test_sends_one_request(door: Device, board: FakeBoard, pinwarden: Run) -> None:
    board.answer(200, {"name": "relay", "value": True})
    result = pinwarden(
        "call", "door", "put", "pins/relay", "--data", '{"value": true}', "--address", board.address
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"name": "relay", "value": True}
    assert result.stderr == "200 OK\n"
    (request,) = board.requests
    assert (request["method"], request["path"], request["body"]) == (
        "PUT",
        "/api/v1/pins/relay",
        b'{"value": true}',
    )
    assert request["head"]["host"] == board.address
    assert request["head"]["content-type"] == "application/json"
    claims = claims_in(request)
    assert claims["scope"] == "pins:write:relay"
    assert claims["exp"] - claims["iat"] == 60
    assert claims["sub"] == "pinwarden-call"
    scheme, _, token = request["head"]["authorization"].partition(" ")
    assert (scheme, token.count(".")) == ("Pinwarden", 1), "the token's signature stays here"
    assert token not in result.output


@pytest.mark.parametrize(
    ("args", "check"),
    [
        (["GET", "device"], lambda r: "scope" not in claims_in(r)),
        (["GET", "device", "--bearer"], lambda r: r["head"]["authorization"].count(".") == 2),
        (["GET", "device", "--bearer"], lambda r: "signature" not in r["head"]),
        (["GET", "device", "--bearer"], lambda r: "scope" not in claims_in(r)),
        (["GET", "healthz"], lambda r: "authorization" not in r["head"]),
        (["GET", "/"], lambda r: "authorization" not in r["head"]),
        (["HEAD", "pins"], lambda r: r["method"] == "HEAD"),
        (["POST", "pins/relay/toggle"], lambda r: r["body"] == b"{}"),
        (["GET", "pins"], lambda r: "content-type" not in r["head"]),
        (["GET", "pins", "--scope", "pins:read:relay"], lambda r: claims_in(r)["scope"] == "pins:read:relay"),
        (["GET", "pins", "--ttl", "5m"], lambda r: claims_in(r)["exp"] - claims_in(r)["iat"] == 300),
        (["GET", "pins", "--for", "ci"], lambda r: claims_in(r)["sub"] == "ci"),
        (["GET", "pins", "--token", TOKEN], lambda r: r["head"]["authorization"] == "Pinwarden a.b"),
        (
            ["GET", "pins", "--token", f"http://d/#token={TOKEN}"],
            lambda r: r["head"]["authorization"] == "Pinwarden a.b",
        ),
        (
            ["GET", "pins", "--token", "a.b.c", "--bearer"],
            lambda r: r["head"]["authorization"] == "Bearer a.b.c",
        ),
    ],
)
def test_options_make_the_request(
    door: Device, board: FakeBoard, pinwarden: Run, args: list[str], check: Callable[[dict], bool]
) -> None:
    result = pinwarden("call", "door", *args, "--address", board.address)
    assert result.exit_code == 0
    assert check(board.requests[0])


@pytest.mark.parametrize(
    ("args", "stdin", "env"),
    [(["--token", "-"], TOKEN + "\n", {}), ([], None, {"PINWARDEN_TOKEN": TOKEN})],
)
def test_takes_the_token_unseen(
    door: Device, board: FakeBoard, pinwarden: Run, args: list[str], stdin: str | None, env: dict[str, str]
) -> None:
    pinwarden("call", "door", "GET", "pins", *args, "--address", board.address, stdin=stdin, env=env)
    assert board.requests[0]["head"]["authorization"] == "Pinwarden a.b"


def test_reads_the_body_from_stdin(door: Device, board: FakeBoard, pinwarden: Run) -> None:
    body = '{"ms": 300}'
    pinwarden(
        "call", "door", "POST", "pins/relay/pulse", "--data", "-", "--address", board.address, stdin=body
    )
    assert board.requests[0]["body"] == body.encode()


def test_goes_where_the_board_was_seen(door: Device, board: FakeBoard, pinwarden: Run) -> None:
    door.remember("127.0.0.1", board.port)
    assert pinwarden("call", "door", "GET", "pins").exit_code == 0
    assert board.requests[0]["head"]["host"] == board.address


@pytest.mark.parametrize(
    ("peer", "path", "kind", "remembered"),
    [
        (("192.168.1.20", 80), "pins", "application/json", True),
        # A tunnel, or a simulated board, which notes its address itself.
        (("127.0.0.1", 8080), "pins", "application/json", False),
        # Whoever answers this has not shown that it is the board.
        (("192.168.1.20", 80), "healthz", "application/json", False),
        # A portal that has an answer to everything.
        (("192.168.1.20", 80), "pins", "text/html", False),
        (None, "pins", "application/json", False),
    ],
)
def test_remembers_who_answered(
    door: Device,
    pinwarden: Run,
    monkeypatch: pytest.MonkeyPatch,
    peer: tuple,
    path: str,
    kind: str,
    remembered: bool,
) -> None:
    def answer(*_: object, **__: object) -> client.Answer:
        return client.Answer(200, client.httpx.Headers({"content-type": kind}), b"{}", peer)

    monkeypatch.setattr("pinwarden.commands.call.send", answer)
    monkeypatch.setattr("pinwarden.signed.send", answer)
    assert pinwarden("call", "door", "GET", path).exit_code == 0
    assert (door.last_seen() is not None) == remembered


def test_a_redirect_is_not_followed(door: Device, board: FakeBoard, pinwarden: Run) -> None:
    board.answer(302, {}, Location=f"http://{board.address}/elsewhere")
    assert pinwarden("call", "door", "GET", "pins", "--address", board.address).exit_code == 1
    assert len(board.requests) == 1


def test_no_proxy_gets_the_token(door: Device, board: FakeBoard, pinwarden: Run) -> None:
    env = {"http_proxy": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}
    assert pinwarden("call", "door", "GET", "pins", "--address", board.address, env=env).exit_code == 0


def test_nobody_there_is_exit_code_3(door: Device, pinwarden: Run) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: refuses
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        result = pinwarden("call", "door", "GET", "pins", "--address", address)
    assert result.exit_code == 3
    assert result.stderr.startswith(
        f"error: {address}: no connection (connection refused)\nhint: Is the board on"
    )


@pytest.mark.parametrize(
    ("reply", "says"),
    [(b"SSH-2.0-x\r\n", "does not speak HTTP"), (b"", "broke off"), (None, "no answer within")],
)
def test_what_answers_wrongly_is_unreachable(
    monkeypatch: pytest.MonkeyPatch, reply: bytes | None, says: str
) -> None:
    import threading

    monkeypatch.setattr(client, "ANSWER_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                if reply is None:
                    connection.recv(1)  # until the client gives up
                else:
                    connection.sendall(reply)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unreachable, match=says) as caught:
            client.send(f"127.0.0.1:{server.getsockname()[1]}", "GET", "/")
        thread.join()
    assert caught.value.exit_code == 3
    assert caught.value.hint


def test_an_answer_without_end_is_cut(board: FakeBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER", 1000)
    board.body = b"x" * 5000
    with pytest.raises(Unreachable):
        client.send(board.address, "GET", "/")


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["GET"], 2, "missing argument"),
        (["FETCH", "pins"], 2, "'FETCH'"),
        (["GET", "http://door/"], 2, "whole address"),
        (["PUT", "pins/relay", "--data", "{value: true}"], 2, "--data is not JSON"),
        (["PUT", "pins/relay", "--data", "[" * 100000], 2, "--data is not JSON"),
        (["GET", "pins", "--token", "a b"], 2, "characters in it that no token has"),
        (["GET", "pins", "--token", "a\r\nX: y"], 2, "characters in it that no token has"),
        (
            ["GET", "pins", "--token", TOKEN, "--scope", "pins:read"],
            2,
            "--scope is for a token that is minted",
        ),
        (["GET", "pins", "--token", "-", "--data", "-"], 2, "cannot both"),
        (["GET", "pins", "--address", "a b"], 2, "no address"),
        (["GET", "pins", "--address", "http://door"], 2, "no address"),
        (["GET", "pins", "--address", "user:pw@door"], 2, "no address"),
        (["GET", "pins", "--address", "door:99999999"], 2, "no address"),
        (["GET", "pins", "--address", ""], 2, "no address"),
        (["GET", "pins", "--token", "a.b.c", "--address", "127.0.0.1:9"], 3, "no connection"),
        (["GET", "pins/rely"], 1, "Did you mean relay?"),
        (["GET", "pins", "--ttl", "91d"], 1, "90 days at the most"),
        (["GET", "pins", "--scope", "pins:reed"], 1, "no scope"),
    ],
)
def test_says_what_cannot_be_sent(
    door: Device, pinwarden: Run, args: list[str], code: int, says: str
) -> None:
    door.remember("127.0.0.1", 9)  # nothing may be sent; should it be, it stays on this computer
    result = pinwarden("call", "door", *args)
    assert result.exit_code == code
    assert says in result.stderr


def test_the_folder_may_be_read_only(door: Device, pinwarden: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_: object, **__: object) -> client.Answer:
        return client.Answer(204, client.httpx.Headers(), b"", ("192.168.1.20", 80))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pinwarden.signed.send", answer)
    monkeypatch.setattr(Path, "mkdir", refuse)
    assert pinwarden("call", "door", "GET", "pins").exit_code == 0


def test_nobody_reads_the_answer(door: Device, board: FakeBoard) -> None:
    board.answer(200, {"status": "ok"})
    command = f'exec "$0" -m pinwarden call door GET healthz --address {board.address} >&-'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(["sh", "-c", command, sys.executable], env=environment, stderr=subprocess.PIPE)
    assert (told.returncode, told.stderr) == (0, b"200 OK\n")


def test_a_stream_is_shown_as_it_is(door: Device, board: FakeBoard, pinwarden: Run) -> None:
    """And cannot steer the terminal; with --json there is one object, at the end."""
    board.answer(200, Content_Type="text/event-stream")
    board.body = 'event: pin\ndata: {"label": "Tür\x1b[2J"}\n\n:\n\n'.encode()
    args = ("call", "door", "GET", "events", "--address", board.address)
    for more in ((), ("--bearer",)):
        result = pinwarden(*args, *more)
        assert result.exit_code == 0
        assert result.stdout == 'event: pin\ndata: {"label": "Tür\\x1b[2J"}\n\n:\n\n'
    assert json.loads(pinwarden(*args, "--json").stdout)["body"] == board.body.decode()


def test_a_token_that_cannot_sign_is_told(door: Device, board: FakeBoard, pinwarden: Run) -> None:
    result = pinwarden("call", "door", "GET", "pins", "--token", "a.b.c", "--address", board.address)
    assert result.exit_code == 1
    assert "no request can be signed with this token" in result.stderr
    assert "--bearer" in result.stderr
    assert board.requests == []


def test_a_token_for_signed_requests_is_not_shown(door: Device, board: FakeBoard, pinwarden: Run) -> None:
    """The board would refuse it, too late: who has recorded it can sign with it."""
    token = pinwarden("mint", "door", "--pin", "relay", "--proof").stdout.strip()
    args = ["call", "door", "GET", "pins", "--address", board.address]
    for given in (token, f"http://door.local/#token={token}"):
        result = pinwarden(*args, "--bearer", "--token", "-", stdin=given)
        assert result.exit_code == 2
        assert "for signed requests only" in result.stderr
    assert board.requests == []
    assert pinwarden(*args, "--token", "-", stdin=token).exit_code == 0
    assert claims_in(board.requests[0])["cnf"] == {"pinwarden": "proof"}


def test_a_command_whose_answer_was_lost_is_not_sent_again(
    door: Device, model: ModelBoard, pinwarden: Run
) -> None:
    def fault(when: str, _method: str, _path: str) -> None:
        if when == "after":
            raise NoAnswer

    model.fault = fault
    result = pinwarden(
        "call", "door", "POST", "revocations", "--data", '{"jti": "x"}', "--address", model.address
    )
    assert result.exit_code == 3
    assert "Whether the board has done it is not known: look before you ask again." in result.stderr
    assert len(model.revocations) == 1
