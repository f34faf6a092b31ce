"""Minting on the board: what it makes is what the verifier accepts, and what it cannot say is refused."""

import base64url
from harness import cases, equal, raises
from jwt import Key, Verifier, encode
from jwt_bench import CLAIMS, NOW, OTHER, SECRET

KEY = Key(SECRET)


@cases(
    [
        ("claims", CLAIMS),
        ("none", {}),
        ("text beyond ASCII", {"sub": "Ænne 🔑", "é": "é"}),
        ("what JSON escapes", {"sub": '"\\/\b\f\n\r\t\x00\x1f\x7f'}),
        ("lists and dicts", {"x": [1, [2, {"y": None}], True, False], "exp": NOW}),
        ("numbers", {"a": 0, "b": -1, "c": 2**40, "d": 0.5}),
        ("dates at their ends", {"exp": 2**53 - 1, "nbf": 0, "iat": 0}),
    ]
)
def test_round_trip(claims):
    for key in (KEY, Key(OTHER, "2026-11")):
        made = encode(claims, key)
        equal(type(made), str)
        expected = {"exp": NOW + 9}
        expected.update(claims)
        taken = Verifier([key], required=()).verify(made, min(NOW, expected["exp"] - 1))
        equal(taken, claims)


def test_its_header():
    for key, text in (
        (KEY, ('{"alg":"HS256","typ":"JWT"}', '{"typ":"JWT","alg":"HS256"}')),
        (Key(SECRET, "a"), None),
    ):
        header = base64url.decode(encode({}, key).split(".")[0].encode()).decode()
        if text:
            assert header in text, header
        else:
            assert '"kid":"a"' in header, header


def test_as_pyjwt_makes_it():
    # jwt.encode({"exp": 1793491260}, bytes(range(32)), headers={"typ": "JWT"}), whatever the members' order.
    equal(encode({"exp": NOW + 60}, KEY).split(".")[1], "eyJleHAiOjE3OTM0OTEyNjB9")


class Thing:
    pass


LOOP = []
LOOP.append(LOOP)


@cases(
    [
        ("a float's date", {"exp": 1793491260.0}),
        ("a bool's date", {"iat": True}),
        ("a text's date", {"nbf": "1793491260"}),
        ("no date", {"exp": None}),
        ("a date before 1970", {"exp": -1}),
        ("a date that no JSON number holds", {"exp": 2**53}),
        ("bytes", {"a": b"x"}),
        ("an object", {"a": Thing()}),
        ("a set", {"a": {1}}),
        ("a tuple, which would come back a list", {"a": (1, 2)}),
        ("a number for a name, which would come back text", {1: "a"}),
        ("None for a name", {None: "a"}),
        ("a float that is no number", {"a": float("nan")}),
        ("infinity", {"a": float("inf")}),
        ("a lone surrogate", {"a": chr(0xD800)}),
        ("deeper than a verifier reads", {"a": [[[[[[[[1]]]]]]]]}),
        ("itself", {"a": LOOP}),
        ("a list", []),
        ("text", "{}"),
        ("None", None),
    ]
)
def test_refuses(claims):
    refused = str(raises(ValueError, encode, claims, KEY)).partition(": ")
    assert refused[0] in ("claims", "exp", "nbf", "iat"), refused
    assert refused[0] == "claims" or refused[0] in claims
    assert refused[2]


def test_the_claims_are_left_alone():
    claims = {"x": [1], "exp": NOW + 60}
    encode(claims, KEY)
    equal(claims, {"x": [1], "exp": NOW + 60})
