"""Signed requests: the wire, form by form, and that a recording is worth nothing."""

import hmac

import base64url
from firmware import proof
from harness import cases, equal, raises, vectors

TABLE = vectors("signed_requests.json")
NOW = TABLE["now"]


class Request:
    """What proof.py reads of a request."""

    def __init__(self, case):
        self.method = case["method"]
        self.path, _, self.query = case["target"].partition("?")
        self.body = case["body"].encode()
        self.fields = {name.lower().encode(): value.encode() for name, value in case["fields"].items()}


def board(challenge=TABLE["challenge"]):
    """The judge of a board whose first challenge is that of the table; later ones differ."""
    made = [base64url.decode(challenge.encode())]

    def random(count):
        equal(count, 12)
        return made.pop() if made else bytes(count)

    return proof.Proofs(random)


def prove(proofs, case, now=NOW):
    request = Request(case)
    said = proof.parse(request.fields)
    key = hmac.digest(bytes.fromhex(TABLE["key"]), said.token)
    proofs.check(request, said, key)
    proofs.use(said)
    proof.check_time(said, now)


@cases([(case["why"], case) for case in TABLE["cases"]])
def test_vectors(case):
    if case["expect"] == "ok":
        prove(board(), case)
    else:
        raises(proof.ProofError, prove, board(), case, code=case["expect"])


GOOD = TABLE["cases"][0]


def test_a_replay_is_refused():
    proofs = board()
    prove(proofs, GOOD)
    raises(proof.ProofError, prove, proofs, GOOD, code="replayed")


def test_a_replay_is_refused_after_a_restart_and_elsewhere():
    raises(proof.ProofError, prove, board("BBECAwQFBgcICQoL"), GOOD, code="stale_nonce")


def test_what_was_refused_for_its_time_is_not_good_at_another():
    """Its sender was told that it was not done; who has recorded it waits."""
    proofs = board()
    late = next(case for case in TABLE["cases"] if case["expect"] == "created_out_of_window")
    raises(proof.ProofError, prove, proofs, late, code="created_out_of_window")
    for now in (NOW - 100, NOW, NOW + 100):
        raises(proof.ProofError, prove, proofs, late, now=now, code="replayed")


def test_a_full_memory_makes_a_new_challenge_and_forgets_nothing_that_is_still_good():
    """Nor what was good a moment ago: a browser that has lost the answer sends it again, and is not to sign
    it again.
    """
    proofs = board()
    first = proofs.challenge()
    prove(proofs, GOOD)
    used = [GOOD]
    for own in ("own-nonce-2", "own-nonce-3"):
        case = dict(GOOD)
        case["fields"] = resigned(GOOD, own)
        prove(proofs, case)
        used.append(case)
    proofs._at = (proof.USES - 1) * 4
    again = dict(GOOD)
    again["fields"] = resigned(GOOD, "own-nonce-9")
    prove(proofs, again)
    assert proofs.challenge() != first
    for case in used + [again]:
        raises(proof.ProofError, prove, proofs, case, code="replayed")
    proofs._used = bytearray(len(proofs._used))
    for case in used + [again]:
        raises(proof.ProofError, prove, proofs, case, code="stale_nonce")


def test_what_was_checked_and_not_used_may_be_used():
    """It is checked twice when memory was short for the first time."""
    proofs = board()
    request = Request(GOOD)
    said = proof.parse(request.fields)
    key = hmac.digest(bytes.fromhex(TABLE["key"]), said.token)
    for _ in range(2):
        proofs.check(request, said, key)
    for _ in range(2):  # and used once
        proofs.use(said)
        equal(proofs._at, 4)
    raises(proof.ProofError, proofs.check, request, said, key, code="replayed")
    proofs.use(proof.parse(request.fields))  # what was not checked
    equal(proofs._at, 4)


