"""The audit's files, in rings of two. Loaded when something is to be written; audit_read.py reads them.

One ring is for what was done and a small one for refusals, so that no flood of these washes the others out.
Each line is a JSON object that ends in "h", 16 hex digits: the start of the SHA-256 of the "h" of the line
before and of the line itself without its own. The first line of a file is that of the last line before it,
number and "h" only; so the chain holds when the ring drops its older file. The numbers are those of both
rings together.

Lines are only ever added. One that a power cut has torn has no end: when the next is written, the file is cut
behind the last whole one, and a line says so.
"""

import os
from binascii import hexlify
from hashlib import sha256
from json import dumps, loads

from micropython import const

from . import storage

FOLDER = "/state/audit"
RINGS = (("events", 8192), ("refusals", 2048))  # octets of a file
_SPARE = const(128)  # of them are left for the line that tells of a torn one

_PIECE = const(1536)  # octets that are written at once
_AT_ONCE = const(12)  # lines, which is about as much
_CHUNK = const(512)  # octets that are read at once
_LINE = const(1023)  # octets; ours have less than 300
_TEXT = const(48)  # octets of a subject or an id
LAST = const(24)  # octets at the end of a line, from the comma before "h" on

_START = b"0000000000000000"  # the h before the first line
HEAD = b'{"n":%d,"h":"%s"}'


class _Ring:
    """A file, and the one before it. `.number` and `.digest` (bytes) are the last line's. `.is_damaged` tells
    that the file was set aside just now.
    """

    def __init__(self, path, most):
        self._path = path
        self._most = most
        self.number = 0
        self.digest = _START
        self._size = 0
        self.is_torn = self.is_damaged = False
        if not self._find_last(path):
            if self._size:  # not a line of ours
                from .aside import set_aside

                set_aside(path, "no record is in it")
                self.is_damaged = True
                self._size = 0
                self.is_torn = False
            size, torn = self._size, self.is_torn
            self._find_last(path + ".old")
            self._size, self.is_torn = size, torn

    def _find_last(self, path):
        found = None
        if storage.is_there(path):
            for offset, line in lines(path):
                self._size = offset
                self.is_torn = line is None
                if line is not None:
                    self._size += len(line) + 1
                    found = parse(line) or found
        if found:
            self.number, self.digest = found
        return found

    def add(self, number, texts):
        """Write lines with the numbers from `number` on, as many as may be written at once; return how many.

        Each of `texts`, a list of bytes, is the members between the number and "h".
        """
        room = self._most - _SPARE - self._size
        if self._size and room < len(texts[0]) + 48:
            os.rename(self._path, self._path + ".old")
            self._size = 0
            room = self._most - _SPARE
        digest = self.digest
        size = count = 0
        # One by one, since memory is in pieces. The file system writes them together when the file is closed.
        with open(self._path, "ab") as file:
            for text in texts:
                try:
                    line, next_digest = _line(number + count, text, digest)
                    data = line if count else self._head() + line
                except MemoryError:
                    if count == 0:
                        raise
                    break  # those before it are written, and must not be again
                if count and size + len(data) > min(room, _PIECE):
                    break
                if file.write(data) != len(data):
                    raise OSError(28, "no room left")
                size += len(data)
                digest = next_digest
                count += 1
        self._took(number + count - 1, digest, size)
        return count

    def mend(self, number, time):
        """Cut the file behind its last whole line, and add one that says so: both or neither."""
        ring = self._path[self._path.rfind("/") + 1 :]
        line, digest = _line(number, _text(time, "torn", (("value", ring),)), self.digest)
        data = self._head() + line
        storage.write_atomic(self._path, _pieces(self._path, self._size, data))
        self.is_torn = False
        self._took(number, digest, len(data))

    def _head(self):
        return b"" if self._size else HEAD % (self.number, self.digest) + b"\n"

    def _took(self, number, digest, size):
        self._size += size
        self.number = number
        self.digest = digest


def write(audit, due, folder=FOLDER):
    """Write what waits in `audit`, as far as it may: the events if `due` & 1, the refusals if `due` & 2,
    the tally and the events if `due` & 4. What
    was written waits no longer. Return whether a file is damaged and was set aside, now or earlier. Raises
    OSError, MemoryError.
    """
    was_damaged = bool(storage.make_folder(folder))
    rings = [_Ring(folder + "/" + name, most) for name, most in RINGS]
    number = max(rings[0].number, rings[1].number) + 1
    for ring in rings:
        if ring.is_torn:
            audit.saved -= 1
            ring.mend(number, audit.now())
            number += 1
    if due & 5:
        number = _write(audit, rings[0], number)
    if due & 4 and audit.saved > 0:  # there is room now
        _sum_up(audit)
        number = _write(audit, rings[0], number)
    while due & 2 and audit.refused and audit.saved > 0:
        now = audit.now()
        count = rings[1].add(number, [refusal(row, now) for row in audit.refused])
        audit.saved -= 1
        number += count
        while count:  # from here on nothing takes memory: what is written must not wait on
            audit.refused.pop(0)
            count -= 1
    return was_damaged or rings[0].is_damaged or rings[1].is_damaged


