"""The guard, by RFC 6750 to the letter: credentials, challenges, scopes."""

import jwt
from access_bench import KEY, NOW, OTHER_KEY, Clock, access_of, request_of, signed, token
from firmware.access import Denied, Grant
from firmware.verifier import signed_by
from harness import cases, equal, raises

GOOD = token("pins:read")
NEW_KEY = jwt.Key(bytes(range(65, 97)), kid="2026-12")
REALM = 'WWW-Authenticate: Bearer realm="door"'
ANONYMOUS = REALM + '\r\nWWW-Authenticate: Pinwarden realm="door", nonce="AAAAAAAAAAAAAAAA"'


def authorize(*fields, clock=None, path="/api/v1/device", body=b""):
    return access_of(clock or Clock()).authorize(request_of("POST", path, *fields, body=body))


def denied(*fields, **how):
    """(status, code, the field lines, reason) of a refusal."""
    error = raises(Denied, authorize, *fields, **how)
    challenge = str(error.challenge, "utf-8")
    assert challenge.endswith("\r\n"), challenge
    equal(challenge.count("\n"), 2 if error.code == "missing_token" else 1)
    assert " " in str(error)
    return error.status, error.code, challenge[:-2], error.reason


@cases(
    [
        ("as everybody writes it", "Authorization: Bearer " + GOOD),
        ("RFC 9110 11.1: a scheme in small letters", "Authorization: bearer " + GOOD),
        ("in capitals", "AUTHORIZATION: BEARER " + GOOD),
        ("RFC 6750 2.1: one space or more", "Authorization: Bearer    " + GOOD),
        ("white space around the value", "Authorization: \t Bearer " + GOOD + " \t "),
        ("no space after the colon", "Authorization:Bearer " + GOOD),
    ]
)
def test_takes(field):
    grant = authorize(field)
    equal((grant.subject, grant.scopes, grant.expires), ("anna", ["pins:read"], NOW + 3600))


def test_a_token_made_on_the_board_proves_no_time():
    clock = Clock()
    authorize("Authorization: Bearer " + token("pins:read", parent={"jti": "p"}), clock=clock)
    equal(clock.newest, None)
    authorize("Authorization: Bearer " + GOOD, clock=clock)
    equal(clock.newest, NOW - 60)


@cases([("with a bearer", True), ("without", False)])
def test_says_what_it_takes(bearer):
    for fields in ([], ["Authorization: Basic ZG9vcjpvcGVu"]):
        request = request_of("POST", "/api/v1/device", *fields)
        error = raises(Denied, access_of(Clock(), bearer=bearer).authorize, request)
        equal("Bearer TOKEN" in str(error), bearer)


@cases(
    [
        ("nothing at all",),
        ("an empty field", "Authorization:"),
        ("Basic", "Authorization: Basic ZG9vcjpvcGVu"),
        ("Digest, whose parameters have commas", 'Authorization: Digest username="a", realm="door", uri="/"'),
        ("the token without its scheme", "Authorization: " + GOOD),
        ("another scheme that begins so", "Authorization: Bearers " + GOOD),
        ("no space", "Authorization: Bearer" + GOOD),
        ("a tab for the space", "Authorization: Bearer\t" + GOOD),
        ("an equals sign", "Authorization: Bearer=" + GOOD),
        ("another field", "X-Authorization: Bearer " + GOOD),
        ("a proxy's", "Proxy-Authorization: Bearer " + GOOD),
        ("a cookie", "Cookie: access_token=" + GOOD),
    ]
)
def test_no_credential(*fields):
    """RFC 6750 section 3.1: then the challenge has no error code."""
    equal(denied(*fields), (401, "missing_token", ANONYMOUS, None))


def test_no_credential_elsewhere():
    """RFC 6750 sections 2.2 and 2.3: not in a body, not in a URL, whose like end up in logs and histories."""
    for path in ("/api/v1/device?access_token=" + GOOD, "/" + GOOD):
        equal(denied(path=path)[:2], (401, "missing_token"))
    form = "Content-Type: application/x-www-form-urlencoded"
    equal(denied(form, body=b"access_token=" + GOOD.encode())[:2], (401, "missing_token"))


TWO = "Authorization holds more than one token"
TWICE = "Authorization stands twice"