def resigned(case, own):
    """The case's fields, signed anew with another own part of the nonce, by the board's own functions, which
    the vectors hold to the definition.
    """
    fields = dict(case["fields"])
    fields["Signature-Input"] = fields["Signature-Input"].replace("own-nonce-1", own)
    request = Request(
        {"method": case["method"], "target": case["target"], "body": case["body"], "fields": fields}
    )
    said = proof.parse(request.fields)
    key = hmac.digest(bytes.fromhex(TABLE["key"]), said.token)
    mac = proof._base_mac(request, said.params, key)
    fields["Signature"] = "pw=:" + base64url.encode(mac).decode().replace("-", "+").replace("_", "/") + "=:"
    return fields


def test_the_ring_holds_as_many_as_it_says():
    proofs = board()
    for count in range(proof.USES - 1):
        case = dict(GOOD)
        case["fields"] = resigned(GOOD, "own-nonce-%d" % (1000 + count))
        prove(proofs, case)
        equal(len(proofs._used), proof.USES * 4)  # it never grows
        if count % 40 == 0:
            raises(proof.ProofError, prove, proofs, case, code="replayed")
    equal(proofs.challenge(), TABLE["challenge"].encode())


@cases(
    [
        ("what base64 spells +", b"\xfb\xef\xbe", b"-"),
        ("what base64 spells /", b"\xff\xff\xff", b"_"),
    ]
)
def test_the_challenge_fits_into_a_nonce(octets, letter):
    equal(proof.Proofs(lambda count: octets * (count // 3)).challenge(), letter * 16)


def said_with(name, change):
    fields = Request(GOOD).fields
    fields[name] = change(fields[name])
    return proof.parse(fields)


CREATED = b"created=%d;" % NOW


@cases(
    [
        ("created of nine digits", b"signature-input", lambda v: v.replace(CREATED, b"created=179349120;")),
        ("of eleven", b"signature-input", lambda v: v.replace(CREATED, b"created=17934912000;")),
        ("with a letter", b"signature-input", lambda v: v.replace(CREATED, b"created=179349120x;")),
        ("with a sign", b"signature-input", lambda v: v.replace(CREATED, b"created=+179349120;")),
        ("a dot in one's own part", b"signature-input", lambda v: v.replace(b"own-nonce-1", b"own.nonce-1")),
        ("another label", b"signature", lambda v: b"px" + v[2:]),
        ("the end of another type", b"signature", lambda v: v[:-1] + b";"),
        ("more after its end", b"signature", lambda v: v + b":"),
    ]
)
def test_one_spelling(name, change):
    assert change(Request(GOOD).fields[name]) != Request(GOOD).fields[name]
    raises(proof.ProofError, said_with, name, change, code="invalid_request")


def test_spaces_before_the_token_are_not_its_own():
    token = said_with(b"authorization", bytes).token
    equal(said_with(b"authorization", lambda v: v.replace(b" ", b"   ")).token, token)
    equal(said_with(b"authorization", lambda v: v.replace(b" ", b" \t")).token, b"\t" + token)
    equal(said_with(b"authorization", lambda v: v.replace(b" ", b" X")).token, b"X" + token)
    equal(said_with(b"authorization", lambda v: v + b" ").token, token + b" ")


@cases(
    [
        ("HTTP's port", b"Door:80", b"door"),
        ("HTTPS's", b"Door.local:443", b"door.local"),
        ("another", b"door:8080", b"door:8080"),
        ("one that ends so", b"door:1443", b"door:1443"),
        ("none", b"DOOR", b"door"),
        ("an address", b"[FE80::1]:443", b"[fe80::1]"),
    ]
)
def test_authority(host, expected):
    equal(proof.authority(host), expected)


@cases(
    [
        ("as it is written", b"Pinwarden a.b", True),
        ("in another case", b"pinWARDEN a.b", True),
        ("a bearer", b"Bearer a.b.c", False),
        ("a longer name", b"Pinwardenx a.b", False),
        ("nothing", b"", False),
    ]
)
def test_scheme(value, expected):
    equal(proof.is_signed(value), expected)
