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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jwt
from rich.console import Console
from rich.table import Table

from pinwarden import board as files
from pinwarden import boardlib, keys, proof
from pinwarden.admin import hkdf
from pinwarden_sim import Board, BoardError, runtimes

NAME, RELAY, LAMP, OPENER = "door", 26, 25, 27
PINS = {
    "relay": {"kind": "switch", "gpio": RELAY},
    "lamp": {"kind": "switch", "gpio": LAMP, "max_on": 3600},
    "opener": {"kind": "pulse", "gpio": OPENER},
}
FIRST = ("first", bytes(range(1, 33)))  # the key that a new board has

IN_USE, IN_A_START, ANY_MOMENT = "in use", "in a start", "at any moment"
KINDS = (IN_USE, IN_USE, IN_USE, IN_A_START, ANY_MOMENT)
TWICE = 0.3  # how likely the start after a cut is cut, too
STEPS = {IN_USE: 32, IN_A_START: 6}  # of the flash, within which the power goes
ANSWERS = 24  # changes that a board answers, at the most, before its power goes all the same
LONGEST_MS = 250
LAG = 300  # seconds by which the clock's mark is behind an administrator's time
MOST_KEYS, MOST_RETIRED, MOST_REVOKED = 4, 32, 64
AN_HOUR = 3600
WRONG = ("Traceback", "cannot be", "safe mode", "out_of_memory")  # in no line that a board prints
LOST = (OSError, http.client.HTTPException)


class Broken(AssertionError):
    """A promise that the board has not kept."""


@dataclass
class State:
    """What a board has to know: `keys` by name, oldest first; `retired` names; what is revoked; how late it
    is at least.
    """

    keys: dict[str, bytes] = field(default_factory=lambda: dict([FIRST]))
    retired: list[str] = field(default_factory=list)
    jtis: dict[str, int] = field(default_factory=dict)
    subs: dict[str, int] = field(default_factory=dict)
    before: int = -1
    mark: int = 0  # Unix seconds

    @property
    def newest(self) -> str:
        """The name of the key that signs."""
        return list(self.keys)[-1]


@dataclass(frozen=True)
class Change:
    """A request, and what it makes of the state when it is done."""

    method: str
    path: str
    body: dict[str, Any] | None
    do: Callable[[State], None]
    signer: str | None = None  # the key of its token, if it is not the newest
    is_signed: bool = False  # a signed request, as the time has to come by


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
        self._number = 0  # of the last name that was given
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
            with toggling(board, token(self.state, "pins:write")) as answered, closing(client(board)) as line:
                for _ in range(ANSWERS):
                    change = self._change()
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
        value = token(self.state, "admin", kid=change.signer)
        fields = sign_for(line, change, value) if change.is_signed else {}
        status, told = ask(line, change.method, change.path, value, change.body, fields)
        if not 200 <= status < 300:
            raise Broken(f"{change.method} {change.path} {change.body}: {status} {told}")
        change.do(self.state)
        self.report.answered += 1

    def _change(self) -> Change:
        """What is asked for next."""
        state = self.state
        self._number += 1
        name = f"n{self._number}"
        choices = [
            self._revoke_token,
            self._revoke_token,
            self._revoke_subject,
            self._revoke_all,
            self._tell_time,
        ]
        if len(state.keys) < MOST_KEYS:
            choices += [self._derive]
        if len(state.keys) > 1:
            choices += [self._retire]
        return self._random.choice(choices)(name)

    def _revoke_token(self, name: str) -> Change:
        until = int(time.time()) + AN_HOUR
        body = {"jti": name, "until": until}
        return Change("POST", "revocations", body, lambda state: state.jtis.update({name: until}))

    def _revoke_subject(self, name: str) -> Change:
        # So few that they come again, and later than before.
        sub, before = f"s{self._number % 8}", int(time.time()) - AN_HOUR + self._number % 1000
        body = {"sub": sub, "before": before}

        def do(state: State) -> None:
            state.subs[sub] = max(before, state.subs.get(sub, 0))
            prune(state)

        return Change("POST", "revocations", body, do)

    def _revoke_all(self, name: str) -> Change:
        before = int(time.time()) - 2 * AN_HOUR + self._random.randint(0, AN_HOUR)

        def do(state: State) -> None:
            state.before = max(before, state.before)
            prune(state)

        return Change("POST", "revocations", {"before": before}, do)

    def _tell_time(self, _name: str) -> Change:
        now = int(time.time())

        def do(state: State) -> None:
            state.mark = max(state.mark, now - LAG)

        return Change("PUT", "clock", {"now": now}, do, is_signed=True)

    def _derive(self, name: str) -> Change:
        source, salt = self._random.choice(list(self.state.keys)), self._random.randbytes(32)
        secret = hkdf.derive(self.state.keys[source], salt, device=NAME, kid=name)
        body = {"kid": name, "from": source, "salt": keys.encode(salt)}
        return Change("POST", "keys", body, lambda state: state.keys.update({name: secret}))

    def _retire(self, name: str) -> Change:
        kid, signer = self._random.sample(list(self.state.keys), 2)

        def do(state: State) -> None:
            del state.keys[kid]
            state.retired.append(kid)

        return Change("DELETE", f"keys/{kid}", None, do, signer)

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
            status, told = ask(line, "GET", "audit", token(self.state, "audit:read"))
            demand((status, told.get("chain")) == (200, "whole"), f"the record: {status} {told}")
        self._check_files()
        for text in board.serial:
            demand(not any(word in text for word in WRONG), f"it said: {text}")

    def _adopt(self, line: http.client.HTTPConnection, change: Change | None) -> None:
        found = self._tell(line)
        if change is not None:
            done = deepcopy(self.state)
            change.do(done)
            old, new = seen(self.state), seen(done)
            demand(found in (old, new), f"neither old nor new: {change}\n{found}\n{old}\n{new}")
            if found == new != old:
                self.state = done
            self.report.in_flight["either" if old == new else "new" if found == new else "old"] += 1
        demand(found == seen(self.state), f"it has forgotten:\n{found}\n{seen(self.state)}")

    def _tell(self, line: http.client.HTTPConnection) -> dict[str, Any]:
        """What the board has, in the form of `seen`."""
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
        wanted: list[tuple[str, int]] = [(token(state, "", kid=kid), 200) for kid in state.keys]
        if state.jtis:
            wanted.append((token(state, "", jti=choose.choice(list(state.jtis))), 401))
        if state.subs:
            sub = choose.choice(list(state.subs))
            wanted.append((token(state, "", sub=sub, iat=state.subs[sub] - 1), 401))
        if state.before > 0:
            wanted.append((token(state, "", iat=state.before - 1), 401))
        for value, status in wanted:
            found = ask(line, "GET", "device", value)
            demand(found[0] == status, f"a token is answered with {found}, not with {status}")
        if state.retired:
            body = {"kid": choose.choice(state.retired), "from": state.newest, "salt": keys.encode(bytes(32))}
            found = ask(line, "POST", "keys", token(state, "admin"), body)
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


