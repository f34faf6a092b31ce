"""What the verifier remembers: it saves work, and never changes a verdict."""

from harness import cases, equal, raises
from jwt import TokenError, Verifier
from jwt_bench import CLAIMS, HEADER, NOW, OTHER, Counting, token, with_claims

KEPT = 4  # tokens


def numbered(i, **members):
    return with_claims(jti=str(i), **members)


def forged(made):
    """The same token, the first letter of its signature changed."""
    signed, _, signature = made.rpartition(".")
    return signed + "." + ("B" if signature[0] == "A" else "A") + signature[1:]


def test_a_token_is_verified_once():
    key = Counting()
    here = Verifier([key])
    made = token()
    for form in (made, made.encode(), made, made.encode()):
        equal(here.verify(form, NOW), CLAIMS)
    equal(key.asked, 1)


@cases(
    [
        ("it expires", {"exp": NOW + 60}, NOW + 59, NOW + 60, "expired"),
        ("it expires, after a leap of the clock", {"exp": NOW + 60}, NOW, NOW + 10**8, "expired"),
        ("the clock is set back before nbf", {"nbf": NOW}, NOW, NOW - 1, "not_yet_valid"),
        ("the clock is set back before iat", {"iat": NOW}, NOW, NOW - 1, "not_yet_valid"),
        ("the clock is lost", {"iat": NOW}, NOW, 0, "not_yet_valid"),
    ]
)
def test_time_is_asked_each_time(claims, good, bad, code):
    key = Counting()
    here = Verifier([key])
    made = with_claims(**claims)
    for _ in range(3):
        equal(here.verify(made, good)["sub"], "anna")
        raises(TokenError, here.verify, made, bad, code=code)
    equal(key.asked, 1)


@cases(
    [
        ("expired", {"exp": NOW}, "expired"),
        ("not yet valid", {"nbf": NOW + 1}, "not_yet_valid"),
        ("for another", {"aud": "x"}, "audience"),
        ("of a wrong type", {"jti": 1}, "claim_type"),
    ]
)
def test_what_was_refused_is_not_remembered_as_good(claims, code):
    here = Verifier([Counting()])
    made = with_claims(**claims)
    for _ in range(3):
        raises(TokenError, here.verify, made, NOW, code=code)


def test_refused_too_early_and_good_later():
    here = Verifier([Counting()])
    made = with_claims(nbf=NOW + 5, exp=NOW + 10)
    raises(TokenError, here.verify, made, NOW, code="not_yet_valid")
    equal(here.verify(made, NOW + 5)["nbf"], NOW + 5)
    raises(TokenError, here.verify, made, NOW + 10, code="expired")


FLAT = {"sub": "anna", "exp": NOW + 60, "scope": "pins:read"}
NESTED = {"exp": NOW + 60, "privileges": ["pins:read"], "x": {"y": [{"z": 1}]}}


@cases([("flat claims", FLAT), ("claims with lists and objects", NESTED)])
def test_what_a_caller_does_to_its_claims_stays_there(claims):
    here = Verifier([Counting()])
    made = token(HEADER, claims)
    for _ in range(3):  # the first is the one that was parsed, the others come from memory
        got = here.verify(made, NOW)
        equal(got, claims)
        got["exp"] = NOW + 10**9
        got["scope"] = "admin"
        got["added"] = True
        if "x" in claims:
            got["privileges"].append("admin")
            got["x"]["y"][0]["z"] = 2
            got["x"]["y"].append(3)
            got["x"]["w"] = 4
        for name in list(got):
            if name not in claims:
                del got[name]
    raises(TokenError, here.verify, made, NOW + 60, code="expired")


def test_more_tokens_than_it_keeps():
    key = Counting()
    here = Verifier([key])
    tokens = [numbered(i) for i in range(3 * KEPT)]
    for i, made in enumerate(tokens):
        equal(here.verify(made, NOW)["jti"], str(i))
    equal(key.asked, 3 * KEPT)
    # The newest are still known.
    for made in tokens[-KEPT:]:
        here.verify(made, NOW)
    equal(key.asked, 3 * KEPT)
    # The others are not, and are good all the same.
    for i, made in enumerate(tokens[:KEPT]):
        equal(here.verify(made, NOW)["jti"], str(i))
    equal(key.asked, 4 * KEPT)


def test_nested_and_flat_claims_take_turns():
    here = Verifier([Counting()])
    for i in range(4 * KEPT):
        nested = token(HEADER, {"exp": NOW + 60, "jti": str(i), "x": [i]})
        flat = numbered(i)
        for _ in range(2):
            equal(here.verify(nested, NOW), {"exp": NOW + 60, "jti": str(i), "x": [i]})
            here.verify(nested, NOW)["x"].append("poison")
            equal(here.verify(flat, NOW)["jti"], str(i))


