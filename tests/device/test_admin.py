"""The administrator's routes: keys and revocations, over HTTP, effective with the very next request."""

import json

import jwt
import jwtproof
from access_bench import NOW, Clock, request_of
from api_bench import JSON, code_of, field, page
from firmware import keyring, storage
from firmware.access import Access
from firmware.admin import Admin
from firmware.api import Api
from firmware.proof import Proofs
from firmware.revocation import MOST, Revocations
from harness import cases, equal, raises
from pin_bench import Bench
from secrets_bench import (
    FOURTH,
    NEW,
    OLD,
    REVOCATIONS,
    SECRETS,
    THIRD,
    WIFI,
    Flash,
    content,
    in_folder,
    left,
    put_secrets,
    text_of,
)

SETTINGS = {"name": "door", "issuer": None, "leeway": 0}
DECADE = 315360000  # seconds; the longest life of a token
KEYS = "/api/v1/keys"
REVOKED = "/api/v1/revocations"
SALT = text_of(bytes(range(32, 64)))
DERIVED = {"kid": "2026-12", "from": "2026-11", "salt": SALT}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
SCOPES = ("", "pins:read pins:write", "audit:read", "admin:relay", "admin:keys", "adminx", "ADMIN", "admin")


class Board:
    """The application's guard, its interface and its files; `keys` are in them."""

    def __init__(self, *keys):
        put_secrets(*(keys or (OLD,)))
        self.start()

    def start(self):
        """Start it, again too: the files are all that it knows."""
        jwks = storage.load(SECRETS)["keys"]
        clock = Clock()
        revocations = Revocations(REVOCATIONS, now=clock.now)
        from firmware.verifier import make_verifier  # the one of before has been unloaded

        made = make_verifier(SETTINGS, jwks)
        access = Access(made, clock, "door", revocations.revoked, Proofs(bytes))
        admin = Admin(access, SETTINGS, revocations.revoked, (SECRETS, REVOCATIONS))
        pins = Bench(relay={}).pins
        administer = lambda request, _, parts: admin.answer(request, parts)  # noqa: E731
        self.api = Api(access, pins, clock, lambda: {"name": "door"}, page, administer)

    def ask(self, method, path, body=None, value=None, *fields):
        """The answer to a request with `body` as JSON; `value` is the token."""
        data = body if type(body) is bytes else b"" if body is None else json.dumps(body).encode()
        fields = list(fields or (JSON,))
        if value != "":
            fields.append("Authorization: Bearer " + (value or token()))
        return self.api.handle(request_of(method, path, *fields, body=data))

    def kids(self, value=None):
        response = self.ask("GET", KEYS, value=value)
        equal(response.status, 200)
        return [key["kid"] for key in json.loads(response.body)["keys"]]


def revocations_in(response):
    """The answer's JSON, which comes in pieces."""
    body = b"".join(response.body)
    equal((response.status, response.length), (200, len(body)))
    return json.loads(body)


def token(scope="admin", jwk=OLD, named=True, **claims):
    key = jwt.Key(jwt.base64url.decode(jwk["k"].encode()), kid=jwk["kid"] if named else None)
    every = {"aud": "door", "sub": "anna", "iat": NOW - 60, "exp": NOW + 3600, "scope": scope}
    every.update(claims)
    return jwt.encode({name: value for name, value in every.items() if value is not None}, key)


@cases(
    [
        ("keys", KEYS, {"GET": 200, "POST": 422}, "GET, POST, HEAD"),
        ("a key", KEYS + "/2026-12", {"DELETE": 204}, "DELETE"),
        ("a key that is not there", KEYS + "/ghost", {"DELETE": 404}, "DELETE"),
        ("revocations", REVOKED, {"GET": 200, "POST": 422}, "GET, POST, HEAD"),
    ]
)
@in_folder
def test_route_method_scope(path, statuses, allow):
    """What docs/http-api.md grants, and nobody without `admin` learns or changes anything."""
    for method in METHODS:
        status = statuses.get("GET" if method == "HEAD" else method)
        for scope in SCOPES:
            board = Board(OLD, NEW)
            response = board.ask(method, path, {}, token(scope))
            where = (method, path, scope)
            if status is None:
                equal((where, code_of(response)), (where, (405, "method_not_allowed")))
                equal(field(response, "Allow"), allow)
            elif scope == "admin":
                equal((where, response.status), (where, status))
                equal(response.subject, "anna")
                continue
            else:
                equal((where, code_of(response)), (where, (403, "insufficient_scope")))
                assert field(response, "WWW-Authenticate").endswith('scope="admin"'), where
            equal(content(SECRETS)["keys"], [OLD, NEW])
        refused = Board(OLD, NEW).ask(method, path, {}, "")
        equal(code_of(refused)[0], 405 if status is None else 401)


