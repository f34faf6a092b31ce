"""A token of which header and payload came, and the signature is shown to be known some other way."""

import base64url
from harness import cases, equal, raises
from jwt import TokenError
from jwt_bench import CLAIMS, NOW, Counting, token, with_claims
from jwtproof import Verifier


class Stranger(Exception):
    """What a caller raises when the other side does not know the signature."""


def halves(made):
    signing_input, _, signature = made.encode().rpartition(b".")
    return signing_input, base64url.decode(signature)


def knows(signature):
    def prove(mac):
        if mac != signature:
            raise Stranger

    return prove


def test_who_knows_the_signature_is_admitted():
    here = Verifier([Counting()])
    signing_input, signature = halves(token())
    for _ in range(2):  # the second time from what is remembered
        equal(here.verify_proof(signing_input, knows(signature), NOW), CLAIMS)


def test_who_does_not_is_refused_each_time():
    here = Verifier([Counting()])
    signing_input, signature = halves(token())
    raises(Stranger, here.verify_proof, signing_input, knows(bytes(32)), NOW)
    here.verify_proof(signing_input, knows(signature), NOW)
    raises(Stranger, here.verify_proof, signing_input, knows(bytes(32)), NOW)


def test_the_payload_is_not_parsed_before():
    here = Verifier([Counting()])
    header = token().split(".")[0].encode()
    raises(Stranger, here.verify_proof, header + b".e30x", knows(b""), NOW)


def test_what_is_remembered_of_one_form_is_not_good_for_the_other():
    key = Counting()
    here = Verifier([key])
    signing_input, signature = halves(token())
    here.verify_proof(signing_input, knows(signature), NOW)
    raises(TokenError, here.verify, signing_input, NOW, code="malformed")
    raises(TokenError, here.verify, signing_input + b"p", NOW, code="malformed")
    equal(here.verify(token(), NOW), CLAIMS)


@cases(
    [
        ("one segment", b"eyJhbGciOiJIUzI1NiJ9", "malformed"),
        ("three segments", token().encode(), "malformed"),
        ("nothing", b"", "malformed"),
        ("no header", b".e30", "malformed"),
        ("no payload", b"eyJhbGciOiJIUzI1NiJ9.", "malformed"),
        ("alg none", b"eyJhbGciOiJub25lIn0.e30", "alg"),
        ("too long", b"eyJhbGciOiJIUzI1NiJ9." + b"A" * 2048, "too_large"),
    ]
)
def test_form(signing_input, code):
    here = Verifier([Counting()])
    raises(TokenError, here.verify_proof, signing_input, lambda mac: None, NOW, code=code)
    # Nor is a stranger asked for anything before.
    raises(TokenError, here.verify_proof, signing_input, knows(b""), NOW, code=code)


def test_the_longest_is_that_of_the_whole_token():
    signing_input, signature = halves(token())
    most = len(token())
    equal(Verifier([Counting()], max_length=most).verify_proof(signing_input, knows(signature), NOW), CLAIMS)
    short = Verifier([Counting()], max_length=most - 1)
    raises(TokenError, short.verify_proof, signing_input, knows(signature), NOW, code="too_large")


@cases(
    [
        ("its beginning", lambda header: header[:-1]),
        ("its beginning, and another end", lambda header: header[:-1] + b"_"),
        ("more than it", lambda header: header + b"AAAA"),
    ]
)
def test_a_header_that_resembles_a_known_one(change):
    here = Verifier([Counting()])
    signing_input, signature = halves(token())
    here.verify_proof(signing_input, knows(signature), NOW)
    header, _, payload = signing_input.partition(b".")
    other = change(header) + b"." + payload
    raises(TokenError, here.verify_proof, other, lambda mac: None, NOW, code="malformed")


@cases([("a float", float(NOW)), ("None, the clock is not set", None), ("a bool", True)])
def test_now_is_an_int(now):
    signing_input, signature = halves(token())
    error = raises(TypeError, Verifier([Counting()]).verify_proof, signing_input, knows(signature), now)
    assert str(error).startswith("now: ")


def test_each_token_has_its_own_claims():
    """Also when it is one of several that are remembered, and when it has been forgotten in between."""
    here = Verifier([Counting()])
    made = [with_claims(jti=str(i)) for i in range(7)]
    for i in (0, 0, 1, 0, 1, 2, 3, 4, 4, 5, 6, 6, 0, 1):
        signing_input, signature = halves(made[i])
        equal(here.verify_proof(signing_input, knows(signature), NOW)["jti"], str(i))


def test_what_a_caller_does_to_its_claims_stays_there():
    here = Verifier([Counting()])
    signing_input, signature = halves(with_claims(privileges=["pins:read"]))
    for _ in range(3):
        claims = here.verify_proof(signing_input, knows(signature), NOW)
        equal(claims["privileges"], ["pins:read"])
        claims["privileges"].append("admin")


@cases(
    [
        ("expired", {"exp": NOW}, "expired"),
        ("not yet valid", {"nbf": NOW + 1}, "not_yet_valid"),
        ("a date that is a string", {"exp": "1"}, "claim_type"),
        ("for another audience", {"aud": "gate"}, "audience"),
    ]
)
def test_claims_are_those_of_any_token(claims, code):
    here = Verifier([Counting()])
    signing_input, signature = halves(with_claims(**claims))
    raises(TokenError, here.verify_proof, signing_input, knows(signature), NOW, code=code)


def test_time_is_asked_each_time():
    here = Verifier([Counting()])
    signing_input, signature = halves(with_claims(exp=NOW + 5))
    here.verify_proof(signing_input, knows(signature), NOW)
    raises(TokenError, here.verify_proof, signing_input, knows(signature), NOW + 5, code="expired")


def test_a_header_is_no_longer_than_it_need_be():
    """It is parsed for strangers."""
    header = b'{"alg":"HS256","a":"%s"}'
    for size, code in ((192, "signature"), (193, "too_large")):
        first = base64url.encode(header % (b"x" * (size - len(header) + 2)))
        here = Verifier([Counting()])
        if code == "too_large":
            raises(TokenError, here.verify_proof, first + b".e30", knows(b""), NOW, code=code)
        else:
            raises(Stranger, here.verify_proof, first + b".e30", knows(b""), NOW)
        raises(TokenError, here.verify, first + b".e30." + b"A" * 43, NOW, code=code)
    raises(TokenError, here.verify, b"A" * 257 + b".e30." + b"A" * 43, NOW, code="too_large")


@cases(
    [
        ("a name alone", "anna"),
        ("no id", {"sub": "anna"}),
        ("an empty id", {"jti": ""}),
        ("more than can be revoked", {"jti": "p", "exp": NOW}),
        ("a date that is text", {"jti": "p", "iat": "now"}),
    ]
)
def test_what_is_no_parent(parent):
    made = with_claims(parent=parent)
    raises(TokenError, Verifier([Counting()]).verify, made, NOW, code="claim_type")
    signing_input, signature = halves(made)
    raises(TokenError, Verifier([Counting()]).verify_proof, signing_input, knows(signature), NOW)
