"""`pinwarden ca`."""

from __future__ import annotations

import datetime
import ipaddress
import re
import threading
from pathlib import Path

import click
from cryptography.hazmat.primitives import serialization

from pinwarden import find, qr
from pinwarden.ca import authority, handout, leaf, phones
from pinwarden.ca.authority import Authority
from pinwarden.console import note, plain, stdout, warn
from pinwarden.errors import BadRequest, UserError
from pinwarden.files import short
from pinwarden.params import device_argument, examples

_DOMAIN = re.compile(
    r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)


@click.group(
    short_help="HTTPS: certificates for boards.",
    epilog=examples("""
        pinwarden ca init
        pinwarden ca issue door --address 192.168.1.20
        pinwarden ca install ios --serve
    """),
)
def ca() -> None:
    """A certificate authority of your own, for boards with `tls = true` under [http] in device.toml.

    It is made once. `deploy` and `up` then make each board's certificate, and renew it; each phone is told
    once to trust the authority.
    """


@ca.command(short_help="Make the authority, once.")
@click.option(
    "--in",
    "parent",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="For the device folders in FOLDER only. Default: one for all that are yours.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="DOMAIN",
    help="A domain that it may sign for beside local ones, with all below it. Can be given again.",
)
def init(parent: Path | None, names: tuple[str, ...]) -> None:
    """Make the authority: a key, which stays here, and a certificate, which phones are to trust.

    The certificate itself says that it holds for names and addresses of local networks only: .local,
    .home.arpa, .internal, .lan, 10.x, 172.16-31.x, 192.168.x, 169.254.x; and for the names and the `hosts` of
    the devices that are found here.
    """
    folder = authority.find() if parent is None else parent / authority.BESIDE
    further = [_domain(name) for name in names]
    for known in find.known():
        try:
            wanted = leaf.names_of(find.load(str(known))).dns
        except UserError as error:
            warn(f"{short(known)} is left out: {error.message}")
            continue
        # Without a dot it might be a domain of the internet, with all below it: app, dev.
        further += [name for name in wanted if "." in name and not _is_local(name)]
    made = authority.create(folder, further, _now())
    stdout().print(plain(f"Made {short(folder)}/"), style="bold green")
    _describe(made)
    note(f"Keep {short(made.key_file)} as you keep a key to your house, and a backup of the folder, too.")
    note("Next: tls = true under [http] in device.toml, pinwarden deploy, and pinwarden ca install")


@ca.command()
@device_argument()
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="IPV4",
    help="An address at which browsers are to open the page, one that the router always gives the board. Can "
    "be given again; later certificates have it, too.",
)
def issue(device: str | None, addresses: tuple[str, ...]) -> None:
    """Make a certificate for the board of DEVICE. The next deploy takes it there.

    `deploy` and `up` do this by themselves, too: when there is none, 60 days before its end, and when it
    lacks a name or the address at which the board was last seen.
    """
    loaded = find.load(device)
    wanted = [_address(text) for text in addresses]
    had = leaf.read(loaded) if loaded.tls_file.exists() else None
    made, left_out = leaf.issue(loaded, [*wanted, *leaf.known_addresses(loaded, had)], _now())
    out = stdout()
    out.print(plain(f"Made {short(loaded.tls_file)}"), style="bold green")
    out.print(plain(f"  for    {made.names}"))
    out.print(plain(f"  until  {made.ends:%Y-%m-%d}"))
    if names := [name for name in left_out if leaf.as_address(name) is None]:
        warn(
            f"not for {', '.join(names)}: this authority may not sign for that (pinwarden ca show). A new "
            "one could: pinwarden ca init --name"
        )
    if others := [name for name in left_out if name not in names]:
        warn(
            f"not for {', '.join(others)}: certificates are for addresses of local networks, "
            f"{leaf.MOST_ADDRESSES} at the most. For a board that is reached from the internet put a name "
            "under hosts in device.toml."
        )
    if not loaded.settings["http"]["tls"]:
        note("The board speaks plain HTTP until device.toml has tls = true under [http].")
    note(f"Take it to the board: pinwarden deploy {loaded.name}")


