"""A person in front of the simulated board: the live view with keys on a terminal, plain lines anywhere
else.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.text import Text

from pinwarden.console import plain
from pinwarden_sim.board import Board, BoardError
from pinwarden_sim.view import View, logical_state
from pinwarden_sim.wiring import Edge

_FRAME = 0.2  # seconds between two pictures
_KEYS = "r reset · p power · w Wi-Fi · c clock · b button · q quit"
# The button that the usual boards carry, by chip: it also selects the download mode at a reset.
_BUTTONS = {"esp32c3": 9, "esp32c6": 9}
_BUTTON = 0


def show(board: Board, *, link: str, token: str, qr_text: str, settings: Mapping[str, Any]) -> None:
    """Show a started board until the user quits: `q`, Ctrl-C, or the end of the program. The terminal is
    always restored.

    `qr_text` is a QR code in lines of half blocks. On anything but a terminal nothing but text is written,
    one line for each event.
    """
    console = Console(soft_wrap=True, highlight=False, emoji=False, markup=False)
    interactive = console.is_terminal and sys.stdin.isatty()
    if interactive:
        for line in qr_text.splitlines():
            console.print(Text(line, style="color(231) on color(16)"))
    console.print(f"\nLink   {link}\nToken  {token}\n")
    with contextlib.suppress(KeyboardInterrupt):
        if interactive:
            _live(board, settings)
        else:
            _lines(board, settings)


def _live(board: Board, settings: Mapping[str, Any]) -> None:
    console = Console(highlight=False, emoji=False, markup=False)
    view = View(board, settings, _KEYS)
    for line in board.serial:
        view.serial(line)
    board.on_line(view.serial)
    actions = _actions(board, settings)
    with (
        _single_keys() as next_key,
        Live(console=console, auto_refresh=False, vertical_overflow="crop") as live,
    ):
        while True:
            live.update(view.render(console.height), refresh=True)
            key = next_key(_FRAME)
            if key in ("q", "\x03", "\x04"):
                return
            if key in actions:
                try:
                    actions[key]()
                except BoardError as error:
                    view.serial(f"[{str(error).splitlines()[0]}]")


def _lines(board: Board, settings: Mapping[str, Any]) -> None:
    """One line for each thing that happens."""
    names = {spec["gpio"]: (name, spec) for name, spec in settings["pins"].items()}
    writing = threading.Lock()

    def write(text: str) -> None:
        with writing:
            print(plain(text), flush=True)

    def edge(gpio: int, change: Edge) -> None:
        if gpio in names:
            name, spec = names[gpio]
            level = "-" if change.level is None else change.level
            when = time.strftime("%H:%M:%S", time.localtime(change.time))
            write(f"{when} pin {name} {logical_state(spec, change.level)[0]} (GPIO {gpio} {level})")

    for line in board.serial:
        write(line)
    board.on_line(write)
    board.on_edge(edge)
    while board.alive:
        time.sleep(_FRAME)


def _actions(board: Board, settings: Mapping[str, Any]) -> dict[str, Callable[[], None]]:
    button = _BUTTONS.get(settings["chip"], _BUTTON)

    def clock() -> None:
        if board.clock.now() is None:
            board.ntp.up()
            board.clock.set(time.time())
        else:
            board.ntp.down()  # or it would be set again before anybody has seen what that means
            board.clock.unset()

    return {
        "r": board.reset,
        "p": lambda: board.power_cut() if board.alive else board.power_on(),
        "w": lambda: board.wifi.down() if board.wifi.is_up else board.wifi.up(),
        "c": clock,
        "b": lambda: board.press(button),
    }


@contextlib.contextmanager
def _single_keys() -> Iterator[Callable[[float], str]]:
    """Yields a function that waits so many seconds for a key and returns it, or "". The terminal is put
    back at the end.
    """
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def next_key(timeout: float) -> str:
        if not select.select([descriptor], [], [], timeout)[0]:
            return ""
        data = os.read(descriptor, 64)  # an arrow key is several bytes at once, and none of ours
        if not data:
            raise KeyboardInterrupt  # the terminal has gone
        return data.decode(errors="replace").lower() if len(data) == 1 else ""

    try:
        tty.setcbreak(descriptor)
        yield next_key
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
