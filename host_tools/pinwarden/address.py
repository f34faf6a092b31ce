"""How a device's board is spoken to: by HTTP; or by HTTPS, with a certificate of its own authority only."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from pinwarden.console import note
from pinwarden.device import CA_FILE, Device
from pinwarden.errors import BadCertificate
from pinwarden.files import read_text, short

HTTP, HTTPS = 80, 443


@dataclass(frozen=True)
class Trust:
    """What a board has to show: a certificate for `name` by an authority that `context` knows.

    The name is the device's .local name by whatever address the board is reached: routers hand out others.
    """

    context: ssl.SSLContext
    name: str


def trust(device: Device) -> Trust | None:
    """What the device's board has to show, None where it speaks plain HTTP.

    Raises BadCertificate, UnreadableFile.
    """
    if not device.settings["http"]["tls"]:
        return None
    file = device.folder / CA_FILE
    if not file.exists():
        raise BadCertificate(
            f"{short(file)} is missing: the board could not be told from another",
            f"Make its certificate, and deploy: pinwarden ca issue {device.name}",
        )
    # Of this computer's own authorities none counts: any of them could speak for the board.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=read_text(file))
    except (ssl.SSLError, ValueError):
        raise BadCertificate(
            f"{short(file)} is no certificate",
            f"Put it back, or make it anew: pinwarden ca issue {device.name}",
        ) from None
    return Trust(context, f"{device.settings['hostname']}.local")


def scheme(device: Device) -> str:
    """ "http" or "https" """
    return "https" if device.settings["http"]["tls"] else "http"


def default_port(device: Device) -> int:
    """The port that is not written."""
    return HTTPS if device.settings["http"]["tls"] else HTTP


def join(device: Device, host: str, port: int) -> str:
    """HOST[:PORT]; an IPv6 address in brackets (RFC 3986 section 3.2.2)."""
    host = f"[{host}]" if ":" in host else host
    return host if port == default_port(device) else f"{host}:{port}"


def url(device: Device, address: str) -> str:
    """The page's URL at HOST[:PORT], without a path."""
    return f"{scheme(device)}://{address}"


def certify(device: Device, *also: str) -> None:
    """Make or renew the certificate of a device that speaks HTTPS, if it is time, and say so. It is to hold
    for the addresses `also`, too. Raises what `leaf.ensure` raises.
    """
    if device.settings["http"]["tls"]:
        from pinwarden.ca import leaf  # and with it cryptography, for those only who need it

        if done := leaf.ensure(device, filter(None, map(leaf.as_address, also))):
            note(f"HTTPS: {done}")
