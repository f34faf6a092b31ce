"""The short form of `make powercuts`, which cuts the power 500 times on each runtime; and that it bites."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from bench.powercuts import ANY_MOMENT, IN_USE, Broken, Run

import slotbed
import testbed
from pinwarden import board

SEED = "a seed"
CUTS = {"micropython": 25, "cpython": 15}  # the latter starts more slowly, and writes the same
KINDS = (IN_USE, IN_USE, IN_USE, ANY_MOMENT)  # a start that asks for the time takes seconds

STORAGE = "firmware/storage.py"
IN_PLACE = {"temporary = path + _TEMPORARY": "temporary = path", "os.rename(temporary, path)": "pass"}
NEVER = {"os.rename(temporary, path)": "pass"}
RENAMED_FIRST = {
    "with open(temporary": "open(temporary, 'wb').close()\n        os.rename(temporary, path)\n"
    "        with open(path",
    "        _sync()  # else a host's file system may rename first and write later\n"
    "        os.rename(temporary, path)": "        _sync()",
}


@pytest.mark.timeout(180)  # forty boards in a row, on a machine that has other things to do
def test_nothing_is_lost_but_what_was_on_its_way(runtime: str, tmp_path: Path) -> None:
    report = Run(tmp_path / "flash", runtime, SEED).cut(CUTS[runtime], KINDS)
    # Where chance has cut, or it would show nothing. Not each kind of operation needs to be among so few.
    assert report.at.total() >= CUTS[runtime] // 4, report
    assert any(at.startswith("write") for at in report.at), report
    assert report.in_flight["old"], report
    assert report.answered, report


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        pytest.param(IN_PLACE, "not well|cannot be used|JSON", id="a file is written in place"),
        pytest.param(NEVER, "forgotten|neither old nor new|unknown_key", id="what is answered is not kept"),
        pytest.param(RENAMED_FIRST, "not well|cannot be used|JSON", id="it is renamed before it is written"),
    ],
)
def test_what_is_not_atomic_is_noticed(tmp_path: Path, texts: dict[str, str], told: str) -> None:
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    with pytest.raises(Broken, match=told):
        Run(tmp_path / "flash", "micropython", SEED, edit=replaced(texts)).cut(30, KINDS)


def replaced(texts: dict[str, str]) -> Callable[[Path], None]:
    """An edit of the board's storage.py, which goes there as source."""

    def edit(flash: Path) -> None:
        source = slotbed.edited((board.ROOT / STORAGE).read_text(), texts)
        (flash / STORAGE).with_suffix(".mpy").unlink()
        (flash / STORAGE).write_text(source)

    return edit
