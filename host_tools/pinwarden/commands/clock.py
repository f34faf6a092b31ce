"""`pinwarden clock`."""

from __future__ import annotations

import json
import time

import click

from pinwarden import find
from pinwarden.address import trust
from pinwarden.admin.link import Way, way_from, way_options
from pinwarden.call import send
from pinwarden.console import note, plain, stdout
from pinwarden.device import Device
from pinwarden.duration import local, spell
from pinwarden.errors import Refused
from pinwarden.mint import host_for
from pinwarden.params import device_argument, examples
from pinwarden.remedies import explain
from pinwarden.signed import CHALLENGE

_NEAR = 300  # seconds; for so little nobody needs to be asked which clock is right


@click.command(
    short_help="Show or set a board's clock.",
    epilog=examples(
        """
        pinwarden clock door
        pinwarden clock door --set                  by this computer's clock, over HTTP
        pinwarden clock door --set --usb            back, too, whatever the board believes
        pinwarden clock door --json | jq .ahead
        """,
        "Exit code 1 while the board's clock is not set.",
    ),
)
@device_argument(required=True)
@click.option("--set", "to_set", is_flag=True, help="Set it by this computer's clock.")
@click.option("--yes", is_flag=True, help="With --set: do not ask, even if the two are far apart.")
@click.option("--json", "as_json", is_flag=True, help="Print {now, ahead, detail}; now in Unix seconds.")
@way_options
@click.pass_context
def clock(ctx: click.Context, device: str, to_set: bool, yes: bool, as_json: bool, **options: object) -> None:
    """Show the clock of DEVICE beside this computer's, or set it.

    A board without a time server needs that after each power cut. Over HTTP the request is signed with an
    admin token that lives for a minute. A board can not be set back behind what it knows for certain, but
    over USB.
    """
    way = way_from(ctx, **options)  # type: ignore[arg-type]
    loaded = find.load(device)
    if not to_set:
        if way.usb:
            raise click.UsageError("--usb goes with --set; doctor --port looks at the clock over USB")
        told = _ask(loaded, way)
        ctx.exit(_print(loaded, told, as_json))
    if as_json:
        raise click.UsageError("--json goes without --set")
    loaded.keys()
    if not way.usb and not yes and not _is_meant(loaded, _ask(loaded, way)):
        note("Nothing has changed.")
        ctx.exit(1)
    with way.open(loaded) as board:
        board.set_clock()
    way.doubt(loaded, f"pinwarden doctor {loaded.name} --port PORT")
    stdout().print(plain(f"{loaded.name}: set to {local(int(time.time()))}."), style="bold green")


def _ask(device: Device, way: Way) -> dict:
    """{"now": the board's time or None, "ahead": seconds, "detail": why it has none}"""
    place = way.address or host_for(device)[0]
    answer = send(place, "GET", CHALLENGE, trust=trust(device))
    here = time.time()
    told = answer.data
    if answer.status != 200 or not isinstance(told, dict) or "now" not in told:
        if answer.problem.get("code") == "missing_token":
            raise Refused(
                "the firmware on the board is too old to be asked this",
                f"Deploy this version to it: pinwarden deploy {device.name}",
            )
        raise Refused(*explain(answer, device))
    now = told["now"]
    if type(now) is int:
        # It keeps whole seconds, cut off.
        return {"now": now, "ahead": round(now + 0.5 - here), "detail": None}
    health = send(place, "GET", "/healthz", trust=trust(device)).problem
    return {"now": None, "ahead": None, "detail": str(health.get("detail") or "it has not been told")[:200]}


def _print(device: Device, told: dict, as_json: bool) -> int:
    """Show it. The exit code."""
    if as_json:
        click.echo(json.dumps(told, indent=2))
    elif told["now"] is None:
        stdout().print(plain(f"{device.name}: not set: {told['detail']}"), style="bold yellow")
        note(f"Set it by this computer's: pinwarden clock {device.name} --set")
    else:
        stdout().print(plain(f"{device.name}: {local(told['now'])}, {_beside(told['ahead'])}"))
    return 1 if told["now"] is None else 0


def _beside(ahead: int) -> str:
    if abs(ahead) <= 1:
        return "as this computer's"
    return f"{spell(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} this computer's"


def _is_meant(device: Device, told: dict) -> bool:
    """Ask where the clocks are far apart: the board's cannot be set back again over HTTP."""
    if told["now"] is None or abs(told["ahead"]) <= _NEAR:
        return True
    question = (
        f"The clock of {device.name} is {_beside(told['ahead'])}, which says {local(int(time.time()))}. "
        "Is that right, and the board wrong?"
    )
    return click.confirm(question, err=True)
