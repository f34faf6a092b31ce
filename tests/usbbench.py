"""A device folder, a copy of the board's files that a test may change, and a simulated board on a cable."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

import testbed
from pinwarden import board as files
from pinwarden.cli import cli
from pinwarden.device import Device, create
from pinwarden_sim import Board

HEAP = "224k"  # as `pinwarden simulate` has it: objects are twice as big here as on a board
SSID, PASSWORD = "simulated", "simulated-air"


@dataclass
class Bench:
    """`tree` is what `deploy` takes for the board's files."""

    device: Device
    tree: Path
    board: Board

    @property
    def flash(self) -> Path:
        """The board's flash."""
        return self.board.flash

    def run(self, command: str, *options: str, code: int = 0, address: str | None = None) -> Result:
        """A command of `pinwarden` with the device and the board. Whatever it does, it shows no traceback.

        `address` is where the board is said to be: by default where it is; "" says nothing.
        """
        address = self.board.url.removeprefix("http://") if address is None else address
        place = ["--port", self.board.usb.path, *(["--address", address] if address else [])]
        result = CliRunner().invoke(cli, [command, str(self.device.folder), *place, *options])
        assert "Traceback (most recent call last)" not in result.output.replace("  Traceback", "")
        assert result.exit_code == code, result.output
        for secret in (PASSWORD, *(key["k"] for key in list(self.device.keys()))):
            assert secret not in result.output
        return result

    def deploy(self, *options: str, code: int = 0) -> Result:
        """`pinwarden deploy`."""
        return self.run("deploy", *options, code=code)

    def change(self, path: str, text: str = "_CHANGED = 1\n") -> None:
        """Add a line to one of the board's files."""
        with (self.tree / path).open("a") as file:
            file.write(text)

    def healthy(self) -> bool:
        """Whether the board answers that it is well."""
        try:
            answer = httpx.get(f"{self.board.url}/healthz", trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.json() == {"status": "ok"}

    def build(self) -> str:
        """The build of the version that the board has found to start, every file of which is whole."""
        return whole(self.flash, slot(self.flash)["slot"])


@contextmanager
def bench(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, like: Path | None = None, **options
) -> Iterator[Bench]:
    """A bench in an empty folder, with a board that has power; `options` are those of Board.

    All is new, or a copy of what another bench has in its folder `like`.
    """
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    tree = folder / "tree"
    if like is None:
        source, ours = files.ROOT, shutil.ignore_patterns("__pycache__")
        tree.mkdir()
        for name in files.START_FILES:
            shutil.copy(source / name, tree)
        shutil.copytree(source / "firmware", tree / "firmware", ignore=ours)
    else:
        shutil.copytree(like / "tree", tree)
    monkeypatch.setattr(files, "ROOT", tree)
    monkeypatch.chdir(folder)
    for name in ("PINWARDEN_DEVICES", "PINWARDEN_PORT", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    if like is None:
        device = create("door", folder, wifi={"ssid": SSID, "password": PASSWORD})
        (folder / "flash").mkdir()
    else:
        for name in ("door", "flash"):
            shutil.copytree(like / name, folder / name)
        device = Device.load(folder / "door")
    with Board(folder / "flash", "micropython", usb=True, **{"heapsize": HEAP, **options}) as board:
        board.power_on()
        yield Bench(device, tree, board)


def slot(flash: Path) -> dict:
    """What /slot.json says."""
    return json.loads((flash / "slot.json").read_text())


def whole(flash: Path, name: str) -> str:
    """The build in a slot, whose every file is there, as its version.json tells, and no other."""
    folder = flash / name
    manifest = json.loads((folder / "version.json").read_text())
    there = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    del there["version.json"]
    assert there == manifest["files"]
    return manifest["build"]


def snapshot(flash: Path) -> dict[str, bytes]:
    """Every file of the flash, but for the state that a running board writes when it likes."""
    return {
        path.relative_to(flash).as_posix(): path.read_bytes()
        for path in sorted(flash.rglob("*"))
        if path.is_file() and path.relative_to(flash).parts[0] != "state"
    }
