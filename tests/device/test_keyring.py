"""The keys of /secrets.json: one more, one less, and nothing else changes."""

import json
import os

import hkdf
import jwt
from firmware import keyring, newkey, storage
from firmware.keyring import KeyringError
from firmware.settings import check_secrets
from firmware.verifier import make_verifier
from harness import cases, equal, raises
from secrets_bench import (
    FOURTH,
    NEW,
    OLD,
    SECRETS,
    THIRD,
    WIFI,
    Flash,
    content,
    every_cut,
    in_folder,
    jwk_of,
    left,
    put,
    put_secrets,
    text_of,
)

SETTINGS = {"name": "door", "issuer": None, "leeway": 0}
NOW = 1793491200
SALT = bytes(range(32, 64))


def kids():
    return [key["kid"] for key in keyring.describe(SECRETS)]


def changed(**members):
    return dict(NEW, **members)


@in_folder
def test_describe_tells_no_secret():
    put_secrets(OLD, NEW)
    told = keyring.describe(SECRETS)
    equal(told, [{"kid": "2026-11", "alg": "HS256"}, {"kid": "2026-12", "alg": "HS256"}])
    assert OLD["k"] not in json.dumps(told)


@in_folder
def test_add_and_retire():
    put_secrets(OLD)
    equal(keyring.add(NEW, SECRETS), True)
    equal(kids(), ["2026-11", "2026-12"])
    equal(keyring.add(NEW, SECRETS), False)
    equal(keyring.retire("2026-11", SECRETS), True)
    equal(content(SECRETS), {"wifi": WIFI, "keys": [NEW], "retired": ["2026-11"]})
    equal(keyring.retire("2026-11", SECRETS), False)
    equal(left(), ["secrets.json"])


MORE = {"later": {"version": 7, "list": [1, None, True, -2, "ü\n\u2028", {}]}, "setup_password": "12345678"}


@in_folder
def test_all_else_stays():
    """What another version has put there, too."""
    old = dict(OLD, use="sig")
    put_secrets(old, **MORE)
    keyring.add(NEW, SECRETS)
    equal(content(SECRETS), dict({"wifi": WIFI, "keys": [old, NEW]}, **MORE))
    keyring.retire("2026-12", SECRETS)
    equal(content(SECRETS), dict({"wifi": WIFI, "keys": [old], "retired": ["2026-12"]}, **MORE))


@in_folder
def test_the_names_of_retired_keys_stay():
    """32 of them, and from then on no key is derived: one that was forgotten could come back."""
    put_secrets(OLD)
    for number in range(40):
        secrets = keyring.load(SECRETS)
        kid = "k%d" % number
        if number < 32:
            keyring.add(newkey.derive(secrets, "2026-11", SALT, "door", kid), SECRETS)
        else:
            raises(KeyringError, newkey.derive, secrets, "2026-11", SALT, "door", kid, code="key_retired")
            keyring.add(dict(NEW, kid=kid), SECRETS)
        keyring.retire(kid, SECRETS)
        for retired in range(number + 1):
            again = (keyring.load(SECRETS), "2026-11", SALT, "door", "k%d" % retired)
            raises(KeyringError, newkey.derive, *again, code="key_retired")
    equal(content(SECRETS)["retired"], ["k%d" % number for number in range(8, 40)])
    check_secrets(storage.load(SECRETS))


@in_folder
def test_the_owner_may_bring_a_retired_key_back_by_cable():
    put_secrets(OLD, NEW)
    keyring.retire("2026-12", SECRETS)
    equal(keyring.add(NEW, SECRETS), True)
    keyring.retire("2026-12", SECRETS)
    equal(content(SECRETS)["retired"], ["2026-12"])


@in_folder
def test_what_cannot_be_written_again_is_not_written():
    put_secrets(OLD)
    keyring.json = Forgetful
    try:
        error = raises(ValueError, keyring.add, NEW, SECRETS)
    finally:
        keyring.json = json
    assert "deploy it again" in str(error), error
    equal(content(SECRETS), {"wifi": WIFI, "keys": [OLD]})


class Forgetful:
    """A json that loses a member."""

    @staticmethod
    def dumps(value):
        return json.dumps(None if type(value) is dict else value)

    loads = json.loads


@in_folder
def test_the_same_again_is_no_fifth_key():
    put_secrets(OLD, NEW, THIRD, FOURTH)
    equal(keyring.add(NEW, SECRETS), False)
    raises(KeyringError, keyring.add, jwk_of("e", 129), SECRETS, code="too_many_keys")
    equal(kids(), ["2026-11", "2026-12", "c", "d"])


