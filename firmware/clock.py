"""What time it is, in Unix seconds; or that nobody knows.

MicroPython counts from 2000 on an ESP32 and from 1970 elsewhere, and after a power cut it counts from there.
A token would look unexpired then: so a clock that reads earlier than this firmware was written is *unset*,
which is no time at all.

Nobody can turn the clock back behind a token that was good: the newest `iat` of a verified token is proof,
signed by a key of ours, that it is at least that late. A clock that falls far behind it is unset as well.
"""

import asyncio
import time

from micropython import const

# No correct clock reads less: 2026-01-01, in Unix seconds.
BUILD_DATE = 1767225600

# A token may be newer than our clock by the leeway, of which settings.py allows no more than this.
_LEEWAY = const(300)

_UNIX_OF_2000 = 946684800
_UNIX_OF_2100 = 4102444800

# ntptime takes a reply whose time is all zeros, a "kiss-o'-death" (RFC 5905 section 7.4), for the turn of the
# NTP era.
_UNIX_OF_NTP_ZERO = 2085978496

_RESYNC_MS = const(6 * 3600 * 1000)
_LOOK_MS = const(5000)
_POLL_MS = const(1000)


class Clock:
    """The board's clock. `rtc` has MicroPython's `RTC.datetime(tuple)`; `floor` is the newest `iat` known
    from before.

    A clock that is right already when the board starts, after a soft reset or a deep sleep, has the source
    "rtc". `.epoch` is the Unix time at which the board's own seconds begin.
    """

    def __init__(self, rtc, floor=0, time=time):
        self._rtc = rtc
        self._time = time.time
        self._gmtime = time.gmtime
        self.epoch = _UNIX_OF_2000 if time.gmtime(0)[0] == 2000 else 0
        self._floor = max(floor, BUILD_DATE)
        # In the board's own seconds: until 2034 those are small ints, which cost no memory, and Unix seconds
        # are not.
        self._earliest = self._floor - self.epoch
        self._last = self._last_unix = 0
        self._source = "rtc"

    def now(self):
        """Unix seconds, an int, or None while the clock is unset."""
        local = int(self._time())
        if local < self._earliest:
            if self._floor == BUILD_DATE or local < self._earliest - _LEEWAY:
                return None
            local = self._earliest
        if local != self._last:  # one new int a second, however many requests
            self._last = local
            self._last_unix = local + self.epoch
        return self._last_unix

    def set(self, unix, source):
        """Set the clock to Unix seconds; `source` is "ntp" or "manual". ValueError: it cannot be then."""
        if type(unix) is not int or not BUILD_DATE <= unix < _UNIX_OF_2100:
            raise ValueError("not a time between this firmware's making and the year 2100")
        if unix < self._floor:
            raise ValueError("earlier than the newest token that this board has admitted")
        date = self._gmtime(unix - self.epoch)
        self._rtc.datetime((date[0], date[1], date[2], date[6], date[3], date[4], date[5], 0))
        self._source = source

    def saw_iat(self, iat):
        """Note the `iat` of a token that was verified: it is that late at least."""
        if iat > self._floor:
            self._floor = iat
            self._earliest = iat - self.epoch

    def state(self):
        """{"set": bool, "source": "ntp", "manual", "rtc" or None}"""
        known = self.now() is not None
        return {"set": known, "source": self._source if known else None}


async def keep_time(clock, servers, may_block, ntp=None, sleep_ms=asyncio.sleep_ms, log=print):
    """Set the clock by NTP, for ever: at once, every six hours, and when it has become unset.

    `servers` are asked in turn. After a failure come 1, 2, 4 … 300 s of waiting, and up to an hour if the
    clock is set: each query stops everything else, for a second or for as long as DNS takes. So `may_block()`
    is asked before; it says no while a pulse is about to end, and while there is no network. `ntp` is the
    module ntptime. Its settime() would set the chip's clock to whatever a server says; its time() lets us
    look first.
    """
    if not servers:
        return
    if ntp is None:
        import ntptime as ntp
    delay = turn = 0
    while True:
        while not may_block():
            await sleep_ms(_POLL_MS)
        ntp.host = servers[turn % len(servers)]
        turn += 1
        try:
            unix = ntp.time() + clock.epoch
            if unix == _UNIX_OF_NTP_ZERO:
                raise ValueError("the server gives no time")
            clock.set(unix, "ntp")
        except Exception as error:  # no reply, half a reply, or a time that cannot be
            delay = min(delay * 2 or 1, 300 if clock.now() is None else 3600)
            log(f"clock: no time from {ntp.host} ({error!r}); trying again in {delay} s")
            rest = delay * 1000
        else:
            delay = 0
            rest = _RESYNC_MS
        was_set = clock.now() is not None
        while rest > 0 and (clock.now() is not None or not was_set):
            await sleep_ms(min(rest, _LOOK_MS))
            rest -= _LOOK_MS
