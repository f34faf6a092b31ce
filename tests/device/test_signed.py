"""Signed requests at the guard: what they open, and that nothing shown or recorded opens anything."""

from access_bench import NOW, OTHER_KEY, Clock, access_of, request_of, signed, token
from firmware.access import Denied
from firmware.proof import USES, Proofs
from harness import cases, equal, raises

PATH = "/api/v1/pins/relay"
CNF = {"pinwarden": "proof"}
GOOD = token("pins:write")
PROVED = token("pins:write", cnf=CNF)
ADMIN = token("admin")
CHALLENGE = 'WWW-Authenticate: Pinwarden realm="door", error="%s", nonce="AAAAAAAAAAAAAAAA"\r\n'


def ask(access, value, method="PUT", path=PATH, body=b"{}", at=None, **how):
    fields = signed(value, method, path, body=body, **how)
    return access.authorize(request_of(method, path, *fields, body=body), at)


def refused(access, *args, **how):
    """(status, code, reason) of a refusal, whose challenge names the scheme to use."""
    error = raises(Denied, ask, access, *args, **how)
    assert " " in str(error)
    assert str(error) != "None"
    if error.code != "clock_unset":
        equal(str(error.challenge, "utf-8"), CHALLENGE % error.code)
    return error.status, error.code, error.reason


@cases([("any token", GOOD), ("one for this only", PROVED), ("without iat", token("pins:write", iat=None))])
def test_takes(value):
    grant = ask(access_of(Clock()), value)
    equal((grant.subject, grant.scopes), ("anna", ["pins:write"]))


def test_many_requests_under_one_challenge_and_then_another():
    access = access_of(Clock())
    for count in range(USES):
        ask(access, GOOD, own="own-%05d" % count)
    # Zeros again here, but the memory is new: on a board the challenge would be another, and this stale.
    ask(access, GOOD)


def test_each_is_good_once():
    access = access_of(Clock())
    ask(access, GOOD)
    for _ in range(3):
        equal(refused(access, GOOD), (401, "replayed", None))
    ask(access, GOOD, own="another1")


def test_another_challenge_is_stale():
    """That of before a restart, of another board."""
    access = access_of(Clock())
    error = raises(Denied, ask, access, GOOD, challenge="B" * 16)
    equal((error.status, error.code, error.stranger), (401, "stale_nonce", False))
    equal(error.more, {"nonce": "A" * 16, "now": NOW})
    equal(refused(access, token("pins:write", key=OTHER_KEY), challenge="B" * 16)[1], "invalid_token")


@cases(
    [
        ("a page that was open over a restart", NOW, {}, False),
        ("one whose clock is off a little", NOW, {"created": NOW - 300}, False),
        ("and the other way", NOW, {"created": NOW + 300}, False),
        ("an old recording", NOW, {"created": NOW - 301}, True),
        ("one of a clock that is far ahead", NOW, {"created": NOW + 301}, True),
        ("an old one that tells the time it was made at", NOW, {"created": NOW - 900, "at": NOW - 900}, True),
        ("where nobody knows the time", None, {"at": NOW}, True),
    ]
)
def test_old_recordings_are_a_stranger_s(now, how, is_stranger):
    error = raises(Denied, ask, access_of(Clock(now)), GOOD, challenge="B" * 16, code="stale_nonce", **how)
    equal(error.stranger, is_stranger)


@cases([("late", 301), ("early", -301)])
def test_created(seconds):
    access = access_of(Clock())
    equal(refused(access, GOOD, created=NOW - seconds), (401, "created_out_of_window", None))
    ask(access, GOOD, created=NOW - seconds + (1 if seconds > 0 else -1))


@cases(
    [
        ("of another key", "signature", token("pins:write", key=OTHER_KEY), {}),
        ("that has expired", "expired", token("pins:write", exp=NOW), {}),
        ("of another device", "audience", token("pins:write", aud="gate"), {}),
        ("that was revoked", "revoked", token("pins:write", jti="lost"), {}),
        ("shown with more scopes", "signature", GOOD, {"shown": token("pins:write", "admin")}),
        ("bound to what nobody knows here", "proof_required", token("pins:write", cnf={"jkt": "x"}), {}),
        ("bound to more", "proof_required", token("pins:write", cnf={"pinwarden": "proof", "x": 1}), {}),
    ]
)
def test_token(reason, value, how):
    equal(refused(access_of(Clock(), "lost"), value, **how), (401, "invalid_token", reason))


