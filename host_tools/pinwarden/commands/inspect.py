"""`pinwarden inspect`."""

from __future__ import annotations

import json
import sys
import time

import click
from rich.text import Text

from pinwarden import find
from pinwarden.console import note, plain, stdout
from pinwarden.duration import ago, local
from pinwarden.errors import NotAToken
from pinwarden.files import short
from pinwarden.inspect import Verdict, decode, judge, token_in
from pinwarden.mint import PROOF
from pinwarden.params import examples

STDIN = "-"
_TIMES = ("iat", "nbf", "exp")


@click.command(
    short_help="Show what is in a token, and who accepts it.",
    epilog=examples(
        f"""
        pinwarden inspect eyJhbGciOi…
        pinwarden inspect 'http://192.168.1.20/#token=eyJhbGciOi…'
        wl-paste | pinwarden inspect -        keeps it out of the shell's history
        {find.DEVICES_VARIABLE}=~/devices pinwarden inspect -
        """,
        """Exit code 0 when a known device accepts it now, by its keys and the dates, else 1. What was revoked
        only the board knows.""",
    ),
)
@click.argument("token")
@click.option("--json", "as_json", is_flag=True, help="Print header, claims and verdicts as JSON.")
@click.pass_context
def inspect(ctx: click.Context, token: str, as_json: bool) -> None:
    """Show what is in TOKEN, and what each known device would say to it, and why.

    TOKEN is a token or a link that holds one, or - to read it from stdin. Known devices are the folder you
    are in, those below it, and those that PINWARDEN_DEVICES lists.
    """
    token = token_in(_stdin() if token == STDIN else token)
    header, claims = decode(token)
    now = int(time.time())
    verdicts = [judge(token, folder, now) for folder in find.known()]
    accepted = any(verdict.accepted for verdict in verdicts)
    if as_json:
        _print_json(header, claims, verdicts, accepted)
    else:
        _print_tables(header, claims, verdicts, now)
    ctx.exit(0 if accepted else 1)


def _stdin() -> str:
    try:
        return sys.stdin.read(1 << 20)
    except UnicodeDecodeError:
        raise NotAToken(
            "what came in on stdin is no text", "Give a token, or a link with #token=… in it."
        ) from None


def _print_json(header: dict, claims: dict, verdicts: list[Verdict], accepted: bool) -> None:
    told = [
        {
            "device": v.device,
            "folder": short(v.folder),
            "accepted": v.accepted,
            "code": v.code,
            "reason": v.reason,
        }
        for v in verdicts
    ]
    click.echo(
        json.dumps({"header": header, "claims": claims, "verdicts": told, "accepted": accepted}, indent=2)
    )


def _print_tables(header: dict, claims: dict, verdicts: list[Verdict], now: int) -> None:
    _print_rows("Header", [(name, Text(_value(value))) for name, value in header.items()])
    _print_rows("Claims", [(name, Text(_claim(name, value, now))) for name, value in claims.items()])
    _print_rows(
        "Verdicts", [(verdict.device, _mark(verdict) + Text(plain(verdict.reason))) for verdict in verdicts]
    )
    if not verdicts:
        note(
            "No device is known here, so nobody can say whether it is good. "
            f"Set {find.DEVICES_VARIABLE}, or change the folder."
        )
    elif any(verdict.accepted for verdict in verdicts):
        note("Whether it was revoked only the board knows, and it was not asked.")


def _print_rows(title: str, rows: list[tuple[str, Text]]) -> None:
    out = stdout()
    if rows:
        out.print(Text(title, "bold"))
    width = min(max((len(plain(name)) for name, _ in rows), default=0), 24)
    for name, value in rows:
        out.print(Text(f"  {plain(name):{width}}  ") + value)


def _mark(verdict: Verdict) -> Text:
    if verdict.accepted:
        return Text("accepted: ", "bold green")
    return Text("unknown: ", "bold yellow") if verdict.code == "unknown" else Text("refused: ", "bold red")


def _claim(name: str, value: object, now: int) -> str:
    if name in _TIMES and type(value) is int:
        return f"{local(value)} ({ago(value, now)})"
    if name == "cnf" and value == PROOF:
        return f"{_value(value)} (for signed requests only: refused where it is sent itself, as a bearer)"
    return _value(value)


def _value(value: object) -> str:
    return plain(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
