"""The harness of the device tests: what becomes of a test that fails, dies or hangs, and what a selection
runs.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

SAMPLE = """
import asyncio, os, sys, time
from harness import cases, equal, raises, vectors

@cases([("one [and] more :: here", 1, 2), ("wrong", 1, 3)])
def test_rows(a, b):
    print("adding")
    equal(a + 1, b)

async def test_waits():
    await asyncio.sleep(0)

def test_raises():
    class Coded(Exception):
        code = "late"
    def fail(text="it is late"):
        raise Coded(text)
    equal(raises(Coded, fail, code="late").args, ("it is late",))
    raises(AssertionError, lambda: raises(Coded, fail, None, code="late"))  # it says no reason
    raises(AssertionError, lambda: raises(Coded, fail, code="early"))
    raises(AssertionError, raises, Coded, len, "")

def test_vectors():
    assert vectors("v.json") == [1]
"""
DIES = "def test_a(): pass\ndef test_b(): raise KeyboardInterrupt\ndef test_c(): pass\n"
HANGS = "def test_a(): pass\ndef test_b():\n    while True: pass\n"
TWICE = "from harness import cases\n@cases([('same', 1), ('same', 2)])\ndef test_a(n): pass\n"
SKIPS = "import pytest\ndef test_a(): pytest.skip('the machine lacks it')\n"
FAILS = "def test_b(): assert not 'so'\n"


@pytest.fixture
def session(tmp_path: Path):
    """Run pytest over a copy of tests/ that holds the harness and one test module."""
    device = tmp_path / "tests" / "device"
    device.mkdir(parents=True)
    (tmp_path / "tests/vectors").mkdir()
    (tmp_path / "tests/vectors/v.json").write_text("[1]")
    shutil.copy(TESTS / "conftest.py", tmp_path / "tests")
    for name in ("harness.py", "run.py"):
        shutil.copy(TESTS / "device" / name, device)
    text = (TESTS / "device/conftest.py").read_text()
    text, replaced = re.subn(r"(?m)^FILE_TIMEOUT = [\d.]+", "FILE_TIMEOUT = 2.0", text)
    assert replaced == 1
    (device / "conftest.py").write_text(text)

    def run(
        module: str, *options: str, target: str = "", folder: str = "device", no_skip: bool = False
    ) -> str:
        (tmp_path / "tests" / folder).mkdir(exist_ok=True)
        (tmp_path / "tests" / folder / "test_it.py").write_text(module)
        argv = [sys.executable, "-m", "pytest", "-rA", "--import-mode=importlib", "-p", "no:cacheprovider"]
        environment = os.environ | {
            "PINWARDEN_NO_SKIP": "1" if no_skip else "0",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # some take seconds to load
            "COLUMNS": "300",
        }
        done = subprocess.run(
            [*argv, f"tests/{folder}/test_it.py{target}", *options],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        return done.stdout + done.stderr + f"\nexit {done.returncode}"

    return run


def results(output: str, kind: str) -> list[str]:
    return re.findall(rf"(?m)^{kind} tests/\w+/test_it\.py(?:::)?(.*?)(?: - .*)?$", output)


def on_each(*names: str) -> list[str]:
    runtimes = ("cpython", "micropython", "mpy")
    return [name.replace("@", runtime) for name in names for runtime in runtimes]


def test_runs_each_test_on_each_runtime(session) -> None:
    output = session(SAMPLE)
    assert sorted(results(output, "PASSED")) == sorted(
        on_each("test_raises[@]", "test_vectors[@]", "test_waits[@]", "test_rows[@-one [and] more :: here]")
    )
    assert results(output, "FAILED") == on_each("test_rows[@-wrong]")


def test_failure_shows_the_cause_and_what_was_printed(session) -> None:
    output = session(SAMPLE, target="::test_rows[mpy-wrong]")
    assert "AssertionError: got 2, want 3 (mpy)" in output
    assert "adding" in output
    assert "harness.py" in output


@pytest.mark.parametrize(
    ("target", "options", "selected"),
    [
        ("::test_rows", [], 6),
        ("::test_rows[mpy-one [and] more :: here]", [], 1),
        ("", ["-k", "micropython and rows"], 2),
        ("", ["-x", "-k", "wrong"], 1),
    ],
)
def test_selection(session, target: str, options: list[str], selected: int) -> None:
    output = session(SAMPLE, *options, target=target)
    assert len(results(output, "PASSED") + results(output, "FAILED")) == selected


@pytest.mark.parametrize(
    ("module", "failed", "why"),
    [
        (DIES, on_each("test_b[@]", "test_c[@]"), "the process ended early, with exit status"),
        (HANGS, on_each("test_b[@]"), "and killed; the last result was that of test_a"),
    ],
    ids=["dies", "hangs"],
)
def test_early_end_fails_the_tests_without_result(session, module: str, failed: list[str], why: str) -> None:
    output = session(module)
    assert results(output, "PASSED") == on_each("test_a[@]")
    assert results(output, "FAILED") == failed
    assert why in output


@pytest.mark.parametrize(
    ("module", "why"),
    [(TWICE, "two cases have the id test_a[same]"), ("import nothing_of_that_name", "nothing_of_that_name")],
    ids=["an id twice", "an import fails"],
)
def test_module_that_cannot_be_listed_is_an_error(session, module: str, why: str) -> None:
    output = session(module)
    assert why in output
    assert "exit 2" in output


@pytest.mark.parametrize(
    ("module", "no_skip", "exit_status"),
    [(SKIPS, False, 0), (SKIPS, True, 8), (SKIPS + FAILS, True, 8), (FAILS, True, 1)],
    ids=["it may", "it may not", "beside a failure", "a failure alone"],
)
def test_skip_fails_where_nothing_may_be_missing(
    session, module: str, no_skip: bool, exit_status: int
) -> None:
    output = session(module, folder="host", no_skip=no_skip)
    assert ("the machine lacks it" in output) == (SKIPS in module)
    assert f"exit {exit_status}" in output