@ca.command(short_help="Show the authority, and a device's certificate.")
@device_argument()
def show(device: str | None) -> None:
    """Show the authority, and the certificate of DEVICE if one is named."""
    loaded = find.load(device) if device is not None else None
    found = authority.load(authority.find(loaded.folder if loaded else None))
    stdout().print(plain(f"{short(found.folder)}/"), style="bold")
    _describe(found)
    if loaded is None:
        return
    out = stdout()
    out.print(plain(loaded.name), style="bold")
    has = leaf.read(loaded)
    if has is None:
        out.print("  no certificate yet")
        return
    signed = "this authority" if found.has_signed(has.certificate) else "another authority"
    out.print(plain(f"  for          {has.names}"))
    out.print(plain(f"  until        {has.ends:%Y-%m-%d}, signed by {signed}"))
    out.print(plain(f"  fingerprint  {authority.fingerprint(has.certificate)}"))


@ca.command(short_help="Explain how phones are told to trust it.")
@click.argument("system", type=click.Choice(phones.SYSTEMS), required=False)
@click.option("--device", metavar="DEVICE", help="The authority of this device, where there are several.")
@click.option(
    "--serve", is_flag=True, help="Hand the certificate out in this network until Ctrl-C: a QR code."
)
def install(system: str | None, device: str | None, serve: bool) -> None:
    """Explain how phones and computers are told to trust the authority. SYSTEM is theirs; default: all.

    Trust it on your own devices only. Compare the fingerprint before: with --serve, whoever is in the network
    could hand out another certificate.
    """
    folder = find.find(device) if device is not None else None
    found = authority.load(authority.find(folder))
    out, file = stdout(), short(found.certificate_file)
    out.print(plain(f"The certificate is {file}"))
    out.print(plain(f"  {_name(found)}"))
    out.print("Its fingerprint, SHA-256, to be compared before it is trusted:")
    octets = authority.fingerprint(found.certificate).split()
    for start in (0, 16):
        out.print(plain("  " + " ".join(octets[start : start + 16])), style="bold")
    for one in [system] if system else phones.SYSTEMS:
        title, steps = phones.recipe(one, file)
        out.print(plain(f"\n{title}"), style="bold")
        for number, step in enumerate(steps, 1):
            out.print(plain(f"  {number}. {step}"))
    if serve:
        _serve(found)


def _serve(found: Authority) -> None:
    der = found.certificate.public_bytes(serialization.Encoding.DER)
    try:
        server = handout.Handout(der, lambda address: note(f"{address} has got it; compare the fingerprint."))
    except OSError:
        raise UserError(
            "this computer is in no network", f"Take {short(found.certificate_file)} to the phone yourself."
        ) from None
    with server:
        qr.show(server.url, instead="type the link")
        click.echo(server.url)
        note("Handed out until Ctrl-C, in this network, to whoever has the link.")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(1)
        finally:
            server.shutdown()


def _describe(found: Authority) -> None:
    out = stdout()
    names, networks = found.permitted()
    certificate = found.certificate
    out.print(plain(f"  name         {_name(found)}"))
    out.print(plain(f"  until        {certificate.not_valid_after_utc:%Y-%m-%d}"))
    out.print(plain(f"  signs for    {', '.join([*names, *map(str, networks)])}"))
    out.print(plain(f"  fingerprint  {authority.fingerprint(certificate)}"))
    out.print(plain(f"  certificate  {short(found.certificate_file)}"))
    if not found.key_file.exists():
        warn("its key is not on this computer: certificates are made elsewhere")


def _name(found: Authority) -> str:
    return found.certificate.subject.rfc4514_string().removeprefix("CN=")


def _is_local(name: str) -> bool:
    return any(name == domain or name.endswith("." + domain) for domain in authority.LOCAL_NAMES)


def _domain(text: str) -> str:
    domain = text.lower().strip(".")
    if not _DOMAIN.fullmatch(domain) or leaf.as_address(domain):
        raise BadRequest(f"{text!r} is no domain", "For example: --name home.example")
    return domain


def _address(text: str) -> ipaddress.IPv4Address:
    address = leaf.as_address(text)
    if address is None:
        raise BadRequest(f"{text!r} is no IPv4 address", "For example: --address 192.168.1.20")
    return address


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
