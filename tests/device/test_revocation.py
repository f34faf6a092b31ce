"""Revocations: whom they are for, how long, and that nothing which goes wrong lets anybody in again."""

import errno
import json
import os

from firmware import aside, storage
from firmware.revocation import MOST, RevocationError, Revocations
from harness import cases, equal, raises
from secrets_bench import FOLDER, REVOCATIONS, Flash, every_cut, in_folder, left, put
from secrets_bench import content as content_of

NOW = 1793491200  # 2026-11-01
DAY = 86400
DECADE = 3650 * DAY  # the longest life of a token
LATEST = NOW + 300 + DECADE
BAD = REVOCATIONS + ".bad"


class Time:
    """What time it is, Unix seconds or None."""

    def __init__(self, unix=NOW):
        self.unix = unix

    def now(self):
        return self.unix


def revocations(time=None, **how):
    log = how.pop("log", [])
    return Revocations(REVOCATIONS, now=(time or Time()).now, log=log.append)


def content(path):
    """The entries in the file."""
    return content_of(path)["revocations"]


def token(**claims):
    every = dict({"jti": "id-1", "sub": "anna", "iat": NOW - 60, "exp": NOW + DAY}, **claims)
    return {name: value for name, value in every.items() if value is not None}


GOOD = [
    token(),
    token(jti=None),
    token(sub=None),
    token(iat=None),
    token(iat=0),
    token(jti="", sub=""),
    {"exp": NOW + 1},
]


@in_folder
def test_nothing_is_revoked_at_first():
    found = revocations()
    for claims in GOOD:
        equal(found.is_revoked(claims), False)
    equal(found.list(), [])
    equal(b"".join(found.to_json()), b'{"revocations": []}')
    equal(left(), [])


BY_ID = {"jti": "id-1"}
BY_SUBJECT = {"sub": "anna", "before": NOW}
ALL = {"before": NOW}


@cases(
    [
        ("this token", BY_ID, token(), True),
        ("whoever has it", BY_ID, token(sub="bob", iat=None), True),
        ("another one", BY_ID, token(jti="id-2"), False),
        ("an id that begins so", BY_ID, token(jti="id-11"), False),
        ("other capitals", BY_ID, token(jti="ID-1"), False),
        ("a token without an id", BY_ID, token(jti=None), False),
        ("a subject of this name", BY_ID, token(jti=None, sub="id-1"), False),
        ("hers", BY_SUBJECT, token(), True),
        ("the last second", BY_SUBJECT, token(iat=NOW - 1), True),
        ("made at that second: before is before", BY_SUBJECT, token(iat=NOW), False),
        ("made later", BY_SUBJECT, token(iat=NOW + 1), False),
        ("without iat, which counts as older than any time", BY_SUBJECT, token(iat=None), True),
        ("from 1970", BY_SUBJECT, token(iat=0), True),
        ("somebody else's", BY_SUBJECT, token(sub="bob"), False),
        ("nobody's", BY_SUBJECT, token(sub=None), False),
        ("nobody's, without iat", BY_SUBJECT, token(sub=None, iat=None), False),
        ("of an id that is her name", BY_SUBJECT, token(sub=None, jti="anna"), False),
        ("anybody's", ALL, token(sub="bob"), True),
        ("nobody's of all", ALL, {"iat": NOW - 1, "exp": NOW + 1}, True),
        ("all without iat", ALL, {"exp": NOW + 1}, True),
        ("all from 1970", ALL, token(iat=0), True),
        ("not those of that second", ALL, token(iat=NOW), False),
        ("not later ones", ALL, token(iat=NOW + 1), False),
    ]
)
@in_folder
def test_whom_it_is_for(what, claims, revoked):
    found = revocations()
    found.revoke(**what)
    equal(found.is_revoked(claims), revoked)
    equal(revocations().is_revoked(claims), revoked)