@cases(
    [
        ("another secret under a name that is taken", changed(kid="2026-11"), "key_exists"),
        ("no object", [NEW], "bad_value"),
        ("no secret", {"kty": "oct", "kid": "2026-12", "alg": "HS256"}, "bad_value"),
        ("another member, which no settings take", changed(use="sig"), "bad_value"),
        ("another kind of key", changed(kty="RSA"), "bad_value"),
        ("another algorithm", changed(alg="HS512"), "bad_value"),
        ("no algorithm", changed(alg="none"), "bad_value"),
        ("no name", changed(kid=""), "bad_value"),
        ("a name that is no text", changed(kid=7), "bad_value"),
        ("a name of 65", changed(kid="x" * 65), "bad_value"),
        ("a name with a line break", changed(kid="a\nb"), "bad_value"),
        ("a name with a space", changed(kid="a b"), "bad_value"),
        ("a name that a path would split", changed(kid="a/b"), "bad_value"),
        ("a name beyond ASCII", changed(kid="schlüssel"), "bad_value"),
        ("a secret that is no text", changed(k=7), "bad_value"),
        ("a secret of 31 bytes", changed(k=text_of(bytes(range(31)))), "bad_value"),
        ("a secret of 513 bytes", changed(k=text_of(bytes(range(27)) * 19)), "bad_value"),
        ("one byte only", changed(k=text_of(b"x" * 40)), "bad_value"),
        ("padding", changed(k=NEW["k"] + "="), "bad_value"),
        ("beyond ASCII", changed(k=NEW["k"][:-1] + "ü"), "bad_value"),
        ("the text of a key", changed(k=text_of(b"-----BEGIN PUBLIC KEY-----" * 2)), "bad_value"),
    ]
)
@in_folder
def test_refused(jwk, code):
    put_secrets(OLD)
    error = raises(KeyringError, keyring.add, jwk, SECRETS, code=code)
    equal(content(SECRETS), {"wifi": WIFI, "keys": [OLD]})
    assert NEW["k"][:8] not in str(error), error


@cases(
    [
        ("as they usually are", NEW),
        ("a name of 64 characters", changed(kid="x" * 64)),
        ("a name with all that it may hold", changed(kid="azAZ09._-")),
        ("512 bytes", changed(k=text_of(bytes(range(256)) * 2))),
    ]
)
@in_folder
def test_what_is_taken_starts_a_board(jwk):
    """The board must not find at its next start that its secrets are wrong."""
    put_secrets(OLD)
    equal(keyring.add(jwk, SECRETS), True)
    secrets = check_secrets(storage.load(SECRETS))
    equal(secrets["keys"], [OLD, jwk])
    make_verifier(SETTINGS, secrets["keys"])


@cases(
    [
        ("the last one", "2026-11", "last_key"),
        ("one of no name", None, None),
        ("one that is not there", "2026", None),
        ("other capitals of it", "2026-11 ", None),
    ]
)
@in_folder
def test_not_retired(kid, code):
    put_secrets(OLD)
    if code:
        raises(KeyringError, keyring.retire, kid, SECRETS, code=code)
    else:
        equal(keyring.retire(kid, SECRETS), False)
    equal(content(SECRETS), {"wifi": WIFI, "keys": [OLD]})


@cases(
    [
        ("no file", None),
        ("no JSON", '{"keys": [}'),
        ("no object", []),
        ("no keys", {"wifi": None}),
        ("keys that are no list", {"keys": OLD}),
        ("a key that is none", {"keys": [OLD, "x"]}),
        ("a key without a name", {"keys": [{"kty": "oct", "alg": "HS256", "k": OLD["k"]}]}),
        ("a secret that is a number", {"keys": [changed(k=1)]}),
        ("retired keys that are no list", {"keys": [OLD], "retired": "2026-10"}),
    ]
)
@in_folder
def test_a_file_that_cannot_be_used(secrets):
    if secrets is not None:
        put(SECRETS, secrets)
    before = storage.read(SECRETS)
    for call in (
        lambda: keyring.describe(SECRETS),
        lambda: keyring.add(NEW, SECRETS),
        lambda: keyring.retire("2026-11", SECRETS),
    ):
        error = raises(ValueError, call)
        assert "deploy it" in str(error), error
        assert OLD["k"][:8] not in str(error), error
    equal(storage.read(SECRETS), before)


