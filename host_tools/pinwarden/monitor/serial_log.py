"""A board's serial log as it comes over the port: octets into lines, and what to know about some of them."""

from __future__ import annotations

import re

LONGEST = 2048  # octets of a line; a longer one is cut into several

# The parts of the firmware that write lines "PART: …", and the colour of each.
STYLES = (
    (re.compile(r"safe mode:|Traceback \(most|Guru Meditation|abort\(\) was called|E \("), "bold red"),
    (re.compile(r"(?:[A-Z]\w*(?:Error|Exception)|KeyboardInterrupt)\b"), "red"),
    (re.compile(r"(?:boot|main):"), "magenta"),
    (re.compile(r"slots:"), "yellow"),
    (re.compile(r"wifi:"), "cyan"),
    (re.compile(r"http:"), "green"),
    (re.compile(r"clock:"), "blue"),
    (
        re.compile(r"(?:rst:0x|configsip:|clk_drv:|SPIWP:|mode:|load:0x|entry 0x|ets [A-Z]|I \()"),
        "dim",
    ),  # loaders
)

# What the chip's own loaders say, and what to do about it.
_HINTS = (
    (
        re.compile(r"Brownout detector was triggered"),
        "The board gets too little power: use another cable or port, no hub, and a supply for the relays.",
    ),
    (
        re.compile(r"waiting for download|\(DOWNLOAD"),
        "The chip waits for flash tools: let go of its BOOT button, then press reset (EN).",
    ),
    (
        re.compile(r"invalid header: 0xffffffff|No bootable app partitions|flash read err"),
        "There is no firmware on the board. Run: pinwarden flash",
    ),
    (
        re.compile(r"TG[01]WDT_SYS_RST|RTCWDT_RTC_RST|TG[01]WDT_SYS_RESET"),
        "A watchdog reset the chip: what ran before did not come back in time.",
    ),
    (
        re.compile(r"^safe mode:"),
        "Pins stay safe until what follows is mended and deployed. See also: pinwarden doctor",
    ),
)


class Splitter:
    """Makes lines of octets that come in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete with `data`, without their ends; one beyond LONGEST in parts."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        lines = [part for line in whole for part in _cut(line)]
        while len(self._rest) > LONGEST:
            part, self._rest = _split(self._rest)
            lines.append(part)
        return [_text(line) for line in lines]

    def flush(self) -> str | None:
        """The beginning of a line that has no end yet, None if there is none: a prompt, or the last words."""
        rest, self._rest = self._rest, b""
        return _text(rest) if rest.strip(b"\r") else None


def style_of(line: str) -> str:
    """The colour of a line, "" for the terminal's own."""
    return next((style for pattern, style in STYLES if pattern.match(line)), "")


def hint_for(line: str) -> str | None:
    """What to do about a line, if anything is known."""
    return next((hint for pattern, hint in _HINTS if pattern.search(line)), None)


def _cut(line: bytes) -> list[bytes]:
    parts = []
    while len(line) > LONGEST:
        part, line = _split(line)
        parts.append(part)
    return [*parts, line]


def _split(line: bytes) -> tuple[bytes, bytes]:
    """The first LONGEST octets, or up to three fewer, so that no character is cut in two."""
    end = LONGEST
    while end > LONGEST - 4 and line[end] & 0xC0 == 0x80:
        end -= 1
    return line[:end], line[end:]


def _text(line: bytes) -> str:
    # What is no UTF-8 (noise while the chip resets, at another speed) is shown as \xNN.
    return line.strip(b"\r").decode("utf-8", "backslashreplace")
