"""When the firmware was written: no correct clock reads less, says the board, and so do the tools.

A board that has lost its time believes nothing earlier. So the date is to follow the code: else it can be set
further back than need be.
"""

import re
import subprocess
import time
from pathlib import Path

from pinwarden.doctor import inside

ROOT = Path(__file__).parents[2]
_YEAR = 366 * 86400  # seconds


def of_firmware() -> int:
    found = re.search(r"^BUILD_DATE = (\d+)$", (ROOT / "firmware/clock.py").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def newest() -> int:
    """When the firmware was changed last, Unix seconds: by its newest commit, or where there is none, by its
    newest file.
    """
    if (ROOT / ".git").exists():
        command = ["git", "log", "-1", "--format=%ct", "--", "firmware"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        if done.stdout.strip():
            return int(done.stdout)
    return int(max(path.stat().st_mtime for path in (ROOT / "firmware").rglob("*.py")))


def test_the_tools_have_the_same() -> None:
    assert of_firmware() == inside.BUILD_DATE


def test_is_of_the_last_year() -> None:
    behind = newest() - of_firmware()
    assert behind < _YEAR, "put BUILD_DATE in firmware/clock.py and doctor/inside.py to the 1st of this year"


def test_is_over() -> None:
    assert of_firmware() < time.time(), "a board would refuse the true time"
