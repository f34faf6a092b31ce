"""`make test`: what failed beside others is run once more, by itself; nothing else is."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Notes how it is called, and ends with the next of the statuses.
PYTHON = """#!/bin/sh
cd "$(dirname "$0")"
echo "$@" >> called
set -- $(cat statuses)
status=$1
shift
echo "$@" > statuses
exit $status
"""


@pytest.mark.parametrize(
    ("statuses", "is_good", "calls"),
    [
        ("0", True, 1),
        ("1 0", True, 2),
        ("1 1", False, 2),
        ("1 5", False, 2),  # nothing has failed, it says then
        ("2", False, 1),  # a file that cannot be loaded
        ("8", False, 1),  # a test was skipped where none may be
    ],
)
def test_what_has_failed_is_run_once_more(tmp_path: Path, statuses: str, is_good: bool, calls: int) -> None:
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    (tmp_path / "statuses").write_text(statuses)
    made = subprocess.run(
        ["make", "--old-file=lint", f"BIN={tmp_path}", "test"], cwd=ROOT, capture_output=True, text=True
    )
    called = (tmp_path / "called").read_text().splitlines()
    assert (made.returncode == 0, len(called)) == (is_good, calls), made.stdout + made.stderr
    assert "-n auto" in called[0]
    for again in called[1:]:
        assert "--last-failed --last-failed-no-failures none" in again
        assert "-n" not in again.split()
