"""A flash with slots, as deployments leave it: versions in /a and /b, and what chooses between them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx

import testbed
from pinwarden import board as files
from pinwarden import boardlib
from pinwarden.deploy.release import MANIFEST, Release
from pinwarden_sim import Board

# Changes of sources: file -> {a text that occurs in it once: what stands there instead}.
Edits = Mapping[str, Mapping[str, str]]

# The board's waiting, short enough for tests.
QUICK = {"main.py": {"time.sleep(2)": "time.sleep(0.05)"}}


def release(runtime: str, edits: Edits | None = None, **changes: object) -> Release:
    """A version for the test device; `edits` are of its sources, `changes` are members of its settings.

    What is edited goes along as source: MicroPython takes that as well.
    """
    inside, start = {}, {}
    for place, data in _contents(runtime == "micropython").items():
        path = place.removeprefix("/")
        (start if path in files.START_FILES else inside)[path] = data
    for path, texts in (edits or {}).items():
        source = files.files()["/" + path].read_text()
        inside.pop(path.replace(".py", ".mpy"), None)
        (start if path in start else inside)[path] = edited(source, texts).encode()
    inside["settings.json"] = files.compact_json(testbed.settings(**changes))
    return Release(inside, start, files.compact_json(testbed.secrets()), boardlib.version())


def put(flash: Path, slot: str, version: Release) -> None:
    """Have the whole version in the slot."""
    for path, data in {**version.files, MANIFEST: version.manifest}.items():
        _write(flash / slot / path, data)


def activate(
    flash: Path, slot: str, previous: str | None = None, trial: int = 0, note: str | None = None
) -> None:
    """Have the slot active: `trial` is 1 for a version that was deployed a moment ago."""
    state = {"slot": slot, "previous": previous, "trial": trial, "note": note}
    (flash / "slot.json").write_text(json.dumps(state))


def state(flash: Path) -> dict:
    """What /slot.json says."""
    return json.loads((flash / "slot.json").read_text())


def make(flash: Path, runtime: str, a: Release | None = None, b: Release | None = None) -> None:
    """A flash with these versions, a plain one where none is given in /a; that is active. The start files
    wait for less than a board's.
    """
    put(flash, "a", a or release(runtime))
    if b:
        put(flash, "b", b)
    quick = release(runtime, QUICK)
    for path, data in {**quick.start, "secrets.json": quick.secrets}.items():
        _write(flash / path, data)
    activate(flash, "a")


def edit(flash: Path, path: str, texts: Mapping[str, str]) -> None:
    """Change a source that lies on the flash."""
    (flash / path).write_text(edited((flash / path).read_text(), texts))


def edited(source: str, texts: Mapping[str, str]) -> str:
    """The source with each text replaced. Each must be there once, or a test would test nothing."""
    for old, new in texts.items():
        assert source.count(old) == 1, f"{old!r} is there {source.count(old)} times"
        source = source.replace(old, new)
    return source


def build(flash: Path, slot: str) -> str:
    """The build of the version in the slot."""
    return json.loads((flash / slot / MANIFEST).read_text())["build"]


def crashes(flash: Path) -> dict[str, Any]:
    """The record of crashes in a row."""
    return json.loads((flash / "state" / "crash.json").read_text())


def powered(flash: Path, runtime: str, **options: Any) -> Board:
    """A board with this flash, whose clock is right; it is off."""
    return Board(flash, runtime, clock=int(time.time()), **options)


def said(board: Board, text: str) -> list[str]:
    """The lines with this text that the board has printed."""
    return [line for line in board.serial if text in line]


def health(board: Board) -> tuple[int, dict[str, Any]]:
    """The status and the body of its /healthz."""
    answer = httpx.get(f"{board.url}/healthz", trust_env=False)
    return answer.status_code, answer.json()


def ask(board: Board) -> dict[str, Any]:
    """What it tells of itself, once its clock is set."""
    board.wait(lambda: board.clock.now() is not None)
    headers = testbed.bearer(testbed.token("pins:read"))
    answer = httpx.get(f"{board.url}/api/v1/device", headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.json()


@cache
def _contents(mpy: bool) -> dict[str, bytes]:
    return files.contents(mpy=mpy)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
