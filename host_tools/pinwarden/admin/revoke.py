"""What is to be revoked: one token by its name (`jti`), or all that were made before a moment."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable

from pinwarden.device import Device
from pinwarden.errors import CannotRevoke
from pinwarden.inspect import decode, judge
from pinwarden.mint import SLACK


def one_token(device: Device, token: str, now: int) -> dict | None:
    """{"jti", "until"}: the board forgets it when the token has expired anyway. None: it has expired already.

    Raises NotAToken for what is none, and CannotRevoke for a token that has no name, or that is not one of
    this device's. `now` is Unix seconds.
    """
    _header, claims = decode(token)
    verdict = judge(token, device.folder, now)
    jti, exp = claims.get("jti"), claims.get("exp")
    if verdict.code == "expired" and type(exp) is int:
        return None
    if verdict.code not in (None, "not_yet_valid"):
        plain_name = isinstance(jti, str) and re.fullmatch(r"[A-Za-z0-9_-]+", jti)
        by_name = f" By its name alone: pinwarden revoke {device.name} --jti={jti}" if plain_name else ""
        raise CannotRevoke(
            f"the token is none of {device.name}'s: {verdict.reason}",
            f"Look into it with: pinwarden inspect -{by_name}",
        )
    if not isinstance(jti, str) or not jti:
        sub = claims.get("sub")
        subject = f"--sub {shlex.quote(sub)}" if isinstance(sub, str) and sub else "--sub WHO"
        raise CannotRevoke(
            "the token has no name (jti), so it cannot be revoked by itself",
            f"Revoke all of its holder's tokens ({subject}), or all that there are (--all).",
        )
    return {"jti": jti, "until": exp}


def made_before(
    when: int | None, *, clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
) -> int:
    """The `before` of a revocation, Unix seconds: tokens whose `iat` is earlier are refused.

    `when` is what the user asked for; None is now.

    Tokens are made as of SLACK seconds ago, so that is what "now" has to be compared with: later, and the
    admin token that brings the revocation would revoke itself, and every token of the next seconds with it.
    A second has to pass, too: within one, a token from before the revocation and one from after are alike.
    """
    now = clock()
    if when is not None and when <= int(now) - SLACK:
        return when
    turn = int(now) + 1
    while (now := clock()) < turn:
        sleep(turn - now)
    return int(now) - SLACK
