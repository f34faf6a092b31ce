"""A version of the firmware as it goes onto a board: compiled, gzipped, with the device's settings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from pinwarden import board, boardlib
from pinwarden.device import Device

MPY_VERSION = 6  # of the bytecode that mpy-cross makes; MicroPython has read it since 1.19
MANIFEST = "version.json"


@dataclass(frozen=True)
class Release:
    """What a board gets. The same sources, settings and secrets make the same octets."""

    files: dict[str, bytes]  # of the version: its path in a slot, such as "firmware/app.mpy"
    start: dict[str, bytes]  # boot.py, main.py, slots.py, which choose the version and go into the root
    secrets: bytes = field(repr=False)  # /secrets.json; in no version, as going back must not undo a key
    version: str

    @cached_property
    def hashes(self) -> dict[str, str]:
        """The SHA-256 of each of `files`, hexadecimal."""
        return {path: hashlib.sha256(data).hexdigest() for path, data in sorted(self.files.items())}

    @property
    def build(self) -> str:
        """The name of this version with these settings."""
        return build_of(self.hashes)

    @property
    def manifest(self) -> bytes:
        """version.json, which makes a slot a whole version. It is written last."""
        return board.compact_json({"version": self.version, "build": self.build, "files": self.hashes})


def build(device: Device) -> Release:
    """Compile the firmware for a device. Raises MissingPart, UnknownLanguage, and what `Device.secrets`
    raises.
    """
    files, start = {}, {}
    for place, data in board.contents(mpy=True, language=device.settings["language"]).items():
        path = place.removeprefix("/")
        (start if path in board.START_FILES else files)[path] = data
    files["settings.json"] = board.compact_json(device.settings)
    return Release(
        files=files,
        start=start,
        secrets=board.compact_json(device.secrets()),
        version=boardlib.version(),
    )


def build_of(hashes: Mapping[str, str]) -> str:
    """The name of a version: 12 hexadecimal digits that stand for the paths and contents of all its files."""
    listed = "".join(f"{digest}  {path}\n" for path, digest in sorted(hashes.items()))
    return hashlib.sha256(listed.encode()).hexdigest()[:12]
