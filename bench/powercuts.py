"""`python -m bench.powercuts`: a simulated board's power is cut, again and again, while it is being used.

Toggles, revocations, changes of keys and the time come in by HTTP; the power goes at an operation on the
flash that chance chooses (before it, in the middle of a write, or right after it), at one of a start, or at
any moment. Then it starts again, and everything that it had answered must hold; of what was on its way it may
have done all or nothing. The same seed makes the same choices.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.asking import LOST, NAME, ask, client, sign_for, signed, toggling
from bench.changes import FIRST, Change, Changes, State
from pinwarden import board as files
from pinwarden import boardlib, keys
from pinwarden_sim import Board, BoardError, runtimes

RELAY, LAMP, OPENER = 26, 25, 27
PINS = {
    "relay": {"kind": "switch", "gpio": RELAY},
    "lamp": {"kind": "switch", "gpio": LAMP, "max_on": 3600},
    "opener": {"kind": "pulse", "gpio": OPENER},
}

IN_USE, IN_A_START, ANY_MOMENT = "in use", "in a start", "at any moment"
KINDS = (IN_USE, IN_USE, IN_USE, IN_A_START, ANY_MOMENT)
TWICE = 0.3  # how likely the start after a cut is cut, too
STEPS = {IN_USE: 32, IN_A_START: 6}  # of the flash, within which the power goes
ANSWERS = 24  # changes that a board answers, at the most, before its power goes all the same
LONGEST_MS = 250
MOST_RETIRED, MOST_REVOKED = 32, 64
WRONG = ("Traceback", "cannot be", "safe mode", "out_of_memory")  # in no line that a board prints


class Broken(AssertionError):
    """A promise that the board has not kept."""


@dataclass
class Report:
    """What was cut, and how it ended."""

    cuts: Counter[str] = field(default_factory=Counter)
    at: Counter[str] = field(default_factory=Counter)  # operations on the flash
    in_flight: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    seconds: float = 0.0


class Run:
    """Cuts the power of one board, whose files lie in `flash`. `edit(flash)` may change what is installed."""

    def __init__(
        self, flash: Path, runtime: str, seed: object, edit: Callable[[Path], None] | None = None
    ) -> None:
        self._flash, self._runtime = flash, runtime
        self._random = random.Random(f"{seed} {runtime}")
        self._changes = Changes(self._random)
        self.state, self.report = State(), Report()
        settings = {"version": 1, "name": NAME, "chip": "esp32", "pins": PINS}
        secrets = {"wifi": {"ssid": "simulated", "password": "simulated-air"}, "keys": [keys.jwk(*FIRST)]}
        files.install(
            flash,
            boardlib.firmware("settings").check_settings(settings),
            secrets,
            mpy=runtime == "micropython",
        )
        if edit:
            edit(flash)

    def cut(self, count: int, kinds: Sequence[str] = KINDS) -> Report:
        """Cut the power so many times. Raises Broken, with all there is to know about the cut."""
        began = time.monotonic()
        with Board(self._flash, self._runtime) as board:
            self._start(board)
            for number in range(count):
                kind = IN_A_START if any(self._full()) else self._random.choice(kinds)
                said = len(board.serial)
                try:
                    self._once(board, kind)
                except (Broken, BoardError, *LOST) as error:
                    at = board.cuts[-1:] or ["nothing yet"]
                    lines = "\n  ".join(board.serial[said:][-30:])
                    raise Broken(
                        f"{self._runtime}, cut {number + 1} ({kind}; the last on the flash: {at[0]}): "
                        f"{error!r}\n  {lines}"
                    ) from error
                self.report.cuts[kind] += 1
            self.report.at = Counter(board.cuts)
        self.report.seconds = time.monotonic() - began
        return self.report

    def _once(self, board: Board, kind: str) -> None:
        change = None
        if kind == IN_A_START:
            board.power_cut()
            self._make_room()
            noted = self._clock_file()
            self._cut_a_start(board)
            # It asks for the time by itself, and notes it.
            board.wait(lambda: not board.alive or self._clock_file() != noted, timeout=20)
            board.power_cut()
        else:
            if kind == IN_USE:
                board.power_cut(after_steps=self._random.randint(1, STEPS[kind]))
            change = self._use(board, kind)
            board.power_cut()
            if self._random.random() < TWICE:
                self._cut_a_start(board)
                board.power_cut()
        self._start(board)
        self._check(board, change)

    def _cut_a_start(self, board: Board) -> None:
        board.power_cut(after_steps=self._random.randint(1, STEPS[IN_A_START]))
        with suppress(BoardError):  # it went off before it served
            board.start()

    def _clock_file(self) -> tuple[float, int] | None:
        path = self._flash / "state/clock.json"
        if not path.exists():
            return None
        stat = path.stat()
        return stat.st_mtime, stat.st_ino

    def _use(self, board: Board, kind: str) -> Change | None:
        """Use it until its power is gone. Returns the change that had no answer."""
        timer = threading.Timer(self._random.uniform(0, LONGEST_MS) / 1000, board.power_cut)
        if kind == ANY_MOMENT:
            timer.start()
        try:
            with toggling(board, self.state.token("pins:write")) as answered, closing(client(board)) as line:
                for _ in range(ANSWERS):
                    change = self._changes.next(self.state)
                    try:
                        self._ask(line, change)
                    except LOST:
                        return change
                    finally:
                        self.report.answered += answered.pop() if answered else 0
            return None
        finally:
            timer.cancel()
            if kind == ANY_MOMENT:
                timer.join()

    def _ask(self, line: http.client.HTTPConnection, change: Change) -> None:
        value = self.state.token("admin", kid=change.signer)
        fields = sign_for(line, change.method, change.path, change.body, value) if change.is_signed else {}
        status, told = ask(line, change.method, change.path, value, change.body, fields)
        if not 200 <= status < 300:
            raise Broken(f"{change.method} {change.path} {change.body}: {status} {told}")
        change.do(self.state)
        self.report.answered += 1

    def _full(self) -> tuple[bool, bool]:
        """Whether the next cut could come to the end of what is kept of revocations, and of retired keys."""
        revoked = len(self.state.jtis) + len(self.state.subs)
        return revoked > MOST_REVOKED - ANSWERS, len(self.state.retired) > MOST_RETIRED - ANSWERS // 2

    def _make_room(self) -> None:
        """As the board's owner does by cable. The board is off, and nothing was on its way."""
        revocations, retired = self._full()
        if revocations:
            (self._flash / "state/revocations.json").unlink(missing_ok=True)
            self.state.jtis, self.state.subs, self.state.before = {}, {}, -1
        if retired:
            path = self._flash / "secrets.json"
            secrets = json.loads(path.read_text())
            del secrets["retired"]
            path.write_text(json.dumps(secrets))
            self.state.retired = []

    def _start(self, board: Board) -> None:
        board.start()
        board.clock.set(int(time.time()))  # else it would wait for a second, until it asks for it

    def _check(self, board: Board, change: Change | None) -> None:
        """Hold the board against the state; adopt what it has made of the `change` that had no answer."""
        for gpio in (RELAY, LAMP, OPENER):
            demand(board.pin(gpio).level == 0, f"GPIO {gpio} is at {board.pin(gpio).level} after a start")
        with closing(client(board)) as line:
            demand(ask(line, "GET", "/healthz") == (200, {"status": "ok"}), "it is not well")
            self._adopt(line, change)
            self._check_tokens(line)
            status, told = ask(line, "GET", "audit", self.state.token("audit:read"))
            demand((status, told.get("chain")) == (200, "whole"), f"the record: {status} {told}")
        self._check_files()
        for text in board.serial:
            demand(not any(word in text for word in WRONG), f"it said: {text}")

    def _adopt(self, line: http.client.HTTPConnection, change: Change | None) -> None:
        found = self._tell(line)
        if change is not None:
            done = deepcopy(self.state)
            change.do(done)
            old, new = self.state.told(), done.told()
            demand(found in (old, new), f"neither old nor new: {change}\n{found}\n{old}\n{new}")
            if found == new != old:
                self.state = done
            self.report.in_flight["either" if old == new else "new" if found == new else "old"] += 1
        demand(found == self.state.told(), f"it has forgotten:\n{found}\n{self.state.told()}")

    def _tell(self, line: http.client.HTTPConnection) -> dict[str, Any]:
        """What the board has, in the form of State.told."""
        secrets = json.loads((self._flash / "secrets.json").read_text())
        first = secrets["keys"][0]
        admin = signed(keys.secret(first), first["kid"], "admin")
        status, told = ask(line, "GET", "keys", admin)
        demand(status == 200, f"the board does not know its own key: {status} {told}")
        kids = [key["kid"] for key in told["keys"]]
        demand(kids == [key["kid"] for key in secrets["keys"]], "the file has other keys than the board")
        status, told = ask(line, "GET", "revocations", admin)
        demand(status == 200, f"revocations: {status} {told}")
        entries = told["revocations"]
        return {
            "keys": {key["kid"]: keys.secret(key) for key in secrets["keys"]},
            "retired": sorted(secrets.get("retired", [])),
            "jtis": {entry["jti"]: entry["until"] for entry in entries if "jti" in entry},
            "subs": {entry["sub"]: entry["before"] for entry in entries if "sub" in entry},
            "before": next(
                (entry["before"] for entry in entries if "jti" not in entry and "sub" not in entry), -1
            ),
        }

    def _check_tokens(self, line: http.client.HTTPConnection) -> None:
        """What is revoked is refused, and what is not is not: some of each."""
        state, choose = self.state, self._random
        wanted: list[tuple[str, int]] = [(state.token("", kid=kid), 200) for kid in state.keys]
        if state.jtis:
            wanted.append((state.token("", jti=choose.choice(list(state.jtis))), 401))
        if state.subs:
            sub = choose.choice(list(state.subs))
            wanted.append((state.token("", sub=sub, iat=state.subs[sub] - 1), 401))
        if state.before > 0:
            wanted.append((state.token("", iat=state.before - 1), 401))
        for value, status in wanted:
            found = ask(line, "GET", "device", value)
            demand(found[0] == status, f"a token is answered with {found}, not with {status}")
        if state.retired:
            body = {"kid": choose.choice(state.retired), "from": state.newest, "salt": keys.encode(bytes(32))}
            found = ask(line, "POST", "keys", state.token("admin"), body)
            demand((found[0], found[1].get("code")) == (409, "key_retired"), f"a retired key: {found}")

    def _check_files(self) -> None:
        # Those of the audit's own folder are cleared when it is written next.
        left = [path.name for path in (self._flash / "state").iterdir() if path.suffix == ".new"]
        left += [path.name for path in self._flash.rglob("*.bad*")]
        demand(not left, f"left behind: {left}")
        for path in (self._flash / "state").glob("*.json"):
            content = json.loads(path.read_text())
            if path.stem == "clock":
                demand(content["mark"] >= self.state.mark, "the clock's mark went back")
                self.state.mark = content["mark"]


