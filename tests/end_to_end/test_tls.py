"""A board that speaks HTTPS, on both runtimes: clients that verify, those that cannot, and those that stop
half-way.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

import testbed
import tlsbed
import usbbench
from pinwarden.ca.authority import Authority
from pinwarden.device import Device
from pinwarden_sim import Board

HEAP = "224k"  # 192 for all that there is without it (tests/memory), and what a session and its parts take
REQUESTS = 300
WARM_UP = 300  # by then all has been loaded that ever is: the audit log's part, the clock's
TOLERANCE = 2048  # bytes; see tests/memory/test_heap.py
JSON = {"Content-Type": "application/json"}
TOGGLE = "/api/v1/pins/relay/toggle"


@pytest.fixture
def signer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    return tlsbed.make_authority(tmp_path, monkeypatch)


@pytest.fixture
def door(tmp_path: Path, signer: Authority) -> Device:
    return tlsbed.make_device(tmp_path)


@pytest.fixture
def board(tmp_path: Path, runtime: str, door: Device) -> Iterator[Board]:
    pair = tlsbed.certificate(door)
    with tlsbed.board(tmp_path / "flash", runtime, pair, head_timeout=3, write_timeout=3) as made:
        yield made


def connect(board: Board, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", board.port), 10, (source, 0))


def shake(board: Board, context: ssl.SSLContext, name: str = "door.local") -> ssl.SSLSocket:
    return context.wrap_socket(connect(board), server_hostname=name)


def ask(sock: ssl.SSLSocket, path: str) -> http.client.HTTPResponse:
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: door.local\r\n\r\n".encode())
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    return answer


def test_serves_who_trusts_the_authority(board, signer) -> None:
    board.wait(lambda: "https: serving 127.0.0.1 port 443" in board.serial)
    with tlsbed.client(board, signer) as phone:
        # By its name and by its address: both are in the certificate.
        assert phone.get("/healthz", extensions=tlsbed.SNI).json()["status"] == "ok"
        icon = phone.get("/icon-512.png")
        files = Path(__file__).parents[2] / "firmware/web"
        assert icon.content == (files / "icon-512.png").read_bytes()  # several records long
        writes = testbed.bearer(testbed.token("pins:write"))
        own = writes | {"Origin": "https://door.local"}
        assert phone.put("/api/v1/pins/relay", json={"value": True}, headers=own).json()["value"] is True
        plain = writes | {"Origin": "http://door.local"}
        assert phone.put("/api/v1/pins/relay", json={"value": False}, headers=plain).status_code == 403
    assert testbed.levels(board, testbed.RELAY) == [0, 1]
    # The handshake is the expensive part: a session takes one request after the other.
    with shake(board, tlsbed.context(signer)) as sock:
        for _ in range(20):
            answer = ask(sock, "/healthz")
            assert (answer.status, json.loads(answer.read())["status"]) == (200, "ok")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # to ask for what it refuses
def test_speaks_nothing_weak_and_for_itself_only(board, signer) -> None:
    with shake(board, tlsbed.context(signer)) as sock:
        assert sock.version() == "TLSv1.2"
        assert (sock.cipher() or ("",))[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"
    for limit in ("old", "cbc"):
        context = tlsbed.context(signer)
        if limit == "old":
            context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        else:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(
                "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-GCM-SHA256"
            )
        with pytest.raises(ssl.SSLError, match="alert"):
            shake(board, context)

    # And it is taken for nobody else.
    for name in ("other.local", "127.0.0.2"):
        with pytest.raises(ssl.SSLCertVerificationError, match=f"not valid for '{name}'"):
            shake(board, tlsbed.context(signer), name)
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shake(board, ssl.create_default_context())


def test_plain_http_is_only_sent_on(board) -> None:
    at = f"http://127.0.0.1:{board.second_port}"
    headers = tlsbed.HOST | testbed.bearer(testbed.token("pins:write"))
    with httpx.Client(base_url=at, headers=headers, trust_env=False) as client:
        answer = client.put("/api/v1/pins/relay?a=b", json={"value": True})
        assert (answer.status_code, answer.content) == (308, b"")
        assert answer.headers["location"] == "https://door.local/api/v1/pins/relay?a=b"
        assert client.get("/healthz").status_code == 308
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
    assert testbed.levels(board, testbed.RELAY) == [0]
    # And at the port of HTTPS it is told nothing, but not torn off either.
    with connect(board) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: door.local\r\n\r\n")
        assert sock.recv(100) == b""


def test_who_stops_half_way_holds_up_nobody(board, signer) -> None:
    """Handshakes that stop, requests that stop, answers that nobody reads: a good client gets through, and
    the pulse of a pin is as long as it is to be.
    """
    context = tlsbed.context(signer)
    with ExitStack() as opened:
        for data in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") * 2:
            opened.enter_context(connect(board)).sendall(data)
        late = shake(board, context)
        late.sendall(b"GET / HTTP/1.1\r\nHost: door")
        deaf = opened.enter_context(connect(board))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        with tlsbed.client(board, signer) as phone:
            headers = testbed.bearer(testbed.token("pins:write", "pins:read"))
            assert phone.post("/api/v1/pins/opener/pulse", json={}, headers=headers).status_code == 200
            assert phone.get("/api/v1/pins", headers=headers).status_code == 200
            board.wait(lambda: testbed.levels(board, testbed.OPENER) == [0, 1, 0])
        rise, fall = (edge.time for edge in board.pin(testbed.OPENER).history[1:3])
        assert 0.29 < fall - rise < 2
        late.settimeout(10)
        ended = late.recv(1000)  # turned out for a newcomer, or late
        assert ended == b"" or b" 408 " in ended or b" 503 " in ended
        late.close()
    said = "\n".join(board.serial)
    assert "Traceback" not in said
    with tlsbed.client(board, signer) as phone:
        assert phone.get("/healthz").status_code == 200


def test_strangers_at_many_addresses_do_not_use_up_the_owners_handshakes(
    tmp_path, runtime, door, signer
) -> None:
    context = tlsbed.context(signer)
    head = "GET /api/v1/pins HTTP/1.1\r\nHost: door.local\r\nConnection: close\r\n"
    request = f"{head}Authorization: Bearer {testbed.token('pins:read')}\r\n\r\n".encode()
    pair = tlsbed.certificate(door)
    # All together may make four handshakes at once, and then one in 7.5 seconds.
    with tlsbed.board(tmp_path / "flash", runtime, pair, strangers=6) as board:

        def asked(source: str) -> bytes:
            try:
                with context.wrap_socket(connect(board, source), server_hostname="door.local") as sock:
                    sock.sendall(request)
                    return sock.recv(4096)[:12]
            except OSError:
                return b""

        assert asked("127.0.0.200") == b"HTTP/1.1 200"
        for number in range(12):
            connect(board, f"127.0.0.{20 + number}").close()
        assert asked("127.0.0.201") == b""
        for _ in range(3):
            assert asked("127.0.0.200") == b"HTTP/1.1 200"


def test_without_a_certificate_it_says_so(tmp_path, runtime, door) -> None:
    tlsbed.install(tmp_path / "flash", runtime, None)
    with Board(tmp_path / "flash", runtime, clock=int(time.time())) as board:
        board.start()
        answer = httpx.get(f"http://127.0.0.1:{board.port}/healthz", headers=tlsbed.HOST, trust_env=False)
        assert answer.status_code == 503
        assert "no certificate; deploy again" in answer.json()["problems"][0]


def test_the_command_knows_the_board(pinwarden, board, door, signer, tmp_path) -> None:
    """`call` verifies the device's own certificate, whatever the address; and asks by a signed request."""
    key = {"keys": testbed.secrets()["keys"]}
    (door.folder / "secrets/keys.json").write_text(json.dumps(key))
    at = f"127.0.0.1:{board.port}"
    told = json.loads(pinwarden("call", "door", "POST", "pins/relay/toggle", "--address", at))
    assert told["value"] is True
    assert "ok" in pinwarden("call", "door", "GET", "healthz", "--address", at)
    assert "relay" in pinwarden("call", "door", "GET", "pins", "--bearer", "--address", at)
    # Another board, of the same authority: its certificate is for another name.
    other = tlsbed.make_device(tmp_path, "gate")
    tlsbed.certificate(other)
    refusal = pinwarden("call", "gate", "GET", "pins", "--address", at, code=3)
    assert "certificate is not the device's" in refusal
    refusal = pinwarden("call", "door", "GET", "pins", "--address", f"127.0.0.1:{board.second_port}", code=3)
    assert "does not speak HTTPS" in refusal
    # A device.toml that does not know of the board's HTTPS.
    file = door.folder / "device.toml"
    file.write_text(file.read_text().replace("\ntls = true\n", "\n"))
    for place, code in ((at, 3), (f"127.0.0.1:{board.second_port}", 1)):
        refusal = pinwarden("call", "door", "GET", "pins", "--address", place, code=code)
        assert "tls = true under [http] in device.toml" in refusal
    assert testbed.levels(board, testbed.RELAY) == [0, 1]


