"""`python -m bench.heap`: heap and names of the application on MicroPython, with everything on that can be.

Free after a collection, when the board serves and nobody asks it anything; the largest piece of that; and how
many names its programs have. MicroPython keeps names in tables that double in size: when there are more than
1,260, the next table takes 14 kB in one piece.
"""

from __future__ import annotations

import argparse
import base64
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from pinwarden import board as files
from pinwarden import boardlib
from pinwarden_sim import Board

HEAP = "192k"  # objects are twice as large here as on the board
NAMES_THAT_FIT = 1260

_PINS = {
    "relay": {"kind": "switch", "gpio": 26, "label": "Relay"},
    "opener": {"kind": "pulse", "gpio": 27, "label": "Front door", "ms": 300},
    "lamp": {"kind": "switch", "gpio": 25, "label": "Lamp", "max_on": 3600},
    "bell": {"kind": "switch", "gpio": 14, "label": "Bell", "min_interval": 60000},
    "up": {"kind": "switch", "gpio": 32, "label": "Blind up", "interlock": ["down"]},
    "down": {"kind": "switch", "gpio": 33, "label": "Blind down", "active_low": True},
}
_KEY = {
    "kty": "oct",
    "kid": "bench",
    "alg": "HS256",
    "k": base64.urlsafe_b64encode(bytes(range(32)))[:43].decode(),
}
_MOST = {
    "version": 1,
    "name": "bench",
    "chip": "esp32",
    "pins": _PINS,
    "hosts": ["door.lan", "door.example"],
    "origins": ["https://panel.example"],
    "issuer": "home",
    "log": "requests",
}


@dataclass(frozen=True)
class Figures:
    """`free` and `largest` (a piece) are bytes; `names` are those that are not in MicroPython's ROM."""

    free: int
    largest: int
    names: int


def figures(board: Board) -> Figures:
    """What a started board on MicroPython has left. It takes the board some memory to tell."""
    free = board.status()["heap_free"]
    before = len(board.serial)
    board.ask({"do": "memory"})

    def told(pattern: str) -> int | None:
        found = re.findall(pattern, "\n".join(board.serial[before:]))
        return int(found[-1]) if found else None

    names = board.wait(lambda: told(r"n_qstr=(\d+)"))
    blocks = board.wait(lambda: told(r"max free sz: (\d+)"))
    assert names is not None
    assert blocks is not None
    return Figures(free, blocks * 32, names)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.heap", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--heap", default=HEAP, help="MicroPython's heap (default: %(default)s)")
    options = parser.parse_args()
    settings = boardlib.firmware("settings").check_settings(_MOST)
    secrets = {"wifi": {"ssid": "simulated", "password": "simulated-air"}, "keys": [_KEY]}
    with tempfile.TemporaryDirectory() as folder:
        files.install(Path(folder), settings, secrets, mpy=True)
        with Board(Path(folder), "micropython", heapsize=options.heap, clock=int(time.time())) as board:
            board.start()
            told = figures(board)
    print(f"heap {options.heap}: {told.free:,} bytes free, {told.largest:,} in one piece")
    print(f"names: {told.names:,} of {NAMES_THAT_FIT:,} that fit into the tables")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
