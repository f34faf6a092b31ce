"""A token made on the board for a guest: never wider nor longer than its parent, gone with it, and sealed on
its way.
"""

import hmac
import json

import base64url
import jwt
import jwtproof
from access_bench import KEY, NOW, Clock, request_of, signed, token
from api_bench import JSON, code_of, field, page
from firmware import share
from firmware.access import Access
from firmware.api import Api
from firmware.proof import Proofs
from firmware.revoked import Revoked
from harness import cases, equal, vectors
from pin_bench import Bench

TOKENS = "/api/v1/tokens"
PINS = {"relay": {}, "lamp": {}}
OTHER = jwt.Key(bytes(range(65, 97)), kid="2026-12")
PROOF = {"pinwarden": "proof"}
GUEST = {"sub": "guest", "scope": "pins:read:relay", "ttl": 600}
OWNER = ("admin", "pins:read", "pins:write")


class Board:
    """The interface with a clock and keys of its own."""

    def __init__(self, keys=(KEY, OTHER), issuer=None, leeway=0, max_ttl=7776000):
        self.clock = Clock()
        self.revoked = Revoked(self.clock.now)
        self.drawn = 0
        self.verify_with(keys, issuer, leeway)
        self.access = Access(self.verifier, self.clock, "door", self.revoked, Proofs(bytes))
        self.settings = {"name": "door", "issuer": issuer, "max_ttl": max_ttl, "pins": PINS}
        self.api = Api(self.access, Bench(relay={}, lamp={}).pins, self.clock, dict, page, self.administer)

    def verify_with(self, keys, issuer=None, leeway=0):
        self.verifier = jwtproof.Verifier(keys, audience="door", issuer=issuer, leeway=leeway)

    def random(self, count):
        self.drawn += 1
        return bytes([self.drawn] * count)

    def administer(self, request, grant, parts):
        equal(parts, ["tokens"])
        return share.answer(request, grant, self.access, self.settings, self.random)

    def ask(self, value, body, path=TOKENS, method="POST"):
        data = b"" if body is None else json.dumps(body).encode()
        return self.api.handle(request_of(method, path, JSON, "Authorization: Bearer " + value, body=data))

    def share(self, value, **changes):
        """The child of the token `value`, whole; and the claims that it has, with the answer to it."""
        body = dict(GUEST)
        body.update(changes)
        response = self.ask(value, body)
        equal(response.status, 201)
        told = json.loads(response.body)
        equal(sorted(told), ["exp", "scope", "sealed", "sub", "token"])
        child = unsealed(value, told)
        claims = self.verifier.verify(child, self.clock.unix)
        for name in ("exp", "scope", "sub"):
            equal(told[name], claims[name])
        return child, claims, response

    def refusal(self, value, **changes):
        """(status, code) of what is refused; what a change of None takes out of the body is not sent."""
        body = dict(GUEST)
        body.update(changes)
        body = {name: given for name, given in body.items() if given is not None}
        response = self.ask(value, body)
        equal(response.stranger, False)
        return code_of(response)

    def takes(self, value):
        """None if the board takes a token in a signed request, else why not."""
        fields = signed(value, "GET", "/api/v1/device", "own-%05d" % self.drawn)
        self.drawn += 1
        response = self.api.handle(request_of("GET", "/api/v1/device", *fields))
        return json.loads(response.body).get("reason")


def unsealed(parent, told):
    """The token in an answer to who holds `parent`: by docs/token-profile.md, and not by share.py."""
    key = base64url.decode(parent.rpartition(".")[2].encode())
    pad = hmac.digest(key, b"pinwarden share\n" + told["token"].encode())
    sealed = base64url.decode(told["sealed"].encode())
    return told["token"] + "." + str(base64url.encode(bytes([a ^ b for a, b in zip(sealed, pad)])), "utf-8")


def owner(*scopes, **claims):
    given = {"jti": "parent-1"}
    given.update(claims)
    return token(*(scopes or OWNER), **given)


TABLE = vectors("shared_tokens.json")


