"""A device's certificate: secrets/tls.pem (its key, and the certificate; 0600), and beside device.toml a copy
of the authority's ca.crt, by which these tools know the board.
"""

from __future__ import annotations

import base64
import datetime
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pinwarden.ca import authority
from pinwarden.ca.authority import Address, Authority, Names
from pinwarden.device import CA_FILE, Device
from pinwarden.errors import BadCertificate, NoAuthority, UserError
from pinwarden.files import PRIVATE_FILE, read_text, short, write_atomic

RENEW_DAYS = 60  # a board that is deployed to every other month never sees its certificate end
MOST_ADDRESSES = 8
_SETUP_ADDRESS = "192.168.4.1"  # the board's own, in setup mode


@dataclass(frozen=True)
class Leaf:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def ends(self) -> datetime.datetime:
        """When it is no longer good."""
        return self.certificate.not_valid_after_utc

    @property
    def names(self) -> Names:
        """What it is for."""
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return Names((), ())
        addresses = found.get_values_for_type(x509.IPAddress)
        return Names(
            tuple(found.get_values_for_type(x509.DNSName)),
            tuple(address for address in addresses if isinstance(address, Address)),
        )

    def for_board(self) -> dict[str, str]:
        """The member "tls" of the board's /secrets.json: DER in base64."""
        der = serialization.Encoding.DER
        key = self.key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return {
            "cert": base64.b64encode(self.certificate.public_bytes(der)).decode(),
            "key": base64.b64encode(key).decode(),
        }


def read(device: Device) -> Leaf | None:
    """The device's certificate, None before the first.

    Raises BadCertificate, ExposedSecret, UnreadableFile.
    """
    file = device.tls_file
    if not file.exists():
        return None
    text = read_text(file, private=True).encode()
    try:
        certificate = x509.load_pem_x509_certificate(text)
        key = serialization.load_pem_private_key(text, password=None)
    except (ValueError, TypeError):
        certificate = key = None
    if certificate is None or not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _bad(device, "holds no certificate with its key")
    if key.public_key() != certificate.public_key():
        raise _bad(device, "holds a certificate and the key of another one")
    return Leaf(certificate, key)


def issue(device: Device, addresses: Iterable[Address], now: datetime.datetime) -> tuple[Leaf, list[str]]:
    """Sign a new certificate for the device's names and `addresses`, and write it.

    Also returned are names that the authority may not sign for, which are not in it. Raises NoAuthority, and
    what reading the authority raises; OSError.
    """
    signer = authority.load(authority.find(device.folder))
    wanted = names_of(device, addresses)
    permitted = _permitted(signer, wanted)
    names = Names(
        tuple(name for name in permitted if isinstance(name, str)),
        tuple(name for name in permitted if isinstance(name, Address)),
    )
    # The bare host name finds the board in few networks, and no authority signs for it: see `ca init`.
    left_out = {*wanted.dns, *wanted.addresses} - {*permitted, device.settings["hostname"]}
    key = ec.generate_private_key(ec.SECP256R1())
    made = Leaf(signer.sign(device.name, names, key.public_key(), now), key)
    pem = authority.private_pem(key) + made.certificate.public_bytes(serialization.Encoding.PEM)
    # The authority's first: without it the tools could not talk to a board with this certificate.
    write_atomic(device.folder / CA_FILE, signer.certificate.public_bytes(serialization.Encoding.PEM))
    write_atomic(device.tls_file, pem, PRIVATE_FILE)
    return made, sorted(map(str, left_out))


def ensure(
    device: Device, also: Iterable[Address] = (), *, now: datetime.datetime | None = None
) -> str | None:
    """See to it that a device that speaks HTTPS has a certificate that is good for a while, for the addresses
    `also`, too.

    Returns what was done, for a note. A computer without the authority's key keeps the one that it has while
    it is good. Raises what `read` and `issue` raise.
    """
    if not device.settings["http"]["tls"]:
        return None
    now = now or datetime.datetime.now(datetime.UTC)
    had = read(device)
    addresses = list(dict.fromkeys([*also, *known_addresses(device, had)]))
    why = _why_renew(device, had, addresses, now)
    if why is None:
        return None
    try:
        made, left_out = issue(device, addresses, now)
    except NoAuthority:
        if had is None or had.ends <= now:
            raise
        return None
    without = f"; without {', '.join(left_out)}, for which the authority may not sign" if left_out else ""
    return f"{why}: made one for {made.names}, good until {made.ends:%Y-%m-%d}{without}"


def names_of(device: Device, addresses: Iterable[Address] = ()) -> Names:
    """What the board may be called by: what it answers to (see `hosts` of the settings)."""
    settings = device.settings
    dns = [f"{settings['hostname']}.local", settings["hostname"]]
    found = [Address(_SETUP_ADDRESS)] if settings["setup_mode"] else []
    for host in settings["hosts"]:
        address = as_address(host)
        if address is None:
            dns.append(host)
        else:
            found.append(address)
    return Names(tuple(dict.fromkeys(dns)), tuple(dict.fromkeys([*found, *addresses])))


def known_addresses(device: Device, had: Leaf | None) -> list[Address]:
    """Where the board has been: for phones that find no .local names, and links to its address."""
    seen = device.last_seen()
    address = as_address(seen["address"]) if seen else None
    found = [address] if address and address.is_private and not address.is_loopback else []
    return list(dict.fromkeys([*found, *(had.names.addresses if had else ())]))


def as_address(text: str) -> Address | None:
    """The text as an IPv4 address, None if it is none."""
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        return None


def _why_renew(
    device: Device, had: Leaf | None, addresses: list[Address], now: datetime.datetime
) -> str | None:
    if had is None:
        return "there was no certificate"
    if had.ends - now < datetime.timedelta(days=RENEW_DAYS):
        return f"the certificate {'ended' if had.ends <= now else 'ends'} on {had.ends:%Y-%m-%d}"
    try:
        signer = authority.load(authority.find(device.folder))
    except NoAuthority:
        return None
    if not signer.has_signed(had.certificate) or not _is_copy(device.folder / CA_FILE, signer):
        return "the certificate is another authority's"
    lacks = {*_permitted(signer, names_of(device, addresses))} - {*had.names.dns, *had.names.addresses}
    return f"the certificate lacks {', '.join(sorted(map(str, lacks)))}" if lacks else None


def _permitted(signer: Authority, names: Names) -> list[str | Address]:
    """Those for which the authority may sign, as many as there may be."""
    addresses = [address for address in names.addresses if signer.permits(address)]
    return [*(name for name in names.dns if signer.permits(name)), *addresses[:MOST_ADDRESSES]]


def _is_copy(file: Path, signer: Authority) -> bool:
    try:
        return authority.read_certificate(file) == signer.certificate
    except UserError:
        return False


def _bad(device: Device, what: str) -> BadCertificate:
    return BadCertificate(
        f"{short(device.tls_file)} {what}", f"Make a new one with: pinwarden ca issue {device.name}"
    )
