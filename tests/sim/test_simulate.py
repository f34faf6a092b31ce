"""`pinwarden simulate` as people use it: on a terminal, in a pipe, and wrongly."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path

import httpx
import pytest

from pinwarden.device import create
from pinwarden_sim import demo
from pinwarden_sim.view import Request, parse_request

TIMEOUT = 20.0  # seconds


@pytest.fixture
def device(tmp_path: Path) -> Path:
    return create("door", tmp_path).folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pinwarden", "simulate", *arguments]


def environment() -> dict[str, str]:
    return {
        # The size is the pseudo terminal's.
        **{name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")},
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TERM": "xterm-256color",
        "PYTHONUTF8": "1",
    }


class Terminal:
    """The command on a pseudo terminal."""

    def __init__(self, *arguments: str, rows: int = 50, columns: int = 120) -> None:
        self.master, self.slave = pty.openpty()
        ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.settings = termios.tcgetattr(self.slave)
        self.output = ""
        self.process = subprocess.Popen(
            command(*arguments),
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=environment(),
            start_new_session=True,
        )

    def expect(self, pattern: str) -> re.Match[str]:
        """Read until the output since the last match has this pattern, escape sequences left out."""
        end = time.monotonic() + TIMEOUT
        while not (match := re.search(pattern, self.output)):
            assert time.monotonic() < end, f"no {pattern!r} in:\n{self.output[-3000:]}"
            if select.select([self.master], [], [], 0.1)[0]:
                data = os.read(self.master, 65536).decode(errors="replace")
                self.output += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data)
        self.output = self.output[match.end() :]
        return match

    def ends(self) -> int:
        """The exit code, once the command has ended. Goes on reading, or it could not write its last."""
        end = time.monotonic() + TIMEOUT
        while self.process.poll() is None and time.monotonic() < end:
            if select.select([self.master], [], [], 0.05)[0]:
                os.read(self.master, 65536)
        return self.process.wait(1)

    def type(self, keys: str) -> None:
        os.write(self.master, keys.encode())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for descriptor in (self.master, self.slave):
            os.close(descriptor)


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    opened: list[Terminal] = []

    def start(*arguments: str, **size: int) -> Terminal:
        opened.append(Terminal(*arguments, **size))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


def test_the_keys(runtime, device, terminal):
    screen = terminal(str(device), "--runtime", runtime, "--port", "0")
    link = screen.expect(r"Link\s+(http://127\.0\.0\.1:\d+)/#token=").group(1)
    screen.expect(r"door · running · \w+ · Wi-Fi up")
    screen.expect(r"relay\s+26\s+0\s+off")
    screen.expect(r"Wi-Fi up · 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC")
    assert httpx.get(link + "/api/v1/pins").status_code == 401
    screen.expect(r"GET /api/v1/pins\s+401 missing_token")
    for key, shown in [
        ("w", "Wi-Fi down"),
        ("w", "Wi-Fi up"),
        ("c", "clock unset"),
        ("c", r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"),
        ("p", r"door · off[\s\S]*not driven"),
        ("p", "door · running"),
        ("r", r"serving"),
    ]:
        screen.type(key)
        screen.expect(shown)
    screen.type("q")
    assert screen.ends() == 0
    assert termios.tcgetattr(screen.slave) == screen.settings


CODE = "█{30}"


def test_a_code_is_drawn_for_phones_that_reach_it(device):
    pipe = Pipe(str(device), "--port", "0")
    with ended(pipe.process):
        pipe.until(rf"^Phone +pinwarden simulate \S*{device.name} --lan$")
        pipe.until("serving")
        assert not re.search(CODE, pipe.ends())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this computer is in no network")
    pipe = Pipe(str(device), "--port", "0", "--lan")
    with ended(pipe.process), pipe.client() as client:
        assert client.base_url.host != "127.0.0.1"
        assert client.get("/api/v1/pins").status_code == 200
        shown = pipe.ends()
    assert re.search(CODE, shown)
    assert "Phone" not in shown


def test_a_code_is_drawn_for_who_asks_for_it(device):
    """`make run` does."""
    pipe = Pipe(str(device), "--port", "0", "--qr")
    with ended(pipe.process):
        pipe.until(CODE)
        pipe.until("serving")
        pipe.ends()


def test_the_demo_has_every_kind_and_its_inputs_have_keys(tmp_path, terminal):
    screen = terminal(str(demo.make(tmp_path)), "--port", "0", rows=24)  # the last row is seen, too
    screen.expect(r"battery \[2\]\s+34\s+1800 mV[^\n]* 50 %")
    screen.expect(r"door \[1\]\s+33\s+1\s+off")
    screen.expect(r"1 door · 2 battery · \+ - turn battery[\s\S]*q quit")
    screen.type("1")
    screen.expect(r"door \[1\]\s+33\s+0\s+on")
    screen.type("1")
    screen.expect(r"door \[1\]\s+33\s+1\s+off")
    screen.type("++-\x1b[A")
    screen.expect(r"1860 mV[^\n]* 60 %")
    screen.type("q")
    assert screen.ends() == 0


def test_in_a_narrow_terminal_bars_are_shorter_and_names_whole(tmp_path, terminal):
    screen = terminal(str(demo.make(tmp_path)), "--port", "0", columns=60)
    screen.expect(r"battery \[2\]\s+34\s+1800 mV\s+█{2} {2,4}50 %")
    screen.expect(r"serial port")
    screen.type("q")
    assert screen.ends() == 0


def test_the_demo_is_made_once(tmp_path, capsys):
    demo.main(tmp_path / "build")
    assert capsys.readouterr().out == f"Made a demo device in {tmp_path}/build/demo\n"
    settings = tmp_path / "build" / "demo" / "device.toml"
    settings.write_text("mine")
    demo.main(tmp_path / "build")
    assert (settings.read_text(), capsys.readouterr().out) == ("mine", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_restore_the_terminal(device, terminal, number):
    screen = terminal(str(device), "--runtime", "cpython", "--port", "0")
    screen.expect("door · running")
    screen.process.send_signal(number)
    assert screen.ends() == 0
    assert termios.tcgetattr(screen.slave) == screen.settings


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Whatever happens meanwhile, the process has ended afterwards: a failure would hang else, in wait()."""
    with process:
        try:
            yield
            process.wait(TIMEOUT)
        finally:
            process.kill()


