"""A board's start, watched from its serial port and over the network, until it is known how it went."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pinwarden import call
from pinwarden.address import HTTP, HTTPS, trust
from pinwarden.console import plain
from pinwarden.device import Device
from pinwarden.errors import NotDeployed, Unreachable, UserError
from pinwarden.mint import is_loopback, mint_token
from pinwarden.signed import Client
from pinwarden.usb.repl import Repl

TRIAL = 60.0  # seconds in which a version must prove itself; slots.py has the same
_BACK = 30.0  # seconds more, for the board to go back and start the version before
_NETWORK = 20.0  # seconds from the board's "serving" to an answer; some routers take theirs
_ASK_AGAIN = 0.3
_WITHOUT = "without Wi-Fi"
_CRASHES = 4  # after three in a row the board starts in safe mode, if it can
_LAST_LINES = 12

# Nothing but an address: it becomes part of a URL, and what is on the cable may say anything.
_SERVING = re.compile(r"(https?): serving ([0-9]{1,3}(?:\.[0-9]{1,3}){3}|without Wi-Fi) port ([0-9]{1,5})$")
_SETUP = re.compile(r"wifi: setup mode, network (.+) at (\S+)")
_ROLLED_BACK = re.compile(r"slots: rolled back to (\w+): (.*)")
_NO_NOISE = re.compile(r"(rst:|ets |load:|entry |configsip|clk_drv|mode:|ho 0|SPIWP|\W*$)")


@dataclass(frozen=True)
class Healthy:
    """A board that has started: `address` is "HOST[:PORT]", None where it is in no network.

    `setup` is the name of the network of its own that it has then, and its address there; or None.
    """

    address: str | None
    build: str | None
    seconds: float
    clock_set: bool = True
    setup: tuple[str, str] | None = None


@dataclass
class _Log:
    """What the board has said since its reset."""

    lines: list[str] = field(default_factory=list)
    serving: tuple[str, int] | None = None
    secure: bool = False  # by HTTPS; in safe mode, and with an older version, it may be another way than ours
    since: float = 0.0  # when it began to serve
    setup: tuple[str, str] | None = None
    back: str | None = None  # why it went back to the version before
    safe_mode: bool = False
    crashes: int = 0

    def take(self, line: str) -> None:
        self.lines.append(line)
        if match := _ROLLED_BACK.search(line):
            self.back, self.serving = match[2], None
        elif (match := _SERVING.search(line)) and 0 < int(match[3]) < 65536:
            self.serving, self.since = (match[2], int(match[3])), time.monotonic()
            self.secure = match[1] == "https"
        elif match := _SETUP.search(line):
            self.setup = match[1], match[2]
        elif line.startswith("safe mode"):
            self.safe_mode = True
        elif line.startswith("main: the application has ended"):
            self.crashes += 1

    @property
    def has_network(self) -> bool:
        """Whether it serves in a network that others are in, too."""
        return self.serving is not None and self.serving[0] not in (
            _WITHOUT,
            (self.setup or ("", ""))[1],
        )

    @property
    def alone(self) -> bool:
        """Whether it knows no network to join and has none of its own. It has no address, so it would refuse
        whatever comes by one (421); in safe mode it answers to any, and can tell more than its log.
        """
        return self.serving is not None and self.serving[0] == _WITHOUT and not self.safe_mode

    def last(self) -> str:
        """What it said at the end, but for the noise that a chip makes when it starts."""
        told = [plain(line) for line in self.lines if not _NO_NOISE.match(line)]
        return "".join(f"\n  {line[:160]}" for line in told[-_LAST_LINES:])


def wait(
    repl: Repl,
    device: Device,
    *,
    build: str | None,
    address: str | None = None,
    trial: bool = True,
    on_line: Callable[[str], object] | None = None,
) -> Healthy:
    """Wait for a board that was just reset to answer. `build` is what it is to run, `address` where it is.

    `address` None: where it says itself. With `trial` it may go back to the version before. Raises
    NotDeployed with the board's own reason and its last lines; Unreachable when it serves, but not to this
    computer.
    """
    began, log = time.monotonic(), _Log()
    end = began + TRIAL + (_BACK if trial else 0)
    problem = Unreachable("it has not answered yet")
    while True:
        for line in repl.lines(_ASK_AGAIN):
            log.take(line)
            if on_line:
                on_line(line)
            if log.serving is not None:
                break
        now = time.monotonic()
        if log.serving is not None:
            if not log.has_network and (address is None or log.alone):
                return _without_network(log, now - began)
            try:
                return _ask(device, address or _address(device, log, *log.serving), log, build, began)
            except Unreachable as error:
                problem = error
            if now - log.since > _NETWORK:
                raise _failed(log, "") if log.back is not None else _not_reached(problem)
        elif now > end or log.crashes >= _CRASHES:
            raise _not_started(log, now - began)


def _ask(device: Device, address: str, log: _Log, build: str | None, began: float) -> Healthy:
    """Ask for its health. Raises Unreachable while it doesn't answer."""
    answer = call.send(address, "GET", "/healthz", trust=trust(device) if log.secure else None)
    status = answer.problem.get("status")
    if answer.status == 503 and status == "safe_mode":
        problems = answer.problem.get("problems")
        listed = problems if isinstance(problems, list) else []
        raise _failed(log, "the board is in safe mode: " + plain("; ".join(map(str, listed))))
    if answer.problem.get("code") == "misdirected":
        detail = plain(str(answer.problem.get("detail", "")))[:200]
        raise Unreachable(f"a board is at {address}, but does not answer by that name: {detail}")
    if status not in ("ok", "clock_unset"):
        raise Unreachable(f"{address}: {answer.phrase}, which is no board's health", "Is this its address?")
    running = _running(device, address)
    if log.back is not None:
        raise _failed(log, "")
    if build is not None and running not in (build, None):
        raise _failed(log, f"the board at {address} runs build {running}, not {build}")
    if answer.peer and not is_loopback(answer.peer[0]):
        with contextlib.suppress(OSError):  # a note; the next answer makes it again
            device.remember(*answer.peer)
    return Healthy(address, running, time.monotonic() - began, clock_set=status == "ok")


