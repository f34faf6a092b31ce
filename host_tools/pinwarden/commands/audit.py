"""`pinwarden audit`."""

from __future__ import annotations

import contextlib
import json

import click

from pinwarden import find
from pinwarden.admin import audit as trails
from pinwarden.admin.audit import Memory, Trail
from pinwarden.admin.link import way_from, way_options
from pinwarden.board_words import CLOCKS, STARTS
from pinwarden.console import note, plain, stdout, warn
from pinwarden.duration import local
from pinwarden.params import device_argument, examples

_WHAT = 3  # cells: number, time, what was done; on a terminal without room for more, the others stand below


@click.command(
    short_help="Show who did what on a board, and who was refused.",
    epilog=examples(
        """
        pinwarden audit door
        pinwarden audit door --limit 200
        pinwarden audit door --usb             from the board's files: nobody on the network has a say in it
        pinwarden audit door --json | jq -r '.records[] | select(.by == "anna").what'
        """,
        "Exit code 1 when records were changed, or are gone that were there before.",
    ),
)
@device_argument(required=True)
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many, the newest.")
@click.option(
    "--accept",
    is_flag=True,
    help="After a warning: go by what the board has now, and do not warn of it again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@way_options
@click.pass_context
def audit(
    ctx: click.Context, device: str, limit: int, accept: bool, as_json: bool, **options: object
) -> None:
    """Show the audit of DEVICE: who did what, when, by which token, from where; and what was refused.

    The records are a chain of hashes, which is checked. The newest is remembered in the device's folder, and
    is to be there at the next look: a board that was given another history shows.
    """
    way = way_from(ctx, **options)  # type: ignore[arg-type]
    loaded = find.load(device)
    loaded.keys()
    with way.open(loaded) as board:
        trail = board.audit()
    memory = Memory(loaded)
    lost, broken = memory.doubts(trail), trails.doubts(trail)
    doubts = [doubt.text for doubt in broken if accept or not memory.is_accepted(doubt)] + lost
    if as_json:
        click.echo(json.dumps(_told(trail, limit, doubts), indent=2))
    else:
        _print(trail, limit)
    for doubt in doubts:
        warn(doubt)
    if not lost or accept:
        # A folder that cannot be written is no reason to fail after all went well.
        with contextlib.suppress(OSError):
            memory.remember(trail, broken if accept else None)
    if doubts and not accept:
        why = "flash erased, or the board replaced" if lost else "flash damaged, or a file of it removed"
        note(
            f"Was the board's {why}? Then: pinwarden audit {loaded.name} --accept. "
            "Else somebody had it in hand, or answers for it."
        )
    way.doubt(loaded, f"pinwarden audit {loaded.name} --usb")
    if doubts and not accept:
        ctx.exit(1)


def _told(trail: Trail, limit: int, doubts: list[str]) -> dict:
    return {
        "records": [record.data for record in trail.records[:limit]],
        "waiting": trail.waiting,
        "dropped": trail.dropped,
        "doubts": doubts,
    }


def _print(trail: Trail, limit: int) -> None:
    rows = [record.data for record in trail.records[:limit]]
    lines = [_line(row) for row in [*trail.waiting, *rows]]
    widths = [max((len(line[i]) for line in lines), default=0) for i in range(len(_line({})) - 1)]
    out = stdout()
    before = sum(widths) + 2 * len(widths)
    fits = not out.is_terminal or all(before + len(line[-1]) <= out.width for line in lines)
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        if fits:
            out.print("  ".join([*cells, line[-1]]).rstrip())
            continue
        done = "  ".join(cells[:_WHAT]).rstrip()
        who = "  ".join(cell for cell in line[_WHAT:] if cell)
        apart = "  " if len(done) + 2 + len(who) <= out.width else "\n" + " " * (widths[0] + 4)
        out.print(f"{done}{apart}{who}".rstrip())
    if not lines:
        note("The board has recorded nothing yet.")
    if trail.waiting:
        note("Those without a number are not on the board's flash yet.")
    if trail.dropped:
        note(f"{trail.dropped} more happened too fast to be recorded.")


def _line(row: dict) -> tuple[str, ...]:
    """The cells of a record."""
    moment = row.get("t")
    when = local(moment) if type(moment) is int else "(clock unset)"
    cells = (row.get("n", ""), when, _what(row), row.get("by", ""), row.get("from", ""), _rest(row))
    return tuple(plain(str(cell)) for cell in cells)


def _what(row: dict) -> str:
    if row.get("what") == "refused":
        count = row.get("count")
        return f"refused: {row.get('code')} ({'once' if count == 1 else f'{count} times'})"
    if row.get("what") == "share":
        return f"shared with {row.get('pin')}: token {row.get('value')}"
    said = [row.get("what", ""), row.get("pin")]
    match row.get("value"):
        case None:
            pass
        case bool(value):
            said.append("on" if value else "off")
        case int(value) if row.get("what") == "more":
            said = [f"{value} more commands", f"({row['pin']})" if row.get("pin") else None]
        case int(value) if row.get("what") == "pulse":
            said.append(f"{value} ms")
        case int(value) if row.get("what") == "clock":
            said.append(f"to {local(value)}")
        case value if row.get("what") == "start":
            said = [f"started by {STARTS.get(str(value), value)}"]
        case value if row.get("what") == "clock":
            said.append(CLOCKS.get(str(value), str(value)))
        case value:
            said.append(str(value))
    return " ".join(str(word) for word in said if word is not None)


def _rest(row: dict) -> str:
    said = []
    if "jti" in row:
        said.append(f"token {row['jti']}")
    if "dropped" in row:
        said.append(f"{row['dropped']} before it were not recorded")
    return ", ".join(said)
