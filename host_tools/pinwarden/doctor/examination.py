"""What the doctor asks, one check after the other, and what it makes of the answers.

A check is a question that is answered within a time limit, whatever it asks; a user error is its failure, and
its hint the remedy. The checks themselves are in local, reach, http and usb.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pinwarden.errors import UserError

OK, WARNING, FAILED, SKIPPED = "ok", "warning", "failed", "skipped"

# A thing to look at; the names are stable, as are those of the checks: programs read them.
HERE, HTTP, USB = "here", "http", "usb"

LONGEST = 30.0  # seconds, for all checks together
_QUESTION = 5.0  # seconds, for one

# The checks without which nothing is known about the board.
REACHING = frozenset({"connect", "port", "repl"})
ALL_WELL, SOMETHING_FAILED, OUT_OF_REACH = 0, 1, 3

Value = TypeVar("Value")


@dataclass(frozen=True)
class Finding:
    """What came of a question: `state` is one of those above, `found` says what there is or why not."""

    state: str
    found: str
    remedy: str | None = None


@dataclass(frozen=True)
class Check:
    """A finding with its place in the list."""

    group: str
    name: str
    state: str
    found: str
    remedy: str | None


def ok(found: str) -> Finding:
    """All is well."""
    return Finding(OK, found)


def warning(found: str, remedy: str | None = None) -> Finding:
    """It works, but the owner should know."""
    return Finding(WARNING, found, remedy)


def failed(found: str, remedy: str | None = None) -> Finding:
    """It does not work."""
    return Finding(FAILED, found, remedy)


def skipped(why: str, remedy: str | None = None) -> Finding:
    """It was not looked at."""
    return Finding(SKIPPED, why, remedy)


class Examination:
    """The checks so far. `asking` is told the group and name of each question, `told` each Check when it is
    there.
    """

    def __init__(
        self,
        *,
        asking: Callable[[str, str], None] = lambda _group, _name: None,
        told: Callable[[Check], None] = lambda _check: None,
        longest: float = LONGEST,
    ) -> None:
        self.checks: list[Check] = []
        self.asking = asking
        self.told = told
        self._end = time.monotonic() + longest

    @property
    def time_left(self) -> float:
        """Seconds until no further question is asked; at least 0."""
        return max(0.0, self._end - time.monotonic())

    def ask(
        self, group: str, name: str, question: Callable[[], Finding], *, limit: float | None = _QUESTION
    ) -> Finding:
        """Ask, for `limit` seconds at the most and not beyond the end of the time that all have together.

        With None the question keeps to a limit of its own: what talks over a cable must not be left half-way.
        """
        self.asking(group, name)
        seconds = min(limit or self.time_left, self.time_left)
        try:
            if not seconds:
                finding = skipped("there was no time left for it")
            else:
                finding = within(seconds, question) if limit else question()
        except UserError as error:
            finding = failed(error.message, error.hint)
        except TimeoutError:
            finding = failed(f"no answer within {seconds:.0f} s", "Try again.")
        self.note(group, name, finding)
        return finding

    def note(self, group: str, name: str, finding: Finding) -> None:
        """Add what was found out in another way."""
        check = Check(group, name, finding.state, finding.found, finding.remedy)
        self.checks.append(check)
        self.told(check)

    def skip(self, group: str, names: str, why: str) -> None:
        """Note that the checks with these names, separated by spaces, were not made."""
        for name in names.split():
            self.note(group, name, skipped(why))

    def state(self, group: str, name: str) -> str | None:
        """What became of a check; None if it was not made."""
        states = [check.state for check in self.checks if (check.group, check.name) == (group, name)]
        return states[-1] if states else None

    @property
    def reached(self) -> bool:
        """Whether the board showed itself, over the network or over USB."""
        return OK in (self.state(HTTP, "connect"), self.state(USB, "repl"))

    @property
    def exit_status(self) -> int:
        """0, 1 or 3. It is 3 only when nothing failed but to reach the board: trying again may help then."""
        broken = {check.name for check in self.checks if check.state == FAILED}
        if not broken:
            return ALL_WELL
        return OUT_OF_REACH if broken <= REACHING and not self.reached else SOMETHING_FAILED


def within(seconds: float, work: Callable[[], Value]) -> Value:
    """What `work()` returns or raises; TimeoutError when that takes longer.

    It may go on then, on a thread that does not keep the program from ending: a name resolution, for one,
    cannot be called off.
    """
    outcome: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((work(), None))
        except BaseException as error:
            outcome.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        value, error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return value
