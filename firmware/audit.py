"""Who did what, and who was refused: what the board keeps of it until it is written to the flash.

Only what every request needs is here. audit_file.py has the files; it is loaded to write or to read them, and
unloaded again. docs/audit.md tells what is in a record, and how often the flash is written.
"""

import asyncio
import json

from micropython import const

from .ratelimit import address_of

_LOOK_MS = const(50)
_MINUTE = const(1200)  # looks
_SOON = const(30)  # looks: memory that was short a moment ago may be there again

_MOST = const(16)  # events that wait; more are only counted
_ROOM = const(1536)  # octets that they take
_TEXT = const(48)  # characters of a subject, an id or a value
# Of the commands of one subject in a quarter of an hour, the first few are kept; of more only the number and
# some pins. Further subjects count as one together. So in any such time no more than 2 * 5 * (4 + 1) + 5
# lines come of commands, however many guests there are: fewer than a ring holds.
_FEW = const(5)
_SUBJECTS = const(4)
_PINS = const(4)
_QUARTER = const(18000)  # looks
_LINE = const(512)  # octets of an event: with less text, if each of its characters takes up to 12 in JSON
_ENOUGH = const(10)  # events are written at once: so many make one write
_CROWDED = const(12)  # events: when so many wait, only those have room for another of whom none waits
_ROWS = const(6)  # kinds of refusals that are told apart; a further row is for all others
_PLAIN = const(3)  # of them without a credential: those are cheap, and must not hide who guesses
_FORGED = const("signature")  # the reason of a refusal of a token that no key of ours has signed

# Writes are saved up: 15 at the most, and one more every 80 s. That is 60 in any hour.
_SAVED = const(15)
_EARNED = const(1600)  # looks
_KEPT_BACK = const(5)  # refusals leave so many to what was done: strangers must not use them up

_LONGEST = const(72000)  # looks, an hour, between two writes of refusals that do not end

_BUSY_MS = const(300)  # a write to the flash stops everything else for so long, at worst
_LATEST = const(100)  # looks that a write may be put off