@cases(
    [
        ("a slash at the end", KEYS + "/"),
        ("below a key", KEYS + "/2026-11/x"),
        ("below revocations", REVOKED + "/x"),
        ("a slash at the end of revocations", REVOKED + "/"),
        ("other capitals", "/api/v1/Keys"),
        ("one letter less", "/api/v1/key"),
    ]
)
@in_folder
def test_nothing_there(path):
    for method in METHODS:
        equal(code_of(Board().ask(method, path, {})), (404, "not_found"))


@in_folder
def test_list_tells_no_secret():
    response = Board(OLD, NEW).ask("GET", KEYS)
    expected = [{"kid": "2026-11", "alg": "HS256"}, {"kid": "2026-12", "alg": "HS256"}]
    equal(json.loads(response.body), {"keys": expected})


@in_folder
def test_a_rotation():
    """Two keys side by side: tokens of both are good, with the next request and after a start, until the old
    one is retired.
    """
    board = Board()
    response = board.ask("POST", KEYS, DERIVED)
    equal((response.status, json.loads(response.body)), (201, {"kid": "2026-12", "alg": "HS256"}))
    from firmware.newkey import derive  # the one of before has been unloaded

    derived = derive({"keys": [OLD]}, "2026-11", bytes(range(32, 64)), "door", "2026-12")
    equal(content(SECRETS), {"wifi": WIFI, "keys": [OLD, derived]})
    for _ in range(2):
        for jwk in (OLD, derived):
            equal(board.kids(token(jwk=jwk)), ["2026-11", "2026-12"])
        equal(json.loads(board.ask("GET", KEYS, value=token(jwk=NEW)).body)["reason"], "signature")
        board.start()
    response = board.ask("DELETE", KEYS + "/2026-11", value=token(jwk=derived))
    equal((response.status, response.body), (204, b""))
    for _ in range(2):
        equal(json.loads(board.ask("GET", KEYS, value=token(jwk=OLD)).body)["reason"], "kid")
        equal(board.kids(token(jwk=derived)), ["2026-12"])
        board.start()
    equal(content(SECRETS), {"wifi": WIFI, "keys": [derived], "retired": ["2026-11"]})
    equal(left(), ["secrets.json"])


@in_folder
def test_a_retired_key_does_not_come_back():
    """Whoever recorded the request that had it derived sends it again, with a token of their own; or over
    USB the key was retired as one that had leaked.
    """
    board = Board()
    equal(board.ask("POST", KEYS, DERIVED).status, 201)
    equal(board.ask("DELETE", KEYS + "/2026-12").status, 204)
    for _ in range(2):
        equal(code_of(board.ask("POST", KEYS, DERIVED)), (409, "key_retired"))
        equal(board.kids(), ["2026-11"])
        board.start()
    equal(board.ask("POST", KEYS, salted(kid="2027-01")).status, 201)
    keyring.retire("2027-01", SECRETS)
    board.start()
    equal(code_of(board.ask("POST", KEYS, salted(kid="2027-01"))), (409, "key_retired"))
    equal(content(SECRETS)["retired"], ["2026-12", "2027-01"])


@in_folder
def test_a_retired_key_s_token_is_refused_at_once():
    """Though the board remembers the token as verified, and its header as that of a key."""
    board = Board(OLD, NEW)
    old, other = token(jti="1"), token(jti="2")
    for _ in range(3):
        board.kids(old)
    equal(board.ask("DELETE", KEYS + "/2026-11", value=token(jwk=NEW)).status, 204)
    for value in (old, other, old):
        response = board.ask("GET", KEYS, value=value)
        equal((code_of(response), json.loads(response.body)["reason"]), ((401, "invalid_token"), "kid"))


@in_folder
def test_an_added_key_keeps_the_tokens_of_the_others():
    board = Board()
    value = token()
    board.kids(value)
    board.ask("POST", KEYS, DERIVED, value)
    equal(board.kids(value), ["2026-11", "2026-12"])
    equal(
        board.ask("GET", KEYS, value=token(named=False)).status,
        401,
    )


@in_folder
def test_the_same_again_changes_nothing():
    """The answer to the first may have been lost."""
    board = Board(OLD, THIRD, FOURTH)
    equal(board.ask("POST", KEYS, DERIVED).status, 201)
    before = storage.read(SECRETS)
    response = board.ask("POST", KEYS, DERIVED)
    equal((response.status, json.loads(response.body)), (200, {"kid": "2026-12", "alg": "HS256"}))
    equal(storage.read(SECRETS), before)


def salted(**members):
    return dict(DERIVED, **members)


def without(name):
    return {other: DERIVED[other] for other in DERIVED if other != name}


