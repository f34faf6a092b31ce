"""The power goes during a start: at each byte that it writes, and at points of time in between. What starts
then is a whole version, and what is outside of the versions is as it was.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

import slotbed
import testbed
from pinwarden_sim import Board, runtimes

ROOT = Path(__file__).parents[2]

AT_ONCE = 4  # boards; most of the time they wait
KEPT = {"secrets.json", "settings.json", "state/kept.json"}


@dataclass(frozen=True)
class Cut:
    """The power goes after so many bytes, or so many seconds."""

    after_bytes: int | None = None
    seconds: float | None = None


def first_start(flash: Path, runtime: str) -> None:
    """A new version lies in /b, and has not run yet."""
    slotbed.make(flash, runtime, b=slotbed.release(runtime, log="requests"))
    slotbed.activate(flash, "b", "a", trial=1)


def start_after_a_crash(flash: Path, runtime: str) -> None:
    """The new version has run, and failed: this start goes back to the one before."""
    first_start(flash, runtime)
    slotbed.activate(flash, "b", "a", trial=2)
    (flash / "state").mkdir()
    crash = {"count": 1, "error": "RuntimeError('a fault of this test')", "trace": "Traceback"}
    (flash / "state" / "crash.json").write_text(json.dumps(crash))


def is_settled(flash: Path) -> bool:
    """Whether the start has written all that it had to."""
    record = flash / "state" / "crash.json"
    return slotbed.state(flash)["trial"] == 0 and not (record.exists() and slotbed.crashes(flash)["count"])


def survive(template: Path, flash: Path, runtime: str, cut: Cut) -> bool:
    """Start the board with this flash, cut its power, and look at what starts then. Returns whether the power
    went before the start had written everything.
    """
    shutil.copytree(template, flash)
    with slotbed.powered(flash, runtime) as board:
        interrupted = start_and_cut(board, cut)
        assert json.loads((flash / "slot.json").read_text())["slot"] in ("a", "b")
        board.start()
        told = slotbed.ask(board)
        assert told["build"] == slotbed.build(flash, told["slot"])
        assert not slotbed.said(board, "Traceback"), "\n".join(board.serial)
        board.wait(lambda: slotbed.state(flash)["trial"] == 0)
    for name in KEPT:
        assert (flash / name).read_bytes() == (template / name).read_bytes()
    shutil.rmtree(flash)
    return interrupted


def start_and_cut(board: Board, cut: Cut) -> bool:
    if cut.after_bytes is not None:
        board.power_cut(after_bytes=cut.after_bytes)
    board.power_on()
    if cut.seconds is not None:
        time.sleep(cut.seconds)  # nothing is waited for: this is when the power goes
    else:
        board.wait(lambda: not board.alive or is_settled(board.flash), timeout=20)
    interrupted = not board.alive or not is_settled(board.flash)
    board.power_cut()
    return interrupted


@pytest.mark.timeout(240)  # 150 boards in a row, on a machine that has other things to do
@pytest.mark.parametrize(
    ("prepare", "byte_counts", "moments"),
    [
        pytest.param(first_start, range(1, 121), 25, id="the first start of a new version"),
        pytest.param(start_after_a_crash, range(1, 215, 4), 0, id="the start that goes back"),
    ],
)
def test_a_whole_version_starts_whenever_the_power_goes(
    runtime: str,
    tmp_path: Path,
    prepare: Callable[[Path, str], None],
    byte_counts: range,
    moments: int,
) -> None:
    template = tmp_path / "template"
    prepare(template, runtime)
    (template / "state").mkdir(exist_ok=True)
    (template / "state" / "kept.json").write_text('{"kept": true}')
    (template / "settings.json").write_text("of the root, and not ours to touch")
    at_bytes = [Cut(after_bytes=count) for count in byte_counts]
    at_times = [Cut(seconds=0.5 * moment / moments) for moment in range(moments)]
    if runtime == "cpython":  # it starts more slowly, and writes the same
        at_bytes, at_times = at_bytes[::12], at_times[::12]
    at_bytes.append(Cut(after_bytes=100_000))
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def attempt(cut: Cut) -> bool:
            return survive(template, tmp_path / str(cut), runtime, cut)

        went = list(pool.map(attempt, at_bytes))
        list(pool.map(attempt, at_times))
    assert went[0]
    assert not went[-1]
    assert [interrupted for interrupted, _ in groupby(went)] == [True, False], "once for each byte"


def test_on_a_real_littlefs_there_is_the_old_state_or_the_new() -> None:
    """At each operation on the flash, of which the last may be done by half."""
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    argv, env = runtimes.command("micropython", ROOT / "tests/device/littlefs_cuts.py", str(ROOT))
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    # MicroPython complains of a file that it cannot close, as its power has gone.
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    found = {line["case"]: line for line in lines}
    proven = {"slot": "b", "previous": "a", "trial": 0, "note": None}
    old_a = {"slot": "a", "previous": None, "trial": 0, "note": None}
    assert {case: line["states"] for case, line in found.items()} == {
        "switch": [old_a, proven | {"trial": 1}],
        "begin": [proven | {"trial": 1}, proven | {"trial": 2}],
        "confirm": [proven | {"trial": 2}, proven],
        "rollback": [proven | {"trial": 2}, old_a | {"note": "build of /b: a fault"}],
    }
    assert all(line["cuts"] >= 3 for line in found.values())
