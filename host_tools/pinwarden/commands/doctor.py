"""`pinwarden doctor`."""

from __future__ import annotations

import functools
import json
import textwrap
from collections import Counter
from pathlib import Path

import click
from click.core import ParameterSource
from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from pinwarden import find
from pinwarden.call import check_address
from pinwarden.console import plain, redact, stderr, stdout
from pinwarden.doctor.examination import FAILED, HERE, HTTP, OK, SKIPPED, USB, WARNING, Check, Examination
from pinwarden.doctor.visit import Place, Wish, examine
from pinwarden.params import device_argument, examples, port_option

_TITLES = {HERE: "On this computer", HTTP: "Over the network", USB: "Over USB"}
_STYLES = {OK: "green", WARNING: "bold yellow", FAILED: "bold red", SKIPPED: "dim"}
_STATE, _NAME = 8, 12  # widths of the columns
_INDENT = " " * (_STATE + _NAME + 6)


@click.command(
    short_help="Look for what is wrong with a device.",
    epilog=examples(
        """
        pinwarden doctor door
        pinwarden doctor door --address 192.168.1.20
        pinwarden doctor door --port /dev/ttyUSB0     looks inside; the board starts anew
        pinwarden doctor door --no-usb --json | jq '.checks[] | select(.state == "failed")'
        """,
        "Exit code 0 when nothing failed (warnings are allowed), 1 when something did, 3 when nothing failed "
        "but to reach the board, neither over the network nor over USB. It takes 30 s at the most.\n\n"
        "--json prints {device, address, port, exit, checks: [{group, name, state, found, remedy}]}; group "
        "is here, http or usb; state is ok, warning, failed or skipped; names stay between versions.",
    ),
)
@device_argument()
@port_option()
@click.option("--no-usb", is_flag=True, help="Leave USB alone, also when the board does not answer.")
@click.option(
    "--address",
    metavar="HOST[:PORT]",
    help="Where the board is. Default: where it was last seen, and its .local name.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as one JSON object.")
@click.pass_context
def doctor(
    ctx: click.Context, device: str | None, port: str | None, no_usb: bool, address: str | None, as_json: bool
) -> None:
    """Look for what is wrong: on this computer, with the board over the network, and over USB.

    A board that answers over the network is not disturbed. To look inside it over USB stops its application
    for some seconds: that is done only when --port is given, or when the board does not answer; it is started
    again afterwards.
    """
    # The environment only says which port, not that the application is to be stopped.
    look_inside = port is not None and ctx.get_parameter_source("port") is ParameterSource.COMMANDLINE
    if no_usb and look_inside:
        raise click.UsageError("--no-usb and --port contradict each other")
    if address is not None:
        check_address(address)
    folder = find.find(device)
    wish = Wish(address=address, port=port, look_inside=look_inside, usb=not no_usb)
    progress, table = _Progress(), _Table()

    def told(check: Check) -> None:
        progress.clear()
        table.add(check)

    examination = Examination(asking=progress.show, told=told if not as_json else lambda _check: None)
    try:
        place = examine(examination, folder, wish)
    finally:
        progress.clear()
    if as_json:
        click.echo(json.dumps(_json(folder, place, examination), indent=2))
    else:
        table.end()
        _print_summary(examination)
    ctx.exit(examination.exit_status)


class _Progress:
    """What is being asked at the moment, in the last line of a terminal; nothing anywhere else."""

    def __init__(self) -> None:
        console = stderr()
        self._console = console
        self._works = console.is_terminal and not console.is_dumb_terminal and not console.legacy_windows
        self._shown = False

    def show(self, group: str, name: str) -> None:
        """Show a question."""
        self.clear()
        if self._works:
            self._console.print(Text(_question(group, name)[: self._console.width - 1], "dim"), end="\r")
            self._shown = True

    def clear(self) -> None:
        """Make room for a result."""
        if self._shown:
            self._console.control(Control((ControlType.ERASE_IN_LINE, 2)))
            self._shown = False


def _question(group: str, name: str) -> str:
    if (group, name) == (USB, "repl"):
        return "Over USB: looking inside, which stops the application for some seconds …"
    return f"{_TITLES[group]}: {name} …"


class _Table:
    """Prints each check as it comes, below the title of its group; those skipped for one reason as one."""

    def __init__(self) -> None:
        self._group = ""
        self._skipped: list[Check] = []

    def add(self, check: Check) -> None:
        """Print a check, or keep it back until it is known how many are skipped with it."""
        if any((kept.group, kept.found) != (check.group, check.found) for kept in self._skipped):
            self.end()
        if check.group != self._group:
            stdout().print(Text(("\n" if self._group else "") + _TITLES[check.group], "bold"))
            self._group = check.group
        if check.state == SKIPPED and not check.remedy:
            self._skipped.append(check)
        else:
            _print(check.state, check.name, check.found, check.remedy)

    def end(self) -> None:
        """Print what was kept back."""
        if kept := self._skipped:
            name = kept[0].name if len(kept) == 1 else f"{len(kept)} checks"
            _print(SKIPPED, name, kept[0].found, None)
            self._skipped = []


def _print(state: str, name: str, found: str, remedy: str | None) -> None:
    out = stdout()
    width = max(40, out.width - len(_INDENT)) if out.is_terminal else None
    first, *more = _lines(found, width)
    line = Text.assemble("  ", (f"{state:{_STATE}}", _STYLES[state]), f"  {name:{_NAME}}  {first}")
    out.print(line, style="dim" if state == SKIPPED else "")
    for text in more:
        out.print(Text(_INDENT + text))
    if remedy and state != OK:
        lead = "-> "
        for text in _lines(remedy, width and width - len(lead)):
            out.print(Text.assemble(_INDENT, (lead, "bold cyan"), text))
            lead = " " * len(lead)


def _lines(text: str, width: int | None) -> list[str]:
    """The lines of a text, those too long for the terminal folded."""
    lines = _clean(text).split("\n")
    if width is None:
        return lines
    fold = functools.partial(textwrap.wrap, width=width, break_long_words=False, break_on_hyphens=False)
    return [folded for line in lines for folded in fold(line) or [""]]


def _print_summary(examination: Examination) -> None:
    counts = Counter(check.state for check in examination.checks)
    told = ", ".join(f"{counts[state]} {state}" for state in _STYLES if counts[state])
    worst = next(state for state in (FAILED, WARNING, OK, SKIPPED) if counts[state])
    stdout().print(Text(f"\n{told}", _STYLES[worst]))


def _json(folder: Path, place: Place, examination: Examination) -> dict:
    checks = [
        {
            "group": check.group,
            "name": check.name,
            "state": check.state,
            "found": _clean(check.found),
            "remedy": _clean(check.remedy) if check.remedy else None,
        }
        for check in examination.checks
    ]
    return {
        "device": folder.resolve().name,
        "address": place.address,
        "port": place.port,
        "exit": examination.exit_status,
        "checks": checks,
    }


def _clean(text: str) -> str:
    """What a board, or anything in its place, told cannot act on the terminal, and quotes no token."""
    return redact(plain(text))