@cases(
    [
        ("another secret for a name", salted(kid="c"), 409, "key_exists"),
        ("its own name", salted(kid="2026-11"), 409, "key_exists"),
        ("from a key that is not there", salted(**{"from": "ghost"}), 404, "unknown_key"),
        ("a secret that crosses the air", dict(NEW), 422, "bad_value"),
        ("a secret beside the rest", salted(k=NEW["k"]), 422, "bad_value"),
        ("no name", without("kid"), 422, "bad_value"),
        ("no source", without("from"), 422, "bad_value"),
        ("no salt", without("salt"), 422, "bad_value"),
        ("null", salted(kid=None), 422, "bad_value"),
        ("a name that is a number", salted(kid=1), 422, "bad_value"),
        ("a source that is a list", salted(**{"from": ["2026-11"]}), 422, "bad_value"),
        ("a name too long", salted(kid="x" * 65), 422, "bad_value"),
        ("a name with a slash", salted(kid="a/b"), 422, "bad_value"),
        ("a salt of 31 bytes", salted(salt=text_of(bytes(31))), 422, "bad_value"),
        ("a salt with padding", salted(salt=SALT + "="), 422, "bad_value"),
        ("a salt with spare bits", salted(salt=SALT[:-1] + "9"), 422, "bad_value"),
        ("a salt beyond ASCII", salted(salt="ü" * 43), 422, "bad_value"),
        ("a salt that is a number", salted(salt=7), 422, "bad_value"),
        ("no object", [DERIVED], 422, "bad_value"),
        ("nothing", b"", 422, "bad_value"),
        ("no JSON", b"{", 400, "invalid_request"),
        ("a name twice", b'{"kid":"a","kid":"b"}', 400, "invalid_request"),
    ]
)
@in_folder
def test_a_key_is_refused(body, status, code):
    board = Board(OLD, THIRD)
    before = storage.read(SECRETS)
    response = board.ask("POST", KEYS, body)
    equal(code_of(response), (status, code))
    equal(storage.read(SECRETS), before)
    for jwk in (OLD, THIRD, NEW):
        assert jwk["k"][:8].encode() not in response.body, response.body
    board.kids()


@in_folder
def test_a_fifth_key():
    board = Board(OLD, NEW, THIRD, FOURTH)
    equal(code_of(board.ask("POST", KEYS, salted(kid="e"))), (409, "too_many_keys"))
    equal(board.ask("DELETE", KEYS + "/c").status, 204)
    equal(board.ask("POST", KEYS, salted(kid="e")).status, 201)
    equal(board.kids(), ["2026-11", "2026-12", "d", "e"])


@cases(
    [
        ("the last one", (OLD,), "2026-11", OLD, 409, "last_key"),
        ("the one that signed this very token", (OLD, NEW), "2026-11", OLD, 409, "key_in_use"),
        ("the newest, which signed it", (OLD, NEW), "2026-12", NEW, 409, "key_in_use"),
        ("one that is not there", (OLD, NEW), "2026", OLD, 404, "unknown_key"),
        ("other capitals", (OLD, THIRD), "C", OLD, 404, "unknown_key"),
        ("encoded, which no name needs", (OLD, THIRD), "%63", OLD, 404, "unknown_key"),
    ]
)
@in_folder
def test_a_key_is_not_retired(keys, kid, signer, status, code):
    board = Board(*keys)
    before = storage.read(SECRETS)
    equal(code_of(board.ask("DELETE", KEYS + "/" + kid, value=token(jwk=signer))), (status, code))
    equal(storage.read(SECRETS), before)
    board.kids(token(jwk=signer))


@in_folder
def test_a_last_key_that_no_token_names():
    """With one key only, a token needs no `kid`."""
    board = Board(OLD)
    equal(code_of(board.ask("DELETE", KEYS + "/2026-11", value=token(named=False))), (409, "last_key"))


@cases(
    [
        ("a month", "2026-12"),
        ("all that a name may hold", "Key_0.of-January"),
        ("the longest", "x" * 64),
    ]
)
@in_folder
def test_a_key_s_name_in_a_path(kid):
    board = Board(OLD, dict(NEW, kid=kid))
    equal(board.ask("DELETE", KEYS + "/" + kid).status, 204)
    equal(board.kids(), ["2026-11"])