@cases(
    [
        ("another method", "POST", PATH, b"{}", 401),
        ("another path", "PUT", "/api/v1/pins/lamp", b"{}", 401),
        ("a query", "PUT", PATH + "?x=1", b"{}", 401),
        ("another body", "PUT", PATH, b"[]", 400),
        ("no body", "PUT", PATH, b"", 400),
    ]
)
def test_changed_on_the_way(method, path, body, status):
    access = access_of(Clock())
    fields = signed(GOOD, "PUT", PATH, body=b"{}")
    error = raises(Denied, access.authorize, request_of(method, path, *fields, body=body))
    equal((error.status, error.code), (status, "invalid_token" if status == 401 else "invalid_request"))
    equal(
        (str(error.challenge, "utf-8"), error.reason), (CHALLENGE % error.code, error.reason and "signature")
    )
    assert " " in str(error)
    ask(access, GOOD)  # nor was it used up


@cases([("Authorization", 0), ("Content-Digest", 1), ("Signature-Input", 2), ("Signature", 3)])
def test_a_field_is_missing(left_out):
    fields = signed(GOOD, "GET", PATH)
    del fields[left_out]
    error = raises(Denied, access_of(Clock()).authorize, request_of("GET", PATH, *fields))
    if left_out == 0:
        equal((error.status, error.code), (401, "missing_token"))
    else:
        equal((error.status, error.code, error.reason), (400, "invalid_request", None))
        equal(str(error.challenge, "utf-8"), CHALLENGE % "invalid_request")
        assert " " in str(error)


def test_the_signed_token_is_no_bearer():
    """Neither what crosses the air, nor with the signature of the request for the token's."""
    access = access_of(Clock())
    fields = signed(GOOD, "GET", PATH)
    access.authorize(request_of("GET", PATH, *fields))  # now it is remembered, too
    head = fields[0].split(" ")[-1]
    for value in (head, head + ".", head + "." + fields[3].split(":")[2].rstrip("=")):
        error = raises(Denied, access.authorize, request_of("GET", PATH, "Authorization: Bearer " + value))
        equal((error.status, error.code), (401, "invalid_token"))


def test_a_proof_token_is_no_bearer():
    """RFC 9449 section 7.2: shown, it has leaked. Also when it is remembered from a signed request."""
    access = access_of(Clock())
    ask(access, PROVED)
    for value in (PROVED, token("pins:write", cnf={"jkt": "x"})):
        request = request_of("GET", PATH, "Authorization: Bearer " + value)
        error = raises(Denied, access.authorize, request)
        equal((error.status, error.code, error.reason), (401, "invalid_token", "proof_required"))
        equal(str(error.challenge, "utf-8"), CHALLENGE % "invalid_token")


def test_without_bearer():
    access = access_of(Clock(), bearer=False)
    for value in (GOOD, "x", PROVED):
        error = raises(Denied, access.authorize, request_of("GET", PATH, "Authorization: Bearer " + value))
        equal((error.status, error.code, error.reason), (401, "bearer_disabled", None))
        equal(str(error.challenge, "utf-8"), CHALLENGE % "bearer_disabled")
        assert " " in str(error)
    for fields in ([], ["Authorization: Basic ZG9vcjpvcGVu"]):
        error = raises(Denied, access.authorize, request_of("GET", PATH, *fields))
        equal(error.code, "missing_token")
        assert b"Bearer" not in error.challenge, error.challenge
        assert b"Pinwarden" in error.challenge
        assert "a signed request, Authorization: Pinwarden" in str(error), error
    ask(access, GOOD)


def test_unset_clock():
    access = access_of(Clock(None))
    equal(refused(access, GOOD), (503, "clock_unset", None))
    equal(access.challenge(), {"nonce": "A" * 16, "now": None})


NEXT = "AQEB" * 4


def access_of_changing(clock):
    """The guard whose first challenge is A…, and the next one NEXT."""
    made = []

    def random(count):
        made.append(count)
        return bytes([len(made) - 1]) * count

    access = access_of(clock, "lost")
    access._proofs = Proofs(random)
    access.challenge()
    return access


def test_what_was_refused_for_the_clock_is_good_no_more():
    """Who has recorded it cannot use it once the clock is set; to set it by `at` changes nothing yet."""
    clock = Clock(None)
    access = access_of_changing(clock)
    raises(Denied, ask, access, GOOD, code="clock_unset")
    ask(access, ADMIN, own="sets-the-clock", at=NOW)
    clock.unix = NOW
    equal(raises(Denied, ask, access, GOOD, code="stale_nonce").more, {"nonce": NEXT, "now": NOW})
    for own in ("own-nonce", "another1"):
        ask(access, GOOD, own=own, challenge=NEXT)


def test_a_clock_that_was_always_set_changes_no_challenge():
    access = access_of_changing(Clock())
    for own in ("own-nonce", "another1"):
        ask(access, GOOD, own=own)


def test_what_was_refused_is_not_good_after_the_clock_was_turned_back():
    clock = Clock(NOW + 10)
    access = access_of_changing(clock)
    brief = token("pins:write", exp=NOW + 10)
    equal(raises(Denied, ask, access, brief).reason, "expired")
    clock.unix = NOW
    raises(Denied, ask, access, brief, code="stale_nonce")
    ask(access, brief, challenge=NEXT)
    clock.unix = NOW + 5
    ask(access, brief, own="another1", challenge=NEXT)


