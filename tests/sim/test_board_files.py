"""The board's files: all of them go to the flash, under their board paths, and nothing else is touched."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from pinwarden import board as files
from pinwarden import packing
from pinwarden.device import create
from pinwarden_sim import Board

WEB = files.ROOT / "firmware/web"
SETTINGS, SECRETS = {"name": "door"}, {"wifi": None, "keys": []}


def tree(flash: Path) -> set[str]:
    return {"/" + path.relative_to(flash).as_posix() for path in flash.rglob("*") if path.is_file()}


def test_what_goes_where():
    found = files.files()
    assert found["/lib/jwt.py"] == files.ROOT / "firmware" / "lib" / "jwt.py"
    assert found["/firmware/app.py"] == files.ROOT / "firmware" / "app.py"
    assert "/firmware/web/index.html" in found
    assert list(found)[-3:] == ["/slots.py", "/boot.py", "/main.py"]
    assert not [place for place in found if "__pycache__" in place or place.startswith("/firmware/lib")]


def test_install_as_it_stands(tmp_path):
    files.install(tmp_path, SETTINGS, SECRETS)
    others = {place for place in files.files() if re.search(r"/text\.(?!en)", place)}
    assert tree(tmp_path) == {*files.files(), "/settings.json", "/secrets.json"} - others
    assert json.loads((tmp_path / "settings.json").read_bytes()) == SETTINGS
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_install_as_deployed(tmp_path):
    files.install(tmp_path, SETTINGS, SECRETS, mpy=True)
    names = tree(tmp_path)
    assert {"/boot.py", "/main.py", "/slots.py", "/lib/jwt.mpy", "/firmware/__init__.mpy"} <= names
    assert sorted(name for name in names if name.endswith(".py")) == ["/boot.py", "/main.py", "/slots.py"]
    web = {path.name: path.read_bytes() for path in (tmp_path / "firmware/web").iterdir()}
    assert web == packing.packed({path.name: path.read_bytes() for path in WEB.iterdir()})


@pytest.mark.parametrize("mpy", [False, True])
def test_a_second_installation_changes_what_changed(tmp_path, mpy):
    files.install(tmp_path, SETTINGS, SECRETS, mpy=not mpy)
    (tmp_path / "state").mkdir()
    (tmp_path / "state/mark").write_text("1")
    (tmp_path / "lib/old.py").write_text("stale")
    files.install(tmp_path, SETTINGS, SECRETS, mpy=mpy)
    assert "/lib/old.py" not in tree(tmp_path)
    assert ("/lib/jwt.mpy" in tree(tmp_path), "/lib/jwt.py" in tree(tmp_path)) == (mpy, not mpy)
    assert (tmp_path / "state/mark").read_text() == "1"
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    files.install(tmp_path, {"name": "gate"}, SECRETS, mpy=mpy)
    changed = {path.name for path, at in before.items() if path.stat().st_mtime_ns != at}
    assert changed == {"settings.json"}


def test_the_whole_firmware_runs(runtime, tmp_path):
    """From bytecode on MicroPython, as deployed; as it stands on CPython."""
    device = create("door", tmp_path)
    flash = tmp_path / "flash"
    wifi = {"ssid": "home", "password": "a password"}
    files.install(flash, device.settings, {**device.secrets(), "wifi": wifi}, mpy=runtime == "micropython")
    with Board(flash, runtime, heapsize="224k") as board:
        board.start()
        answer = httpx.get(board.url)
        assert answer.status_code == 200
        assert answer.text.startswith("<!doctype html>")
        for name in re.findall(r'(?:src|href)="(/[^"]+)"', answer.text):
            assert httpx.get(board.url + name).status_code == 200, name
        assert board.pin(26).levels == [0]
        assert httpx.get(board.url + "/api/v1/pins").status_code == 401