@cases([(case["why"], case) for case in TABLE["cases"]])
def test_vectors(case):
    key = jwt.Key(base64url.decode(TABLE["key"].encode()), kid="2026-11")
    verifier = jwtproof.Verifier([key], audience="door")
    parent, shared, answer = case["parent"], case["shared"], case["answer"]
    equal(unsealed(parent, answer), shared)
    signatures = [base64url.decode(text.rpartition(".")[2].encode()) for text in (parent, shared)]
    sealed = share.seal(signatures[0], answer["token"].encode(), signatures[1])
    equal(str(base64url.encode(sealed), "utf-8"), answer["sealed"])
    claims = verifier.verify(shared, TABLE["now"])
    given = verifier.verify(parent, TABLE["now"])
    equal(claims["parent"], {name: given[name] for name in ("jti", "sub", "iat") if name in given})
    for name in ("sub", "scope", "exp"):
        equal(claims[name], answer[name])


def test_a_child():
    board = Board()
    child, claims, response = board.share(owner(), ttl=600)
    jti = str(base64url.encode(bytes([1] * 12)), "utf-8")
    equal(
        claims,
        {
            "aud": "door",
            "sub": "guest",
            "iat": NOW,
            "exp": NOW + 600,
            "jti": jti,
            "scope": "pins:read:relay",
            "cnf": PROOF,
            "parent": {"jti": "parent-1", "sub": "anna", "iat": NOW - 60},
        },
    )
    equal(response.action, ("share", "guest", jti))
    equal((response.subject, response.token_id), ("anna", "parent-1"))
    equal(board.takes(child), None)
    equal(code_of(board.ask(child, None, "/api/v1/pins", "GET")), (401, "invalid_token"))  # no bearer
    told = json.loads(response.body)
    assert child.rpartition(".")[2] not in str(response.body, "utf-8"), "the secret crosses the air"
    assert told["sealed"] != child.rpartition(".")[2]


def test_a_signed_request_is_answered_alike():
    board = Board()
    body = json.dumps(GUEST).encode()
    value = owner(cnf=PROOF)
    response = board.api.handle(
        request_of("POST", TOKENS, JSON, *signed(value, "POST", TOKENS, body=body), body=body)
    )
    equal(response.status, 201)
    equal(board.takes(unsealed(value, json.loads(response.body))), None)


def test_a_bearer_if_it_is_asked_for():
    board = Board()
    child, claims, _ = board.share(owner(), bearer=True)
    assert "cnf" not in claims
    equal(board.ask(child, None, "/api/v1/pins", "GET").status, 200)


def test_each_has_an_id_and_a_seal_of_its_own():
    board = Board()
    answers = [json.loads(board.share(owner())[2].body) for _ in range(3)]
    for name in ("token", "sealed"):
        equal(len({answer[name] for answer in answers}), 3)


@cases(
    [
        ("as asked for", 600, 3600, 7776000, 600),
        ("no longer than the parent", 7200, 3600, 7776000, 3600),
        ("no longer than max_ttl", 7200, 9007199254740991 - NOW, 3000, 3000),
        ("however long is asked for", 1 << 80, 3600, 7776000, 3600),
        ("the shortest", 60, 3600, 7776000, 60),
        ("the parent ends before", 60, 5, 7776000, 5),
    ]
)
def test_ends(ttl, parent, max_ttl, seconds):
    claims = Board(max_ttl=max_ttl).share(owner(exp=NOW + parent), ttl=ttl)[1]
    equal(claims["exp"], NOW + seconds)


def test_a_parent_that_lives_by_the_leeway_has_no_children():
    board = Board(leeway=60)
    equal(board.refusal(owner(exp=NOW)), (403, "not_shareable"))
    board.share(owner(exp=NOW + 1))


def test_has_the_issuer_and_the_key_of_its_parent():
    board = Board(issuer="home")
    for key in (KEY, OTHER):
        child, claims, _ = board.share(owner(iss="home", key=key))
        equal(claims["iss"], "home")
        header = json.loads(base64url.decode(child.partition(".")[0].encode()))
        equal((header["kid"], header["alg"]), (key.kid, "HS256"))


def test_a_retired_key_ends_both():
    board = Board()
    parent = owner(key=OTHER)
    child = board.share(parent)[0]
    board.verify_with([KEY])
    board.access.use(board.verifier)
    equal((board.takes(parent), board.takes(child)), ("kid", "kid"))