@cases(
    [
        ("no token", "holds no token", ["Authorization: Bearer"]),
        ("nothing but spaces", "holds no token", ["Authorization: Bearer    "]),
        ("two tokens", TWO, ["Authorization: Bearer " + GOOD + " " + GOOD]),
        ("a comma between them", TWO, ["Authorization: Bearer " + GOOD + "," + GOOD]),
        ("two schemes in one field", TWO, ["Authorization: Bearer " + GOOD + ", Basic ZG9vcjpvcGVu"]),
        ("parameters", TWO, ["Authorization: Bearer " + GOOD + ' realm="door"']),
        ("two fields", TWO, ["Authorization: Bearer " + GOOD, "Authorization: Bearer " + GOOD]),
        (
            "two fields alike, in other capitals",
            TWO,
            ["Authorization: Bearer " + GOOD, "authorization: bearer " + GOOD],
        ),
        ("the second empty", TWO, ["Authorization: Bearer " + GOOD, "Authorization:"]),
        ("the second of another scheme", TWO, ["Authorization: Bearer " + GOOD, "Authorization: Basic x"]),
        ("the first empty", TWICE, ["Authorization:", "Authorization: Bearer " + GOOD]),
        ("the first of another scheme", TWICE, ["Authorization: Basic x", "Authorization: Bearer " + GOOD]),
        ("the first without its token", TWICE, ["Authorization: Bearer", "Authorization: Bearer " + GOOD]),
        ("three", TWO, ["Authorization: Bearer " + GOOD] * 3),
    ]
)
def test_malformed(why, fields):
    status, code, challenge, reason = denied(*fields)
    equal((status, code, reason), (400, "invalid_request", None))
    start = REALM + ', error="invalid_request", error_description="'
    assert challenge.startswith(start), challenge
    assert challenge.endswith(why + '"'), challenge


@cases(
    [
        ("has expired", "expired", token(exp=NOW)),
        ("is not yet good", "not_yet_valid", token(nbf=NOW + 1)),
        ("is another device's", "audience", token(aud="gate")),
        ("is nobody's", "audience", token(aud=None)),
        ("never expires", "missing_claim", token(exp=None)),
        ("is signed by another", "signature", token(key=OTHER_KEY)),
        ("has a scope that is a list", "claim_type", token(scope=["pins:read"])),
        ("has a subject that is a number", "claim_type", token(sub=7)),
        ("is no token", "malformed", "open-sesame"),
        ("has a segment too few", "malformed", GOOD.rsplit(".", 1)[0]),
        ("has padding", "malformed", GOOD + "="),
        ("has an octet beyond ASCII", "malformed", b"Authorization: Bearer \xff" + GOOD.encode()),
        ("has a control character", "malformed", b"Authorization: Bearer " + GOOD.encode() + b"\x01"),
        ("has a tab before it", "malformed", b"Authorization: Bearer \t" + GOOD.encode()),
        ("has letters before it", "malformed", "XX" + GOOD),
        ("is too long", "too_large", "x" * 2049),
        ("has no signature", "malformed", "e30.e30."),
        ("has a header that is no JSON", "malformed", "e31x.e30.AAAA"),
        ("has a header with quotation marks for its words", "alg", "eyJhbGciOiAibm9uZSJ9.e30.AAAA"),
    ]
)
def test_bad_token(reason, value):
    field = value if type(value) is bytes else "Authorization: Bearer " + value
    status, code, challenge, told = denied(field)
    equal((status, code, told), (401, "invalid_token", reason))
    start = REALM + ', error="invalid_token", error_description="'
    assert challenge.startswith(start), challenge
    equal(challenge[-1], '"')
    description = challenge[len(start) : -1]
    assert " " in description
    for c in description:  # RFC 6750 section 3
        assert " " <= c <= "~", description
        assert c not in '"\\', description


def test_refusal_does_not_tell_the_token():
    for value in (GOOD[:-2], token(exp=NOW), token(key=OTHER_KEY), token(aud="gate")):
        error = raises(Denied, authorize, "Authorization: Bearer " + value)
        told = str(error) + str(error.challenge, "utf-8")
        for segment in value.split("."):
            assert segment not in told, told


@cases([("a good token", GOOD), ("a bad one", "open-sesame"), ("an expired one", token(exp=1))])
def test_unset_clock(value):
    """A clock that reads 2000 would find every token unexpired: no time, no access."""
    equal(
        denied("Authorization: Bearer " + value, clock=Clock(None)),
        (503, "clock_unset", "Retry-After: 5", None),
    )


def test_unset_clock_and_no_token():
    equal(denied(clock=Clock(None))[:2], (401, "missing_token"))


def test_an_hour_later_it_has_expired():
    clock = Clock()
    access = access_of(clock)
    request = request_of("GET", "/", "Authorization: Bearer " + GOOD)
    access.authorize(request)
    clock.unix += 3599
    access.authorize(request)
    clock.unix += 1
    equal(raises(Denied, access.authorize, request).reason, "expired")
    clock.unix = None
    raises(Denied, access.authorize, request, code="clock_unset")


