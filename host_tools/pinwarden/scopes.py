"""What a token may allow: the scopes that a board knows (RFC 6749 section 3.3 for their form)."""

from __future__ import annotations

from pinwarden.errors import UnknownPin, UnknownScope
from pinwarden.find import closest

WHOLE = {
    "pins:read": "see every pin",
    "pins:write": "switch every pin",
    "audit:read": "read who did what",
    "admin": "change keys, revoke tokens",
}
PER_PIN = ("pins:read", "pins:write")


def known(pins: list[str]) -> list[str]:
    """Every scope that means something on a device with these pins."""
    return [*WHOLE, *(f"{scope}:{pin}" for scope in PER_PIN for pin in pins)]


def for_pin(pin: str, pins: list[str], *, read_only: bool = False) -> list[str]:
    """The scopes to see one pin and, unless `read_only`, to switch it. Raises UnknownPin."""
    if pin not in pins:
        raise UnknownPin(f"there is no pin {pin!r}", _listed(pin, pins, "pins"))
    return [f"{scope}:{pin}" for scope in PER_PIN if not (read_only and scope == "pins:write")]


def check(scope: str, pins: list[str]) -> None:
    """Raise UnknownScope or UnknownPin, with the nearest that there is, unless the device has this scope."""
    possible = known(pins)
    if scope in possible:
        return
    start, _, pin = scope.rpartition(":")
    if start in PER_PIN:
        raise UnknownPin(
            f"the scope {scope!r} names a pin that the device does not have", _listed(pin, pins, "pins")
        )
    raise UnknownScope(f"there is no scope {scope!r}", _listed(scope, possible, "scopes"))


def allows_switching(scopes: list[str]) -> bool:
    """Whether any of these scopes lets its holder change a pin or the device."""
    return any(scope == "admin" or scope.startswith("pins:write") for scope in scopes)


def _listed(word: str, possible: list[str], what: str) -> str:
    listed = f"The {what} here: {', '.join(possible)}." if possible else f"The device has no {what}."
    return f"{closest(word, possible)} {listed}".strip()
