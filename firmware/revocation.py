"""Revoking tokens that are good: one by its `jti`; those of a subject, or all, that are older than a time.

At most 64 ids and subjects are kept: each takes memory all the time, and flash at every change. The 65th is
refused, and none is dropped for it. All tokens from before a time are one number, for which there is always
room, and which is kept for ever.

An id or a subject is kept until the tokens that it is for have expired, for certain. If nobody says when that
is, it is in ten years, the most that a `max_ttl` may be: that of today bounds no token that was made under
another. The bound holds for whoever asks, too: nobody fills the list for good. It is relieved by revoking all
from before a time, as what that covers need not be kept: a subject with an earlier time; and an id that was
revoked more than five minutes before that time, for its token was there then.

Fails closed. A file that cannot be read is set aside as …/revocations.json.bad, and as nobody knows any more
whom it named, no token from before that moment is good. As long as it lies there and no new file does, the
same holds at each start: a power cut between the two steps opens nothing.

Over USB, after slots.enter() and with the clock set, this needs no running application:

    from firmware.revocation import Revocations
    Revocations().revoke(jti="…", until=1793491200)
"""

import json

import strictjson
from micropython import const

from . import storage
from .clock import Clock
from .revoked import NOTHING, Revoked, lasts

PATH = "/state/revocations.json"
MOST = 64

_LONGEST = const(128)  # bytes of a jti or a subject
_PIECE = const(256)  # bytes
_AHEAD = const(300)  # seconds by which a token that is good may be newer than our clock: the greatest leeway
_LONGEST_TTL = 315360000  # ten years, in seconds: the most that settings.py allows
_LAST = 9007199254740991  # the latest time that a token can tell: see jwt.py