def test_only_a_verified_token_tells_the_time():
    clock = Clock()
    raises(Denied, authorize, "Authorization: Bearer " + token(key=OTHER_KEY), clock=clock)
    equal(clock.newest, None)
    authorize("Authorization: Bearer " + GOOD, clock=clock)
    equal(clock.newest, NOW - 60)
    authorize("Authorization: Bearer " + token(iat=None), clock=clock)
    equal(clock.newest, NOW - 60)


def test_revoked_tokens_are_refused():
    """Remembered ones, too; and they tell no time any more, for who knows who made them."""
    clock = Clock()
    access = access_of(clock, "lost")
    for value, revoked in ((token(jti="lost"), True), (token(jti="kept"), False), (GOOD, False)):
        request = request_of("GET", "/", "Authorization: Bearer " + value)
        clock.newest = None
        for _ in range(3):
            if not revoked:
                equal(access.authorize(request).subject, "anna")
                continue
            error = raises(Denied, access.authorize, request, code="invalid_token")
            equal((error.status, error.reason), (401, "revoked"))
            assert b'error_description="the token was revoked"' in error.challenge, error.challenge
        equal(clock.newest, None if revoked else NOW - 60)


def test_a_verdict_on_revocation_comes_after_that_on_the_token():
    """A stranger cannot find out which tokens are revoked."""
    access = access_of(Clock(), "lost")
    for value, reason in (
        (token(jti="lost", key=OTHER_KEY), "signature"),
        (token(jti="lost", exp=NOW), "expired"),
    ):
        request = request_of("GET", "/", "Authorization: Bearer " + value)
        equal(raises(Denied, access.authorize, request).reason, reason)


def test_other_keys_at_once():
    """What was verified and remembered under a key goes with it."""
    access = access_of(Clock())
    old = request_of("GET", "/", "Authorization: Bearer " + GOOD)
    new = request_of("GET", "/", "Authorization: Bearer " + token(key=NEW_KEY))
    access.authorize(old)
    equal(raises(Denied, access.authorize, new).reason, "kid")
    access.use(jwt.Verifier([jwt.Key(bytes(range(1, 33)), kid="2026-11"), NEW_KEY], audience="door"))
    access.authorize(old)
    access.authorize(new)
    access.use(jwt.Verifier([NEW_KEY], audience="door"))
    equal(raises(Denied, access.authorize, old).reason, "kid")
    access.authorize(new)
    access.forget()
    access.authorize(new)


def grant_of(*scopes, **claims):
    every = {"exp": NOW + 3600}
    if scopes:
        every["scope"] = " ".join(scopes)
    every.update(claims)
    return Grant(every)


RELAY_ONLY = grant_of("pins:read:relay")


@cases(
    [
        ("all", grant_of("pins:read"), "relay", True),
        ("this one", RELAY_ONLY, "relay", True),
        ("another", RELAY_ONLY, "lamp", False),
        ("one whose name begins so", RELAY_ONLY, "relay2", False),
        ("one whose name is its beginning", grant_of("pins:read:relay2"), "relay", False),
        ("one of several", grant_of("pins:write:lamp", "pins:read:relay", "x"), "relay", True),
        ("writing is not reading", grant_of("pins:write"), "relay", False),
        ("a scope that begins so", grant_of("pins:readX"), "relay", False),
        ("a scope that is its beginning", grant_of("pins"), "relay", False),
        ("other capitals", grant_of("PINS:READ"), "relay", False),
        ("a wildcard is no word of ours", grant_of("pins:*", "*", "pins:read:*"), "relay", False),
        ("an empty name", grant_of("pins:read:"), "relay", False),
        ("administration is another matter", grant_of("admin"), "relay", False),
        ("no scope at all", grant_of(), "relay", False),
        ("an empty one", grant_of(scope=""), "relay", False),
        ("two spaces", grant_of(scope="a  pins:read "), "relay", True),
        ("other white space is no separator", grant_of(scope="a\tpins:read"), "relay", False),
        ("a list of privileges", grant_of(privileges=["pins:read"]), "relay", True),
        ("both", grant_of("pins:write", privileges=["pins:read:relay"]), "relay", True),
        ("a privilege is one, whatever it holds", grant_of(privileges=["a pins:read"]), "relay", False),
        ("no privileges", grant_of(privileges=[]), "relay", False),
        ("a name with a colon in it", grant_of("pins:read:a"), "a:b", False),
    ]
)
def test_allows(grant, name, allowed):
    equal(grant.allows("pins:read", name), allowed)
    access = access_of(Clock())
    if allowed:
        access.require(grant, "pins:read", name)
    else:
        raises(Denied, access.require, grant, "pins:read", name, code="insufficient_scope")