@in_folder
def test_they_add_up():
    found = revocations()
    found.revoke(jti="x", until=NOW + 5)
    found.revoke(sub="anna", before=NOW - 10)
    found.revoke(before=NOW - 100)
    for again in (found, revocations()):
        equal(again.is_revoked(token(jti="x", sub="bob", iat=NOW)), True)
        equal(again.is_revoked(token(iat=NOW - 11)), True)
        equal(again.is_revoked(token(iat=NOW - 10)), False)
        equal(again.is_revoked(token(sub="bob", iat=NOW - 101)), True)
        equal(again.is_revoked(token(sub="bob", iat=NOW - 100)), False)
        equal(
            again.list(),
            [
                {"before": NOW - 100},
                {"sub": "anna", "before": NOW - 10, "until": LATEST},
                {"jti": "x", "before": NOW + 301, "until": NOW + 5},
            ],
        )
    equal(content(REVOCATIONS), found.list())
    equal(json.loads(b"".join(found.to_json())), {"revocations": found.list()})


@cases(
    [
        ("an earlier time for all", {"before": NOW - 9}, ALL),
        ("an earlier time for her", {"sub": "anna", "before": NOW - 9}, BY_SUBJECT),
        ("an earlier end for her", dict(BY_SUBJECT, until=NOW + 9), BY_SUBJECT),
        ("an earlier end of an id", dict(BY_ID, until=NOW + 9), dict(BY_ID, until=NOW + 99)),
        ("the very same", BY_SUBJECT, BY_SUBJECT),
    ]
)
@in_folder
def test_nothing_is_taken_back(weaker, what):
    found = revocations()
    holds = found.revoke(**what)
    equal(found.revoke(**weaker), holds)
    equal(found.list(), [holds])
    equal(revocations().list(), [holds])
    other = Time()
    os.remove(REVOCATIONS)
    found = revocations(other)
    found.revoke(**weaker)
    equal(found.revoke(**what), holds)


@in_folder
def test_it_is_asked_by_the_time_that_the_token_was_found_good_by():
    """That is told by who sets the clock, and a time at which the token was good is not after its end."""
    time = Time()
    found = revocations(time)
    found.revoke(jti="id-1", until=NOW + 50)
    for claims in (token(), token(jti="x", parent={"jti": "id-1"})):
        time.unix = NOW + 350
        equal(found.is_revoked(claims), False)
        equal(found.is_revoked(claims, NOW + 349), True)
        time.unix = NOW
        equal(found.is_revoked(claims, NOW + 350), False)


@cases(
    [
        ("an id: the longest life that a token can have under any settings", BY_ID, LATEST),
        ("an id whose token's end is known", dict(BY_ID, until=NOW + 50), NOW + 50),
        ("a subject: the same, however old the tokens are", {"sub": "anna", "before": 1}, LATEST),
        ("a subject until then", dict(BY_SUBJECT, until=NOW + 50), NOW + 50),
    ]
)
@in_folder
def test_it_stays_until_its_tokens_have_expired(what, until):
    """With the greatest leeway, after `exp`, too."""
    time = Time()
    found = revocations(time)
    equal(found.revoke(**what)["until"], until)
    for unix in (NOW + 1, until - 1, until, until + 299):
        time.unix = unix
        for again in (found, revocations(time)):
            equal(again.is_revoked(token(iat=0)), True)
            equal(len(again.list()), 1)
    time.unix = None  # while nobody knows the time, no end has come
    equal(found.is_revoked(token(iat=0)), True)
    time.unix = until + 300
    for again in (found, revocations(time)):
        equal(again.is_revoked(token(iat=0)), False)
        equal(again.list(), [])
        equal(b"".join(again.to_json()), b'{"revocations": []}')


@in_folder
def test_all_is_for_ever():
    """One number, which takes no room: tokens of another issuer may live for centuries."""
    time = Time()
    revocations(time).revoke(before=NOW - DAY)
    time.unix = NOW + 50 * DECADE
    found = revocations(time)
    equal(found.list(), [{"before": NOW - DAY}])
    for claims in (token(iat=NOW - DAY - 1), token(iat=None)):
        equal(found.is_revoked(claims), True)
    equal(found.is_revoked(token(iat=NOW - DAY)), False)


