"""The doctor's way to a board in the network: its name, and a connection."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterable

from pinwarden.address import HTTP as HTTP_PORT
from pinwarden.address import default_port, join
from pinwarden.device import Device
from pinwarden.doctor.examination import HTTP, Examination, Finding, failed, ok, skipped, warning, within
from pinwarden.mint import is_loopback, local_name

RESOLVE_TIME = 3.0  # seconds; mDNS answers within one, and where nobody has the name, five may pass
CONNECT_TIME = 3.0
_PHONES = "Many Android phones find no .local names: for them, take the address (mint --qr does)."


def examine(examination: Examination, device: Device, address: str | None) -> str | None:
    """The address, HOST[:PORT], at which something takes a connection; None if none does.

    `address` is where to look; None for where the board last was, and for its name.
    """
    found: list[str] = []
    examination.ask(HTTP, "resolve", lambda: resolve(device, address, found), limit=RESOLVE_TIME + 1)
    reached: list[str] = []
    places = candidates(device, address, found)
    limit = CONNECT_TIME * max(1, len(places)) + 1
    examination.ask(HTTP, "connect", lambda: connect(places, reached, default_port(device)), limit=limit)
    return reached[0] if reached else None


def skip_all(examination: Examination, why: str) -> None:
    """Note why nothing was looked for."""
    examination.skip(HTTP, "resolve connect", why)


def candidates(device: Device, address: str | None, found: Iterable[str]) -> list[str]:
    """Where to look for the board: HOST[:PORT], the likeliest first."""
    if address is not None:
        return [address]
    places = _candidates(device, found)
    if device.settings["http"]["tls"]:  # in safe mode it speaks plain HTTP, at the usual port
        # join() writes the port, as it is not HTTPS's.
        places += [join(device, split(place)[0], HTTP_PORT) for place in places]
    return places


def _candidates(device: Device, found: Iterable[str]) -> list[str]:
    port = device.settings["http"]["port"]
    seen = device.last_seen()
    places = [join(device, seen["address"], seen["port"])] if seen else []
    return list(dict.fromkeys([*places, *(join(device, host, port) for host in found)]))[:2]


def resolve(device: Device, address: str | None, found: list[str]) -> Finding:
    """Look the board's .local name up as any program here does; what it stands for goes into `found`."""
    name, seen = local_name(device), device.last_seen()
    known = split(address)[0] if address else seen["address"] if seen else None
    if known and is_loopback(known) and (address or _takes_connection(seen)):
        return skipped("the board is on this computer")
    try:
        answers = within(
            RESOLVE_TIME, lambda: socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        )
    except TimeoutError:
        return warning(f"no answer for {name} within {RESOLVE_TIME:.0f} s", name_remedy())
    except (OSError, UnicodeError):
        return warning(f"{name} is not found from here", name_remedy())
    found += dict.fromkeys(str(answer[4][0]) for answer in answers)
    told = f"{name} is {', '.join(found)}"
    if seen and address is None and seen["address"] not in found:
        return warning(
            f"{told}, and the board last answered at {seen['address']}",
            "It has another address now, or two boards have this name. The router can give it a fixed one.",
        )
    return ok(told)


def connect(places: list[str], reached: list[str], default: int = 80) -> Finding:
    """Connect to the first of `places` that takes it; that one goes into `reached`."""
    refused = []
    for place in places:
        host, port = split(place, default)
        try:
            socket.create_connection((host, port), CONNECT_TIME).close()
        except (OSError, UnicodeError) as error:
            refused.append(f"{place}: {_why(error)}")
        else:
            reached.append(place)
            return ok(
                f"{place}, this computer: a simulated board, or a tunnel" if is_loopback(host) else place
            )
    return failed(
        "\n".join(refused) or "no address of the board is known",
        "Is the board on, and this computer in the same network, not in one for guests? Its router lists the "
        "board's address: give it by --address. On a cable, its log says more: pinwarden monitor",
    )


def split(place: str, default: int = 80) -> tuple[str, int]:
    """The host and the port of HOST[:PORT], an IPv6 address without its brackets."""
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, str(default)
    return host.strip("[]"), int(port)


def name_remedy(platform: str = sys.platform) -> str:
    """What to do where a .local name is not found."""
    if platform == "win32":
        here = "Windows looks it up where the network is set to private (Settings, Network), without a VPN."
    elif platform == "darwin":
        here = "macOS looks it up, but for a VPN or a network for guests."
    elif "WSL_DISTRO_NAME" in os.environ:
        here = "WSL looks up no such names: use the address."
    else:
        here = "Linux needs avahi-daemon and libnss-mdns, or systemd-resolved with MulticastDNS=yes."
    return f"{here} {_PHONES}"


def _takes_connection(seen: dict | None) -> bool:
    """Whether the board that was simulated here still is. A real one may have come after it."""
    if seen is None:
        return False
    with contextlib.suppress(OSError):
        socket.create_connection((seen["address"], seen["port"]), 1).close()
        return True
    return False


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "nothing answers there"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return "that is no address"