class Audit:
    """Hears of every answer, and keeps what is to be written: `.held`, whose first `.size` octets are the
    `.count` events that wait, oldest first, each a line of JSON, [Unix time or null, what, pin, value,
    subject, token's id, address]; `.refused`, a [address, code, count, subject] of each kind of refusal;
    `.tally`, a [subject, count, pins] of some who gave commands lately, how many more than are noted one by
    one, and the pins of these; `.dropped`, how many events there was no room for.

    `.saved` is how many writes the flash may be put to now.
    """

    def __init__(self, clock):
        self.now = clock.now
        self._clock = clock
        # Made once: events as objects of their own would lie all over the free memory, and leave no room for
        # a long token, nor for what writes them.
        self.held = bytearray(_ROOM)
        self.size = self.count = 0
        self.refused = []
        self.tally = []
        self.dropped = 0
        self.saved = _SAVED
        self._looks = self._age = self.since = 0
        self._pause = self._left = _MINUTE

    def hear(self, request, response):
        """Note what has come of a request; `request` is None where its head could not be read."""
        refused = response.status >= 400
        told = (response.reason or response.code) if refused else response.action
        if told is None:  # who has looked; or was told by /healthz that the board is not well
            return
        try:
            address = address_of(request.peer) if request and request.peer else None
            if refused:
                shown = request is not None and b"authorization" in request.fields
                self._refuse(address, told, response.subject, shown)
            else:
                if told[0] == "clock":
                    self._clock.was_moved = False  # that is not to stand here twice
                self.note(told, response.subject, response.token_id, address)
        except MemoryError:  # it has been done, and is to be answered
            self.dropped += 1

    def note(self, action, subject=None, token_id=None, address=None):
        """Note an event: `action` is (what, pin or None, value or None)."""
        what, pin, value = action
        is_command = pin is not None and what not in ("share", "more")
        if is_command and self._is_too_many(subject, pin):
            return
        entry = [self.now(), what, pin, value, subject, token_id, address]
        most = _TEXT
        while True:
            for place in (3, 4, 5):
                if type(entry[place]) is str:
                    entry[place] = entry[place][:most]
            text = json.dumps(entry).encode()
            if len(text) < _LINE or most == 0:
                break
            most //= 2  # nobody gets out of the record by a strange name
        end = self.size + len(text)
        if is_command and self.count >= _CROWDED:
            by = (", %s, " % json.dumps(entry[4])).encode()
            if self.held.find(by, 0, self.size) >= 0:  # what only looks so counts, too
                end = _ROOM
        if self.count == _MOST or end >= _ROOM:
            self.dropped += 1
        else:
            self.held[self.size : end] = text
            self.held[end] = 10  # the end of a line; there is none in JSON
            self.size = end + 1
            self.count += 1

    def _is_too_many(self, subject, pin):
        """Count a command. Guests who toggle a lamp must not wash out what others have done."""
        for name in (subject and subject[:_TEXT], None):
            for row in self.tally:
                if row[0] == name:
                    row[1] += 1
                    if row[1] > 0 and pin not in row[2] and len(row[2]) < _PINS:
                        row[2] += (pin,)
                    return row[1] > 0
            if len(self.tally) < _SUBJECTS:
                break
        self.tally.append([name, 1 - _FEW, ()])
        return False

    def _refuse(self, address, code, subject, shown):
        """Count a refusal; `shown` tells that a credential was shown."""
        row = self._row(address, code)
        if row is None and len(self.refused) >= (_ROWS if shown else _PLAIN):
            others = row = self._row(None, "others") or self._new(None, "others")
            if code == _FORGED:
                # Who forges tokens is not lost among the others: who was refused least goes there.
                row = min(self.refused, key=lambda row: (row[0] is None, row[1] == _FORGED, row[2]))
                others[2] += row[2]
                row[:] = [address, code, 0, None]
            else:
                subject = None
        row = row or self._new(address, code)
        row[2] += 1
        row[3] = subject or row[3]

    def _row(self, address, code):
        for row in self.refused:
            if row[1] == code and row[0] == address:
                return row
        return None

    def _new(self, address, code):
        self.refused.append([address, code, 0, None])
        return self.refused[-1]

    def look(self):
        """Count one look; return what is to be written now, a sum: 1 events, 2 refusals, 4 the tally and
        events.
        """
        if self._clock.was_moved:
            self._clock.was_moved = False
            self.note(("clock", None, self._clock.state()["source"]))
        self._looks += 1
        if self._looks >= _EARNED:
            self._looks = 0
            self.saved = min(self.saved + 1, _SAVED)
        due = 0
        if self.count:
            self._age += 1
            is_enough = self.count >= _ENOUGH or self.size > _ROOM * 3 // 4
            if self.saved > 0 and (self._age >= _MINUTE or (self._age >= 0 and is_enough)):
                due = 1
        if self.tally:
            self.since += 1
            if self.since >= _QUARTER and self.saved > 0:
                due |= 4
        if self.refused or self._pause > _MINUTE:
            self._left -= 1
            if self._left <= 0:
                if not self.refused:  # it has been quiet
                    self._pause = self._left = _MINUTE
                elif self.saved > _KEPT_BACK:
                    due |= 2
        return due

    def wrote(self, due, error):
        """Begin to wait anew after a write, for longer if refusals do not end: their files are small.
        After an `error` for a minute; if memory was short, which a stranger may have held, for a moment.
        """
        wait = _SOON if isinstance(error, MemoryError) else _MINUTE
        if due & 5:
            self._age = -wait if error else 0
            if due & 4:
                self.since = _QUARTER - wait if self.tally else 0
        if due & 2:
            if wait == _MINUTE:
                wait = self._pause = min(self._pause * 2, _LONGEST)
            self._left = wait


async def keep_audit(audit, write, is_busy, sleep_ms=asyncio.sleep_ms):
    """Have what waits written in time, for ever: by `write(due)`, which returns the exception that it has
    failed with, or None.

    `is_busy(within_ms)` is whether a pin must change within that time: a write would make it late. It is put
    off then, for a moment only.
    """
    late = 0
    while True:
        await sleep_ms(_LOOK_MS)
        due = audit.look()
        if due:
            late += 1
            if late > _LATEST or not is_busy(_BUSY_MS):
                late = 0
                audit.wrote(due, write(due))
