"""`python -m pinwarden_sim.demo FOLDER`: the device "demo", with a pin of each kind, in FOLDER, unless it is
there already. For `make run`.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path

from pinwarden.create import build_folder, fill_folder
from pinwarden.errors import UserError
from pinwarden.files import short

NAME = "demo"


def settings() -> str:
    """Its device.toml."""
    return (resources.files("pinwarden_sim") / "data" / "demo.toml").read_text("utf-8")


def make(parent: Path) -> Path:
    """Make it in `parent`, all of it or nothing. Returns its folder. Raises UserError."""
    return build_folder(NAME, parent, lambda folder: fill_folder(folder, settings(), None))


def main(parent: Path) -> None:
    """Make it if it is not there, and say so."""
    if (parent / NAME).is_dir():
        return
    parent.mkdir(exist_ok=True)
    try:
        folder = make(parent)
    except UserError as error:
        sys.exit(f"error: {error}")
    print(f"Made a demo device in {short(folder)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
