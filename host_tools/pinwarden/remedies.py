"""What to do about a board's refusal: one remedy for each code that a board answers with."""

from __future__ import annotations

import re

from pinwarden.call import Answer
from pinwarden.device import Device

# By `code`; for `invalid_token`, by `reason` too, which is the verifier's code.
_REMEDIES = {
    "missing_token": "This request needs a token: leave --token out and one is minted.",
    "bearer_disabled": "It takes signed requests only (policy.bearer in device.toml): leave --bearer out. "
    "curl and others that send the token itself cannot be used.",
    "stale_nonce": "Its challenge has changed twice meanwhile: it is very busy, it restarts, or somebody on "
    "the way changes its answers. Nothing was done. Try again.",
    "replayed": "Somebody on the way has sent this very request before: see what it did with: pinwarden "
    "call {name} GET pins",
    "created_out_of_window": "The board's clock and this computer's are more than 5 minutes apart, and what "
    "it says of its own does not help. Compare them: pinwarden doctor {name}",
    "invalid_request": "The board could not read the request. Does something on the way change it?",
    "clock_unset": "{clock}",
    "safe_mode": "The board's settings or secrets are not good. See its /healthz, and pinwarden check.",
    "not_found": "See what there is with: pinwarden call {name} GET pins",
    "method_not_allowed": "Use one of: {allow}",
    "bad_value": "A switch takes --data '{{\"value\": true}}', a pulse --data '{{\"ms\": 500}}' or nothing.",
    "not_supported": "A switch takes PUT and toggle, a pulse takes pulse: GET pins shows each pin's kind.",
    "unknown_pin": "See what there is with: pinwarden call {name} GET pins",
    "interlocked": "Another pin must be off first (interlock in device.toml).",
    "too_soon": "The pin has a least time between changes (min_interval). Try again{after}.",
    "rate_limited": "The board refuses this token, and was asked too much without one. Try again{after}.",
    "unknown_key": "See which keys there are with: pinwarden keys list {name}",
    "key_exists": "The board has another key of this name. See: pinwarden keys list {name}",
    "too_many_keys": "Retire one first: pinwarden keys list {name}, then keys retire {name} KID.",
    "key_retired": "Rotate by cable, which brings a random key: pinwarden keys rotate {name} --usb",
    "last_key": "Make another first: pinwarden keys rotate {name}",
    "key_in_use": "Make another first: pinwarden keys rotate {name}",
    "no_jti": "Use a token with a jti, as pinwarden mint makes them: by that its shares can be revoked.",
    "not_shareable": "Mint the guest's token here instead: pinwarden mint {name}",
    "perhaps_done": "Look before you send it again: pinwarden call {name} GET pins",
    "too_many_streams": "Ask for the pins instead: pinwarden call {name} GET pins",
    "too_many_revocations": "Revoke all tokens instead: pinwarden revoke {name} --all - and mint new ones.",
    "insufficient_storage": "Remove files that you have put on the board.",
    "unsupported_media_type": "Send JSON: --data takes care of it.",
    "misdirected": "Use the board's address, or add this name to hosts in device.toml. "
    "Without a network (secrets/wifi.toml) the board has no address.",
    "forbidden_origin": "The board takes this from no foreign web page (origins in device.toml).",
    "insufficient_scope": "Mint a token that may do this: pinwarden mint {name} --scope {scope}",
    "revoked": "The token was revoked. Mint a new one: pinwarden mint {name}",
    "invalid_token:expired": "Mint a new token. If this one is new, the board's clock may be wrong.",
    "invalid_token:not_yet_valid": "Wait for its start. If it is from just now, the clocks differ: "
    "set this computer's, see to the board's (pinwarden clock {name}), or raise leeway in device.toml.",
    "invalid_token:signature": "The board has other keys than this folder. Was it deployed from here?",
    "invalid_token:kid": "The board does not have the key that signed this. Deploy the new keys to it.",
    "invalid_token:audience": "It is for another device, or the board's name is not the one in device.toml.",
    "invalid_token:issuer": "The board wants another issuer. Deploy device.toml to it.",
    "invalid_token:proof_required": "It is good for signed requests only: leave --bearer out.",
    "invalid_token:revoked": "The token was revoked. Mint a new one: pinwarden mint {name}",
    "invalid_token": "Look into the token with: pinwarden inspect TOKEN",
}
_BY_STATUS = {
    308: "The board speaks HTTPS. Put tls = true under [http] in device.toml, or deploy to it what is there.",
    408: "The request came in too slowly. Try again.",
    413: "The body is longer than the board reads (http.max_body in device.toml).",
    414: "The path is longer than the board reads.",
    421: _REMEDIES["misdirected"],
    429: "Too much at once. Try again{after}.",
    431: "The head is longer than the board reads (http.max_head). Fewer scopes make a shorter token.",
    503: "The board is busy. Try again{after}.",
}
_SAFE_SCOPE = re.compile(r"[a-z0-9:_ -]{1,400}")


def unset_clock(device: Device) -> str:
    """What to do about a board that does not know the time."""
    tell = f"tell it the time: pinwarden clock {device.name} --set"
    if not device.settings["ntp"]:
        return f"It asks no time server (ntp in device.toml), so {tell}"
    return f"Wait a little; can it reach the servers under ntp in device.toml (UDP port 123)? Or {tell}"


def explain(answer: Answer, device: Device) -> tuple[str, str | None]:
    """What an answer of the device's board that is no success says, and what to do about it."""
    problem = answer.problem
    code = str(problem.get("code", ""))
    detail = problem.get("detail") or problem.get("title")
    fields = {
        "name": device.name,
        "allow": answer.headers.get("allow", "another method"),
        "after": _after(answer.headers.get("retry-after", "")),
        "clock": unset_clock(device),
        "scope": _scope(answer.headers.get("www-authenticate", "")),
    }
    remedy = (
        _REMEDIES.get(f"{code}:{problem.get('reason')}")
        or _REMEDIES.get(code)
        or _BY_STATUS.get(answer.status)
    )
    if not code and not detail:
        detail = "no explanation came with it; is this address a Pinwarden board?"
    message = f"{answer.phrase}: {detail or code}" + (f" [{code}]" if code and detail else "")
    return message, remedy.format(**fields) if remedy else None


def _after(seconds: str) -> str:
    return f" in {seconds} s" if seconds.isascii() and seconds.isdigit() else ""


def _scope(challenge: str) -> str:
    """The scope that RFC 6750 section 3 has in the challenge, ready to be pasted after --scope."""
    match = re.search(r'scope="([^"]*)"', challenge)
    if not match or not _SAFE_SCOPE.fullmatch(
        match.group(1)
    ):  # pasted into a shell: nothing but a scope may stand there
        return "SCOPE"
    return " --scope ".join(match.group(1).split())
