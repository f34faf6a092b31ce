"""A device folder for each test, the command in this process, and a board that answers as it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import esp_images
from boot_rom import BootRom, boot_rom
from pinwarden.cli import cli
from pinwarden.device import Device, create
from pinwarden.errors import UserError

from .model_board import ModelBoard, serving
from .signatures import PATH, Signatures

SSID, PASSWORD = "Home Sweet Home", "correct horse battery"


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment that says nothing."""
    said = (
        "PINWARDEN_DEVICES",
        "PINWARDEN_TOKEN",
        "PINWARDEN_WIFI_PASSWORD",
        "PINWARDEN_PORT",
        "FORCE_COLOR",
    )
    for name in said:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PINWARDEN_CACHE", str(tmp_path / ".cache"))
    monkeypatch.setenv("PINWARDEN_FIRMWARE_URL", "http://127.0.0.1:9/")  # nothing is there: no test downloads
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def door(nowhere: Path) -> Device:
    """The device `door` in the working directory, with a network and one pin, `relay`."""
    return create("door", Path(), wifi={"ssid": SSID, "password": PASSWORD})


@pytest.fixture
def pinwarden() -> Callable[..., Result]:
    """Runs a command line; whatever it does, it shows neither a traceback nor the network's password."""

    def run(*args: str, stdin: str | None = None, env: dict[str, str] | None = None) -> Result:
        result = CliRunner().invoke(cli, args, input=stdin, env=env)
        assert "Traceback" not in result.output
        assert PASSWORD not in result.output
        return result

    return run


@pytest.fixture
def edit(door: Device) -> Callable[..., None]:
    """Replaces text in door/device.toml, or appends to it."""

    def change(old: str, new: str) -> None:
        file = door.folder / "device.toml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1) if old else text + new)

    return change


@dataclass
class FakeBoard:
    """Answers every request with `status`, `headers` and `body`, and keeps what it was asked, but for its
    challenge. It looks at no token.
    """

    port: int = 0
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    requests: list[dict] = field(default_factory=list)

    @property
    def address(self) -> str:
        """HOST:PORT"""
        return f"127.0.0.1:{self.port}"

    def answer(self, status: int, body: object = None, **headers: str) -> None:
        """What it will answer: a problem where the status is an error."""
        kind = "application/json" if status < 400 else "application/problem+json"
        self.status, self.body = status, json.dumps(body).encode()
        self.headers = {
            "Content-Type": kind,
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }


@pytest.fixture
def board() -> Iterator[FakeBoard]:
    """A fake board on 127.0.0.1."""
    fake = FakeBoard()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            head = {name.lower(): value for name, value in self.headers.items()}
            if self.path == PATH:
                told = json.dumps(Signatures().told()[1]).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)
                return
            fake.requests.append(
                {"method": self.command, "path": self.path, "head": head, "body": self.rfile.read(length)}
            )
            self.send_response(fake.status)
            for name, value in {**fake.headers, "Content-Length": str(len(fake.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(fake.body)

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a test reads `requests`."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield fake
        server.shutdown()
        thread.join()


@pytest.fixture
def nothing_attached(monkeypatch: pytest.MonkeyPatch) -> None:
    """No serial port is there, no .local name is found, and what a deployment would bring is not known."""
    of_system = socket.getaddrinfo

    def resolve(host: str, *more: Any) -> list:
        if host.endswith(".local"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return of_system(host, *more)

    def refuse(_device: Device) -> None:
        raise UserError("nothing is compiled in this test")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr("pinwarden.usb.ports.all_ports", list)
    monkeypatch.setattr("pinwarden.doctor.visit.build", refuse)
    monkeypatch.delenv("PINWARDEN_PORT", raising=False)


@pytest.fixture
def examine(door: Device, pinwarden: Callable[..., Result], nothing_attached: None) -> Callable[..., Any]:
    """`examine("--port", …)`: the exit code of `pinwarden doctor door`, and its checks by "group name"."""

    def run(*args: str, env: dict[str, str] | None = None) -> tuple[int, dict[str, dict[str, str]]]:
        result = pinwarden("doctor", "door", "--json", *args, env=env)
        told = json.loads(result.stdout)
        assert told["exit"] == result.exit_code
        checks = {f"{check['group']} {check['name']}": check for check in told["checks"]}
        assert len(checks) == len(told["checks"]), "a check stands there twice"
        return result.exit_code, checks

    return run


@pytest.fixture
def model(door: Device) -> Iterator[ModelBoard]:
    """A board with the device's key, of which all but keys and revocations is left out."""
    with serving(ModelBoard("door", door.keys())) as board:
        yield board


@pytest.fixture
def rom() -> Iterator[BootRom]:
    """An ESP32 with nothing on it."""
    with boot_rom() as it:
        yield it


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good image of MicroPython for the ESP32."""
    path = tmp_path / "mp.bin"
    path.write_bytes(esp_images.micropython("esp32"))
    return path
