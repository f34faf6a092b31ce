"""A person in front of the simulated board: the live view with keys on a terminal, plain lines anywhere
else.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import select
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.live import Live

from pinwarden import qr
from pinwarden.console import plain
from pinwarden_sim.board import Board, BoardError
from pinwarden_sim.hands import Hands
from pinwarden_sim.instruments import Edge
from pinwarden_sim.readout import read
from pinwarden_sim.view import View

_FRAME = 0.2  # seconds between two pictures
_AT_REST = 0.3  # seconds without a change
_GLIDING = ("pwm", "servo", "rgb")
_KEYS = "r reset · p power · w Wi-Fi · c clock · b button · q quit"
# An arrow key: an escape, "[" and a letter. Up and down are as good as + and -.
_ESCAPE = re.compile(r"\x1b[\[O]?[0-9;]*([A-Za-z~]?)")
# The button that the usual boards carry, by chip: it also selects the download mode at a reset.
_BUTTONS = {"esp32c3": 9, "esp32c6": 9}
_BUTTON = 0


def show(
    board: Board,
    hands: Hands,
    *,
    hints: Mapping[str, str],
    code: bool,
    settings: Mapping[str, Any],
    port: str | None,
) -> None:
    """Show a started board until the user quits: `q`, Ctrl-C, or the end of the program. The terminal is
    always restored.

    `hands` are the user's. `hints` are shown first, each with its name, and "Link" as a QR code, too, if
    `code`; `port` is the path of its USB port. On anything but a terminal nothing but text is written, in
    no colours, and one line for each event.
    """
    console = Console(soft_wrap=True, highlight=False, emoji=False, markup=False)
    interactive = console.is_terminal and sys.stdin.isatty()
    if code:
        qr.show(hints["Link"], console, "open the link")
    width = max(map(len, hints))
    console.print("\n" + "\n".join(f"{name:<{width}}  {text}" for name, text in hints.items()) + "\n")
    with contextlib.suppress(KeyboardInterrupt):
        if interactive:
            _live(board, hands, settings, port)
        else:
            _lines(board, settings)


def _live(board: Board, hands: Hands, settings: Mapping[str, Any], port: str | None) -> None:
    console = Console(highlight=False, emoji=False, markup=False)
    view = View(board, settings, hands, _KEYS, port)
    board.on_line(view.serial, from_start=True)
    actions = _actions(board, settings) | hands.actions()
    with (
        _typed_keys() as typed,
        Live(console=console, auto_refresh=False, vertical_overflow="crop") as live,
    ):
        while True:
            live.update(view.render(console), refresh=True)
            for key in typed(_FRAME):
                if key in ("q", "\x03", "\x04"):
                    return
                if key in actions:
                    try:
                        actions[key]()
                    except BoardError as error:
                        view.serial(f"[{str(error).splitlines()[0]}]")


def _lines(board: Board, settings: Mapping[str, Any]) -> None:
    """One line for each thing that happens. What may change many times a second, a dimmer or a light that
    fades, is told once it has come to rest.
    """
    names = {spec["gpio"]: (name, spec) for name, spec in settings["pins"].items()}
    events: queue.SimpleQueue[str | int] = queue.SimpleQueue()  # printing may wait; the board must not for it

    def edge(gpio: int, change: Edge) -> None:
        if gpio in names:
            name, spec = names[gpio]
            events.put(gpio if spec["kind"] in _GLIDING else _line(board, name, spec))

    def shine(gpio: int) -> None:
        if gpio in names:
            events.put(gpio)

    board.on_line(events.put, from_start=True)
    board.on_edge(edge)
    board.on_shine(shine)
    moving: dict[int, float] = {}  # GPIO: when it changed last
    while board.alive:
        with contextlib.suppress(queue.Empty):
            event = events.get(timeout=_FRAME)
            if isinstance(event, int):
                moving[event] = time.monotonic()
            else:
                print(plain(event), flush=True)
        for gpio in [gpio for gpio, at in moving.items() if time.monotonic() - at > _AT_REST]:
            del moving[gpio]
            print(_line(board, *names[gpio]), flush=True)


def _line(board: Board, name: str, spec: Mapping[str, Any]) -> str:
    now = read(board, spec)
    when = time.strftime("%H:%M:%S", time.localtime(now.changed))
    return f"{when} pin {name} {now.words} (GPIO {spec['gpio']}{now.level and ' '}{now.level})"


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


def _arrow(escape: re.Match[str]) -> str:
    return {"A": "+", "B": "-"}.get(escape.group(1), "")


@contextlib.contextmanager
def _typed_keys() -> Iterator[Callable[[float], str]]:
    """Yields a function that waits so many seconds for keys and returns them, or "". The terminal is put
    back at the end.
    """
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def typed(timeout: float) -> str:
        if not select.select([descriptor], [], [], timeout)[0]:
            return ""
        data = os.read(descriptor, 64)
        if not data:
            raise KeyboardInterrupt  # the terminal has gone
        return _ESCAPE.sub(_arrow, data.decode(errors="replace")).lower()

    try:
        tty.setcbreak(descriptor)
        yield typed
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