def _running(device: Device, address: str) -> str | None:
    """The build that the board tells of itself to whoever has a token; None where it does not."""
    try:
        token = mint_token(device, subject="pinwarden-deploy", scope=[], ttl=60)
        data = Client(device, address).send("GET", "/api/v1/device", token=token).data
    except UserError:
        return None  # it is healthy, whatever this computer's clock or the network make of a second question
    build = data.get("build") if isinstance(data, dict) else None
    return build if isinstance(build, str) else None


def _address(device: Device, log: _Log, host: str, port: int) -> str:
    if is_loopback(host) and (seen := device.last_seen()):
        # A simulated board. It does not know at which port of this computer it is; its simulation notes it.
        port = seen["port"]
    return host if port == (HTTPS if log.secure else HTTP) else f"{host}:{port}"


def _without_network(log: _Log, seconds: float) -> Healthy:
    if log.back is not None:
        raise _failed(log, "")
    if log.safe_mode:
        raise _failed(log, "the board is in safe mode")
    return Healthy(None, None, seconds, setup=log.setup)


def _failed(log: _Log, what: str) -> NotDeployed:
    if log.back is not None:
        what = f"the board went back to the version before: {plain(log.back)}"
    return NotDeployed(
        f"{what}{_told(log)}",
        "Put right what it says, and deploy again."
        + (" Until then the version before it runs." if log.back is not None else ""),
    )


def _not_started(log: _Log, seconds: float) -> NotDeployed:
    if log.back is not None or log.safe_mode:
        return _failed(log, "the board is in safe mode, and in no network")
    if log.crashes:
        return _failed(log, "the board crashes at each start")
    no_wifi = [line for line in log.lines if line.startswith("wifi: ") and "connected" not in line]
    if no_wifi:
        return NotDeployed(
            f"the board does not get into its network{_told(log)}",
            "See to the network's name and password in secrets/wifi.toml, and at the signal; the board keeps "
            "trying.",
        )
    return NotDeployed(
        f"the board has not said within {seconds:.0f} s that it serves{_told(log)}",
        "See what it does with: pinwarden monitor",
    )


def _not_reached(error: Unreachable) -> Unreachable:
    return Unreachable(
        f"the board has started, but is not reached from here: {error.message}",
        "Is this computer in the board's network? Give --address where it is reached by another address. The "
        "new version stays: the board itself has found it healthy.",
    )


def _told(log: _Log) -> str:
    last = log.last()
    return f"\nThe board's last lines:{last}" if last else "; it said nothing"
