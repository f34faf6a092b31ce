"""The simulated board: the very files of the board run in a process, which tests and people can reset,
unplug and take off the Wi-Fi.

    with Board(flash) as board:
        board.start()
        httpx.get(board.url + "/healthz")
        assert board.pin(26).level == 0
        board.power_cut()
"""

from pinwarden_sim.board import Board
from pinwarden_sim.instruments import Edge, PinRecord, PwmRecord, StripRecord
from pinwarden_sim.processor import BoardError

__all__ = ["Board", "BoardError", "Edge", "PinRecord", "PwmRecord", "StripRecord"]
