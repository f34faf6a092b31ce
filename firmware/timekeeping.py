"""Asking time servers, and keeping the mark: what clock.py knows for certain outlives a power cut.

Whoever owns the network can send what he likes as the answer of a time server: NTP is not signed. He cannot
send the clock back behind what is certain. Nor far ahead with one server alone: beyond `max_jump` seconds
after what is certain it takes two that agree, and a board that was never told a time takes it from two only.
What one server says never counts as certain, so a lie in small steps gets no further than one in a single
step.

Loaded when a server is to be asked or the mark is to be written, and unloaded again: see app.py.
"""

import strictjson
from micropython import const

from . import storage

PATH = "/state/clock.json"

_MEMBERS = "iat mark ahead"  # in one string: names are never freed
_UNIX_OF_2100 = const(4102444800)

# ntptime takes a reply whose time is all zeros, a "kiss-o'-death" (RFC 5905 section 7.4), for the turn of the
# NTP era.
_UNIX_OF_NTP_ZERO = const(2085978496)

# All in seconds.
_AGREE = const(10)  # between two servers, or a server and the clock
_RESYNC = const(6 * 3600)
_LONGEST_UNSET = const(300)
_LONGEST_SET = const(3600)


def load(path=PATH, log=print):
    """Return what Clock.hold() has returned before the start, zeros if nothing is kept; or None where the
    file was damaged, and set aside.
    """
    try:
        data = storage.read(path)
        return (0, 0, 0) if data is None else _parsed(data)
    except (OSError, ValueError) as error:
        from .aside import set_aside

        log("clock: what the time was is lost; the next time takes two servers, or an administrator")
        set_aside(path, error, log)
    return None


def flush(clock, path=PATH, log=print):
    """Move the mark up to now, and write it."""
    try:
        kept = b'{"iat": %d, "mark": %d, "ahead": %d}' % clock.hold()
        storage.write_atomic(path, storage.sealed((kept,)))
    except OSError as error:
        log("clock: %s cannot be written: %r" % (path, error))


def sync(clock, servers, max_jump, asked, delay, path=PATH, ntp=None, log=print):
    """Ask the next server what time it is. Return in how many seconds to ask again: 1, 2, 4 … after a failure
    or while only one server has said so, `delay` being the last number; six hours when all is well.

    `asked` is a list, empty at first, for what each server has said the last time. `ntp` is the module
    ntptime. Its settime() would set the chip's clock to whatever a server says; its time() lets us look
    first.
    """
    if not servers:
        clock.problem = "no time server is set"
        return _RESYNC
    if ntp is None:
        import ntptime as ntp
    if not asked:
        asked.append(0)
        asked.extend([None] * len(servers))
    turn = asked[0] % len(servers) + 1
    asked[0] = turn
    ntp.host = servers[turn - 1]
    try:
        asked[turn] = None
        is_certain = _take(clock, servers, max_jump, asked, turn, path, ntp, log)
    except Exception as error:  # no reply, half a reply, or a time that cannot be
        is_certain = False
        if type(error) is ValueError:
            problem = "the time of %s is not taken (%s)" % (ntp.host, error)
        else:
            problem = "no time from %s (%r)" % (ntp.host, error)
        if clock.now() is None:
            clock.problem = problem
        delay = _later(clock, delay)
        log("clock: %s; trying again in %d s" % (problem, delay))
        return delay
    if is_certain or len(servers) == 1:
        return _RESYNC
    return _later(clock, delay)


def _take(clock, servers, max_jump, asked, turn, path, ntp, log):
    """Set the clock by the answer of a server. Return whether the time is certain. Raises ValueError."""
    unix = ntp.time() + clock.epoch
    if unix == _UNIX_OF_NTP_ZERO:
        raise ValueError("it gives none")
    # When the board was started, by this server: so answers can be compared that came at different times.
    start = asked[turn] = unix - clock.tick()
    others = [
        abs(other - start)
        for name, other in zip(servers, asked[1:])
        if name != ntp.host and other is not None
    ]
    agrees = bool(others) and min(others) <= _AGREE
    certain = clock.certain()
    now = clock.now()
    if not agrees:
        if certain is None or unix > certain + max_jump:
            raise ValueError("far ahead of what is certain: a second server has to agree")
        if others and now is not None and abs(unix - now) > _AGREE:
            raise ValueError("another server says otherwise")
    # What is certain does not go back: two servers that lie could slow it down, five minutes each time.
    clock.set(unix, "ntp", agrees and (certain is None or unix > certain))
    if agrees:
        return True
    if now is not None and abs(unix - now) > _AGREE:
        # Else a reset would make certain what one server has said.
        flush(clock, path, log)
    return abs(unix - certain) <= _AGREE


def _later(clock, delay):
    if delay == _RESYNC:
        delay = 0
    return min(delay * 2 or 1, _LONGEST_UNSET if clock.now() is None else _LONGEST_SET)


def _parsed(data):
    content = strictjson.loads(data)
    if type(content) is not dict:
        raise ValueError("not an object")
    storage.check_sum(data, content)
    members = _MEMBERS.split(" ")
    if len(content) != len(members):
        raise ValueError("not the members that it should have")
    kept = tuple([content.get(name) for name in members])
    for seconds in kept:
        if type(seconds) is not int or not -_UNIX_OF_2100 < seconds < _UNIX_OF_2100:
            raise ValueError("a member that is not a time")
    if kept[0] < 0 or kept[1] < 0:  # pyright: ignore[reportOptionalOperand]
        raise ValueError("a time before there were any")
    return kept
