"""A deploy whose cable is pulled, power and all, after so many bytes; in a process of its own, as it is one
of hundreds.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pinwarden.deploy import steps
from pinwarden.deploy.release import Release
from pinwarden.device import Device
from pinwarden.errors import NoRepl, PortGone
from pinwarden.usb.repl import Repl
from pinwarden_sim import Board
from usbbench import HEAP


@dataclass(frozen=True)
class Case:
    """A deploy of `made` to a copy of `flash`."""

    device: Path
    flash: Path
    made: Release
    copies: Path  # where the copies go

    def pull(self, after: int) -> tuple[Path, str]:
        """The flash as it is when the cable was pulled, and what stopped the deploy: nothing ("") if it was
        through by then.
        """
        flash = self.copies / str(after)
        shutil.copytree(self.flash, flash)
        with Board(flash, "micropython", usb=True, heapsize=HEAP) as board:
            board.power_on()
            board.usb.pull(after=after)
            return flash, self.deploy(board)

    def cut(self, after: int) -> tuple[Path, str]:
        """The same, when the power fails within the write to the flash that brings it to so many bytes."""
        flash = self.copies / f"cut-{after}"
        shutil.copytree(self.flash, flash)
        with Board(flash, "micropython", usb=True, heapsize=HEAP) as board:
            board.start()
            board.power_cut(after_bytes=after)
            return flash, self.deploy(board)

    def deploy(self, board: Board) -> str:
        """Deploy to a board. Returns what stopped it: nothing ("") if it came to its end."""
        # By its own name mpremote takes the port for an emulator's, and does not poll it: that saves seconds.
        port = os.path.realpath(board.usb.path)
        try:
            with Repl(port) as repl:
                _, plan = steps.prepare(repl, Device.load(self.device), self.made)
                steps.apply(repl, self.made, plan)
                repl.reset()
        except (PortGone, NoRepl) as error:
            return str(error)
        return ""
