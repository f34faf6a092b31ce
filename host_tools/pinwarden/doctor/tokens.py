"""The tokens that the doctor asks a board with: one that it has to take, and those that it must refuse.

They sign requests; two go as bearers, where that is allowed. None has a scope: whoever overhears one may ask
the board for its name and its health, for a minute.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import jwt

from pinwarden import keys
from pinwarden.call import Answer
from pinwarden.device import Device
from pinwarden.doctor.examination import OK, Finding, failed, ok, skipped, warning
from pinwarden.doctor.judge import text
from pinwarden.mint import mint_token
from pinwarden.remedies import explain

SUBJECT = "pinwarden-doctor"  # stands in the board's log and audit
LIFE = 60  # seconds
FORGERIES = ("forged", "expired", "audience")
_DAY = 86400
_BRING = "Bring the setting to it: pinwarden deploy {}"
_REDEPLOY = "Deploy this version to it: its firmware is not the one that is here."


@dataclass(frozen=True)
class Forgery:
    """A token that no board may take, with the reason that it has to give."""

    name: str
    token: str
    reason: str
    accepted: str  # what it means when it is


def good(device: Device) -> str:
    """A token that the board has to take. Raises what `mint_token` raises."""
    return mint_token(device, subject=SUBJECT, scope=[], ttl=LIFE)


def good_by_any_clock(device: Device, now: int) -> str:
    """One that a board takes, too, whose clock is wrong by less than a day: to learn how wrong it is."""
    return _signed(device, {"exp": now + _DAY})


def forgeries(device: Device, now: int) -> list[Forgery]:
    """What the board has to refuse at `now`, Unix seconds. Raises what `Device.keys` raises."""
    right = {"iat": now - 2, "exp": now + LIFE}
    past = {"iat": now - 3 * _DAY, "exp": now - 2 * _DAY}
    foreign = secrets.token_bytes(keys.KEY_BYTES)
    return [
        Forgery(
            "forged",
            _signed(device, right, key=foreign),
            "signature",
            "the board takes a token that was signed with another key: anybody can open it",
        ),
        Forgery(
            "expired",
            _signed(device, past),
            "expired",
            "the board takes a token that expired two days ago",
        ),
        Forgery(
            "audience",
            _signed(device, {**right, "aud": f"not-{device.name}"}),
            "audience",
            "the board takes a token for another device",
        ),
    ]


def shown_proof(device: Device) -> Forgery:
    """A good token, but for signed requests only, which is no good as a bearer. Raises what `mint_token`
    raises.
    """
    return Forgery(
        "proof-only",
        mint_token(device, subject=SUBJECT, scope=[], ttl=LIFE, proof=True),
        "proof_required",
        "the board takes a token that is for signed requests only as a bearer: it can be recorded and used",
    )


def judge_good(answer: Answer, device: Device) -> Finding:
    """The answer to a good token."""
    if answer.status == 200:
        return ok("a token minted here is accepted")
    if answer.problem.get("code") in ("clock_unset", "safe_mode"):
        return skipped(f"the board admits nobody now ({answer.problem['code']})")
    message, remedy = explain(answer, device)
    return failed(f"a token minted here is refused: {message}", remedy)


def judge_forgery(answer: Answer, forgery: Forgery, device: Device, *, takes_good: bool) -> Finding:
    """The answer to a token that must be refused; `takes_good` tells whether the board takes good ones."""
    code, reason = answer.problem.get("code"), answer.problem.get("reason")
    if 200 <= answer.status < 300:
        return failed(forgery.accepted, _REDEPLOY)
    if answer.status == 401 and code == "invalid_token" and reason == forgery.reason:
        return ok("refused")
    if code in ("clock_unset", "safe_mode"):
        return skipped(f"the board admits nobody now ({code})")
    if answer.status == 401 and not takes_good:
        return skipped("refused, but so is a good one")
    if answer.status == 401:
        return warning(f"refused, but for another reason: {text(reason) or text(code)}", _REDEPLOY)
    message, remedy = explain(answer, device)
    return warning(f"the board could not be asked: {message}", remedy)


def judge_bearer(answer: Answer, device: Device) -> Finding:
    """The answer to a good token that was sent itself."""
    if answer.problem.get("code") == "bearer_disabled":
        found = "the board takes signed requests only, and policy.bearer is true"
        return warning(found, _BRING.format(device.name))
    finding = judge_good(answer, device)
    return ok("accepted, too (policy.bearer)") if finding.state == OK else finding


def judge_disabled(answer: Answer, device: Device) -> Finding:
    """The answer to a bearer, where policy.bearer is false."""
    code = answer.problem.get("code")
    if answer.status == 401 and code == "bearer_disabled":
        return ok("refused, as policy.bearer wants")
    if code in ("clock_unset", "safe_mode"):
        return skipped(f"the board admits nobody now ({code})")
    return failed(
        "the board takes tokens that are sent themselves, and policy.bearer is false",
        _BRING.format(device.name),
    )


def judge_none(answer: Answer, device: Device) -> Finding:
    """The answer to a request without a token."""
    if 200 <= answer.status < 300:
        return failed("the board answers without a token: anybody can open it", _REDEPLOY)
    if answer.status == 401 and answer.problem.get("code") == "missing_token":
        return ok("refused, 401")
    if answer.problem.get("code") == "safe_mode":
        return skipped("the board admits nobody now (safe_mode)")
    message, remedy = explain(answer, device)
    return warning(f"the board could not be asked: {message}", remedy)


def _signed(device: Device, claims: dict, *, key: bytes | None = None) -> str:
    """A token with just these claims, and those that every token of this device has."""
    own = device.keys()[-1]
    common = {"aud": device.name, "sub": SUBJECT, "jti": secrets.token_urlsafe(12)}
    if device.settings["issuer"] is not None:
        common["iss"] = device.settings["issuer"]
    return jwt.encode(
        {**common, **claims},
        keys.secret(own) if key is None else key,
        algorithm=own["alg"],
        headers={"kid": own["kid"], "typ": "JWT"},
    )
