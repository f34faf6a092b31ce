"""What time it is, in Unix seconds; or that nobody knows.

MicroPython counts from 2000 on an ESP32 and from 1970 elsewhere, and after a power cut it counts from there.
A token would look unexpired then: so a clock that reads earlier than it can be is *unset*, which is no time
at all.

Nobody can turn the clock back behind what is known for certain:
- this firmware had been written;
- a key of ours has signed the newest `iat` of a verified token, elsewhere: one that the board has made itself
  proves nothing;
- the *mark*: a time that two servers, an administrator or a deployment told, and what has passed since by
  the crystal.

The last two outlive a power cut, see timekeeping.py, and docs/time.md for what this is good for.
"""

import asyncio
import time

from micropython import const

# No correct clock reads less: 2026-01-01, in Unix seconds.
BUILD_DATE = 1767225600

# Seconds. A token may be newer than our clock by the leeway, of which settings.py allows no more than this;
# and by so much the clock of an administrator's computer may be ahead, and not lock true time out for ever.
_LEEWAY = const(300)

_UNIX_OF_2000 = const(946684800)
_UNIX_OF_2100 = const(4102444800)

# What passes by the crystal is counted short by 1/4096: the mark must not overtake true time in a year
# without a server. A crystal is off by a tenth of that.
_SHORT = const(12)  # bits

_STEP = const(10)  # seconds: what is less is the crystal's error, put right

_HOUR = const(3600)
_MINUTE = const(60)
_POLL_MS = const(1000)
_ASK_MS = const(15000)  # outlasts DNS
_WRITE_MS = const(2000)


class Clock:
    """The board's clock. `rtc` has MicroPython's `RTC.datetime(tuple)`; `before` is what hold() has returned
    before the start.

    A clock that is right already when the board starts, after a soft reset or a deep sleep, has the source
    "rtc". `.epoch` is the Unix time at which the board's own seconds begin; `.problem` tells why the clock is
    unset, for people, or is None. `.was_moved` becomes true when the clock is set to
    another time than it told.
    """

    def __init__(self, rtc, before=(0, 0, 0), time=time):
        self._rtc = rtc
        self._time = time
        self.epoch = _UNIX_OF_2000 if time.gmtime(0)[0] == 2000 else 0
        self.problem = None
        self._iat, self._mark, ahead = before
        self._certain = max(self._iat, self._mark) or None
        self._certain_at = self._seconds = self._ms = 0
        self._ticks = time.ticks_ms()
        self._last = self._last_unix = 0
        self._source = "rtc"
        self.was_moved = False
        self._settle()
        now = self.now()
        if now is not None and now - ahead > (self._certain or 0):
            # A reset does not stop it; and only who has the board in his hands, on USB, could set it behind
            # our back.
            self._certain = now - ahead

    def _settle(self):
        # In the board's own seconds: until 2034 those are small ints, which cost no memory, and Unix seconds
        # are not.
        self._earliest = max(self._iat, self._mark, BUILD_DATE) - self.epoch

    def now(self):
        """Unix seconds, an int, or None while the clock is unset."""
        local = int(self._time.time())
        if local < self._earliest:
            if local < self._earliest - _LEEWAY or self._earliest + self.epoch == BUILD_DATE:
                return None
            local = self._earliest
        if local != self._last:  # one new int a second, however many requests
            self._last = local
            self._last_unix = local + self.epoch
        return self._last_unix

    def tick(self):
        """Return the seconds since the start, which nobody can set. To be asked every 6 days at the least:
        ticks wrap, and tell earlier from later within 2**29 ms.
        """
        ticks = self._time.ticks_ms()
        self._ms += self._time.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        self._seconds += self._ms // 1000
        self._ms %= 1000
        return self._seconds

    def certain(self):
        """What time it is at the least, for certain, in Unix seconds; None if that was never known."""
        if self._certain is None:
            return None
        passed = self.tick() - self._certain_at
        return max(self._certain + passed - (passed >> _SHORT), self._iat)

    def set(self, unix, source, is_certain):
        """Set the clock to Unix seconds; `source` is "ntp" or "manual". ValueError: it cannot be then."""
        if type(unix) is not int or not BUILD_DATE <= unix < _UNIX_OF_2100:
            raise ValueError("not a time between this firmware's making and the year 2100")
        if unix < max(self._iat, self._mark, (self.certain() or 0) - _LEEWAY):
            raise ValueError("earlier than this board knows it to be")
        if is_certain:
            self.hold()  # the mark stays where it is now: many small steps back get no further than one
        before = self.now()
        self.was_moved = self.was_moved or before is None or abs(unix - before) > _STEP
        date = self._time.gmtime(unix - self.epoch)
        self._rtc.datetime((date[0], date[1], date[2], date[6], date[3], date[4], date[5], 0))
        self._source = source
        self.problem = None
        if is_certain:
            self._be_certain(unix)

    def _be_certain(self, unix):
        self._certain_at = self.tick()
        self._certain = unix

    def saw_iat(self, iat):
        """Note the `iat` of a token that was verified: it is that late at least."""
        if iat > self._iat:
            if iat > (self.certain() or BUILD_DATE):
                self._be_certain(iat)
            self._iat = iat
            self._settle()

    def hold(self):
        """Move the mark up to what is certain now, less what an administrator's clock may be off. Return what
        is to be known after the next start: the newest `iat` and the mark, both in Unix seconds, 0 for
        nothing; and by how many seconds the clock is ahead of what is certain.
        """
        certain = self.certain() or 0
        if certain - _LEEWAY > self._mark:
            self._mark = certain - _LEEWAY
            self._settle()
        return self._iat, self._mark, (self.now() or certain) - certain

    def state(self):
        """{"set": bool, "source": "ntp", "manual", "rtc" or None}"""
        known = self.now() is not None
        return {"set": known, "source": self._source if known else None}


async def keep_time(clock, sync, address, is_busy, sleep_ms=asyncio.sleep_ms, log=print):
    """Have the clock set and its mark kept, for ever: it is set at once, every six hours, and when it has
    become unset; the mark is written when it was set, and once an hour.

    `sync(asked, delay)` asks a time server and returns in how many seconds to ask again, `sync(None, 0)`
    writes the mark: timekeeping.py, which is loaded for it. Asking stops everything else, for a second or for
    as long as DNS takes, and so does writing, for less. So neither is done while `is_busy(within_ms)`, which
    is whether a pin must change within that time. Both wait for a minute, as pulses without end must not
    have the time forgotten. Then the mark is written all the same; and asking, which waits for an `address()`
    first, has `is_busy(within_ms, True)` see to it that there are no further ones.
    """
    asked = []  # where timekeeping.py keeps what it knows
    delay = ask_at = write_at = late = 0
    was_set = False
    while True:
        seconds = clock.tick()
        is_set = clock.now() is not None
        if was_set and not is_set:
            delay = ask_at = 0
        try:
            if is_set and seconds >= write_at:
                late += 1
                if late > _MINUTE or not is_busy(_WRITE_MS):
                    late = 0
                    write_at = seconds + _HOUR
                    sync(None, 0)
            elif (
                seconds >= ask_at
                and address() is not None
                and not is_busy(_ASK_MS, seconds > ask_at + _MINUTE)
            ):
                ask_at = seconds + _MINUTE
                delay = sync(asked, delay)
                ask_at = clock.tick() + delay
        except MemoryError as error:  # to load timekeeping.py
            log("clock: too little memory: %s" % error)
        was_set = is_set
        await sleep_ms(_POLL_MS)
