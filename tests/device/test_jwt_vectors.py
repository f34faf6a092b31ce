"""The verifier against what others published: Wycheproof's HS256 tokens and keys, and RFC 7515's own example.

Wycheproof's payloads are not JSON objects, and a verifier of JWTs takes nothing else: a good signature shows
as the refusal of the payload, and as Key.signs. Its all-zero key is none to us: WeakKey lets it in, so that
its tokens reach the verifier.
"""

import hmac
from binascii import a2b_base64

import base64url
from harness import cases, equal, raises, vectors
from jwt import Key, KeyRejected, TokenError, Verifier
from jwt_bench import NOW

ALL = vectors("hs256_jws.json")
# "skip": two that are marked invalid and are, byte for byte, a valid one; two that are marked valid with a
# "?" in a segment.
RUN = [(f"{test['tcId']}: {test['comment']}, {test['result']}", test) for test in ALL if test["use"] == "run"]
KEYS = [(f"{test['tcId']}: {test['comment']}, {test['result']}", test) for test in vectors("hs256_keys.json")]


class WeakKey(Key):
    """A key that nobody checked."""

    def __init__(self, secret, kid):
        self.kid = kid
        self.alg = "HS256"
        self._mac = hmac.new(secret, digestmod="sha256")


def is_signed(key, jws):
    """The verdict of Wycheproof's own question: canonical segments, and the signature good."""
    parts = jws.encode().split(b".")
    if len(parts) != 3:
        return False
    try:
        for part in parts:
            base64url.decode(part)
    except ValueError:
        return False
    return key.signs(parts[0] + b"." + parts[1], parts[2])


@cases(RUN)
def test_wycheproof_jws(test):
    secret = bytes.fromhex(test["key_hex"])
    if secret == bytes(32):
        raises(KeyRejected, Key, secret, test["kid"])
    key = WeakKey(secret, test["kid"])
    error = raises(TokenError, Verifier([key]).verify, test["jws"], NOW)
    if test["result"] == "valid":
        equal(error.code, "malformed")  # the payload, and nothing before it
        assert is_signed(key, test["jws"])
    else:
        assert error.code in ("malformed", "signature", "alg", "kid"), error.code
        assert not is_signed(key, test["jws"])


def test_those_that_are_skipped_contradict_others():
    by_id = {test["tcId"]: test for test in ALL}
    for tc in (367, 370):
        equal(by_id[tc]["jws"], by_id[357]["jws"])
        assert by_id[tc]["result"] != by_id[357]["result"]
    for tc in (372, 373):
        assert "?" in by_id[tc]["jws"]
        raises(
            TokenError,
            Verifier([WeakKey(bytes(32), by_id[tc]["kid"])]).verify,
            by_id[tc]["jws"],
            NOW,
            code="malformed",
        )
    equal(len(ALL) - len(RUN), 4)


def octets(text):
    """A JWK's `k`; case 4 has one with spare bits set, which base64url.decode refuses."""
    return a2b_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))


# What our interface makes of a set of keys: refused as keys, or as the token of none of them.
REFUSED_AS_KEYS = {
    "MixedKeySet": "a key has one algorithm, and ES256 is none of ours",
    "DuplicateKid": "a name for two keys names none",
}


@cases(KEYS)
def test_wycheproof_keys(test):
    try:
        keys = [Key(octets(jwk.get("k", "")), jwk["kid"], jwk["alg"]) for jwk in test["keys"]]
        verifier = Verifier(keys)
    except KeyRejected:
        # Short, empty, AES's, another algorithm's. A good HS384 or HS512 too: we have HS256 only.
        other_alg = test["keys"][0]["alg"] != "HS256"
        assert test["result"] == "invalid" or other_alg, "a good key was refused"
        return
    for flag in test["flags"]:
        assert flag not in REFUSED_AS_KEYS, REFUSED_AS_KEYS[flag]
    error = raises(TokenError, verifier.verify, test["jws"], NOW)
    signed = is_signed(keys[0], test["jws"])
    equal(signed, test["result"] == "valid")
    equal(error.code, "malformed" if signed else "signature")


def test_rfc7515_a1():
    example = vectors("rfc7515_a1.json")
    verifier = Verifier([Key(bytes.fromhex(example["key_hex"]))])
    # Line ends and white space in its header and payload, and a member that is a URL.
    equal(verifier.verify(example["jws"], example["payload"]["exp"] - 1), example["payload"])
    raises(TokenError, verifier.verify, example["jws"], example["payload"]["exp"], code="expired")
    raises(TokenError, verifier.verify, example["jws"][:-1] + "l", 0, code="malformed")  # a spare bit