def test_an_only_key_without_a_name():
    board = Board([jwt.Key(bytes(range(1, 33)))])
    parent = owner(key=jwt.Key(bytes(range(1, 33))))
    equal(board.takes(board.share(parent)[0]), None)


@cases(
    [
        ("of all one", "pins:read pins:write", "pins:read:relay"),
        ("of all all", "pins:read pins:write", "pins:write pins:read"),
        ("the same one", "pins:write:relay", "pins:write:relay"),
        ("of two one", "pins:read:relay pins:read:lamp", "pins:read:lamp"),
        ("both of two", "pins:read:relay pins:read:lamp", "pins:read:lamp pins:read:relay"),
        ("all, and one of them once more", "pins:read", "pins:read pins:read:relay"),
        ("an issuer's scope with odd spaces", " pins:read:relay  pins:write ", "pins:write:lamp"),
    ]
)
def test_scopes_within(mine, asked):
    equal(Board().share(owner("admin", *mine.split(" ")), scope=asked)[1]["scope"], asked)


def test_scopes_of_the_claim_privileges():
    board = Board()
    parent = owner(scope=None, privileges=["pins:read:lamp", "admin"])
    equal(board.share(parent, scope="pins:read:lamp")[1]["scope"], "pins:read:lamp")
    equal(board.refusal(parent, scope="pins:read:relay"), (403, "insufficient_scope"))


@cases(
    [
        ("all, of one", "pins:write:relay", "pins:write"),
        ("another", "pins:write:relay", "pins:write:lamp"),
        ("writing, of reading", "pins:read", "pins:write:relay"),
        ("reading, of writing", "pins:write", "pins:read:relay"),
        ("one that is its own, and one that is not", "pins:read", "pins:read pins:write"),
        ("nothing of pins", "audit:read", "pins:read:relay"),
        ("a pin that is not there, without the right to know", "pins:read:relay", "pins:read:cellar"),
        ("a longer name of its own pin's", "pins:read:relay", "pins:read:relay2"),
        ("a shorter one", "pins:read:relay", "pins:read:rela"),
        ("a right that only looks like one", "pins:read:", "pins:read"),
        ("nor that", "pins pins:", "pins:read"),
    ]
)
def test_scopes_beyond(mine, asked):
    board = Board()
    response = board.ask(owner("admin", *mine.split(" ")), dict(GUEST, scope=asked))
    equal(code_of(response), (403, "insufficient_scope"))
    assert 'error="insufficient_scope", scope="pins:' in field(response, "WWW-Authenticate")
    equal(board.drawn, 0)


@cases(
    [
        ("admin", "admin"),
        ("admin among others", "pins:read admin"),
        ("the audit", "audit:read"),
        ("one twice", "pins:read:relay pins:read:relay"),
        ("one twice, others between", "pins:read pins:write pins:read"),
        ("nothing", ""),
        ("a space", " "),
        ("a space before", " pins:read"),
        ("a space behind", "pins:read "),
        ("two spaces", "pins:read  pins:write"),
        ("a tab", "pins:read\tpins:write"),
        ("a line break", "pins:read\npins:write"),
        ("a no-break space", "pins:read\u00a0pins:write"),
        ("capitals", "PINS:READ"),
        ("no pin", "pins:read:"),
        ("a pin of a pin", "pins:read:relay:x"),
        ("neither to read nor to write", "pins:own:relay"),
        ("only pins", "pins"),
        ("only pins:", "pins:"),
        ("a pin that is not there", "pins:read:cellar"),
        ("a star", "pins:read:*"),
        ("a list", ["pins:read"]),
        ("a number", 1),
        ("true", True),
        ("an object", {"pins": "read"}),
        ("nothing said of it", None),
    ]
)
def test_no_scope(scope):
    board = Board()
    equal(board.refusal(owner("admin", "audit:read", *OWNER), scope=scope), (422, "bad_value"))
    equal(board.drawn, 0)


