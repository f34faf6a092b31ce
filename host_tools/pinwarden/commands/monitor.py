"""`pinwarden monitor`."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click
from rich.text import Text

from pinwarden import find
from pinwarden.console import note, plain, redact, stdout
from pinwarden.device import Device
from pinwarden.errors import UserError
from pinwarden.files import short
from pinwarden.monitor import keyboard
from pinwarden.monitor.board_build import BoardBuild
from pinwarden.monitor.follower import Back, Event, Gone, Said, follow, open_quietly
from pinwarden.monitor.serial_log import hint_for, style_of
from pinwarden.monitor.tracebacks import Frame, Sources
from pinwarden.params import device_argument, examples, port_option
from pinwarden.usb import ports


@click.command(
    short_help="Show a board's log.",
    epilog=examples(
        """
        pinwarden monitor
        pinwarden monitor door --port /dev/ttyUSB0
        pinwarden monitor --no-time --log board.log
        pinwarden monitor | grep wifi:
        """,
        "Exit code 0 when you leave, 3 when the port cannot be opened at first.",
    ),
)
@device_argument()
@port_option()
@click.option("--no-time", is_flag=True, help="Leave out the time before each line.")
@click.option(
    "--log", type=click.Path(dir_okay=False, path_type=Path), help="Append the lines to this file, too."
)
def monitor(device: str | None, port: str | None, no_time: bool, log: Path | None) -> None:
    """Show what the board says on its serial port, each line with this computer's time.

    Leave with Ctrl-] or Ctrl-C. Nothing is sent to the board, and it is not reset, as far as its USB bridge
    lets that be. A traceback points to the source lines here; with DEVICE, the board is asked over the
    network whether it runs them.
    """
    loaded = _device(device)
    port = ports.choose(port)
    sources = Sources()
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(log.open("a", encoding="utf-8", errors="replace")) if log else None
        screen = _Screen(sources, BoardBuild(loaded), show_time=not no_time, log=file)
        opened = open_quietly(port)
        stack.callback(opened.close)
        pressed = stack.enter_context(keyboard.leave_key())
        note(f"Following {port}. Leave with Ctrl-] or Ctrl-C; the board goes on.")
        with contextlib.suppress(KeyboardInterrupt):
            for event in follow(port, opened, pressed):
                screen.show(event)


def _device(argument: str | None) -> Device | None:
    """The device, if one is named, or there is only one: without, there still is a log to be shown."""
    try:
        return find.load(argument)
    except UserError:
        if argument is not None:
            raise
        return None


class _Screen:
    """Shows what happens: lines on stdout and in the log file, words about them on stderr."""

    def __init__(self, sources: Sources, build: BoardBuild, *, show_time: bool, log: TextIO | None) -> None:
        self._sources = sources
        self._build = build
        self._show_time = show_time
        self._log = log
        self._told: set[str] = set()
        build.ask()

    def show(self, event: Event) -> None:
        """Show one event, at once."""
        match event:
            case Said(line):
                self._said(redact(plain(line)))
            case Gone(port):
                self._remark(f"{port} went away; waiting for it …")
            case Back(port):
                self._remark(f"{port} is back.")

    def _said(self, line: str) -> None:
        self._put(line, style_of(line))
        frame = self._sources.frame(line)
        if frame is not None:
            if self._build.doubt:
                self._once(self._build.doubt)
            self._put(_place(frame), "dim")
        elif (hint := hint_for(line)) is not None:
            self._once(hint)
        elif line.startswith(("http: serving", "https: serving")):
            self._build.ask()  # it may have been deployed to meanwhile

    def _put(self, line: str, style: str) -> None:
        """A line to stdout, where a reader at a pipe gets it at once, and to the log file."""
        now = datetime.now().astimezone()
        self._keep(now, line)  # first: whoever leaves at what is on the screen finds it in the file
        out = stdout()
        stamp = now.strftime("%H:%M:%S.%f")[:-3] + " " if self._show_time else ""
        out.print(Text.assemble((stamp, "dim"), (line, style)))
        out.file.flush()

    def _remark(self, text: str) -> None:
        note(text)
        self._keep(datetime.now().astimezone(), f"-- {plain(text)}")

    def _keep(self, now: datetime, line: str) -> None:
        if self._log is not None:
            self._log.write(f"{now.isoformat(timespec='milliseconds')} {line}\n")
            self._log.flush()

    def _once(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            note(text)


def _place(frame: Frame) -> str:
    """Where that is here; an editor's terminal makes a link of it."""
    where = f"    -> {short(frame.source)}:{frame.line}"
    if frame.text is None:
        return f"{where} (there is no such line)"
    return f"{where} in {frame.function}  {frame.text}" if frame.function else f"{where}  {frame.text}"