def test_a_stranger_can_neither_fill_nor_empty_it():
    key = Counting()
    here = Verifier([key])
    made = token()
    here.verify(made, NOW)
    for i in range(10 * KEPT):
        stranger = token({"alg": "HS256", "typ": "JWT", "n": i}, dict(CLAIMS, n=i), OTHER)
        raises(TokenError, here.verify, stranger, NOW, code="signature")
        raises(TokenError, here.verify, forged(numbered(i)), NOW, code="signature")
    asked = key.asked
    equal(here.verify(made, NOW), CLAIMS)
    equal(key.asked, asked)


def test_a_known_header_vouches_for_nothing():
    here = Verifier([Counting()])
    made = token()
    here.verify(made, NOW)
    header, payload, signature = made.split(".")
    other = with_claims(sub="admin").split(".")
    for bad in (
        f"{header}.{other[1]}.{signature}",
        f"{header}.{payload}.{other[2]}",
        token(HEADER, CLAIMS, OTHER),
        token(HEADER, "{", OTHER),
    ):
        raises(TokenError, here.verify, bad, NOW, code="signature")
    for bad in (
        f"{header}..{signature}",
        f"{header}.{payload}",
        f"{header}.{payload}.",
        f"{header}{payload}.{signature}",
        f"{header}.{payload}={signature}",
        f"{header}.{payload}.{signature}.",
        f"{header}.{payload}=.{signature}",
        f"{header}..{payload}.{signature}",
        token(HEADER, "[]"),
        token(HEADER, "{"),
    ):
        raises(TokenError, here.verify, bad, NOW, code="malformed")
    equal(here.verify(other[0] + "." + other[1] + "." + other[2], NOW)["sub"], "admin")


@cases(
    [
        ("its beginning", lambda header: header[:-4]),
        ("more than it", lambda header: header + "AAAA"),
        ("its octets, spelled otherwise", lambda header: header + "="),
        ("in other letters", lambda header: header.lower()),
    ]
)
def test_a_header_that_resembles_a_known_one(change):
    here = Verifier([Counting()])
    made = token()
    here.verify(made, NOW)
    header, payload, signature = made.split(".")
    raises(TokenError, here.verify, f"{change(header)}.{payload}.{signature}", NOW, code="malformed")


def test_more_headers_than_it_keeps():
    keys = [Counting(bytes([i]) + bytes(31), "key %d" % i) for i in range(1, 13)]
    here = Verifier(keys)
    secrets = [bytes([i]) + bytes(31) for i in range(1, 13)]
    for _ in range(3):
        for key, secret in zip(keys, secrets):
            header = {"alg": "HS256", "kid": key.kid}
            equal(here.verify(token(header, CLAIMS, secret), NOW), CLAIMS)
    # A header that is known stands for its own key.
    for key in keys:
        for secret in secrets:
            made = token({"alg": "HS256", "kid": key.kid}, {"exp": NOW + 5, "s": secret[0]}, secret)
            if secret[0] == keys.index(key) + 1:
                equal(here.verify(made, NOW)["s"], secret[0])
            else:
                raises(TokenError, here.verify, made, NOW, code="signature")


def test_a_header_is_remembered_whatever_the_claims():
    # It was signed: that is all there is to know of a header. The claims are asked each time.
    here = Verifier([Counting()])
    for _ in range(2):
        raises(TokenError, here.verify, token(HEADER, {"exp": NOW}), NOW, code="expired")
        raises(TokenError, here.verify, token(HEADER, "[]"), NOW, code="malformed")
        raises(TokenError, here.verify, token(HEADER, {}), NOW, code="missing_claim")
        raises(TokenError, here.verify, token(HEADER, CLAIMS, OTHER), NOW, code="signature")
        equal(here.verify(token(), NOW), CLAIMS)


def test_a_failure_in_between_leaves_it_whole():
    here = Verifier([Counting()])
    good = [numbered(i) for i in range(KEPT + 2)]
    for i, made in enumerate(good):
        for bad in (
            "",
            "a.b.c",
            made[:-1],
            made + "A",
            "." + made,
            token({"alg": "none"}),
            with_claims(exp=1),
        ):
            raises(TokenError, here.verify, bad, NOW)
        equal(here.verify(made, NOW)["jti"], str(i))
    for i, made in enumerate(good):
        equal(here.verify(made, NOW)["jti"], str(i))


def test_what_it_remembers_is_bounded():
    # By those who can sign, too: whatever they send, an hour of it leaves memory for the rest of the board.
    here = Verifier([Counting()])
    for i in range(50):
        here.verify(token({"alg": "HS256", "n": i}, dict(CLAIMS, n=i)), NOW)
    sizes = [len(value) for value in here.__dict__.values() if isinstance(value, (dict, list, set))]
    assert max(sizes) <= KEPT, sizes
