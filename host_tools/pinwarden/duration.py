"""Lengths and points of time as people write and read them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
LONGEST = 100 * 365 * 86400  # seconds; beyond it a typing error is likelier than a wish
_NAMES = {86400: "day", 3600: "hour", 60: "minute", 1: "second"}


def parse(text: str) -> int:
    """Seconds from "45s", "90m", "12h", "30d" or "2w". Raises ValueError, which says what is wrong."""
    wanted = 'a number and a unit, for example "45s", "90m", "12h", "30d" or "2w"'
    match = re.fullmatch(r"([0-9]+)([A-Za-z]*)", text.strip(), re.ASCII)
    if not match:
        raise ValueError(f"{text!r} is not a length of time; write {wanted}")
    number, unit = match.groups()
    if not unit:
        raise ValueError(f"{text!r} has no unit; write {wanted}")
    if unit not in UNITS:
        raise ValueError(f"{text!r} has the unit {unit!r}; the units are s, m, h, d and w")
    if len(number) > 12 or int(number) * UNITS[unit] > LONGEST:
        raise ValueError(f"{text!r} is more than a hundred years")
    if int(number) == 0:
        raise ValueError(f"{text!r} is no time at all")
    return int(number) * UNITS[unit]


def parse_moment(text: str, now: int) -> int:
    """Unix seconds from "2h" (from now), "2026-12-24", "2026-12-24T18:00" (local time) or "…T18:00+01:00".

    Raises ValueError, which says what is wrong.
    """
    if re.fullmatch(r"[0-9]+[A-Za-z]*", text.strip(), re.ASCII):
        return now + parse(text)
    try:
        moment = datetime.fromisoformat(text.strip())
        return int(moment.timestamp())  # a moment without an offset is local time
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f'{text!r} is not a moment; write "2h" (from now), "2026-12-24" or "2026-12-24T18:00"'
        ) from None


def spell(seconds: int) -> str:
    """ "30 days", "1 hour 30 minutes": exact."""
    parts = []
    for size, name in _NAMES.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(_count(count, name))
    return " ".join(parts) or "0 seconds"


def ago(moment: int, now: int) -> str:
    """ "in 3 days", "2 hours ago", "now": rounded, in the largest unit of which there are two or more."""
    distance = abs(moment - now)
    if not distance:
        return "now"
    fitting = [(size, name) for size, name in _NAMES.items() if distance >= 2 * size]
    size, name = fitting[0] if fitting else (1, "second")
    text = _count(round(distance / size), name)
    return f"in {text}" if moment > now else f"{text} ago"


def local(moment: int) -> str:
    """ "2026-12-24 18:00:00 +0100", in this computer's time zone; what no calendar holds stays a number."""
    try:
        return datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    except (ValueError, OverflowError, OSError):
        return str(moment)


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"
