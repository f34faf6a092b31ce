"""The wheel, installed as a user gets it: the command has all that it needs without the checkout."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*argv: str | Path, **kwargs: object) -> str:
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, **kwargs)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    return next(folder.glob("pinwarden-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of a new environment: the wheel is in it, its dependencies are in ours."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # The .pth files of a folder that a .pth file names are not read: the editable installation stays out.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_carries_every_file_of_the_board(wheel: Path) -> None:
    sources = [ROOT / "boot.py", ROOT / "main.py", ROOT / "slots.py", *(ROOT / "firmware").rglob("*")]
    wanted = {
        f"pinwarden/board_files/{path.relative_to(ROOT).as_posix()}"
        for path in sources
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in zipfile.ZipFile(wheel).namelist() if "/board_files/" in name} == wanted


def test_holds_no_more_than_the_packages(wheel: Path) -> None:
    folders = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in folders if not name.endswith(".dist-info")} == {"pinwarden", "pinwarden_sim"}


def test_command_runs_without_the_checkout(installed: Path, wheel: Path, tmp_path: Path) -> None:
    version = wheel.name.split("-")[1]
    assert version in run(installed / "pinwarden", "--version", cwd=tmp_path, env=clean_environment())


def test_finds_the_boards_files_it_carries(installed: Path, tmp_path: Path) -> None:
    code = "from pinwarden import board; board.files(); print(board.ROOT)"
    root = Path(run(installed / "python", "-c", code, cwd=tmp_path, env=clean_environment()).strip())
    assert root.is_relative_to(installed.parent)


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