@in_folder
def test_a_revocation():
    board = Board()
    lost, kept, bob = token("", jti="lost"), token("", jti="kept"), token("", sub="bob")

    def good():
        return [board.ask("GET", "/api/v1/device", value=value).status == 200 for value in (lost, kept, bob)]

    equal(good(), [True, True, True])
    response = board.ask("POST", REVOKED, {"jti": "lost", "until": NOW + 3600})
    told = {"jti": "lost", "before": NOW + 301, "until": NOW + 3600}
    equal((response.status, json.loads(response.body)), (201, told))
    equal(good(), [False, True, True])
    equal(json.loads(board.ask("GET", "/api/v1/device", value=lost).body)["reason"], "revoked")
    board.start()
    equal(good(), [False, True, True])
    admin = token(sub="carl")
    equal(board.ask("POST", REVOKED, {"sub": "anna", "before": NOW}, admin).status, 201)
    equal(good(), [False, False, True])
    until = NOW + 300 + DECADE
    lost_one = {"jti": "lost", "before": NOW + 301, "until": NOW + 3600}
    listed = [{"sub": "anna", "before": NOW, "until": until}, lost_one]
    equal(revocations_in(board.ask("GET", REVOKED, value=admin)), {"revocations": listed})
    equal(json.loads(board.ask("POST", REVOKED, {"before": NOW}, admin).body), {"before": NOW})
    for _ in range(2):
        equal(good(), [False, False, False])
        equal(code_of(board.ask("GET", REVOKED, value=admin)), (401, "invalid_token"))
        equal(board.ask("GET", REVOKED, value=token(iat=NOW)).status, 200)
        board.start()


@cases(
    [
        ("nothing", {}),
        ("no body", b""),
        ("no object", []),
        ("null", {"jti": None}),
        ("null beside it", {"jti": "x", "until": None}),
        ("a member more", {"jti": "x", "why": "lost"}),
        ("a member that Python takes", {"jti": "x", "self": 1}),
        ("a subject without a time", {"sub": "anna"}),
        ("an id and a time", {"jti": "x", "before": NOW}),
        ("a float", {"before": 1.5}),
        ("the future", {"before": NOW + 301}),
        ("the past", {"jti": "x", "until": 7}),
    ]
)
@in_folder
def test_a_revocation_is_refused(body):
    equal(code_of(Board().ask("POST", REVOKED, body)), (422, "bad_value"))
    equal(left(), ["secrets.json"])


@in_folder
def test_too_many_revocations():
    board = Board()
    for i in range(MOST):
        equal(board.ask("POST", REVOKED, {"jti": "id-%d" % i}).status, 201)
    equal(code_of(board.ask("POST", REVOKED, {"jti": "x"})), (409, "too_many_revocations"))
    equal(board.ask("POST", REVOKED, {"before": NOW - 60}).status, 201)


@cases([("keys", KEYS, DERIVED), ("revocations", REVOKED, {"jti": "x"})])
@in_folder
def test_a_body_has_its_type(path, body):
    """What a foreign page may send unasked is not looked at."""
    response = Board().ask("POST", path, body, None, "Content-Type: text/plain")
    equal(code_of(response), (415, "unsupported_media_type"))
    equal(left(), ["secrets.json"])


CHANGES = [
    ("adding a key", "POST", KEYS, DERIVED),
    ("retiring one", "DELETE", KEYS + "/c", None),
    ("revoking", "POST", REVOKED, {"before": NOW}),
]


@cases(CHANGES)
@in_folder
def test_a_full_flash(method, path, body):
    """507, and all is as it was: what was good is good, what was not is not."""
    board = Board(OLD, THIRD)
    Flash(10)
    equal(code_of(board.ask(method, path, body)), (507, "insufficient_storage"))
    storage.open = open
    equal(left(), ["secrets.json"])
    for _ in range(2):
        for jwk in (OLD, THIRD):
            equal(board.kids(token(jwk=jwk)), ["2026-11", "c"])
        equal(revocations_in(board.ask("GET", REVOKED)), {"revocations": []})
        board.start()
    assert board.ask(method, path, body).status in (201, 204)


@cases(CHANGES)
@in_folder
def test_a_flash_that_is_broken_is_a_fault(method, path, body):
    """The server makes a 500 of it, and the board's log says more."""
    board = Board(OLD, THIRD)
    Flash(10, OSError(5, "worn out"))
    equal(raises(OSError, board.ask, method, path, body).errno, 5)
    storage.open = open
    equal(board.kids(), ["2026-11", "c"])


@cases(CHANGES[:2])
@in_folder
def test_no_memory_for_another_verifier_leaves_the_keys_alone(method, path, body):
    """Or a retired key would be gone from the file, and good until the next start."""
    board = Board(OLD, THIRD)
    real = jwtproof.Verifier
    jwtproof.Verifier = NoMemory.Verifier
    try:
        raises(MemoryError, board.ask, method, path, body)
    finally:
        jwtproof.Verifier = real
    equal(board.kids(token(jwk=THIRD)), ["2026-11", "c"])
    equal(content(SECRETS)["keys"], [OLD, THIRD])


class NoMemory:
    @staticmethod
    def Verifier(*args, **kwargs):
        raise MemoryError