@cases(
    [
        ("an empty name", {"sub": ""}),
        ("a name that is too long", {"sub": "x" * 65}),
        ("a name of more octets than a revocation has room for", {"sub": "🚪" * 33}),
        ("a line break in a name", {"sub": "a\nb"}),
        ("a NUL", {"sub": "a\0b"}),
        ("DEL", {"sub": "a\x7fb"}),
        ("no name", {"sub": None}),
        ("a number as a name", {"sub": 7}),
        ("too short a life", {"ttl": 59}),
        ("none", {"ttl": 0}),
        ("one that has been", {"ttl": -600}),
        ("a fraction", {"ttl": 600.5}),
        ("a whole number as a float", {"ttl": 600.0}),
        ("true", {"ttl": True}),
        ("text", {"ttl": "600"}),
        ("no life said", {"ttl": None}),
        ("bearer as a number", {"bearer": 1}),
        ("bearer as text", {"bearer": "false"}),
        ("a claim of one's own", {"exp": 9007199254740991}),
        ("an id of one's own", {"jti": "mine"}),
        ("a parent of one's own", {"parent": {"jti": "x"}}),
    ]
)
def test_no_body_of_ours(changes):
    board = Board()
    equal(board.refusal(owner(), **changes), (422, "bad_value"))
    equal(board.drawn, 0)


def test_longest_names():
    for sub in ("x" * 64, "🚪" * 32, " ", '"\\</script>'):
        equal(Board().share(owner(), sub=sub)[1]["sub"], sub)


@cases(
    [
        ("no id", {"jti": None}, 422, "no_jti"),
        ("an empty one", {"jti": ""}, 422, "no_jti"),
        ("one that no revocation takes", {"jti": "x" * 129}, 422, "no_jti"),
        ("one that no revocation takes, in octets", {"jti": "ö" * 65}, 422, "no_jti"),
        ("a child", {"parent": {"jti": "x"}}, 403, "not_shareable"),
        ("one without admin", {"scope": "pins:read pins:write"}, 403, "insufficient_scope"),
        ("one with a part of admin", {"scope": "pins:read admin:tokens"}, 403, "insufficient_scope"),
    ]
)
def test_no_parent(claims, status, code):
    board = Board()
    equal(board.refusal(owner(**claims)), (status, code))
    equal(board.drawn, 0)


def test_a_child_cannot_mint():
    """It has no admin; nor would that help it."""
    board = Board()
    child = board.share(owner(), bearer=True, scope="pins:read")[0]
    equal(board.refusal(child), (403, "insufficient_scope"))
    equal(board.refusal(owner(parent={"jti": "other"})), (403, "not_shareable"))


def test_a_parent_for_signed_requests_only_has_no_bearers():
    board = Board()
    body = json.dumps(dict(GUEST, bearer=True)).encode()
    fields = signed(owner(cnf=PROOF), "POST", TOKENS, body=body)
    response = board.api.handle(request_of("POST", TOKENS, JSON, *fields, body=body))
    equal(code_of(response), (403, "not_shareable"))


def test_a_token_that_no_board_would_take_is_not_made():
    """Of a parent with a long id and name, with a scope for each pin."""
    board = Board()
    names = ["pin-%02d-%s" % (i, "x" * 17) for i in range(16)]
    board.settings["pins"] = {name: {} for name in names}
    scope = " ".join(["pins:read:" + name for name in names] + ["pins:write:" + name for name in names])
    parent = owner(jti="j" * 128, sub="s" * 200)
    equal(board.refusal(parent, scope=scope), (422, "bad_value"))
    half = " ".join(scope.split(" ")[:16])
    equal(board.share(parent, scope=half)[1]["scope"], half)


@cases(
    [
        ("the child's id", lambda child: ({child["jti"]: (0, None)}, {}, -1), True, False),
        ("the parent's id", lambda child: ({"parent-1": (0, None)}, {}, -1), True, True),
        ("the child's name", lambda child: ({}, {"guest": (NOW + 1, None)}, -1), True, False),
        ("its name, but earlier", lambda child: ({}, {"guest": (NOW, None)}, -1), False, False),
        ("the parent's name", lambda child: ({}, {"anna": (NOW - 59, None)}, -1), True, True),
        ("its name, but earlier still", lambda child: ({}, {"anna": (NOW - 60, None)}, -1), False, False),
        ("all, since the parent was made", lambda child: ({}, {}, NOW - 59), True, True),
        ("all, before that", lambda child: ({}, {}, NOW - 60), False, False),
        ("another's", lambda child: ({"x": (0, None)}, {"bert": (NOW + 1, None)}, -1), False, False),
        ("the parent's id, long ago", lambda child: ({"parent-1": (0, NOW - 900)}, {}, -1), False, False),
    ]
)
def test_revoked(revoke, child_goes, parent_goes):
    board = Board()
    parent = owner()
    child, claims, _ = board.share(parent)
    equal((board.takes(child), board.takes(parent)), (None, None))
    board.revoked.hold(*revoke(claims))
    equal(board.takes(child), "revoked" if child_goes else None)
    equal(board.takes(parent), "revoked" if parent_goes else None)


