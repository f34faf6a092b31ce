"""Words for what a board tells by a code: why it started, and where its time is from."""

STARTS = {
    "pwron": "power on",
    "hard": "a reset",
    "wdt": "the watchdog",
    "soft": "a soft reset",
    "deepsleep": "sleep",
}
CLOCKS = {"ntp": "set by a time server", "manual": "set by hand", "rtc": "kept since before its restart"}