class Pipe:
    """The command in a pipe, once its board serves."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env=environment(),
            text=True,
        )
        self.lines: list[str] = []

    def until(self, pattern: str) -> re.Match[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if match := re.search(pattern, line):
                return match
        raise AssertionError(f"no {pattern!r} in {self.lines}")

    @contextlib.contextmanager
    def client(self) -> Iterator[httpx.Client]:
        """One with the token that it shows."""
        address, token = self.until(r"^Link +(http://\S+?)/#token=(\S+)").groups()
        self.until("serving")
        with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}) as client:
            assert client.get("/healthz").status_code == 200  # it knows the time, too
            yield client

    def ends(self) -> str:
        """All that it has written."""
        assert self.process.stdout is not None
        self.process.terminate()
        self.lines += self.process.stdout
        assert self.process.wait(TIMEOUT) == 0
        return "".join(self.lines)


def test_in_a_pipe_it_writes_plain_lines(runtime, device):
    pipe = Pipe(str(device), "--runtime", runtime, "--port", "0")
    with ended(pipe.process), pipe.client() as client:
        answer = client.put("/api/v1/pins/relay", json={"value": True})
        assert answer.status_code == 200, answer.text
        pipe.until(r"^\d\d:\d\d:\d\d pin relay on \(GPIO 26 1\)$")
        pipe.until(r"PUT /api/v1/pins/relay 200 simulator \d+ms")
        owner = re.search(r"^Owner +\S+#token=(\S+)", "".join(pipe.lines), re.MULTILINE)
        assert owner is not None
        headers = {"Authorization": f"Bearer {owner.group(1)}"}
        assert [client.get("/api/v1/keys", headers=h).status_code for h in ({}, headers)] == [403, 200]
        told = pipe.ends()
        assert "\x1b" not in told
        assert "clock: the time of" not in told, "a time server is not believed, and nothing is wrong"
    assert (device / ".pinwarden" / "flash" / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_line_for_each_kind_once_it_has_come_to_rest(runtime, tmp_path):
    pipe = Pipe(str(demo.make(tmp_path)), "--runtime", runtime, "--port", "0")
    with ended(pipe.process), pipe.client() as client:
        for name, body, line in [
            ("dimmer", {"value": 0.5}, r"dimmer 50 % \(GPIO 18 50 %\)$"),
            ("blind", {"value": 45}, r"blind 45° \(GPIO 19 1\d\d\d µs\)$"),
            ("lamp", {"value": "#ff8800", "fade_ms": 500}, r"lamp #ff8800 \(GPIO 25\)$"),
        ]:
            answer = client.put(f"/api/v1/pins/{name}", json=body)
            assert answer.status_code == 200, answer.text
            pipe.until(r"^\d\d:\d\d:\d\d pin " + line)
        assert client.get("/api/v1/pins/battery").json()["value"] == 50
        assert client.get("/api/v1/pins/door").json()["value"] is False
        told = pipe.ends()
    assert len(re.findall(r"pin lamp ", told)) < 5, "not each step of its fade"


@contextlib.contextmanager
def simulation(*arguments: str) -> Iterator[str]:
    """What it shows until the board serves."""
    process = subprocess.Popen(
        command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment(), text=True
    )
    with ended(process):
        assert process.stdout is not None
        shown = ""
        for line in process.stdout:
            shown += line
            if line.startswith("http: serving"):
                break
        yield shown
        process.terminate()
        process.communicate()
    assert process.returncode == 0


def test_with_usb(micropython, device):
    """What was deployed stays, and is gone in a simulation without USB."""
    flash = device / ".pinwarden" / "flash"
    with simulation(str(device), "--port", "0", "--usb") as shown:
        path = re.search(r"^USB +(\S+)$", shown, re.MULTILINE)
        assert path is not None, shown
        # They are whole: where the board answers, the device's folder remembers.
        for done in ("up", "deploy", "monitor"):
            assert f"  pinwarden {done} {device} --port {path.group(1)}\n" in shown
        slot = device / "slot.json"
        slot.write_text('{"slot": "a", "previous": null, "trial": 0, "note": null}')
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", path.group(1), "cp", str(slot), ":/slot.json"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    before = (flash / "settings.json").stat().st_mtime_ns
    (device / "device.toml").write_text((device / "device.toml").read_text().replace('"door"', '"gate"'))
    with simulation(str(device), "--port", "0", "--usb"):
        assert (flash / "settings.json").stat().st_mtime_ns == before
        assert (flash / "slot.json").exists()
    with simulation(str(device), "--port", "0"):
        assert (flash / "settings.json").stat().st_mtime_ns != before
        assert not (flash / "slot.json").exists()


def test_usb_needs_micropython(device):
    done = subprocess.run(
        command(str(device), "--usb", "--runtime", "cpython"),
        capture_output=True,
        text=True,
        env=environment(),
    )
    assert done.returncode == 1
    assert "only MicroPython" in done.stderr


def test_a_port_in_use_and_a_second_simulation(device, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            command(str(device), "--port", port), capture_output=True, text=True, env=environment()
        )
        assert done.returncode == 1
        assert f"error: port {port} cannot be used" in done.stderr
        assert "--port" in done.stderr
        assert "Traceback" not in done.stderr
    first = subprocess.Popen(
        command(str(device), "--port", "0"), stdout=subprocess.PIPE, env=environment(), text=True
    )
    output = first.stdout
    assert output is not None
    with first:
        assert any("Link" in line for line in output)
        done = subprocess.run(
            command(str(device), "--port", "0"), capture_output=True, text=True, env=environment()
        )
        assert done.returncode == 1
        assert "door is being simulated already" in done.stderr
        first.terminate()
        output.read()


def test_no_device_says_what_to_run(tmp_path):
    done = subprocess.run(command(), cwd=tmp_path, capture_output=True, text=True, env=environment())
    assert done.returncode == 1
    assert "pinwarden init" in done.stderr


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (
            "12:03:11 PUT /api/v1/pins/relay 200 anna 3ms",
            Request("12:03:11", "PUT /api/v1/pins/relay", 200, "anna", 3, ""),
        ),
        (
            "--:--:-- GET /healthz 503 - 0ms clock_unset",
            Request("--:--:--", "GET /healthz", 503, "-", 0, "clock_unset"),
        ),
        ("12:03:11 - 400 - 0ms bad_request", Request("12:03:11", "-", 400, "-", 0, "bad_request")),
        ("12:03:11 GET / 200 - 0ms ", Request("12:03:11", "GET /", 200, "-", 0, "")),
        ("wifi: connected, 127.0.0.1", None),
        ("12:03:11 GET / 999 - 0ms", None),
    ],
)
def test_request_lines(line, request_):
    assert parse_request(line) == request_
