"""The board's own modules, for the host: what a board would say is asked of the board's code.

`firmware/lib/jwt.py` and `hmac.py` bear the names of PyJWT and of the standard library. They are loaded as
members of a private package, so that they find their neighbours and hide nobody else's `import jwt`.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from pinwarden import board
from pinwarden.errors import MissingPart

_PACKAGE = "_pinwarden_board_lib"


def lib(name: str) -> ModuleType:
    """A module of firmware/lib, for example "jwt". Raises MissingPart when it is not installed."""
    if _PACKAGE not in sys.modules:
        package = ModuleType(_PACKAGE, "The board's libraries, under a name that shadows nothing.")
        package.__path__ = [str(board.ROOT / "firmware" / "lib")]
        sys.modules[_PACKAGE] = package
    return _load(f"{_PACKAGE}.{name}")


def firmware(name: str = "") -> ModuleType:
    """A module of the application that imports anywhere: the package itself, "settings" or "chips"."""
    return _load(f"firmware.{name}" if name else "firmware")


def version() -> str:
    """The version, which the board's files and these tools share."""
    return firmware().VERSION


def _load(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in (_PACKAGE, "firmware"):
            raise
        raise MissingPart(
            f"the board's files are not where they belong: {board.ROOT} has no {name.rpartition('.')[2]}.py",
            "Install pinwarden again.",
        ) from None