def test_requests_leave_nothing_behind(tmp_path, door, signer) -> None:
    """In a board's memory, as deployed: requests in sessions, sessions, and those that fail."""
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    pair = tlsbed.certificate(door)
    context = tlsbed.context(signer)
    writes = testbed.bearer(testbed.token("pins:read", "pins:write"))

    def requests(board: Board, count: int) -> None:
        with tlsbed.client(board, signer) as phone:
            for _ in range(count):
                assert phone.post(TOGGLE, json={}, headers=writes).status_code == 200

    def sessions(board: Board, count: int) -> None:
        for number in range(count):
            if number % 3 == 0:
                with connect(board) as sock:
                    sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    assert sock.recv(100) == b""
            else:
                with shake(board, context) as sock:
                    assert ask(sock, "/healthz").status == 200

    def free(board: Board) -> int:
        """With one session, that of whoever asks; what others have left is gone a moment later."""
        with tlsbed.client(board, signer) as phone:
            seen = []
            for _ in range(8):
                assert phone.get("/healthz").status_code == 200
                seen.append(board.status()["heap_free"])
                time.sleep(0.1)
        return max(seen)

    with tlsbed.board(tmp_path / "flash", "micropython", pair, heapsize=HEAP, strangers=0) as board:
        requests(board, WARM_UP)
        sessions(board, 9)
        board.wait(lambda: (board.flash / "state/clock.json").exists(), timeout=20)
        seen = [free(board)]
        requests(board, REQUESTS)
        seen.append(free(board))
        sessions(board, 30)
        seen.append(free(board))
        print("free heap in bytes:", *seen)
        assert all(seen[0] - later < TOLERANCE for later in seen[1:]), seen
        said = "\n".join(board.serial)
        assert "out_of_memory" not in said
        assert "Traceback" not in said


def test_deploy_makes_the_certificate(tmp_path, signer, monkeypatch) -> None:
    """A device becomes one of HTTPS by one line and a deploy; a later one goes back."""
    with usbbench.bench(tmp_path, monkeypatch) as bench:
        file = bench.device.folder / "device.toml"
        plain = file.read_text()
        file.write_text(plain.replace("\n[http]\n", "\n[http]\ntls = true\n"))
        said = bench.run("up")
        at = f"127.0.0.1:{bench.board.port}"
        assert "HTTPS: there was no certificate: made one for door.local" in said.stderr
        assert f"at https://{at}/ (up in " in said.stdout
        with tlsbed.client(bench.board, signer) as phone:
            assert phone.get("/healthz", extensions=tlsbed.SNI).json()["status"] == "ok"
        first = (bench.device.folder / "secrets/tls.pem").read_bytes()
        assert "nothing to send" in bench.deploy().stdout
        assert (bench.device.folder / "secrets/tls.pem").read_bytes() == first
        file.write_text(plain)
        assert f"at http://{at}/ (up in " in bench.deploy().stdout
        assert bench.healthy()
