"""The verifier as its callers see it: what goes in, what comes out, and otherwise only a TokenError."""

from harness import cases, equal, raises
from jwt import Key, KeyRejected, TokenError, Verifier
from jwt_bench import CLAIMS, HEADER, NOW, OTHER, SECRET, segment, token, with_claims

GOOD = token()
CODES = (
    "malformed alg kid crit typ signature expired not_yet_valid audience issuer missing_claim "
    "claim_type too_large"
).split()


def verifier(**expectations):
    return Verifier([Key(SECRET)], **expectations)


def test_claims_come_back_as_they_are():
    claims = {"exp": NOW + 60, "sub": "anna", "x": [1, {"y": None}, True], "é": "🔑", "": "", "n": -5}
    made = token(HEADER, claims)
    equal(verifier().verify(made, NOW), claims)
    equal(verifier().verify(made.encode(), NOW), claims)


@cases(
    [
        ("None", None),
        ("no string", 5),
        ("true", True),
        ("a list", [GOOD]),
        ("a dict", {}),
        ("a bytearray, which may change while it is looked at", bytearray(GOOD.encode())),
        ("a memoryview", memoryview(GOOD.encode())),
        ("an empty str", ""),
        ("empty bytes", b""),
        ("a lone surrogate, which no bytes hold", GOOD + chr(0xD800)),
        ("a lone surrogate for a letter", chr(0xDFFF) + GOOD[1:]),
        ("beyond ASCII", "é" + GOOD[1:]),
        ("a NUL", GOOD[:5] + "\0" + GOOD[6:]),
        ("dots", "..."),
        ("a thousand dots", "." * 1000),
        ("nothing but A", "A" * 2000),
        ("zero bytes", bytes(2000)),
    ]
)
def test_what_is_no_token(thing):
    here = verifier()
    here.verify(GOOD, NOW)
    raises(TokenError, here.verify, thing, NOW, code="malformed")


class Text(str):
    """A str that may answer as it likes."""

    def encode(self, *args):
        return GOOD.encode()


class Octets(bytes):
    """Bytes that may answer as they like."""


def test_what_only_looks_like_a_str():
    raises(TokenError, verifier().verify, Text("x"), NOW, code="malformed")
    raises(TokenError, verifier().verify, Octets(GOOD.encode()), NOW, code="malformed")


@cases(
    [
        ("a float", 1793491200.0),
        ("a bool, an int to isinstance", True),
        ("None, the clock is not set", None),
        ("text", "1793491200"),
    ]
)
def test_now_is_an_int(now):
    # The caller's mistake, not the token's: and no token is any good at such a time.
    for thing in (GOOD, ""):
        assert str(raises(TypeError, verifier().verify, thing, now)).startswith("now: ")


@cases([("long before", 0, "ok"), ("negative", -5, "ok"), ("at the end of all time", 2**70, "expired")])
def test_any_int_is_a_time(now, expected):
    if expected == "ok":
        equal(verifier().verify(GOOD, now)["sub"], "anna")
    else:
        raises(TokenError, verifier().verify, GOOD, now, code=expected)


def test_the_longest_is_counted_in_bytes():
    equal(verifier(max_length=len(GOOD)).verify(GOOD, NOW), CLAIMS)
    raises(TokenError, verifier(max_length=len(GOOD) - 1).verify, GOOD, NOW, code="too_large")
    raises(TokenError, verifier(max_length=len(GOOD) - 1).verify, GOOD.encode(), NOW, code="too_large")
    raises(TokenError, verifier(max_length=10).verify, "é" * 6, NOW, code="too_large")
    raises(TokenError, verifier(max_length=10).verify, "é" * 5, NOW, code="malformed")


@cases(
    [
        ("the header is of arrays", "[" * 6000),
        ("the header is of objects", '{"a":' * 1500),
        ("a number of 6000 digits, more than CPython's int reads", '{"alg":"HS256","x":' + "9" * 6000 + "}"),
        ("the same, negative", '{"alg":"HS256","x":-' + "9" * 6000 + "}"),
        ("a number of 6000 digits and an exponent", '{"alg":"HS256","x":' + "9" * 6000 + "e1}"),
        ("escapes", '{"alg":"HS256","x":"' + "\\ud800" * 1000 + '"}'),
        ("thousands of members, the last of which is a second alg",
         '{"alg":"HS256",' + ",".join(['"%d":0' % i for i in range(800)]) + ',"alg":1}'),
    ]
)  # fmt: skip
def test_where_long_tokens_are_allowed(text):
    long = verifier(max_length=20000)
    raises(TokenError, long.verify, segment(text) + b".e30.AAAA", NOW, code="malformed")
    raises(TokenError, long.verify, token(HEADER, text), NOW, code="malformed")


