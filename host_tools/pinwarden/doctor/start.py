"""What the doctor reads from a board's log while it starts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pinwarden.doctor.examination import Finding, failed, ok, warning
from pinwarden.usb.repl import Repl

START_TIME = 9.0  # seconds; to join a network takes about four, and an attempt that fails up to ten
_CONNECTED = re.compile(r"wifi: connected, (\S+)")
_SERVING = re.compile(r"https?: serving (.+?) port (\d+)$")
_SETUP = re.compile(r"wifi: setup mode, network (.+) at (\S+)")
_NOT_JOINED = re.compile(r"wifi: (.+) \(status \d+\)$")
_SHOWN = 200  # characters of a line


def watch(repl: Repl, time_left: float) -> Finding:
    """Start the board, and judge by its log whether it comes up. Raises PortGone."""
    repl.reset()
    return judge(repl.lines(min(START_TIME, max(2.0, time_left))))


def judge(lines: Iterable[str]) -> Finding:
    """What a board's first lines say. Reads no further than it has to."""
    address = not_joined = ""
    problems: list[str] = []
    said = False
    for whole in lines:
        line = whole[:_SHOWN]
        said = said or bool(line.strip())
        if problems and not line.startswith("  "):
            break
        if line.startswith("safe mode:") or problems:
            problems.append(line.strip())
        elif (match := _SERVING.search(line)) and (address or not not_joined):
            where = match[1] if match[1] == "without Wi-Fi" else f"at {match[1]}"
            return ok(f"it serves {where}, port {match[2]}")
        elif match := _SETUP.search(line):
            return warning(
                f"it reaches no network, and has one of its own now: {match[1]}, at {match[2]}",
                "Correct secrets/wifi.toml, then deploy; or join that network.",
            )
        elif match := _CONNECTED.search(line):
            address = match[1]
        elif match := _NOT_JOINED.search(line):
            not_joined = match[1]
        elif line.startswith("wifi: no network is set"):
            return warning("it runs, and knows no network", "Put it into secrets/wifi.toml, then deploy.")
        elif line.startswith(("Traceback ", "main: the application has ended")):
            return failed("the application ends by itself", "See where, with: pinwarden monitor")
    if problems:
        return failed("\n".join(problems), "Mend what it says, then deploy.")
    return _not_up(address, not_joined, said)


def _not_up(address: str, not_joined: str, said: bool) -> Finding:
    """The board does not serve yet; why, as far as it said."""
    if address:
        return warning(f"it joined the network as {address}, and does not serve yet", "Run doctor again.")
    if not_joined:
        return failed(
            f"it does not join the network: {not_joined}",
            "Correct secrets/wifi.toml, then deploy. The board sees networks at 2.4 GHz only.",
        )
    if said:
        return warning("it started, and is not on the network yet", "Watch it: pinwarden monitor")
    return failed(
        "it prints nothing after its start",
        "Press its reset button, and watch it: pinwarden monitor. Or deploy anew.",
    )