@in_folder
def test_what_has_ended_makes_room():
    time = Time()
    found = revocations(time)
    for i in range(MOST):
        found.revoke(jti="id-%d" % i, until=NOW + 100 + i)
    time.unix = NOW + 100 + 300
    found.revoke(sub="anna", before=NOW)
    equal(len(found.list()), MOST)
    equal(len(content(REVOCATIONS)), MOST)
    equal(found.is_revoked(token(jti="id-0", sub="bob")), False)
    equal(found.is_revoked(token(jti="id-1", sub="bob")), True)


@cases([("ids", lambda i: {"jti": "id-%d" % i}), ("subjects", lambda i: {"sub": "s%d" % i, "before": NOW})])
@in_folder
def test_full(what):
    """Refused loudly: nothing is dropped for it, and what needs no room still works."""
    found = revocations()
    for i in range(MOST):
        found.revoke(**what(i))
    before = storage.read(REVOCATIONS)
    for more in (what(MOST), {"jti": "x"}, {"sub": "x", "before": NOW}):
        raises(RevocationError, found.revoke, code="too_many_revocations", **more)
        equal(found.is_revoked(token(jti="x", sub="x")), False)
    equal(storage.read(REVOCATIONS), before)
    equal(len(found.list()), MOST)
    found.revoke(**what(3))
    equal(found.revoke(before=NOW - 1), {"before": NOW - 1})
    equal(len(revocations().list()), MOST + 1)
    equal(found.is_revoked(token()), True)


@cases(
    [
        ("ids, once five minutes have passed", lambda i: {"jti": "id-%d" % i}, NOW + 1, NOW + 301, 0),
        ("not before: one's token may be newer", lambda i: {"jti": "id-%d" % i}, NOW, NOW + 300, MOST),
        ("nor ids for which it is too early", lambda i: {"jti": "id-%d" % i}, NOW + DAY, NOW, MOST),
        ("subjects at once", lambda i: {"sub": "s%d" % i, "before": NOW - i}, NOW, NOW, 0),
        ("but those with a later time", lambda i: {"sub": "s%d" % i, "before": NOW - i}, NOW, NOW - 9, 9),
    ]
)
@in_folder
def test_all_relieves_a_full_list(what, now, before, left_over):
    """Of what it covers: each of those tokens is refused as before."""
    time = Time()
    found = revocations(time)
    for i in range(MOST):
        found.revoke(**what(i))
    time.unix = now
    found.revoke(before=before)
    for again in (found, revocations(time)):
        equal(len(again.list()), 1 + left_over)
        for i in range(MOST):
            claims = token(jti="id-%d" % i, sub="s%d" % i, iat=NOW - i - 1)
            equal(again.is_revoked(claims), True)
    if left_over < MOST:
        found.revoke(jti="x")


@in_folder
def test_what_all_covers_takes_no_room():
    found = revocations()
    found.revoke(**ALL)
    equal(found.revoke(sub="anna", before=NOW - 1)["before"], NOW - 1)
    equal(found.list(), [ALL])
    equal(found.is_revoked(token(iat=NOW - 2)), True)


@in_folder
def test_a_file_of_before():
    """Of ids it did not tell when they were revoked; all had an end, which it has no more."""
    put(
        REVOCATIONS,
        {"revocations": [{"before": NOW, "until": NOW + 5}, {"jti": "x"}, {"jti": "y", "until": NOW}]},
    )
    time = Time(NOW + DAY)
    found = revocations(time)
    found.revoke(before=NOW + DAY)
    for_ever = {"jti": "x", "before": 9007199254740991}
    equal(found.list(), [{"before": NOW + DAY}, for_ever])
    equal(found.revoke(jti="x", until=NOW + 2 * DAY), for_ever)


