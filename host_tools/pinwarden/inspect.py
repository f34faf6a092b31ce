"""What is in a token, and what each known board would say to it.

The verdict is the board's own: `firmware/lib/jwt.py` gives it, with the board's rules and keys.
This module finds the words for it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from pinwarden import boardlib, keys
from pinwarden.device import Device
from pinwarden.duration import ago
from pinwarden.errors import NotAToken, UserError
from pinwarden.files import short
from pinwarden.mint import MAX_TOKEN, PROOF

_READ_LIMIT = 65536  # octets that are worth taking apart for a human


@dataclass(frozen=True)
class Verdict:
    """What one device says; `code` is the TokenError's, None for a good token, "unknown" for no verdict."""

    device: str
    folder: Path
    code: str | None
    reason: str

    @property
    def accepted(self) -> bool:
        """Whether the device would let the token's holder in now."""
        return self.code is None


def token_in(text: str) -> str:
    """The token in what somebody pasted: itself, a link with #token=, or a header field.

    Raises NotAToken when there is nothing that could be one.
    """
    text = text.strip().strip("'\"")
    if "#" in text:
        values = parse_qs(text.partition("#")[2]).get("token")
        if not values:
            raise NotAToken("the link has no token in it", "A token's link ends in #token=….")
        text = values[0]
    text = re.sub(r"^(authorization:)?\s*bearer(\s+|$)", "", text, flags=re.IGNORECASE)
    if not text:
        raise NotAToken("there is no token here", "Give a token, or a link with #token=… in it.")
    return text


def decode(token: str) -> tuple[dict, dict]:
    """The header and the claims, believed by nobody yet.

    Raises NotAToken, which says what part cannot be read.
    """
    segments = token.split(".")
    if len(segments) != 3:
        raise NotAToken(
            f"this is no token: a token has three parts with dots between, and this has {len(segments)}",
            "Copy it whole; a token starts with eyJ.",
        )
    if len(token) > _READ_LIMIT:
        raise NotAToken(f"this is too long for a token ({len(token)} octets)", f"A board reads {MAX_TOKEN}.")
    return _object(segments[0], "header"), _object(segments[1], "claims part")


def is_proof_only(token: str) -> bool:
    """Whether boards take the token for signed requests only, if at all: as a bearer they refuse each with a
    `cnf` (RFC 7800).
    """
    try:
        return "cnf" in decode(token)[1]
    except NotAToken:
        return False


def judge(token: str, folder: Path, now: int) -> Verdict:
    """What the device in this folder says to the token at `now`, Unix seconds. Raises nothing."""
    try:
        device = Device.load(folder)
        configured = device.keys()
    except UserError as error:
        return Verdict(folder.resolve().name, folder, "unknown", f"cannot tell: {error.message}")
    jwt = boardlib.lib("jwt")
    verifier = boardlib.lib("jwtproof").Verifier(
        [keys.board_key(key, short(device.keys_file)) for key in configured],
        audience=device.name,
        issuer=device.settings["issuer"],
        leeway=device.settings["leeway"],
    )
    try:
        claims = verifier.verify(token, now)
    except jwt.TokenError as error:
        return Verdict(device.name, folder, error.code, _because(error, token, device, configured, now))
    if claims.get("cnf", PROOF) != PROOF:
        why = "it is bound to a key (cnf) in a way that boards do not know"
        return Verdict(device.name, folder, "proof_required", why)
    bearer = "cnf" not in claims and device.settings["policy"]["bearer"]
    use = "" if bearer else ", for signed requests only"
    return Verdict(device.name, folder, None, f"good{use}, expires {ago(claims['exp'], now)}")


def _because(error: Exception, token: str, device: Device, configured: list[dict], now: int) -> str:
    """The verifier's refusal for a human, who may see what was expected: it is the human's own device."""
    try:
        header, claims = decode(token)
    except NotAToken as unreadable:
        return unreadable.message
    code = getattr(error, "code", "")
    if token.endswith("."):
        return "it is not signed"
    if code == "kid":
        named = f"it names the key {header['kid']!r}" if "kid" in header else "it names no key"
        return f"{named}, and the device has {', '.join(key['kid'] for key in configured)}"
    if code == "signature":
        return f"it was not signed with the device's key {header.get('kid', configured[-1]['kid'])!r}"
    if code == "audience":
        return f"it is for {_named(claims, 'aud')}, not for {device.name!r}"
    if code == "issuer":
        return f"it comes from {_named(claims, 'iss')}, not from {device.settings['issuer']!r}"
    if code == "expired":
        return f"it expired {ago(claims['exp'], now)}"
    if code == "not_yet_valid":
        starts = [claims[name] for name in ("nbf", "iat") if name in claims]
        return f"it is good only {ago(max(starts), now)}"
    return f"{code}: {error}"


def _named(claims: dict, name: str) -> str:
    return repr(claims[name]) if name in claims else "nobody in particular"


def _object(segment: str, what: str) -> dict:
    try:
        data = json.loads(
            base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
        )
    except (binascii.Error, ValueError, RecursionError):
        raise NotAToken(
            f"this is no token: its {what} cannot be read", "Copy it whole; a token starts with eyJ."
        ) from None
    if not isinstance(data, dict):
        raise NotAToken(f"this is no token: its {what} is not a JSON object")
    return data