def test_tokens_of_both_keys_are_good_until_the_old_one_is_retired():
    tokens = [
        jwt.encode(
            {"aud": "door", "exp": NOW + 60},
            jwt.Key(jwt.base64url.decode(jwk["k"].encode()), jwk["kid"]),
        )
        for jwk in (OLD, NEW)
    ]
    verifier = make_verifier(SETTINGS, keyring.with_key([OLD], NEW))
    for token in tokens:
        equal(verifier.verify(token, NOW)["exp"], NOW + 60)
    verifier = make_verifier(SETTINGS, keyring.without_key([OLD, NEW], "2026-11"))
    raises(jwt.TokenError, verifier.verify, tokens[0], NOW, code="kid")
    equal(verifier.verify(tokens[1], NOW)["exp"], NOW + 60)


def test_a_list_that_was_given_stays_as_it_is():
    keys = [OLD]
    keyring.with_key(keys, NEW)
    equal(keys, [OLD])
    keys = [OLD, NEW]
    keyring.without_key(keys, "2026-11")
    equal(keys, [OLD, NEW])


def derived(jwks=(OLD,), source="2026-11", salt=SALT, name="door", kid="2026-12"):
    return newkey.derive({"keys": list(jwks)}, source, salt, name, kid)


def test_derive():
    """The value is another implementation's: tests/properties/test_hkdf.py."""
    expected = {
        "kty": "oct",
        "kid": "2026-12",
        "alg": "HS256",
        "k": "EKROVabLH6F82_NySJ3N1OifVL12tnQrZN-p5q57xHI",
    }
    equal(derived(), expected)
    equal(derived([NEW, OLD, THIRD]), expected)


def test_each_place_has_a_key_of_its_own():
    made = [
        derived()["k"],
        derived(kid="2026-13")["k"],
        derived(name="gate")["k"],
        derived(salt=bytes(range(33, 65)))["k"],
        derived([OLD, NEW], source="2026-12")["k"],
        derived(name="doo", kid="r2026-12")["k"],
    ]
    equal(len(set(made)), len(made))
    secret = jwt.base64url.decode(OLD["k"].encode())
    assert derived()["k"] != text_of(hkdf.derive(secret, SALT, b"")), "the purpose is part of it"


@cases(
    [
        ("from a key that is not there", {"source": "x"}, "unknown_key"),
        ("from no key", {"source": None}, "unknown_key"),
        ("a short salt", {"salt": bytes(31)}, "bad_value"),
        ("a long salt", {"salt": bytes(33)}, "bad_value"),
        ("no salt", {"salt": None}, "bad_value"),
        ("a salt that is text", {"salt": "x" * 32}, "bad_value"),
        ("no name", {"kid": None}, "bad_value"),
        ("a NUL, which would move the border between the names", {"kid": "a\0b"}, "bad_value"),
    ]
)
def test_not_derived(how, code):
    raises(KeyringError, derived, code=code, **how)


@cases([("adding", lambda: keyring.add(NEW, SECRETS)), ("retiring", lambda: keyring.retire("c", SECRETS))])
@in_folder
def test_a_full_flash_leaves_the_keys_alone(change):
    put_secrets(OLD, THIRD)
    before = storage.read(SECRETS)
    Flash(100)
    equal(raises(OSError, change).errno, 28)
    storage.open = open
    equal(storage.read(SECRETS), before)
    equal(left(), ["secrets.json"])


@cases(
    [
        ("adding", lambda: keyring.add(NEW, SECRETS), [OLD, THIRD, NEW]),
        ("retiring", lambda: keyring.retire("2026-11", SECRETS), [THIRD]),
    ]
)
@in_folder
def test_the_power_fails_at_each_byte(change, expected):
    def before():
        put_secrets(OLD, THIRD)
        return SECRETS

    for found in every_cut(before, change):
        equal(json.loads(found), {"wifi": WIFI, "keys": [OLD, THIRD]})
    equal(content(SECRETS)["keys"], expected)
    equal(content(SECRETS).get("retired"), None if len(expected) > 1 else ["2026-11"])


@in_folder
def test_half_a_file_of_a_power_cut_does_no_harm():
    put_secrets(OLD)
    put(SECRETS + ".new", '{"keys": []')
    equal(kids(), ["2026-11"])
    keyring.add(NEW, SECRETS)
    equal(kids(), ["2026-11", "2026-12"])
    equal(os.listdir(SECRETS[: SECRETS.rfind("/")]), ["secrets.json"])
