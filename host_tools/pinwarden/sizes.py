"""How much memory, flash or file it is, in words: 1 kB is 1000 octets, as on the box of a board."""

from __future__ import annotations


def size(octets: int) -> str:
    """ "640 octets", "4.1 kB", "1.8 MB" """
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")):
        if octets >= unit:
            return f"{octets / unit:.1f} {name}"
    return f"{octets} octets"
