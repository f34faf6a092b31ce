"""The simulated board's flash as the host has it: a folder, what it may hold, when the power fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BLOCK = 4096  # bytes; a file takes whole ones, as on LittleFS
SIZE = 0x200000  # bytes: the file system of a board with 4 MB


class Flash:
    """The folder is the file system's root."""

    def __init__(self, folder: Path, size: int | None) -> None:
        self.folder = folder
        self.size = SIZE if size is None else size  # bytes
        self.cut_after: int | None = None  # bytes to write until the power fails; None: it does not
        self.cut_steps: int | None = None  # the same in steps

    def state(self) -> dict[str, Any]:
        """What the chip has to know of it."""
        return {"size": self.size, "used": self._used(), "cut": self.cut_after, "steps": self.cut_steps}

    def _used(self) -> int:
        """Whole blocks."""
        return sum(-(-path.stat().st_size // BLOCK) for path in self.folder.rglob("*") if path.is_file())