def test_what_came_too_early_is_not_good_later():
    """Neither for its token nor for its own time."""
    clock = Clock()
    access = access_of(clock)
    later = token("pins:write", nbf=NOW + 5)
    equal(raises(Denied, ask, access, later).reason, "not_yet_valid")
    raises(Denied, ask, access, later, own="another1", created=NOW + 301, code="created_out_of_window")
    raises(Denied, ask, access, GOOD, own="another2", created=NOW + 301, code="created_out_of_window")
    clock.unix = NOW + 5
    raises(Denied, ask, access, later, code="replayed")
    for value, own in ((later, "another1"), (GOOD, "another2")):
        raises(Denied, ask, access, value, own=own, created=NOW + 301, code="replayed")


def test_who_signs_by_a_clock_that_is_off_is_told_that_first():
    """The tokens that it makes for its commands live for a minute, by the same clock."""
    for created, value in (
        (NOW - 400, token("pins:write", exp=NOW - 340)),
        (NOW + 400, token("pins:write", iat=NOW + 400)),
    ):
        error = raises(Denied, ask, access_of(Clock()), value, created=created)
        equal((error.code, error.more["now"]), ("created_out_of_window", NOW))


@cases(
    [
        ("revoked", token("pins:write", jti="lost"), None),
        ("expired", token("pins:write", exp=NOW), None),
        ("another device's", token("pins:write", aud="gate"), None),
        ("good when it says that it is, and no administrator's", token("pins:read"), NOW),
        ("not yet good when it says that it is", token("admin", iat=NOW + 1), NOW),
    ]
)
def test_who_is_not_admitted_takes_no_challenge_from_the_others(value, at):
    """They use none up, and what was carried out is known for as long as the others need for 128 uses."""
    access = access_of_changing(Clock())
    ask(access, GOOD, own="done-just-now")
    for count in range(USES):
        raises(Denied, ask, access, value, own="own-%05d" % count, at=at)
    raises(Denied, ask, access, GOOD, own="done-just-now", code="replayed")
    ask(access, GOOD)


def no_memory(*what):
    raise MemoryError


def test_what_memory_was_too_little_for_is_good_no_more():
    """And for the others nothing changes."""
    access = access_of_changing(Clock())
    access.verifier._admit = no_memory  # which comes after the proof
    raises(MemoryError, ask, access, GOOD)
    del access.verifier._admit
    raises(Denied, ask, access, GOOD, code="replayed")
    ask(access, GOOD, own="another1")


def test_a_stranger_for_whom_memory_is_too_little_spoils_no_challenge():
    access = access_of_changing(Clock())
    access.verifier.key_of = no_memory
    raises(MemoryError, ask, access, GOOD)
    del access.verifier.key_of
    ask(access, GOOD)


def test_memory_that_lasts_the_second_time():
    access = access_of_changing(Clock())
    admit, left = access.verifier._admit, [1]

    def short(*what):
        if left:
            left.pop()
            raise MemoryError
        return admit(*what)

    access.verifier._admit = short
    ask(access, GOOD)
    raises(Denied, ask, access, GOOD, code="replayed")


def test_at_a_time_that_the_clock_does_not_tell():
    """For who sets the clock. The times of both are held against it, and the guard learns nothing."""
    for unix in (None, NOW - 400, NOW + 90000):
        clock = Clock(unix)
        access = access_of(clock)
        ask(access, ADMIN, at=NOW)
        equal(refused(access, ADMIN, own="late-one", at=NOW + 301), (401, "created_out_of_window", None))
        equal(refused(access, ADMIN, own="past-one", at=NOW + 3600, created=NOW + 3600)[2], "expired")
        raises(Denied, ask, access, GOOD, at=NOW, code="insufficient_scope")
        equal(clock.newest, None)
        bearer = request_of("PUT", PATH, "Authorization: Bearer " + GOOD)
        equal(raises(Denied, access.authorize, bearer, NOW).code, "bearer_disabled")


def test_a_verified_signed_request_tells_the_time():
    clock = Clock()
    raises(Denied, ask, access_of(clock), token(key=OTHER_KEY))
    equal(clock.newest, None)
    ask(access_of(clock), GOOD)
    equal(clock.newest, NOW - 60)


@cases(
    [
        ("another signed one", ["Authorization: Pinwarden a.b"]),
        ("the same", [signed(GOOD, "GET", PATH)[0]]),
        ("a bearer", ["Authorization: Bearer " + GOOD]),
    ]
)
def test_two_credentials(more):
    fields = signed(GOOD, "GET", PATH)
    for order in (fields + more, more + fields):
        error = raises(Denied, access_of(Clock()).authorize, request_of("GET", PATH, *order))
        assert error.status in (400, 401), error.status
