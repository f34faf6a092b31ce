"""`pinwarden revoke`."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path

import click

from pinwarden import duration, find
from pinwarden.admin import revoke as revocation
from pinwarden.admin.link import way_from, way_options
from pinwarden.console import note, plain, stdout
from pinwarden.device import Device
from pinwarden.duration import local
from pinwarden.errors import NotAToken
from pinwarden.files import read_text
from pinwarden.inspect import token_in
from pinwarden.params import device_argument, examples

STDIN = "-"
_LONGEST = 65536  # octets of a file or of stdin that are worth reading


class PastMoment(click.ParamType):
    """A point of time such as "2h" (ago) or "2026-12-24T18:00", as Unix seconds."""

    name = "WHEN"

    def convert(self, value, param, ctx) -> int:
        """Unix seconds, or a usage error that says what is wrong."""
        if isinstance(value, int):
            return value
        now = int(time.time())
        try:
            moment = duration.parse_moment(value, now)
        except ValueError as error:
            self.fail(str(error).replace("(from now)", "(ago)"), param, ctx)
        if not _is_date(value):
            return 2 * now - moment
        if moment > now:
            self.fail(f"{value!r} is in the future; leave it out for all tokens until now", param, ctx)
        return moment


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text.strip())
    except ValueError:
        return False
    return "-" in text


@click.command(
    short_help="Have a board refuse tokens that it has accepted.",
    epilog=examples(
        """
        wl-paste | pinwarden revoke door -              the token, or the link with it
        pinwarden revoke door lost-token.txt
        pinwarden revoke door --jti pU3vFZq0cSx1Nn2a    as `pinwarden inspect` shows it
        pinwarden revoke door --sub anna                all that anna has
        pinwarden revoke door --sub anna --before 2026-12-24
        pinwarden revoke door --all --usb
        """,
        "A token is a secret: give it by - or in a file. On the command line other users of this computer "
        "can see it, and the shell remembers it.",
    ),
)
@device_argument(required=True)
@click.argument("token", required=False)
@click.option("--jti", metavar="ID", help="The token of this name.")
@click.option("--sub", metavar="WHO", help="The tokens for this holder (`mint --for`).")
@click.option("--all", "everything", is_flag=True, help="Every token.")
@click.option(
    "--before",
    type=PastMoment(),
    help='With --sub or --all: only those made before then: 2h (ago), "2026-12-24T18:00". Default: now.',
)
@way_options
@click.option("--yes", is_flag=True, help="With --all: do not ask.")
@click.pass_context
def revoke(
    ctx: click.Context,
    device: str,
    token: str | None,
    jti: str | None,
    sub: str | None,
    everything: bool,
    before: int | None,
    yes: bool,
    **options: object,
) -> None:
    """Have the board of DEVICE refuse a token, or all that were made before a moment, from now on.

    TOKEN is a file that holds the token, or - to read it from stdin, or the token itself; a link with the
    token in it will do. It takes effect at once, and it outlasts a restart and a power cut.
    """
    way = way_from(ctx, **options)  # type: ignore[arg-type]
    if sum((token is not None, jti is not None, sub is not None, everything)) != 1:
        raise click.UsageError("say what to revoke: TOKEN, --jti, --sub or --all, one of them")
    if before is not None and not (everything or sub is not None):
        raise click.UsageError("--before goes with --sub or --all")
    if jti == "" or sub == "":
        raise click.UsageError("an empty name is nobody's")
    loaded = find.load(device)
    loaded.keys()
    if everything and not yes:
        until = "now" if before is None else local(before)
        if not click.confirm(f"Revoke every token of {loaded.name} that was made before {until}?", err=True):
            note("Nothing has changed.")
            ctx.exit(1)
    what = _what(loaded, token, jti, sub, before)
    if what is None:
        note("The token has expired, so no board takes it: there is nothing to revoke.")
        return
    with way.open(loaded) as board:
        board.revoke(what)
    stdout().print(plain(f"{loaded.name}: {_told(what, before)} revoked."), style="bold green")
    way.doubt(loaded, "the same once more with --usb")


def _what(
    device: Device, token: str | None, jti: str | None, sub: str | None, before: int | None
) -> dict | None:
    """What to tell the board, None for nothing. Raises NotAToken, CannotRevoke."""
    if token is not None:
        return revocation.one_token(device, token_in(_read(token)), int(time.time()))
    if jti is not None:
        return {"jti": jti}
    moment = revocation.made_before(before)
    return {"before": moment} if sub is None else {"sub": sub, "before": moment}


def _read(token: str) -> str:
    """The token's text: from stdin, from the file of this name, or the argument itself."""
    if token == STDIN:
        try:
            return sys.stdin.read(_LONGEST)
        except UnicodeDecodeError:
            raise NotAToken(
                "what came in on stdin is no text", "Give a token, or a link with #token=…."
            ) from None
    try:
        is_file = Path(token).is_file()
    except (OSError, ValueError):  # too long for a name
        is_file = False
    return read_text(Path(token))[:_LONGEST] if is_file else token


def _told(what: dict, before: int | None) -> str:
    if "jti" in what:
        return f"the token {what['jti']} is"
    whose = f"the tokens of {what['sub']}" if "sub" in what else "all tokens"
    return f"{whose} made before {local(before)} are" if before is not None else f"{whose} made until now are"