class RevocationError(ValueError):
    """The revocation is refused, and nothing has changed. `.code` is bad_value or too_many_revocations."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Revocations:
    """The revocations in the file `path`, which is read unless `revoked`, what an earlier one has read, is
    given. `.lost` tells that it could not be read.

    `now()` returns Unix seconds, or None while nobody knows the time; by default it is the board's clock.
    `certain()` returns what time it is at the least; by default that is now.
    """

    def __init__(self, path=PATH, now=None, revoked=None, log=print, certain=None):
        self._path = path
        self._log = log
        self.lost = False
        self.revoked = revoked or Revoked(now or Clock(None).now, certain)
        if revoked is None:
            self._load()

    def is_revoked(self, claims, at=None):
        """Tell whether the token with these verified claims, a dict, is revoked: see Revoked."""
        return self.revoked.is_revoked(claims, at)

    def list(self):
        """Return what is revoked, a list of dicts as revoke() returns them: all, subjects, ids."""
        revoked = self.revoked
        return list(_entries(revoked.ids, revoked.subjects, revoked.all, revoked.certain()))

    def to_json(self):
        """Return the same as JSON, {"revocations": […]}, as a list of pieces, bytes."""
        revoked = self.revoked
        return list(_json(revoked.ids, revoked.subjects, revoked.all, revoked.certain()))

    def revoke(self, jti=None, sub=None, before=None, until=None):
        """Refuse the token `jti`; or those of `sub`, or all, whose `iat` is missing or earlier than `before`.
        Return what holds now, a dict with the same names; for a `jti`, what was made `before` is covered.

        `until` is when the last of them expires, ten years from now at the latest, which is the default; all
        are refused for ever. Both times are Unix seconds. Nothing is taken back: of two times for the same,
        the later one holds. Raises RevocationError, and OSError when the file cannot be written; nothing has
        changed then.
        """
        if self.revoked.recover is not None:
            self._recover()
        now = self.revoked.now()
        if now is None:
            raise RevocationError("bad_value", "the board's clock is not set; set it first")
        _check(jti, sub, before, until)
        if jti is not None and before is not None:
            raise RevocationError("bad_value", "before: goes with sub, or alone")
        if before is not None and before > now + _AHEAD:
            raise RevocationError("bad_value", "before: in the future; it would refuse tokens to come")
        latest = now + _AHEAD + _LONGEST_TTL
        if until is None:
            until = latest
        elif jti is None and sub is None:
            raise RevocationError("bad_value", "until: goes with jti or sub; `before` alone is for ever")
        elif until > latest:
            raise RevocationError(
                "bad_value", "until: beyond ten years; revoke all from before now, or retire the key"
            )
        elif not lasts(until, now):
            raise RevocationError("bad_value", "until: in the past; what it would refuse has expired anyway")
        return self._add(now, jti, sub, before, until)

    def _add(self, now, jti, sub, before, until):
        revoked = self.revoked
        ids, subjects, everything = revoked.ids.copy(), revoked.subjects.copy(), revoked.all
        if jti is not None:
            before, until = ids[jti] = _merged(ids.get(jti, NOTHING), now + _AHEAD + 1, until)
        elif sub is not None:
            before, until = subjects[sub] = _merged(subjects.get(sub, NOTHING), before, until)
        else:
            before = everything = max(everything, before)
            until = None
        certain = revoked.certain()
        for kept in (ids, subjects):
            for name, found in list(kept.items()):
                if found[0] <= everything or not lasts(found[1], certain):
                    del kept[name]
        if len(ids) + len(subjects) > MOST:
            raise RevocationError(
                "too_many_revocations", "%d are kept; revoke all from before now instead" % MOST
            )
        self._write(ids, subjects, everything, certain)
        revoked.hold(ids, subjects, everything)
        return _entry(jti, sub, before, until)

    def _load(self):
        try:
            data = storage.read(self._path)
            if data is not None:
                self.revoked.hold(*_parsed(data))
            elif storage.is_there(self._path + ".bad"):
                self._lose("is missing, as the one before could not be read")
        except (OSError, ValueError) as error:
            self._lose("cannot be read")
            from .aside import set_aside

            set_aside(self._path, error, self._log)
        if self.revoked.recover is not None:
            self._recover()

    def _lose(self, why):
        self.lost = True
        self._log("revocations: %s %s; no token from before now is taken any more" % (self._path, why))
        self.revoked.hold({}, {}, _LAST + 1, self._recover)

    def _recover(self):
        """Begin anew once the time is known: refuse what is older than now, for ever."""
        now = self.revoked.now()
        if now is None:
            return  # nor is any token good then
        self.revoked.hold({}, {}, now)
        try:
            self._write({}, {}, now, now)
        except OSError as error:
            self._log("revocations: %s cannot be written: %r" % (self._path, error))

    def _write(self, *what):
        storage.make_folder(self._path[: self._path.rfind("/")])  # over USB, on a board that never started
        storage.write_atomic(self._path, storage.sealed(_json(*what)))


def _later(a, b):
    return None if a is None or b is None else max(a, b)


def _merged(found, before, until):
    return max(found[0], before), _later(found[1], until)


def _entries(ids, subjects, everything, certain):
    if everything >= 0:
        yield _entry(None, None, everything, None)
    for sub in sorted(subjects):
        if lasts(subjects[sub][1], certain):
            yield _entry(None, sub, *subjects[sub])
    for jti in sorted(ids):
        if lasts(ids[jti][1], certain):
            yield _entry(jti, None, *ids[jti])


def _json(ids, subjects, everything, certain):
    # In pieces: all at once would be 10 kB in one block, which a board that has run for weeks may not have.
    piece = b'{"revocations": ['
    comma = b""
    for entry in _entries(ids, subjects, everything, certain):
        piece += comma + json.dumps(entry).encode()
        comma = b", "
        if len(piece) > _PIECE:
            yield piece
            piece = b""
    yield piece + b"]}"


def _entry(jti, sub, before, until):
    entry = {"jti": jti, "sub": sub, "before": before, "until": until}
    return {name: value for name, value in entry.items() if value is not None}


def _parsed(data):
    """Return (ids, subjects, all) of the file's content. Raises ValueError: it is none of ours."""
    ids, subjects, everything = {}, {}, NOTHING[0]
    content = strictjson.loads(data)
    if type(content) is not dict:
        raise ValueError("not an object")
    storage.check_sum(data, content)
    entries = content.pop("revocations", None)
    if content or type(entries) is not list:
        raise ValueError("not a list of revocations")
    for entry in entries:
        if type(entry) is not dict:
            raise ValueError("not a revocation")
        jti, sub, before, until = [entry.pop(name, None) for name in ("jti", "sub", "before", "until")]
        if entry:  # of a later version: what it would refuse nobody here can tell
            raise ValueError("a revocation of an unknown kind")
        _check(jti, sub, before, until)
        if jti is not None:
            ids[jti] = (_LAST if before is None else before, until)
        elif sub is not None:
            subjects[sub] = (before, until)
        else:
            everything = before
    return ids, subjects, everything


def _check(jti, sub, before, until):
    for name, text in (("jti", jti), ("sub", sub)):
        if text is not None and (type(text) is not str or not 0 < len(text.encode()) <= _LONGEST):
            raise RevocationError("bad_value", "%s: a text of 1 to %d bytes" % (name, _LONGEST))
    if (jti is None and before is None) or (jti is not None and sub is not None):
        raise RevocationError("bad_value", "jti, or before, or sub with before")
    for name, date in (("before", before), ("until", until)):
        if date is not None and (type(date) is not int or not 0 <= date <= _LAST):
            raise RevocationError("bad_value", "%s: whole Unix seconds" % name)
