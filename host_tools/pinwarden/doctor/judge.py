"""What the doctor thinks of a value that a board told, over the network or over USB.

A value may be anything: what tells it may be no board at all.
"""

from __future__ import annotations

from pinwarden.board import OLDEST_MICROPYTHON
from pinwarden.board_words import CLOCKS, STARTS
from pinwarden.device import Device
from pinwarden.doctor.examination import Finding, failed, ok, skipped, warning
from pinwarden.duration import ago, local, spell
from pinwarden.remedies import unset_clock
from pinwarden.sizes import size

NEAR, FAR = 5, 60  # seconds between two clocks: nobody notices; tokens of a minute fail
GOOD_SIGNAL, WEAK_SIGNAL = -70, -80  # dBm: below the first, answers get slow; below the second, they get lost
LITTLE_HEAP = 16384  # bytes: a request with a long token takes about 8 kB while it is answered
LITTLE_FLASH = 262144  # bytes: room for the files of one more version, which is what a deployment needs
SAFE_MODE_CRASHES = 3


def number(value: object) -> int | None:
    """The value if it is a whole number that a board could tell; True is none."""
    return value if type(value) is int and abs(value) < 1 << 53 else None


def member(data: object, *path: str) -> object:
    """The member of nested objects, None where there is none."""
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def text(value: object, longest: int = 200) -> str | None:
    """The value if it is a text, cut to what fits a line."""
    if not isinstance(value, str) or not value:
        return None
    return value if len(value) <= longest else value[:longest] + "…"


def clock(now: object, source: object, here: float, device: Device) -> Finding:
    """The board's clock beside this computer's; all in Unix seconds, `now` None while it is unset."""
    board = number(now)
    if board is None:
        return failed("not set: the board admits nobody", unset_clock(device))
    drift = round(board + 0.5 - here)  # it keeps whole seconds, cut off
    if abs(drift) <= 2:  # the answer took its time, too
        return ok(f"{_source(source)}, as this computer's")
    distance = f"{spell(abs(drift))} {'ahead of' if drift > 0 else 'behind'} this computer's"
    found = f"{_source(source)}, {distance} ({local(board)})"
    if abs(drift) <= NEAR:
        return ok(found)
    if source == "ntp":
        remedy = (
            "The board asked a time server, so this computer's clock is likely to be the wrong one. Set it."
        )
    elif device.settings["ntp"]:
        remedy = "Tokens start and end at the wrong time. Does the board reach the servers under ntp?"
    else:
        remedy = "Tokens start and end at the wrong time. If it is the board's clock: "
        remedy += f"pinwarden clock {device.name} --set"
    return warning(found, remedy) if abs(drift) <= FAR else failed(found, remedy)


def signal(dbm: object) -> Finding:
    """The strength of the access point's signal at the board, in dBm."""
    level = number(dbm)
    if level is None:
        return skipped("the board tells none: it is not a station of a network")
    if level >= GOOD_SIGNAL:
        return ok(f"{level} dBm, good")
    closer = "Move the board or the access point, or turn the board's antenna away from metal."
    if level >= WEAK_SIGNAL:
        return warning(f"{level} dBm, weak: answers may be slow", closer)
    return warning(f"{level} dBm, very weak: connections will break", closer)


def heap(free: object, when: str = "") -> Finding:
    """The board's free memory in bytes."""
    octets = number(free)
    if octets is None:
        return skipped("the board does not tell")
    if octets < LITTLE_HEAP:
        return warning(
            f"{size(octets)} free: little",
            "Restart the board. If it is so again soon: fewer connections (http in device.toml).",
        )
    return ok(f"{size(octets)} free {when}".rstrip())


def flash(free: object, total: object) -> Finding:
    """The free room of the board's file system in bytes."""
    octets, all_octets = number(free), number(total)
    if octets is None or all_octets is None:
        return skipped("the board does not tell")
    found = f"{size(octets)} of {size(all_octets)} free"
    if octets < LITTLE_FLASH:
        return warning(
            f"{found}: too little for one more version",
            "Remove files of your own from the board, or flash it anew.",
        )
    return ok(found)


def crashes(record: object) -> Finding:
    """{"count", "last"} of the crashes in a row, None for none."""
    count = number(member(record, "count")) or 0
    last = text(member(record, "last")) or text(member(record, "error"))
    if not count:
        return ok(f"none lately; before that: {last}" if last else "none")
    found = f"{count} in a row, the last: {last or 'unknown'}"
    remedy = "See where, with: pinwarden monitor"
    return failed(found, remedy) if count >= SAFE_MODE_CRASHES else warning(found, remedy)


def rolled_back(note: object, name: str) -> Finding:
    """The board's own note that it went back to its previous version."""
    why = text(note)
    if why is None:
        return ok("no")
    return warning(
        f"the board went back to its previous version: {why}", f"Mend it, then: pinwarden deploy {name}"
    )


def version(version: object, build: object, slot: object, ours: tuple[str, str | None], name: str) -> Finding:
    """The version on the board, against (version, build) of what a deployment would bring now."""
    theirs, its_build = text(version, 40), text(build, 40)
    where = f" (slot {slot})" if slot in ("a", "b") else ""
    deploy = f"To see what differs: pinwarden deploy {name} --dry-run. To send it: pinwarden deploy {name}"
    if theirs is None:
        return warning("the board does not tell its version", deploy)
    if theirs != ours[0]:
        return warning(f"the board runs {theirs}{where}, and this is {ours[0]}", deploy)
    if its_build is None or ours[1] is None:
        return ok(theirs + where)
    if its_build != ours[1]:
        return warning(
            f"{theirs}, but of other files or settings (build {its_build}, here {ours[1]})", deploy
        )
    return ok(f"{theirs}, build {its_build}, as here{where}")


def micropython(release: object) -> Finding:
    """The version of MicroPython, "1.29.0"."""
    told = text(release, 40)
    if told is None:
        return skipped("the board does not tell")
    parts = told.partition("-")[0].split(".")[:2]
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() for part in parts):
        return warning(f"{told}: no version that is known here")
    if (int(parts[0]), int(parts[1])) < OLDEST_MICROPYTHON:
        oldest = ".".join(map(str, OLDEST_MICROPYTHON))
        return failed(f"{told}, and Pinwarden needs {oldest}", "Install a newer one with: pinwarden flash")
    return ok(told)


def chip(told: object, wanted: str, remedy: str) -> Finding:
    """The chip on the board, against that of device.toml."""
    its = text(told, 40)
    if its is None:
        return skipped("the board does not tell")
    if its != wanted:
        return failed(f"the board is an {its}, and device.toml says {wanted}", remedy)
    return ok(its)


def started(seconds: object, cause: object, now: int) -> Finding:
    """How long the board has been running, and what started it."""
    running = number(seconds)
    if running is None or running < 0:
        return skipped("the board does not tell")
    why = STARTS.get(cause if isinstance(cause, str) else "", text(cause, 40) or "unknown")
    found = f"started {ago(now - running, now)}, by {why}"
    if cause == "wdt":
        return warning(found, "The application hung, and the watchdog ended it. See: pinwarden monitor")
    return ok(found)


def _source(source: object) -> str:
    return CLOCKS.get(source if isinstance(source, str) else "", "set")
