"""The picture of a running board for the terminal: pins, requests, clock, memory, serial port. Draws, and
decides nothing.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pinwarden.console import plain
from pinwarden_sim.board import Board, BoardError
from pinwarden_sim.hands import Hands
from pinwarden_sim.readout import BAR, read

KEPT = 100  # requests and serial lines that are remembered
_MIN_ROWS, _MAX_ROWS = 3, 12
_SERIAL_ROWS = 5
_FRAME_ROWS = 13  # lines that are neither a pin nor a request nor a serial line
_WIDE = 1000  # columns: more than any terminal has
_LEAST_BAR = 4
_STATUS_EVERY = 1.0  # seconds; each costs the board a garbage collection
_PATIENCE = 0.5  # seconds for its answer
_VERDICTS = {2: "green", 3: "cyan", 4: "yellow", 5: "bold red"}

# What the firmware prints for each request with log = "requests"; a refusal has its code at the end:
#   12:03:11 PUT /api/v1/pins/relay 403 anna 3ms insufficient_scope
#   12:03:12 - 400 - 0ms bad_request
_REQUEST = re.compile(r"(\d\d:\d\d:\d\d|--:--:--) (-|\S+ \S+) ([1-5]\d\d) (.*) (\d+)ms(?: (\S*))?")


@dataclass(frozen=True)
class Request:
    """One line of the firmware's request log."""

    when: str
    what: str  # method and path; "-" for one that could not be read
    status: int
    who: str
    took: int  # milliseconds
    code: str


def parse_request(line: str) -> Request | None:
    """The request that a line of serial output tells of, if it does."""
    match = _REQUEST.fullmatch(line)
    if match is None:
        return None
    when, what, status, who, took, code = match.groups()
    return Request(when, what, int(status), who, int(took), code or "")


class View:
    """Keeps what is to be drawn. `serial` takes the lines of the board, on any thread; `render` draws."""

    def __init__(
        self, board: Board, settings: Mapping[str, Any], hands: Hands, keys: str, port: str | None = None
    ) -> None:
        self._board, self._settings, self._hands = board, settings, hands
        self._keys, self._port = keys, port
        self._requests: deque[Request] = deque(maxlen=KEPT)
        self._lines: deque[str] = deque(maxlen=KEPT)
        self._status: dict[str, Any] = {}
        self._status_at = 0.0

    def serial(self, line: str) -> None:
        """Sort a line of serial output in."""
        line = plain(line)  # it may quote a request, and a request anything
        request = parse_request(line)
        if request is None:
            self._lines.append(line)
        else:
            self._requests.append(request)

    def render(self, console: Console) -> RenderableType:
        """The picture, as large as this terminal."""
        self._ask_status()
        pins = self._pins(console)
        rows = console.height - _FRAME_ROWS - pins.row_count
        serial = min(_SERIAL_ROWS, max(1, rows - _MIN_ROWS))
        requests = min(_MAX_ROWS, max(_MIN_ROWS, rows - serial))
        keys = "\n".join(filter(None, (self._hands.hint(), self._keys)))
        return Group(
            self._headline(),
            pins,
            self._requests_table(requests),
            self._serial_tail(serial),
            Text(keys, style="dim", no_wrap=True, overflow="ellipsis"),
        )

    def _ask_status(self) -> None:
        now = time.monotonic()
        if now - self._status_at >= _STATUS_EVERY:
            self._status_at = now
            try:
                self._status = self._board.status(timeout=_PATIENCE)
            except BoardError:  # off, or busy: shown as such
                self._status = {}

    def _headline(self) -> Text:
        board, clock = self._board, self._board.clock.now()
        at_repl = "at the REPL" if self._port else "crashed: at the REPL"
        power = "off" if not board.alive else (at_repl if board.state == "repl" else "running")
        free, used = self._status.get("heap_free"), self._status.get("heap_used")
        own = board.wifi.access_point
        facts = [
            (self._settings["name"], "bold"),
            (power, "green" if power == "running" else "bold red"),
            (f"{board.runtime}", ""),
            ("Wi-Fi up", "") if board.wifi.is_up else ("Wi-Fi down", "bold red"),
            *([(f"setup mode: {own['ssid']}", "bold yellow")] if own else ()),
            ("clock unset", "bold yellow") if clock is None else (_date(clock), ""),
        ]
        if free is not None:
            facts.append((f"heap {free // 1024} of {(free + used) // 1024} kB free", ""))
        if "uptime_ms" in self._status:
            facts.append((f"up {_span(self._status['uptime_ms'] / 1000)}", ""))
        line = Text(no_wrap=True, overflow="ellipsis")
        for number, (text, style) in enumerate(facts):
            line.append(" · " if number else "", "dim").append(text, style)
        return line

    def _pins(self, console: Console) -> Table:
        """Names are whole: where there is no room, bars are shorter; then it is not told since when."""
        options = console.options.update_width(_WIDE)
        table = self._pins_table(BAR)
        excess = console.measure(table, options=options).maximum - console.width
        if excess > 0:
            table = self._pins_table(max(_LEAST_BAR, BAR - excess))
            if console.measure(table, options=options).maximum > console.width:
                table.columns.pop()
        return table

    def _pins_table(self, bar: int) -> Table:
        table = Table(box=box.SIMPLE_HEAD, expand=True)
        for name in ("pin", "GPIO", "level", "state", "since"):
            table.add_column(name, no_wrap=True)
        digits = {name: digit for digit, name in self._hands.keys.items()}
        for name, spec in self._settings["pins"].items():
            shown = read(self._board, spec, bar)
            at = shown.changed
            since = "" if at is None else f"{_time(at)}, {_span(time.time() - at)} ago"
            title = Text(name)
            if name in digits:
                title.append(f" [{digits[name]}]", "bold" if name == self._hands.turned else "dim")
            table.add_row(title, str(spec["gpio"]), shown.level, shown.picture, since)
        return table

    def _requests_table(self, rows: int) -> Table:
        table = Table(box=box.SIMPLE_HEAD, expand=True)
        for name in ("time", "request", "verdict", "by", "took"):
            table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=1 if name == "request" else None)
        shown = list(self._requests)[-rows:]
        for request in shown:
            style = _VERDICTS.get(request.status // 100, "")
            table.add_row(
                request.when,
                request.what,
                Text(f"{request.status} {request.code}", style),
                request.who,
                f"{request.took} ms",
            )
        if not shown:
            table.add_row("", Text("no requests yet", "dim"), "", "", "")
        return table

    def _serial_tail(self, rows: int) -> Text:
        lines = list(self._lines)[-rows:]
        return Text(
            "\n".join([f"serial port {self._port or ''}", *("  " + line for line in lines), ""]),
            "dim",
            no_wrap=True,
            overflow="ellipsis",
        )


def _date(unix: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(unix))


def _time(unix: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(unix))


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{int(seconds)} s"
    return f"{int(seconds // 60)} min" if seconds < 5400 else f"{int(seconds // 3600)} h"
