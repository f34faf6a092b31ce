"""`pinwarden call`."""

from __future__ import annotations

import contextlib
import json
import sys

import click
from rich.json import JSON

from pinwarden import find, routes
from pinwarden.address import trust
from pinwarden.call import Answer, check_address, send
from pinwarden.console import note, plain, stdout
from pinwarden.device import Device
from pinwarden.errors import BadRequest, Refused
from pinwarden.inspect import is_proof_only, token_in
from pinwarden.mint import host_for, is_loopback, mint_token
from pinwarden.params import Duration, Method, complete_path, complete_scope, device_argument, examples
from pinwarden.remedies import explain
from pinwarden.signed import Client

VARIABLE = "PINWARDEN_TOKEN"
STDIN = "-"


@click.command(
    short_help="Send a request to a board.",
    epilog=examples(
        f"""
        pinwarden call door GET pins
        pinwarden call door POST pins/relay/toggle
        pinwarden call door PUT pins/relay --data '{{"value": true}}'
        pinwarden call door POST pins/opener/pulse --data '{{"ms": 300}}'
        pinwarden call door GET healthz --address 192.168.1.20
        pinwarden call door GET device --json | jq .body.uptime_s
        pinwarden call door GET events --ttl 1h     what the pins do, as it happens
        pinwarden call door GET pins --bearer       as curl would, for all the network to read
        {VARIABLE}=eyJ… pinwarden call door GET pins
        """,
        "Exit code 0 for a success (2xx), 1 for a refusal, 3 when the board is out of reach.",
    ),
)
@device_argument(required=True)
@click.argument("method", type=Method(routes.METHODS, case_sensitive=False), metavar="METHOD")
@click.argument("path", shell_complete=complete_path)
@click.option("--data", metavar="JSON", help="The body; - reads it from stdin.")
@click.option("--token", envvar=VARIABLE, help=f"Use this token; - reads it from stdin. Also: {VARIABLE}.")
@click.option(
    "--scope",
    "wanted",
    multiple=True,
    shell_complete=complete_scope,
    help="Mint with these, not with the least.",
)
@click.option(
    "--ttl", type=Duration(), default="60s", show_default=True, help="How long the minted token lives."
)
@click.option(
    "--for",
    "subject",
    default="pinwarden-call",
    show_default=True,
    metavar="WHO",
    help="Who calls, for the audit log.",
)
@click.option(
    "--address",
    metavar="HOST[:PORT]",
    help="Where the board is. Default: where it was last seen, else its .local name.",
)
@click.option(
    "--bearer", is_flag=True, help="Send the token itself, as curl does: it can be recorded, and used again."
)
@click.option("--json", "as_json", is_flag=True, help="Print status and body as one JSON object.")
def call(
    device: str,
    method: str,
    path: str,
    data: str | None,
    token: str | None,
    wanted: tuple[str, ...],
    ttl: int,
    subject: str,
    address: str | None,
    bearer: bool,
    as_json: bool,
) -> None:
    """Send one request to a board and print its answer.

    PATH may be short: pins/relay/toggle is /api/v1/pins/relay/toggle. Without --token, a token is minted that
    lives for a minute and may do just this. The request is signed with the token, which stays here.
    """
    if token == data == STDIN:
        raise click.UsageError("--token and --data cannot both come from stdin")
    if token is not None and wanted:
        raise click.UsageError("--scope is for a token that is minted; leave it or --token out")
    path = routes.full_path(path)
    body = _body(method, data)
    loaded = find.load(device)
    if address is not None:
        check_address(address)
    if token is not None:
        token = token_in(_stdin() if token == STDIN else token)
        _check_sendable(token, bearer)
    elif routes.needs_token(path):
        scope = list(wanted) or routes.least_scope(method, path)
        token = mint_token(loaded, subject=subject, scope=scope, ttl=ttl)
    place = address or host_for(loaded)[0]
    heard = None if as_json else _show
    if token is None or bearer:
        answer = send(place, method, path, token=token, body=body, trust=trust(loaded), heard=heard)
    else:
        answer = Client(loaded, place).send(method, path, token=token, body=body, heard=heard)
    _print(answer, as_json)
    if not 200 <= answer.status < 300:
        raise Refused(*explain(answer, loaded))
    _remember(loaded, path, answer)


def _body(method: str, data: str | None) -> bytes | None:
    """The request's body. Raises BadRequest for text that is not JSON."""
    if data is None:
        return b"{}" if method == "POST" else None
    text = _stdin() if data == STDIN else data
    try:
        json.loads(text)
        return text.encode()
    except json.JSONDecodeError as error:
        raise BadRequest(
            f"--data is not JSON: {error.msg} (line {error.lineno}, column {error.colno})",
            "For example: --data '{\"value\": true}' - with the quotes of your shell around it.",
        ) from None
    except (ValueError, RecursionError):
        raise BadRequest("--data is not JSON that could be sent") from None


def _check_sendable(token: str, bearer: bool) -> None:
    if bearer and is_proof_only(token):
        # The board would refuse it, and who has recorded it could sign with it.
        raise BadRequest(
            "this token is for signed requests only: sent as a bearer, anybody could record it",
            "Leave --bearer out.",
        )
    # What else is in a field is the board's to judge; these would break out of the field.
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadRequest(
            "the token has characters in it that no token has", "Copy it whole; a token starts with eyJ."
        )


def _stdin() -> str:
    try:
        return sys.stdin.read(1 << 20)
    except UnicodeDecodeError:
        raise BadRequest("what came in on stdin is no text") from None


def _show(text: str) -> None:
    """A part of a stream."""
    click.echo(plain(text), nl=False)


def _print(answer: Answer, as_json: bool) -> None:
    """The whole answer as JSON; or, for a human, the status to stderr and the body to stdout."""
    success = 200 <= answer.status < 300
    if as_json:
        body = answer.data if answer.data is not None else answer.body.decode("utf-8", "replace") or None
        click.echo(json.dumps({"status": answer.status, "body": body}, indent=2))
    elif success:
        note(answer.phrase)
        if answer.data is not None and stdout().is_terminal:
            stdout().print(JSON(json.dumps(answer.data), ensure_ascii=True))
        elif answer.data is not None:
            click.echo(json.dumps(answer.data, indent=2))
        elif answer.body:
            click.echo(plain(answer.body.decode("utf-8", "replace")))


def _remember(device: Device, path: str, answer: Answer) -> None:
    """Note where the board is, once it has shown itself to be one: by taking a token, and by an answer as
    boards give them. A hotel's network, too, says 200 to whatever it is asked.
    """
    if not isinstance(answer.data, dict):
        return
    if answer.peer is None or is_loopback(answer.peer[0]) or not routes.needs_token(path):
        return  # a loopback address is a tunnel's, or a simulated board's, which notes its own
    # A folder that cannot be written is no reason to fail after all went well.
    with contextlib.suppress(OSError):
        device.remember(*answer.peer)
