"""What is revoked, as it is asked at each request. revocation.py reads it from the file and changes it; it is
loaded only for that.
"""

from micropython import const

# Seconds. By the leeway, of which settings.py allows no more, a token may be newer than our clock, and good
# for so long after its `exp`.
_LEEWAY = const(300)

NOTHING = (-1, 0)  # older than that is nothing: a token without `iat` counts as from -1


class Revoked:
    """Looks tokens up. `now()` returns Unix seconds, or None while nobody knows the time.

    `.ids` maps a `jti` and `.subjects` a `sub` to (before, until): tokens that were made before a time, all
    of which have expired at another. A token of a revoked `jti` is refused whenever it was made. `.all` is
    the `before` of everybody's tokens, for ever. Unix seconds; an `until` of None is for ever, too.
    `.recover`, if there is one, is called where nobody could read what was revoked: see Revocations.
    `.certain()` returns what time it is at the least: a server that lies must not make a revocation expire.
    """

    def __init__(self, now, certain=None):
        self.now = now
        self.certain = certain or now
        self.hold({}, {}, NOTHING[0])

    def hold(self, ids, subjects, everything, recover=None):
        """Let this be what is revoked."""
        self.ids = ids
        self.subjects = subjects
        self.all = everything
        self.recover = recover

    def is_revoked(self, claims, at=None):
        """Tell whether the token with these verified claims, a dict, is revoked: it, or its parent. `at`
        (Unix seconds) is the time by which it was found good, if that is not now().
        """
        # Three look-ups, and nothing new in memory.
        if "parent" in claims and self.is_revoked(claims["parent"], at):
            return True
        now = self.now() if at is None else at
        iat = claims.get("iat", -1)
        if iat < self.all and self.recover is not None:
            self.recover()
        if iat < self.all:
            return True
        found = self.subjects.get(claims.get("sub"))
        if found is not None and iat < found[0] and lasts(found[1], now):
            return True
        found = self.ids.get(claims.get("jti"))
        return found is not None and lasts(found[1], now)


def lasts(until, now):
    """Tell whether tokens that expire at `until` may be good yet."""
    return until is None or now is None or until + _LEEWAY > now
