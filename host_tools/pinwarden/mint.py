"""Tokens (RFC 7519): who may do what, until when; signed by the device's newest key."""

from __future__ import annotations

import ipaddress
import secrets
import time

import jwt

from pinwarden import address as addresses
from pinwarden import keys
from pinwarden.device import Device
from pinwarden.duration import spell
from pinwarden.errors import ClockWrong, TokenTooLong, TtlTooLong
from pinwarden.files import short
from pinwarden.scopes import check

PROOF = {"pinwarden": "proof"}  # the claim cnf (RFC 7800) of a token for signed requests only
MAX_TOKEN = 2048  # octets; a board reads no more
EARLIEST = 1735689600  # 2025-01-01, before this program was: a clock behind it has lost its battery

# A board's clock keeps whole seconds and lags by up to one, and this computer's may be ahead by as much. A
# token for "now" would now and then be refused as one from the future, so tokens are made as of a moment ago.
SLACK = 2  # seconds


def mint_token(
    device: Device,
    *,
    subject: str,
    scope: list[str],
    ttl: int,
    not_before: int | None = None,
    now: int | None = None,
    key: dict | None = None,
    proof: bool = False,
) -> str:
    """A signed token.

    `ttl` is seconds from `now`, or from `not_before` where that is later; both are Unix seconds. Without
    `now` the token counts from a moment ago. An empty `scope` makes a token that is valid but allows nothing
    beyond its own validity. `key` (a JWK) signs it, by default the newest. With `proof` it is good for signed
    requests only. Raises TtlTooLong, TokenTooLong, UnknownScope, UnknownPin, ClockWrong, and what
    `Device.keys` raises.
    """
    if now is None:
        now = int(time.time()) - SLACK
    if now < EARLIEST:
        raise ClockWrong(
            f"this computer is in {time.strftime('%Y-%m-%d', time.gmtime(now))}: no token can be right",
            "Set its clock.",
        )
    for one in scope:
        check(one, list(device.settings["pins"]))
    start = now if not_before is None else max(now, not_before)
    _check_ttl(device, start - now, ttl)
    claims: dict[str, object] = {"aud": device.name, "sub": subject, "iat": now}
    if device.settings["issuer"] is not None:
        claims["iss"] = device.settings["issuer"]
    if not_before is not None:
        claims["nbf"] = not_before
    claims["exp"] = start + ttl
    claims["jti"] = secrets.token_urlsafe(12)  # 96 bits: no two alike, and none to be guessed from another
    if scope:
        claims["scope"] = " ".join(dict.fromkeys(scope))
    if proof:
        claims["cnf"] = PROOF
    if key is None:
        key = device.keys()[-1]
    token = jwt.encode(
        claims, keys.secret(key), algorithm=key["alg"], headers={"kid": key["kid"], "typ": "JWT"}
    )
    if len(token) > MAX_TOKEN:
        raise TokenTooLong(
            f"the token would have {len(token)} octets, and a board reads {MAX_TOKEN} at the most",
            "Give it fewer scopes (pins:write instead of one for each pin) or a shorter --for.",
        )
    return token


def host_for(device: Device) -> tuple[str, bool]:
    """The board's "HOST" or "HOST:PORT", and whether that is where it was seen; if not, its .local name."""
    seen = device.last_seen()
    address, port = (
        (seen["address"], seen["port"]) if seen else (local_name(device), device.settings["http"]["port"])
    )
    return addresses.join(device, address, port), seen is not None


def page_host(device: Device) -> str:
    """Where a browser is to open the page: at the board's address, unless its certificate is not for that."""
    host, _ = host_for(device)
    seen = device.last_seen()
    if not device.settings["http"]["tls"] or seen is None:
        return host
    from pinwarden.ca import leaf  # and with it cryptography, for those only who need it

    found, address = leaf.read(device), leaf.as_address(seen["address"])
    if found is None or address in found.names.addresses:
        return host
    return addresses.join(device, local_name(device), seen["port"])


def local_name(device: Device) -> str:
    """The name that the board announces by mDNS."""
    return f"{device.settings['hostname']}.local"


def is_loopback(address: str) -> bool:
    """Whether the address is this computer: a simulated board, or the near end of a tunnel."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def link_for(device: Device, token: str) -> str:
    """The page's address with the token in its fragment, which a browser sends to no server and no log."""
    return f"{addresses.url(device, page_host(device))}/#token={token}"


def _check_ttl(device: Device, wait: int, ttl: int) -> None:
    longest = device.settings["max_ttl"]
    if wait + ttl <= longest:
        return
    asked = spell(ttl) if not wait else f"{spell(ttl)} after a start {spell(wait)} from now"
    raise TtlTooLong(
        f"{device.name}'s tokens may live {spell(longest)} at the most (max_ttl = {longest}), "
        f"and this one would live {asked}",
        f"Ask for less, or raise max_ttl in {short(device.folder / 'device.toml')}.",
    )