@cases(
    [
        ("nothing", {}),
        ("an end only", {"until": NOW + 9}),
        ("a subject without a time", {"sub": "anna"}),
        ("an id with a time", {"jti": "x", "before": NOW}),
        ("an id with a subject", {"jti": "x", "sub": "anna"}),
        ("an id, a subject and a time", {"jti": "x", "sub": "anna", "before": NOW}),
        ("an empty id, which most tokens' claims would have", {"jti": ""}),
        ("an id that is a number", {"jti": 7}),
        ("an id of 129 bytes", {"jti": "x" * 129}),
        ("an id of 129 bytes in 65 characters", {"jti": "ü" * 64 + "x"}),
        ("a subject that is a list", {"sub": ["anna"], "before": NOW}),
        ("an empty subject", {"sub": "", "before": NOW}),
        ("a time that is a float", {"before": 1793491200.0}),
        ("a time that is a bool", {"before": True}),
        ("a time that is text", {"before": "now"}),
        ("a negative time", {"before": -1}),
        ("a time in milliseconds", {"before": NOW * 1000}),
        ("a time beyond the leeway: all tokens to come would be refused", {"before": NOW + 301}),
        ("the same for a subject", {"sub": "anna", "before": NOW + 301}),
        ("an end for all, who have none", dict(ALL, until=NOW + 9)),
        ("an end that fills the list for good", {"jti": "x", "until": LATEST + 1}),
        ("such an end for a subject", dict(BY_SUBJECT, until=LATEST + 1)),
        ("an end that is past", {"jti": "x", "until": NOW - 300}),
        ("an end that is a float", {"jti": "x", "until": 1793491300.0}),
        ("an end beyond what a token can tell", {"jti": "x", "until": 9007199254740992}),
    ]
)
@in_folder
def test_refused(what):
    found = revocations()
    found.revoke(jti="kept")
    before = storage.read(REVOCATIONS)
    refused = str(raises(RevocationError, found.revoke, code="bad_value", **what))
    # What is wrong is called by its name.
    name = refused.partition(": ")[0]
    assert name in what or refused == "jti, or before, or sub with before", refused
    equal(storage.read(REVOCATIONS), before)
    equal([entry.get("jti") for entry in found.list()], ["kept"])


@cases(
    [
        ("the longest id", {"jti": "x" * 128}),
        ("of 128 bytes in 64 characters", {"jti": "ü" * 64}),
        ("with all that JSON escapes", {"jti": '"\\/\b\f\n\r\t\x01\x7f€'}),
        ("a time within the leeway", {"sub": "anna", "before": NOW + 300}),
        ("the earliest time", {"before": 0}),
        ("an end within the leeway", {"jti": "x", "until": NOW - 299}),
        ("the latest end", {"jti": "x", "until": LATEST}),
    ]
)
@in_folder
def test_taken(what):
    holds = revocations().revoke(**what)
    equal(revocations().list(), [holds])


@in_folder
def test_a_board_that_never_started_has_no_folder():
    folder = FOLDER + "/state"
    found = Revocations(folder + "/revocations.json", now=Time().now)
    holds = found.revoke(jti="x")
    equal(content(folder + "/revocations.json"), [holds])
    os.remove(folder + "/revocations.json")
    os.rmdir(folder)


@in_folder
def test_a_token_without_iat_is_older_than_any_time():
    found = revocations()
    equal(found.is_revoked(token(iat=None)), False)
    found.revoke(before=0)
    equal(found.is_revoked(token(iat=None)), True)
    equal(found.is_revoked(token(iat=0)), False)


@in_folder
def test_without_the_time_nothing_can_be_revoked():
    """A time that nobody knows bounds nothing. Over USB, the tools set the clock before."""
    error = raises(RevocationError, revocations(Time(None)).revoke, code="bad_value", jti="x", until=NOW)
    assert "clock" in str(error), error
    equal(left(), [])


DAMAGES = [
    ("nothing in it", b""),
    ("half of it", b'{"revocations": [{"jti": "id-'),
    ("no JSON", b"\xff\xff\xff\xff"),
    ("zeros", bytes(100)),
    ("no object", []),
    ("no list", {"revocations": {}}),
    ("no revocations", {}),
    ("a member that nobody knows", {"revocations": [], "more": 1}),
    ("a revocation that is none", {"revocations": ["id-1"]}),
    ("one of an unknown kind", {"revocations": [{"key": "2026-11", "before": NOW}]}),
    ("one with more than one knows", {"revocations": [{"jti": "x", "unless": "anna"}]}),
    ("one without a time", {"revocations": [{"sub": "anna"}]}),
    ("a subject that is no text", {"revocations": [{"sub": 7, "before": NOW}]}),
    ("an id with a subject", {"revocations": [{"jti": "x", "sub": "anna", "before": NOW}]}),
    ("a time that is a float", {"revocations": [{"before": 1793491200.5}]}),
    ("an end that is text", {"revocations": [{"jti": "x", "until": "never"}]}),
]
OLDER = (token(), token(iat=NOW - 1), token(iat=0), {"exp": NOW + 1}, token(iat=None))