@cases(
    [
        ("all", grant_of("pins:read"), True),
        ("one", RELAY_ONLY, True),
        ("one that may not exist", grant_of("pins:read:ghost"), True),
        ("a privilege", grant_of(privileges=["x", "pins:read:relay"]), True),
        ("none", grant_of("pins:write", "pins:write:relay", "pins:readX", "pins:readX:relay", "pins"), False),
    ]
)
def test_allows_some(grant, allowed):
    equal(grant.allows_some("pins:read"), allowed)
    if not allowed:
        raises(Denied, access_of(Clock()).require_some, grant, "pins:read", code="insufficient_scope")


def test_what_a_grant_tells():
    grant = grant_of("pins:read", sub="anna", jti="a1")
    equal((grant.subject, grant.token_id, grant.expires), ("anna", "a1", NOW + 3600))
    equal((grant.issued, grant.is_child, grant.is_bound), (None, False, False))
    grant = grant_of("pins:read", iat=0, parent={"jti": "a1"}, cnf={})
    equal((grant.subject, grant.token_id), (None, None))
    equal((grant.issued, grant.is_child, grant.is_bound), (0, True, True))


@cases(
    [
        ("a bearer", ["Authorization: Bearer " + GOOD]),
        ("a bearer, otherwise written", ["authorization:  bearer    " + GOOD]),
        ("a signed request", signed(GOOD, "GET", "/")),
    ]
)
def test_what_a_request_is_signed_by(fields):
    """What makes a child, and the key that is not retired, is what was verified, however it was shown."""
    access = access_of(Clock())
    request = request_of("GET", "/", *fields)
    access.authorize(request)
    key, octets = signed_by(access.verifier, request)
    assert key is KEY
    equal(octets, GOOD.rpartition(".")[0].encode())


def test_a_field_is_no_longer_than_a_token_may_be():
    """Some spaces are all that there may be beside."""
    field = "Authorization: Bearer" + " " * (2200 - 6 - len(GOOD)) + GOOD
    authorize(field)
    for longer in (field.replace("Bearer ", "Bearer  "), field + "x", field + " " + GOOD):
        status, code, _, reason = denied(longer)
        equal((status, code, reason), (401, "invalid_token", "too_large"))


def test_privileges_stay_what_they_were():
    """The claims are the verifier's too: it keeps verified tokens."""
    access = access_of(Clock())
    request = request_of("GET", "/", "Authorization: Bearer " + token("a", privileges=["b"]))
    for _ in range(3):
        equal(access.authorize(request).scopes, ["a", "b"])


@cases(
    [
        ("the scope that is missing", "relay", "pins:write:relay"),
        ("none for one pin", None, "pins:write"),
        ("a name that would end the quotation", 'a"b', "pins:write"),
        ("a backslash", "a\\b", "pins:write"),
        ("a name of the greatest length", "a" * 24, "pins:write:" + "a" * 24),
        ("a name too long for any pin", "a" * 25, "pins:write"),
        ("capitals, which no pin has", "aX", "pins:write"),
        ("percent encoding", "%22", "pins:write"),
    ]
)
def test_insufficient_scope(name, wanted):
    """RFC 6750 section 3.1; the name is the request's, and no such thing gets into a field."""
    error = raises(Denied, access_of(Clock()).require, RELAY_ONLY, "pins:write", name)
    equal((error.status, error.code), (403, "insufficient_scope"))
    equal(str(error.challenge, "utf-8"), f'{REALM}, error="insufficient_scope", scope="{wanted}"\r\n')
    assert wanted in str(error)


@cases(
    [
        ("alg", b'{"alg":"none"}'),
        ("kid", b'{"alg":"HS256","kid":"x\\"y"}'),
        ("crit", b'{"alg":"HS256","kid":"2026-11","crit":["\\""]}'),
        ("typ", b'{"alg":"HS256","kid":"2026-11","typ":"\\"\\\\"}'),
        ("JSON with a flaw", b'{"alg" "HS256"}'),
        ("a name twice", b'{"a\\"":1,"a\\"":2}'),
        ("no object", b'"\\""'),
    ]
)
def test_what_a_verifier_says_fits_into_a_field(header):
    """RFC 6750 section 3: error_description takes neither a quotation mark nor a backslash."""
    value = str(jwt.base64url.encode(header), "utf-8") + ".e30.AAAA"
    status, _, challenge, _ = denied("Authorization: Bearer " + value)
    equal((status, challenge.count('"')), (401, 6))
    assert "\\" not in challenge, challenge
