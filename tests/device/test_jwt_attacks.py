"""Every case of tests/vectors/jwt_attacks.json: rules 1 to 13 of the token profile, one flaw a token."""

from harness import cases, raises, vectors
from jwt import Key, TokenError, Verifier

TABLE = vectors("jwt_attacks.json")


def verifier_of(case):
    set_to = dict(TABLE["defaults"])
    set_to.update(case)
    keys = [Key(bytes.fromhex(key["k"]), kid=key["kid"], alg=key["alg"]) for key in set_to["keys"]]
    return Verifier(
        keys,
        audience=set_to["audience"],
        issuer=set_to["issuer"],
        leeway=set_to["leeway"],
        required=set_to["required"],
        max_length=set_to["max_length"],
    ), set_to["now"]


@cases([("rule %d, %s" % (case["rule"], case["why"]), case) for case in TABLE["cases"]])
def test_case(case):
    verifier, now = verifier_of(case)
    tokens = (
        [bytes.fromhex(case["token_hex"])] if "token_hex" in case else [case["token"], case["token"].encode()]
    )
    # Twice, as str and as bytes: what the verifier remembers changes no verdict.
    for token in tokens + tokens:
        if case["expect"] == "ok":
            assert type(verifier.verify(token, now)) is dict
        else:
            raises(TokenError, verifier.verify, token, now, code=case["expect"])