def test_a_parent_without_iat_is_older_than_any_time():
    board = Board()
    child = board.share(owner(iat=None))[0]
    board.revoked.hold({}, {}, 0)
    equal(board.takes(child), "revoked")


@cases(
    [
        ("by a day", 86400, NOW - 86400),
        ("not at all", 0, NOW),
        ("it is behind", -5, NOW),
        ("nobody knows", None, 0),
    ]
)
def test_is_not_made_later_than_it_is_for_certain(behind, iat):
    """One time server may have put the clock ahead: what revokes what there is now must reach the child."""
    board = Board()
    board.clock.behind = behind
    child, claims, _ = board.share(owner(), ttl=600)
    equal((claims["iat"], claims["exp"]), (iat, NOW + 600))
    equal(board.takes(child), None)
    board.revoked.hold({}, {"guest": (iat + 1, None)}, -1)
    equal(board.takes(child), "revoked")


def test_proves_no_time():
    """Its `iat` is the board's own. A parent's is not."""
    board = Board()
    child, claims, _ = board.share(owner(iat=NOW - 60))
    equal((claims["iat"], board.clock.newest), (NOW, NOW - 60))
    equal(board.takes(child), None)
    equal(board.clock.newest, NOW - 60)


def test_that_would_be_older_than_a_revocation_is_not_made():
    """The clock is ahead of what is certain; what was revoked since does not come back."""
    board = Board()
    board.clock.behind = 3600
    board.revoked.hold({}, {"guest": (NOW - 1800, None)}, -1)
    equal(board.refusal(owner()), (422, "bad_value"))
    board.revoked.hold({}, {}, NOW - 1800)
    equal(board.refusal(owner(iat=NOW - 900)), (422, "bad_value"))
    board.clock.behind = 900  # as it is by now: such a parent is a proof
    equal(board.takes(board.share(owner(iat=NOW - 900))[0]), None)


def test_a_name_whose_tokens_are_revoked_as_they_are_made():
    """Its revocation may be up to five minutes ahead."""
    board = Board()
    board.revoked.hold({}, {"guest": (NOW + 300, None)}, -1)
    equal(board.refusal(owner()), (422, "bad_value"))
    board.share(owner(), sub="bert")


@cases(
    [
        ("null", None),
        ("text", "parent-1"),
        ("a list", ["parent-1"]),
        ("nothing in it", {}),
        ("no id", {"sub": "anna"}),
        ("an empty id", {"jti": ""}),
        ("a number as its id", {"jti": 1}),
        ("a list as its name", {"jti": "x", "sub": ["anna"]}),
        ("null as its name", {"jti": "x", "sub": None}),
        ("a time with a fraction", {"jti": "x", "iat": 1.5}),
        ("true as its time", {"jti": "x", "iat": True}),
        ("a parent of the parent", {"jti": "x", "parent": {"jti": "y"}}),
        ("more than we know", {"jti": "x", "kid": "2026-11"}),
    ]
)
def test_a_malformed_parent_is_refused(parent):
    """An identity provider may use the claim for something else: then nobody knows what would revoke it."""
    claims = {"aud": "door", "exp": NOW + 60, "scope": "pins:read", "jti": "x", "parent": parent}
    equal(Board().takes(jwt.encode(claims, KEY)), "claim_type")


def test_only_post():
    board = Board()
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        response = board.ask(owner(), GUEST, method=method)
        equal((code_of(response), field(response, "Allow")), ((405, "method_not_allowed"), "POST"))
    for path in ("/api/v1/tokens/", "/api/v1/tokens/x"):
        equal(board.ask(owner(), GUEST, path).status, 404)
