"""The lock files: complete, in step with pyproject.toml and with each other, and tied to no place of
download.
"""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-stubs.lock",
    "requirements-fuzz.lock",
    "requirements-mutation.lock",
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]

# Which requirements each lock file answers for.
ANSWERS_FOR = {
    "requirements.lock": PROJECT["project"]["dependencies"] + GROUPS["build"],
    "requirements-dev.lock": PROJECT["project"]["dependencies"] + GROUPS["build"] + GROUPS["dev"],
    "requirements-stubs.lock": GROUPS["board-stubs"],
    "requirements-fuzz.lock": GROUPS["fuzz"],
    "requirements-mutation.lock": GROUPS["mutation"],
}


def entries(lock: str) -> dict[str, tuple[str, str]]:
    """Name -> (version, hashes as text)."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, version, rest = re.fullmatch(r"([\w.-]+)==(\S+)(.*)", line).groups()  # type: ignore[union-attr]
            found[canonicalize_name(name)] = (version, rest)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes(lock: str) -> None:
    assert [name for name, (_version, rest) in entries(lock).items() if "--hash=sha256:" not in rest] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_names_no_place_of_download(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert re.findall(r"://|--[\w-]*(?:index|find-links)[\w-]*| @ ", text) == []


@pytest.mark.parametrize(
    ("lock", "requirement"),
    [(lock, text) for lock, texts in ANSWERS_FOR.items() for text in texts if isinstance(text, str)],
)
def test_answers_every_requirement(lock: str, requirement: str) -> None:
    wanted = Requirement(requirement)
    version, _rest = entries(lock)[canonicalize_name(wanted.name)]
    assert wanted.specifier.contains(version), "run: make lock"


def test_locks_agree() -> None:
    """Each may be installed beside the development's."""
    large = entries("requirements-dev.lock")
    for lock in ("requirements.lock", "requirements-mutation.lock"):
        common = {name: found[0] for name, found in entries(lock).items() if name in large}
        assert common == {name: large[name][0] for name in common}, lock
    assert set(entries("requirements.lock")) <= set(large)