@cases(DAMAGES)
@in_folder
def test_a_damaged_file_fails_closed(damaged):
    put(REVOCATIONS, damaged)
    was = storage.read(REVOCATIONS)
    log, time = [], Time()
    found = revocations(time, log=log)
    for _ in range(2):
        for claims in OLDER:
            equal(found.is_revoked(claims), True)
        equal(found.is_revoked(token(iat=NOW)), False)
        equal(found.list(), [{"before": NOW}])
        equal(storage.read(BAD), was)
        # So it is at the next start, years later, too: nobody knows whose tokens those were.
        time.unix = NOW + 10 * DECADE
        found = revocations(time, log=log)
    equal(len(log), 2)
    assert log[1].startswith(REVOCATIONS + " cannot be used: "), log
    assert log[1].endswith("; it is " + BAD + " now"), log
    assert "None" not in log[1], log  # it tells why
    assert log[0].startswith("revocations: " + REVOCATIONS), log
    assert "no token from before now" in log[0], log
    equal(left(), ["revocations.json", "revocations.json.bad"])


@in_folder
def test_a_file_that_cannot_be_read_fails_closed():
    revocations().revoke(jti="x")
    log = []
    storage.open = broken
    found = revocations(log=log)
    storage.open = open
    for claims in OLDER:
        equal(found.is_revoked(claims), True)
    assert "cannot be read" in log[0], log


def broken(path, mode):
    raise OSError(errno.EIO, "the flash is worn out")


@in_folder
def test_damaged_while_the_time_is_unknown():
    """A board starts without it. `now` is then the moment at which it is known."""
    put(REVOCATIONS, b"")
    time = Time(None)
    found = revocations(time)
    for claims in OLDER + (token(iat=NOW + DAY),):
        equal(found.is_revoked(claims), True)
    equal(left(), ["revocations.json.bad"])
    equal(found.list(), [{"before": 2**53}])  # later than any token
    raises(RevocationError, found.revoke, code="bad_value", jti="x")
    time.unix = NOW
    equal(found.is_revoked(token(iat=NOW)), False)
    for claims in OLDER:
        equal(found.is_revoked(claims), True)
    equal(content(REVOCATIONS), [{"before": NOW}])


@in_folder
def test_revoking_is_what_finds_out_the_time():
    put(REVOCATIONS, b"")
    time = Time(None)
    found = revocations(time)
    time.unix = NOW
    found.revoke(jti="x", until=NOW + 9)
    entry = {"jti": "x", "before": NOW + 301, "until": NOW + 9}
    equal(content(REVOCATIONS), [{"before": NOW}, entry])


@cases([("no matter how often", 1), ("it starts", 3)])
@in_folder
def test_a_power_cut_after_setting_it_aside_opens_nothing(starts):
    put(REVOCATIONS, b"")
    for _ in range(starts):
        revocations(Time(None))
    equal(left(), ["revocations.json.bad"])
    log = []
    found = revocations(log=log)
    assert " is missing, " in log[0], log
    for claims in OLDER:
        equal(found.is_revoked(claims), True)
    equal(left(), ["revocations.json", "revocations.json.bad"])


@in_folder
def test_a_full_flash_after_setting_it_aside_opens_nothing():
    put(REVOCATIONS, b"")
    log, time = [], Time()
    Flash(0)
    for _ in range(2):
        found = revocations(time, log=log)
        for claims in OLDER + (token(iat=time.unix - 1),):
            equal(found.is_revoked(claims), True)
        equal(found.is_revoked(token(iat=time.unix)), False)
        time.unix += 60
    equal(left(), ["revocations.json.bad"])
    assert "cannot be written" in log[2], log
    storage.open = open
    found.revoke(jti="x", until=NOW + 9)
    equal(content(REVOCATIONS)[0], {"before": NOW + 60})