def seen(state: State) -> dict[str, Any]:
    """What a board of this state tells."""
    return {
        "keys": state.keys,
        "retired": sorted(state.retired),
        "jtis": state.jtis,
        "subs": state.subs,
        "before": state.before,
    }


def prune(state: State) -> None:
    """Forget the subjects whose time has passed for everybody."""
    state.subs = {sub: before for sub, before in state.subs.items() if before > state.before}


def token(state: State, scope: str, kid: str | None = None, **claims: Any) -> str:
    """A token of the board's newest key, or of `kid`."""
    kid = kid or state.newest
    return signed(state.keys[kid], kid, scope, **claims)


def signed(secret: bytes, kid: str, scope: str, **claims: Any) -> str:
    """A token that was made a moment ago, and is good for an hour."""
    now = int(time.time())
    every = {"aud": NAME, "sub": "chief", "iat": now - 5, "exp": now + AN_HOUR, "scope": scope, **claims}
    return jwt.encode(every, secret, algorithm="HS256", headers={"kid": kid})


def client(board: Board) -> http.client.HTTPConnection:
    """A connection that is opened at the first request, and kept."""
    return http.client.HTTPConnection("127.0.0.1", board.port, timeout=10)


def ask(
    line: http.client.HTTPConnection,
    method: str,
    path: str,
    value: str | None = None,
    body: dict[str, Any] | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, Any]:
    """The status and the JSON of the answer. `value` is the token; `more` are header fields, which may take
    its place. Raises one of LOST.
    """
    fields = {"Host": NAME, "Content-Type": "application/json"}
    if value is not None:
        fields["Authorization"] = f"Bearer {value}"
    fields |= more
    data = None if body is None else json.dumps(body)
    line.request(method, path if path.startswith("/") else f"/api/v1/{path}", data, fields)
    answer = line.getresponse()
    content = answer.read()
    return answer.status, json.loads(content) if content else {}


def sign_for(line: http.client.HTTPConnection, change: Change, value: str) -> dict[str, str]:
    """The fields that sign the change with this token. Raises one of LOST."""
    _, told = ask(line, "GET", "challenge")
    path, body = f"/api/v1/{change.path}", json.dumps(change.body).encode()
    return proof.sign(
        value, change.method, NAME, path, body, challenge=told["nonce"], created=int(time.time())
    )


@contextmanager
def toggling(board: Board, value: str) -> Iterator[list[int]]:
    """Somebody else uses it meanwhile, until it answers no more. Gives how many were answered, in the end."""
    ended, answered = threading.Event(), []

    def toggle() -> None:
        count = 0
        with closing(client(board)) as line, suppress(*LOST):
            while not ended.is_set():
                ask(line, "POST", "pins/relay/toggle", value, {})
                count += 1
        answered.append(count)

    thread = threading.Thread(target=toggle, daemon=True)
    thread.start()
    try:
        yield answered
    finally:
        ended.set()
        thread.join()


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
