"""What is in version control: nothing there depends on one machine, or on where packages come from."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A checkout installs from whichever mirror pip is set up for. (Written so that this file names none either.)
REGISTRY = re.compile(rb"\b(?:pypi|pythonhosted|npmjs|debian|ubuntu|crates|golang)[.](?:org|com|io)\b")
HOME = re.compile(rb"(?:/home/|/Users/|/root/|C:\\\\Users\\\\)[a-z]")


@pytest.fixture(scope="module")
def tracked() -> dict[str, bytes]:
    """Every file of the repository as it stands, the vectors of others left out."""
    if not (ROOT / ".git").exists():
        listed = [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("*")) if path.is_file()]
    else:
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        listed = [name for name in done.stdout.decode().split("\0") if name]
    return {
        name: (ROOT / name).read_bytes()
        for name in listed
        if (ROOT / name).is_file() and not name.startswith("tests/vectors/")
    }


@pytest.mark.parametrize(
    ("pattern", "what"), [(REGISTRY, "a package registry"), (HOME, "somebody's home folder")]
)
def test_names_no(tracked: dict[str, bytes], pattern: re.Pattern[bytes], what: str) -> None:
    named = {name: hits for name, data in tracked.items() if (hits := pattern.findall(data))}
    assert named == {}, f"names {what}"


def test_no_secret_is_tracked(tracked: dict[str, bytes]) -> None:
    assert [name for name in tracked if "secrets/" in name or name.endswith("secrets.json")] == []
