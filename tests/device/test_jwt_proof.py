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