def test_the_longest_if_nothing_is_said():
    raises(TokenError, verifier().verify, "A" * 2048, NOW, code="malformed")
    raises(TokenError, verifier().verify, "A" * 2049, NOW, code="too_large")
    raises(TokenError, verifier(max_length=1).verify, "A", NOW, code="malformed")


def test_every_refusal_has_a_code_and_a_message_without_secrets():
    here = verifier(audience="a secret audience", issuer="a secret issuer")
    signed = GOOD.rpartition(".")[0]
    good = {"aud": "a secret audience", "iss": "a secret issuer"}
    seen = set()
    for bad in (
        "",
        "A" * 3000,
        token({"alg": "none"}),
        token({"alg": "HS256", "kid": 1}),
        token({"alg": "HS256", "crit": 1}),
        token({"alg": "HS256", "typ": ""}),
        signed + ".AAAA",
        with_claims(exp=NOW, **good),
        with_claims(iat=NOW + 9, **good),
        with_claims(aud="x", iss=good["iss"]),
        with_claims(iss="x", aud=good["aud"]),
        token(HEADER, {"aud": "x"}),
        with_claims(exp=None),
    ):
        error = raises(TokenError, here.verify, bad, NOW)
        assert error.code in CODES, error.code
        seen.add(error.code)
        message = str(error)
        assert message
        for secret in ("a secret", GOOD.rpartition(".")[2], repr(SECRET)[2:20], "anna"):
            assert secret not in message, message
    equal(sorted(seen), sorted(CODES))


def test_a_refusal_is_no_value_error():
    # So that an `except ValueError` around other work does not let a refusal pass for a slip.
    assert not issubclass(TokenError, ValueError)
    assert issubclass(KeyRejected, ValueError)


def test_verifiers_know_nothing_of_each_other():
    one, two = verifier(), verifier(audience="door")
    one.verify(GOOD, NOW)
    raises(TokenError, two.verify, GOOD, NOW, code="audience")
    raises(TokenError, Verifier([Key(OTHER)]).verify, GOOD, NOW, code="signature")
    one.verify(GOOD, NOW)


@cases(
    [
        ("no keys", [], {}, KeyRejected),
        ("two keys, one without a name", [Key(SECRET, kid="a"), Key(OTHER)], {}, KeyRejected),
        ("two keys without names", [Key(SECRET), Key(OTHER)], {}, KeyRejected),
        ("two keys of one name", [Key(SECRET, kid="a"), Key(OTHER, kid="a")], {}, KeyRejected),
        ("the same key twice", [Key(SECRET, kid="a"), Key(SECRET, kid="a")], {}, KeyRejected),
        ("a negative leeway", [Key(SECRET)], {"leeway": -1}, ValueError),
        ("a float's leeway", [Key(SECRET)], {"leeway": 1.5}, ValueError),
        ("a bool's leeway", [Key(SECRET)], {"leeway": True}, ValueError),
        ("an empty audience, which an empty aud would meet", [Key(SECRET)], {"audience": ""}, ValueError),
        ("a list of audiences", [Key(SECRET)], {"audience": ["door"]}, ValueError),
        ("a bytes audience, which no aud would meet", [Key(SECRET)], {"audience": b"door"}, ValueError),
        ("an empty issuer", [Key(SECRET)], {"issuer": ""}, ValueError),
        ("a list of issuers", [Key(SECRET)], {"issuer": ["x"]}, ValueError),
        ("required, a str: its letters would be asked for", [Key(SECRET)], {"required": "exp"}, ValueError),
        ("no greatest length", [Key(SECRET)], {"max_length": None}, ValueError),
        ("a greatest length of zero", [Key(SECRET)], {"max_length": 0}, ValueError),
        ("a float's greatest length", [Key(SECRET)], {"max_length": 1e9}, ValueError),
    ]
)
def test_a_verifier_that_makes_no_sense(keys, expectations, error):
    refused = str(raises(error, Verifier, keys, **expectations))
    wrong = next(iter(expectations)) if expectations else "keys"
    assert refused.startswith(wrong + ": "), refused


def test_a_key_for_another_algorithm():
    key = Key(SECRET)
    key.alg = "RS256"  # as that of another class would be
    raises(TokenError, Verifier([key]).verify, GOOD, NOW, code="alg")


def test_which_key_was_asked_for():
    here = Verifier([Key(SECRET, kid="a"), Key(OTHER, kid="b")])
    for header, said in ((HEADER, "kid is missing"), (dict(HEADER, kid="c"), "kid names no key here")):
        equal(str(raises(TokenError, here.verify, token(header), NOW, code="kid")), said)


def test_the_lists_given_are_copied():
    keys, required = [Key(SECRET)], ["exp"]
    here = Verifier(keys, required=required)
    keys.append(Key(OTHER))
    required.append("jti")
    equal(here.verify(GOOD, NOW), CLAIMS)
