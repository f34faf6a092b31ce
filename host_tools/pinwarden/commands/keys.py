"""`pinwarden keys`: list, rotate, retire."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict

import click
from click.shell_completion import CompletionItem
from rich.text import Text

from pinwarden import find
from pinwarden.admin import keylist, rotation
from pinwarden.admin.keylist import Row
from pinwarden.admin.link import Way, way_from, way_options
from pinwarden.console import note, plain, stdout, warn
from pinwarden.device import Device
from pinwarden.duration import ago, local
from pinwarden.errors import CannotRotate, KeysBusy, UserError
from pinwarden.params import device_argument, examples

_STATES = {
    "both": "here and on the board",
    "here": "only here: the next deploy brings it to the board",
    "unknown": "here",
    "board": "only on the board",
    "pending": "pending: rotate goes on with it",
    "retired": "retired",
}


def _complete_kid(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The keys that can be retired."""
    try:
        loaded = find.load(ctx.params.get("device"))
        pending = loaded.pending()
        kids = [*loaded.kids()[:-1], *([pending.kid] if pending else [])]
    except (UserError, OSError):
        return []
    return [CompletionItem(kid) for kid in kids if kid.startswith(incomplete)]


@click.group(
    short_help="List, rotate and retire a device's keys.",
    epilog=examples("""
        pinwarden keys list door
        pinwarden keys rotate door           a new key, over the network
        pinwarden keys rotate door --usb     the same by cable: do this after a leak
        pinwarden keys retire door 2026-11
    """),
)
def keys() -> None:
    """The keys that sign a device's tokens.

    The newest signs; the tokens of an older one stay good until it is retired.
    """


