"""The secrets of the board: every way to get them wrong, and that no message tells them."""

from firmware.settings import SettingsError, check_secrets
from harness import cases, equal, raises
from tls_bench import PAIR

KEY = {"kty": "oct", "kid": "2026-11", "alg": "HS256", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"}


def changed(base, **members):
    result = dict(base)
    result.update(members)
    return result


def problems(data):
    return raises(SettingsError, check_secrets, data).problems


@cases(
    [
        ("a network with a password", {"wifi": {"ssid": "Home", "password": "12345678"}, "keys": [KEY]}),
        ("an open network", {"wifi": {"ssid": "Home", "password": ""}, "keys": [KEY]}),
        ("no network", {"wifi": None, "keys": [KEY]}),
        ("names of keys that were retired", {"wifi": None, "keys": [KEY], "retired": ["2026-10"] * 32}),
        ("four keys", {"wifi": None, "keys": [changed(KEY, kid=str(i)) for i in range(4)]}),
    ]
)
def test_accepts_secrets(data):
    equal(check_secrets(data), changed({"setup_password": None}, **data))


def test_no_network_and_no_setup_password_are_the_default():
    equal(check_secrets({"keys": [KEY]}), {"wifi": None, "keys": [KEY], "setup_password": None})


@cases(
    [
        ("8 characters", "k7mw-3hf"),
        ("63 characters", "a" * 63),
        ("all that is printable in ASCII", ' !"#~}|AZ09'),
        ("null", None),
    ]
)
def test_accepts_setup_password(password):
    equal(check_secrets({"keys": [KEY], "setup_password": password})["setup_password"], password)


SECRET = "hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2-hunter2"


@cases(
    [
        ("no object", [SECRET], "secrets"),
        ("an unknown member", {"keys": [KEY], SECRET: 1}, "secrets"),
        ("no keys", {"wifi": None}, "keys"),
        ("an empty list of keys", {"keys": []}, "keys"),
        ("a key that is in no list", {"keys": KEY}, "keys"),
        ("five keys", {"keys": [changed(KEY, kid=str(i)) for i in range(5)]}, "keys"),
        ("a key that is text", {"keys": [SECRET]}, "keys[0]"),
        ("one name for two keys", {"keys": [KEY, KEY]}, "keys[1].kid"),
        ("retired keys that are none", {"keys": [KEY], "retired": [1]}, "retired"),
        ("more retired keys than a board notes", {"keys": [KEY], "retired": ["x"] * 33}, "retired"),
    ]
)
def test_refuses_secrets(data, field):
    only_secret_problem(data, field)


@cases(
    [
        ("text", SECRET, "wifi"),
        ("an unknown member", {"ssid": "a", "password": "", SECRET: 1}, "wifi"),
        ("no name", {"password": SECRET[:20]}, "wifi.ssid"),
        ("a name of 33 bytes in 17 characters", {"ssid": "é" * 16 + "e", "password": ""}, "wifi.ssid"),
        ("no password", {"ssid": "a"}, "wifi.password"),
        ("a password of 7", {"ssid": "a", "password": SECRET[:7]}, "wifi.password"),
        ("a password of 65", {"ssid": "a", "password": SECRET[:65]}, "wifi.password"),
    ]
)
def test_refuses_wifi(wifi, field):
    only_secret_problem({"wifi": wifi, "keys": [KEY]}, field)


@cases(
    [
        ("an empty one: an open access point is never made", ""),
        ("7 characters", SECRET[:7]),
        ("64 characters: the driver would cut it", SECRET[:64]),
        ("beyond ASCII", SECRET[:8] + "é"),
        ("a control character", SECRET[:8] + "\n"),
        ("no text", [SECRET]),
    ]
)
def test_refuses_setup_password(password):
    only_secret_problem({"keys": [KEY], "setup_password": password}, "setup_password")


def test_accepts_tls():
    equal(check_secrets({"keys": [KEY], "tls": PAIR})["tls"], PAIR)
    for nothing in ({"keys": [KEY]}, {"keys": [KEY], "tls": None}):
        assert "tls" not in check_secrets(nothing)


@cases(
    [
        ("text", SECRET, "tls"),
        ("an unknown member", changed(PAIR, **{SECRET: 1}), "tls"),
        ("no key", {"cert": PAIR["cert"]}, "tls.key"),
        ("no certificate", {"key": PAIR["key"]}, "tls.cert"),
        ("PEM", changed(PAIR, key="-----BEGIN PRIVATE KEY-----\n" + PAIR["key"]), "tls.key"),
        ("no base64", changed(PAIR, key=SECRET), "tls.key"),
        ("base64 of something else", changed(PAIR, key="aHVudGVyMi1odW50ZXIy"), "tls.key"),
        ("too much", changed(PAIR, key=PAIR["key"] * 20), "tls.key"),
        ("a number", changed(PAIR, key=5), "tls.key"),
    ]
)
def test_refuses_tls(pair, field):
    only_secret_problem({"keys": [KEY], "tls": pair}, field)


@cases(
    [
        ("an unknown member", {SECRET: 1}, "keys[0]"),
        ("another kind of key", {"kty": "RSA"}, "keys[0].kty"),
        ("another algorithm", {"alg": "none"}, "keys[0].alg"),
        ("no name", {"kid": ""}, "keys[0].kid"),
        ("a name with a space", {"kid": "a b"}, "keys[0].kid"),
        ("a name with a slash", {"kid": "a/b"}, "keys[0].kid"),
        ("a name beyond ASCII", {"kid": "ü"}, "keys[0].kid"),
        ("a name of 65 characters", {"kid": "x" * 65}, "keys[0].kid"),
        ("a key of null", {"k": None}, "keys[0].k"),
        ("a key as a number", {"k": 5}, "keys[0].k"),
        ("an empty key", {"k": ""}, "keys[0].k"),
        ("31 bytes (RFC 7518 section 3.2 wants 32)", {"k": KEY["k"][:40] + "Ag"}, "keys[0].k"),
        ("padding", {"k": KEY["k"] + "="}, "keys[0].k"),
        ("plain base64", {"k": KEY["k"].replace("-", "+")}, "keys[0].k"),
        ("a character that decoders skip", {"k": KEY["k"] + "!"}, "keys[0].k"),
        ("spare bits", {"k": KEY["k"][:-1] + "9"}, "keys[0].k"),
        ("beyond ASCII", {"k": KEY["k"][:-1] + "é"}, "keys[0].k"),
        ("a passphrase", {"k": SECRET + "!"}, "keys[0].k"),
        ("32 equal bytes", {"k": "A" * 43}, "keys[0].k"),
    ]
)
def test_refuses_key(members, field):
    only_secret_problem({"keys": [changed(KEY, **members)]}, field)


def only_secret_problem(data, field):
    """One problem, of this field, that tells none of the secrets."""
    found = problems(data)
    equal(len(found), 1)
    equal(found[0].split(":")[0], field)
    for secret in ("hunter2", KEY["k"][:8], "AAAA"):
        assert secret not in found[0], found[0]


def test_a_wrong_name_in_the_secrets_is_helped():
    found = problems({"keys": [KEY], "wifi": {"ssid": "a", "pasword": "12345678"}})
    assert any('did you mean "password"?' in text for text in found), found