def _write(audit, ring, number):
    """Write the events that wait, with the numbers from `number` on. Return the next one."""
    while audit.count and audit.saved > 0:
        dropped = audit.dropped
        texts = []
        for entry in waiting(audit):
            texts.append(event(entry, 0 if texts else dropped))
            if len(texts) == _AT_ONCE:
                break
        count = ring.add(number, texts)
        # From here on nothing takes memory: what is written must not wait on.
        audit.saved -= 1
        number += count
        _forget(audit, count)
        audit.dropped -= dropped
    return number


def _sum_up(audit):
    """Note how many commands were not noted one by one, and begin anew to count."""
    for row in audit.tally:
        if row[1] > 0:
            audit.note(more(row), row[0])
            row[1] = 0
    audit.tally.clear()


def more(row):
    """Return what is noted of a row of the tally."""
    return "more", " ".join(row[2]), row[1]


def waiting(audit):
    """Yield the events that wait, oldest first, as Audit describes them."""
    start = 0
    while start < audit.size:
        end = audit.held.find(b"\n", start)
        yield loads(audit.held[start:end])
        start = end + 1


def _forget(audit, count):
    """Let go of the oldest of the events that wait."""
    start = 0
    for _ in range(count):
        start = audit.held.find(b"\n", start) + 1
    size = audit.size - start
    for i in range(size):  # a slice would take memory
        audit.held[i] = audit.held[start + i]
    audit.size = size
    audit.count -= count


def event(entry, dropped):
    """Return the text of one of the events that wait; before it `dropped` got lost."""
    time, what, pin, value, subject, token_id, address = entry
    members = (
        ("pin", pin),
        ("value", value),
        ("by", subject),
        ("jti", token_id),
        ("from", address),
        ("dropped", dropped or None),
    )
    return _text(time, what, members)


def refusal(row, time):
    """Return the text of a row of refusals that was counted until `time`."""
    address, code, count, subject = row
    members = (("by", subject), ("from", address), ("code", code), ("count", count))
    return _text(time, "refused", members)


def _text(time, what, members):
    """Return a line without its number and its h. Members that are None are left out."""
    text = b'"t":%s,"what":"%s"' % (dumps(time).encode(), what.encode())
    for name, value in members:
        if value is not None:
            text += b',"%s":%s' % (name.encode(), _json(value))
    return text


def _json(value):
    # It is a token's, or a request's: whoever signed it, a line has a greatest length.
    if type(value) is str:
        value = value[:_TEXT]
    text = dumps(value).encode()
    while len(text) > _TEXT + 2:  # escapes, or letters of several octets
        value = value[:-1]
        text = dumps(value).encode()
    return text


def _line(number, text, digest):
    """Return a whole line, and its h."""
    line = b'{"n":%d,%s' % (number, text)
    digest = digest_of(digest, line)
    return line + b',"h":"%s"}\n' % digest, digest


def digest_of(digest, text):
    """Return the h of a line that follows one with the h `digest`; `text` is the line up to its own."""
    return hexlify(sha256(digest + text).digest()[:8])


def parse(line):
    """Return (number, h) of a line, or None if it is none of ours."""
    if line[:5] != b'{"n":' or line[-LAST:-18] != b',"h":"' or line[-2:] != b'"}' or len(line) > _LINE:
        return None
    try:
        return int(line[5 : line.find(b",")]), line[-18:-2]
    except ValueError:
        return None


def lines(path):
    """Yield (offset, octets) of each line of a file; (offset, None) if the last one has no end."""
    offset = 0
    rest = b""
    with open(path, "rb") as file:
        while True:
            piece = file.read(_CHUNK)
            if not piece:
                break
            rest += piece
            end = rest.find(b"\n")
            while end >= 0:
                yield offset, rest[:end]
                offset += end + 1
                rest = rest[end + 1 :]
                end = rest.find(b"\n")
            if len(rest) > _LINE:  # none of ours
                yield offset, rest
                offset += len(rest)
                rest = b""
    if rest:
        yield offset, None


def _pieces(path, size, data):
    """Yield the first `size` octets of a file in pieces, then `data`."""
    with open(path, "rb") as file:
        while size > 0:
            piece = file.read(min(size, _CHUNK))
            if not piece:
                break
            size -= len(piece)
            yield piece
    yield data