@keys.command(
    "list",
    short_help="Show which keys there are, here and on the board.",
    epilog=examples("""
        pinwarden keys list door
        pinwarden keys list door --usb
        pinwarden keys list door --json | jq -r '.keys[] | select(.signs).kid'
    """),
)
@device_argument()
@way_options
@click.option("--here-only", is_flag=True, help="Do not ask the board.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@click.pass_context
def list_keys(
    ctx: click.Context, device: str | None, here_only: bool, as_json: bool, **options: object
) -> None:
    """Show the names of the keys, which one signs, and where each is. No key is ever shown."""
    way = way_from(ctx, **options)  # type: ignore[arg-type]
    if here_only and way.chosen:
        raise click.UsageError("--here-only asks no board; leave --address, --port and --usb out")
    loaded = _load(device)
    on_board, why = (None, None) if here_only else _ask(loaded, way)
    rows = keylist.survey(loaded, on_board)
    if as_json:
        told = {"device": loaded.name, "board": on_board is not None, "keys": [asdict(row) for row in rows]}
        click.echo(json.dumps(told, indent=2))
    else:
        _print(rows)
    if why is not None:
        warn(f"what the board has is not known: {why.message}")


@keys.command(
    short_help="Make a new key, which signs from now on.",
    epilog=examples(
        """
        pinwarden keys rotate door
        pinwarden keys rotate door --address 192.168.1.20
        pinwarden keys rotate door --usb                     after a key has leaked
        pinwarden keys rotate door --port /dev/ttyUSB0
        """,
        "Interrupted, or no answer? Run it again: it goes on with the same key.",
    ),
)
@device_argument()
@way_options
@click.pass_context
def rotate(ctx: click.Context, device: str | None, **options: object) -> None:
    """Give the board a new key beside the old ones, and sign with it from now on.

    The tokens that an old key signed stay good until it is retired. Over HTTP, which everybody on the network
    can read, the new key is derived from the present one on both sides. Whoever has the present key can
    derive it, too: after a leak, rotate over USB, which brings the board a random key.
    """
    way = way_from(ctx, **options)  # type: ignore[arg-type]
    loaded = _load(device)
    with _pending_is_told(loaded), way.open(loaded) as board:
        done = rotation.rotate(loaded, board)
    _tell_rotation(loaded, done, int(time.time()))


@keys.command(
    short_help="Remove an old key: its tokens end.",
    epilog=examples("""
        pinwarden keys retire door 2026-11
        pinwarden keys retire door 2026-11 --usb --yes
        pinwarden keys retire door 2026-11 --here-only    the board is out of reach; deploy removes it there
    """),
)
@device_argument(required=True)
@click.argument("kid", shell_complete=_complete_kid)
@way_options
@click.option("--here-only", is_flag=True, help="Without the board: the next deploy removes the key there.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def retire(ctx: click.Context, device: str, kid: str, here_only: bool, yes: bool, **options: object) -> None:
    """Remove the key KID from the board and from here. Every token that it signed ends at once.

    The newest key, which signs, cannot be retired, nor can the last one: rotate first. A key that an
    interrupted rotation left on its way is given up by this.
    """
    way = way_from(ctx, **options)  # type: ignore[arg-type]
    if here_only and way.chosen:
        raise click.UsageError("--here-only asks no board; leave --address, --port and --usb out")
    loaded = _load(device)
    rotation.check_retirable(loaded, kid)
    if not yes:
        _look(loaded, None if here_only else way, kid)
    _tell_outliving(loaded, kid)
    if not yes and not click.confirm(f"Retire the key {plain(kid)}? Its tokens end", err=True):
        note("Nothing has changed.")
        ctx.exit(1)
    if here_only:
        rotation.retire(loaded, None, kid)
        stdout().print(plain(f"{loaded.name}: {kid} is retired here."))
        warn(f"the board takes its tokens until the next: pinwarden deploy {loaded.name}")
        return
    with _unchanged_is_told(loaded, kid), way.open(loaded) as board:
        rotation.retire(loaded, board, kid)
    stdout().print(plain(f"{loaded.name}: {kid} is retired, on the board and here."))
    way.doubt(loaded, f"pinwarden keys list {loaded.name} --usb")


def _look(device: Device, way: Way | None, kid: str) -> None:
    """See whether the key can be retired, before the user is asked. Raises what `rotation.look` raises."""
    if way is None:
        rotation.look(device, None, kid)
    elif not way.usb or kid not in device.kids():
        # Over USB each look is a restart of the board, and must not last as long as the user thinks.
        with _unchanged_is_told(device, kid), way.open(device) as board:
            rotation.look(device, board, kid)


@contextlib.contextmanager
def _unchanged_is_told(device: Device, kid: str) -> Iterator[None]:
    """Where the board is out of reach, say that the key is still here."""
    try:
        yield
    except UserError as error:
        if error.exit_code == 3 and kid in device.kids():
            note(f"Nothing has changed here: {kid} is not retired. Run it again, or add --here-only.")
        raise


def _load(device: str | None) -> Device:
    """The device. What is wrong with its files is told before a board is asked, or stopped."""
    loaded = find.load(device)
    loaded.keys()
    loaded.pending()
    loaded.retired()
    return loaded


def _ask(device: Device, way: Way) -> tuple[list[str] | None, UserError | None]:
    """The names of the board's keys; or None and why. Raises what went wrong on a way that the user chose."""
    try:
        with way.open(device) as board:
            return board.kids(), None
    except UserError as error:
        if way.chosen:
            raise
        return None, error


@contextlib.contextmanager
def _pending_is_told(device: Device) -> Iterator[None]:
    """Whatever interrupts a rotation, say in what state it is."""
    try:
        yield
    except (CannotRotate, KeysBusy):
        raise  # they say so themselves
    except (UserError, OSError, KeyboardInterrupt):
        if device.pending_file.exists():
            note(
                "The old key still signs, and nothing is lost: the new one waits in "
                f"{device.pending_file.name}. Run the same command again to go on with it."
            )
        raise


def _tell_rotation(device: Device, done: rotation.Rotation, now: int) -> None:
    out = stdout()
    resumed = " (begun by an earlier run)" if done.resumed else ""
    out.print(plain(f"{device.name}: {done.kid} signs from now on{resumed}."), style="bold green")
    ends_by = keylist.ends_by(device, done.before) or now + device.settings["max_ttl"]
    out.print(
        plain(
            f"  Tokens signed by {done.before} stay good; the last of them expires by {local(ends_by)} "
            f"({ago(ends_by, now)})."
        )
    )
    out.print(plain(f"  Then, or to end them sooner: pinwarden keys retire {device.name} {done.before}"))
    if done.source is not None:
        warn(
            f"{done.kid} was derived from {done.source}: whoever has {done.source} can derive it, too. "
            f"If {done.source} has leaked, this does not help. Rotating over USB does, by a random key: "
            f"pinwarden keys rotate {device.name} --usb"
        )


def _tell_outliving(device: Device, kid: str) -> None:
    now = int(time.time())
    ends_by = keylist.ends_by(device, kid) if kid in device.kids() else None
    if ends_by is None:
        return
    if ends_by > now:
        note(f"Tokens that {kid} signed may be good until {local(ends_by)} ({ago(ends_by, now)}).")
    else:
        note(f"All tokens that {kid} signed have expired.")


def _print(rows: list[Row]) -> None:
    out, now = stdout(), int(time.time())
    width = max(len(plain(row.kid)) for row in rows)
    for row in rows:
        words = [_STATES[row.state]]
        if row.state in ("retired", "pending") and row.on_board is not None:
            words = [words[0] + (", on the board" if row.on_board else ", not on the board")]
        if row.state == "retired" and row.on_board:
            words.append("the next deploy removes it")
        if row.source is not None:
            words.append(f"derived from {row.source}")
        if row.ends_by is not None and row.state != "retired":
            words.append(
                f"its last token expires by {local(row.ends_by)} ({ago(row.ends_by, now)})"
                if row.ends_by > now
                else "its tokens have expired"
            )
        mark = Text("signs", "bold green") if row.signs else Text("     ")
        out.print(Text(f"{plain(row.kid):{width}}  ") + mark + Text("  " + plain("; ".join(words))))
