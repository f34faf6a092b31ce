"""`pinwarden mint`."""

from __future__ import annotations

import json
from pathlib import Path

import click
import jwt

from pinwarden import find, qr, scopes
from pinwarden.console import note, warn
from pinwarden.device import Device
from pinwarden.duration import ago, local, spell
from pinwarden.errors import NoScope
from pinwarden.files import short
from pinwarden.mint import host_for, is_loopback, link_for, local_name, mint_token, page_host
from pinwarden.params import Duration, Moment, complete_pin, complete_scope, device_argument, examples

LONG_FOR_ADMIN = 86400  # seconds


@click.command(
    short_help="Make a token.",
    epilog=examples("""
        pinwarden mint --pin relay --for anna --qr       a QR code for a phone
        pinwarden mint door --read-only --ttl 1w         see every pin, change none
        pinwarden mint --scope pins:write --scope audit:read
        pinwarden mint --pin relay --for anna --proof --qr    nothing to record on the network
        pinwarden mint --pin relay --for guest --not-before 2026-12-24 --ttl 3d
        TOKEN=$(pinwarden mint --pin relay --ttl 10m)
    """),
)
@device_argument()
@click.option(
    "--pin",
    "pins",
    multiple=True,
    metavar="NAME",
    shell_complete=complete_pin,
    help="See and switch this pin. Repeatable.",
)
@click.option(
    "--scope",
    "wanted",
    multiple=True,
    shell_complete=complete_scope,
    help="Allow this, for example pins:read. Repeatable.",
)
@click.option("--read-only", is_flag=True, help="See pins, but change none: all, or those of --pin.")
@click.option(
    "--for",
    "subject",
    default="guest",
    show_default=True,
    metavar="WHO",
    help="Who gets it; stands in the audit log.",
)
@click.option(
    "--ttl",
    type=Duration(),
    default="30d",
    show_default=True,
    help="How long it is good: 45s, 90m, 12h, 30d, 2w.",
)
@click.option(
    "--not-before",
    type=Moment(),
    help='Good only from then on, and --ttl counts from there: 2h, "2026-12-24T18:00".',
)
@click.option(
    "--proof", is_flag=True, help="For signed requests only (the page, `pinwarden call`): no bearer for curl."
)
@click.option("--qr", "show_qr", is_flag=True, help="Draw the link as a QR code (on stderr).")
@click.option(
    "--qr-file", type=click.Path(path_type=Path), help="Write the link as a QR code into a .png or .svg file."
)
@click.option("--link", is_flag=True, help="Print the link to the board's page in place of the token.")
@click.option("--json", "as_json", is_flag=True, help="Print the token, its link and its claims as JSON.")
def mint(
    device: str | None,
    pins: tuple[str, ...],
    wanted: tuple[str, ...],
    read_only: bool,
    subject: str,
    ttl: int,
    not_before: int | None,
    proof: bool,
    show_qr: bool,
    qr_file: Path | None,
    link: bool,
    as_json: bool,
) -> None:
    """Make a token that says who may do what, and until when.

    stdout gets the token (or link, or JSON) and nothing else. Whoever holds the token has its rights: the
    link and the QR code hold it too.
    """
    if link and as_json:
        raise click.UsageError("--json has the link in it already; leave --link out")
    if not subject.strip() or not subject.isprintable():
        raise click.BadParameter("say who gets the token, in printable characters", param_hint="--for")
    if qr_file is not None:
        qr.check_file(qr_file)
    loaded = find.load(device)
    scope = _scope(loaded, pins, wanted, read_only)
    token = mint_token(loaded, subject=subject, scope=scope, ttl=ttl, not_before=not_before, proof=proof)
    address = link_for(loaded, token)
    if show_qr:
        qr.show(address)
    if qr_file is not None:
        qr.save(address, qr_file)
        note(f"The QR code is in {short(qr_file)}. It holds the token: remove it after use.")
    claims = jwt.decode(token, options={"verify_signature": False})  # our own, of a moment ago
    _tell(loaded, claims)
    if "admin" in scope and ttl > LONG_FOR_ADMIN:
        warn(
            f"whoever gets hold of this token can change keys and revoke tokens for {spell(ttl)}; "
            "pinwarden keys and revoke need none: they mint their own, for a minute"
        )
    if show_qr or qr_file is not None or link:
        _tell_host(loaded)
    if as_json:
        kid = jwt.get_unverified_header(token)["kid"]
        click.echo(
            json.dumps(
                {"token": token, "link": address, "device": loaded.name, "kid": kid, **claims}, indent=2
            )
        )
    else:
        click.echo(address if link else token)


def _scope(device: Device, pins: tuple[str, ...], wanted: tuple[str, ...], read_only: bool) -> list[str]:
    """The scopes that the options ask for, each once. Raises NoScope for none, UnknownPin, UnknownScope."""
    existing = list(device.settings["pins"])
    for scope in wanted:
        scopes.check(scope, existing)
    if read_only and scopes.allows_switching(list(wanted)):
        raise click.UsageError("--read-only and a --scope that switches contradict each other")
    scope = list(wanted)
    for pin in pins:
        scope += scopes.for_pin(pin, existing, read_only=read_only)
    if read_only and not pins and "pins:read" not in scope:
        scope.append("pins:read")
    if not scope:
        example = f"--pin {existing[0]}" if existing else "--scope audit:read"
        raise NoScope(
            "the token would allow nothing",
            f"Say what it is for: {example}, --read-only, or --scope pins:write. "
            f"Pins here: {', '.join(existing) or 'none'}.",
        )
    return list(dict.fromkeys(scope))


def _tell(device: Device, claims: dict) -> None:
    now = claims["iat"]
    start = f"from {local(claims['nbf'])} " if "nbf" in claims else ""
    note(f"For {claims['sub']}, on {device.name}: {claims['scope']}")
    note(f"Good {start}until {local(claims['exp'])} ({ago(claims['exp'], now)}).")
    if "cnf" in claims:
        note("For signed requests only: the page and pinwarden call make them; as a bearer it is refused.")
    elif not device.settings["policy"]["bearer"]:
        note("The board takes signed requests only (policy.bearer = false): the page, pinwarden call.")
    switches = [scope for scope in claims["scope"].split() if scope.startswith("pins:write")]
    unseen = [
        scope
        for scope in switches
        if not {scope.replace("write", "read"), "pins:read"} & set(claims["scope"].split())
    ]
    if unseen:
        missing = unseen[0].replace("write", "read")
        warn(f"its holder may switch pins but not see them, and the page stays empty; add --scope {missing}")


def _tell_host(device: Device) -> None:
    seen_at, was_seen = host_for(device)
    host = page_host(device)
    if host != seen_at:
        note(f"The link goes to {host}: the certificate is not for {seen_at} yet, and the next deploy's is.")
    elif was_seen and is_loopback(host.rpartition(":")[0] or host):
        note(f"The link goes to {host}, this computer, where the simulated board last answered.")
    elif was_seen:
        note(f"The link goes to {host}, where the board last answered; its name is {local_name(device)}.")
    else:
        warn(
            f"the board was never seen, so the link goes to {host}; many Android phones find no .local names"
        )