def demand(kept: bool, what: str) -> None:
    """Raise Broken unless the promise was kept."""
    if not kept:
        raise Broken(what)


def table(reports: dict[str, Report]) -> Table:
    """How many cuts hit what."""
    shown = Table("", *reports, title="Power cuts")

    def row(name: str, value: Callable[[Report], object]) -> None:
        shown.add_row(name, *(str(value(report)) for report in reports.values()))

    row("cuts", lambda report: report.cuts.total())
    for kind in dict.fromkeys(KINDS):
        row(f"  {kind}", lambda report, kind=kind: report.cuts[kind])
    row("at an operation on the flash", lambda report: report.at.total())
    for at in sorted({at for report in reports.values() for at in report.at}):
        row(f"  {at}", lambda report, at=at: report.at[at])
    row("changes in flight: not done", lambda report: report.in_flight["old"])
    row("changes in flight: done", lambda report: report.in_flight["new"])
    row("changes in flight: no matter", lambda report: report.in_flight["either"])
    row("requests answered", lambda report: report.answered)
    row("seconds", lambda report: f"{report.seconds:.0f}")
    return shown


def main() -> None:
    """Run it, and print the table. Exits with 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.powercuts", description=__doc__)
    parser.add_argument("--cuts", type=int, default=500, help="on each runtime")
    parser.add_argument("--runtime", choices=runtimes.RUNTIMES, nargs="*", default=runtimes.available())
    parser.add_argument("--seed", default="pinwarden")
    options = parser.parse_args()
    console, reports = Console(), {}
    for runtime in options.runtime:
        folder = Path(tempfile.mkdtemp(prefix="powercuts-"))
        try:
            reports[runtime] = Run(folder / "flash", runtime, options.seed).cut(options.cuts)
        except Broken as broken:
            console.print(f"{broken}\n  The board's files are kept in {folder}", markup=False, soft_wrap=True)
            sys.exit(1)
        shutil.rmtree(folder)
    console.print(table(reports))


if __name__ == "__main__":
    main()