@in_folder
def test_a_file_that_cannot_be_set_aside_opens_nothing():
    put(REVOCATIONS, b"")
    aside.os, log = CannotRename, []
    try:
        found = revocations(Time(None), log=log)
    finally:
        aside.os = os
    equal(found.lost, True)
    assert "nor be set aside" in log[1], log
    equal(found.is_revoked(token(iat=NOW)), True)
    equal(left(), ["revocations.json"])
    found = revocations()
    equal(found.is_revoked(token()), True)


class CannotRename:
    stat = os.stat

    @staticmethod
    def rename(old, new):
        raise OSError(errno.EIO, "the flash is worn out")


@in_folder
def test_of_many_damages_the_first_and_the_newest_are_kept():
    log = []
    for damage in (b"one", b"two", b"three"):
        put(REVOCATIONS, damage)
        equal(revocations(log=log).lost, True)
    equal((storage.read(BAD), storage.read(BAD + ".2")), (b"one", b"three"))
    assert "in the place of an older one" in log[-1], log
    equal(revocations().lost, False)
    equal(storage.make_folder(FOLDER), ["revocations"])


@cases([("an id", BY_ID), ("a subject", BY_SUBJECT), ("all", ALL)])
@in_folder
def test_a_full_flash_changes_nothing(what):
    found = revocations()
    found.revoke(jti="kept")
    before, listed = storage.read(REVOCATIONS), found.list()
    Flash(20)
    equal(raises(OSError, found.revoke, **what).errno, 28)
    storage.open = open
    equal((storage.read(REVOCATIONS), found.list()), (before, listed))
    equal(found.is_revoked(token()), False)
    equal(left(), ["revocations.json"])
    found.revoke(**what)
    equal(found.is_revoked(token()), True)


@cases([("an id", BY_ID), ("a subject", BY_SUBJECT), ("all", ALL)])
@in_folder
def test_the_power_fails_at_each_byte(what):
    def before():
        put(REVOCATIONS, b'{"revocations":[{"jti":"kept"}]}')
        return REVOCATIONS

    for found in every_cut(before, lambda: revocations().revoke(**what)):
        equal(json.loads(found)["revocations"], [{"jti": "kept"}])
        equal(revocations().is_revoked(token(jti="kept")), True)
    equal(revocations().is_revoked(token()), True)
    equal(revocations().is_revoked(token(jti="kept", iat=NOW, sub="bob")), True)


@in_folder
def test_over_usb_nothing_runs():
    """No clock is given: the board's own is there."""
    now = Revocations(REVOCATIONS).revoked.now()
    # Whether the time is known where the tests run is not ours to say.
    assert now is None or now > NOW // 2, now


@in_folder
def test_on_a_board_that_has_never_started_there_is_no_folder():
    os.rmdir(FOLDER)
    revocations().revoke(jti="x")
    equal(left(), ["revocations.json"])


@in_folder
def test_a_server_that_lies_makes_no_revocation_expire_for_good():
    time, certain = Time(), Time()

    def found():
        return Revocations(REVOCATIONS, now=time.now, certain=certain.now, log=print)

    found().revoke(jti="id-1", until=NOW + 6 * 3600)
    time.unix = NOW + 80000
    found().revoke(jti="other", until=NOW + 10 * DAY)
    time.unix = NOW
    equal(found().is_revoked(token()), True)
    certain.unix = None
    found().revoke(jti="more", until=NOW + 10 * DAY)
    equal(len(content(REVOCATIONS)), 3)
    time.unix = certain.unix = NOW + DAY
    found().revoke(jti="last", until=NOW + 10 * DAY)
    equal([entry["jti"] for entry in content(REVOCATIONS)], ["last", "more", "other"])


@in_folder
def test_a_bit_that_has_turned_over_opens_nothing():
    revocations().revoke(jti="id-1")
    whole = storage.read(REVOCATIONS)
    for at in range(len(whole)):
        put(REVOCATIONS, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        found = revocations()
        assert found.is_revoked(token()), (at, whole[at])
        if storage.is_there(BAD):
            os.remove(BAD)
