"""What is fuzzed: each target takes octets, puts them to a part of the board that strangers reach, and
returns in a word what came of it. Whatever the octets, it must not raise: an exception that is no refusal, or
a promise that was not kept, is a finding.

Plain modules for both runtimes. On CPython other implementations are judges: what ours takes, they must take,
too, and to the same value. (The other way round we are stricter.)
"""

import errno
import json

import base64url
import strictjson
from firmware import proof, request
from firmware.connection import Connection
from firmware.settings import SettingsError, check_secrets, check_settings
from firmware.verifier import make_verifier
from jwt import Key, TokenError, Verifier

try:
    import h11
    import http_sf
except ImportError:  # MicroPython has no judges
    h11 = http_sf = None

NOW = 1793491200
KEY = Key(bytes(range(32)), "a")
LIMITS = {"max_head": 4096, "max_body": 2048, "connections": 4, "head_timeout": 5, "body_timeout": 5}
LIMITS.update({"write_timeout": 5, "idle_timeout": 15})
MOST = 64  # requests of one connection; each of them costs octets


def head(data):
    """The head of a request."""
    try:
        parsed = request.parse_head(data)
    except request.RequestError as error:
        assert 400 <= error.status <= 505, error.status
        return error.code
    assert len(parsed.path) <= 1024
    assert parsed.host == parsed.host.lower()
    if h11:
        _judge_head(data, parsed)
    return "%s %d" % (parsed.method, parsed.length)


def _judge_head(data, ours):
    theirs = h11.Connection(h11.SERVER)
    try:
        theirs.receive_data(data + b"\r\n\r\n")
        event = theirs.next_event()
    except h11.RemoteProtocolError as error:
        # Of fields that nobody reads here, h11 looks at the values, too; and at more of a method.
        assert "illegal header" in str(error) or "bad Content-Length" in str(error), error
        return
    assert event.method == ours.method.encode(), event.method
    values = [value for name, value in event.headers if name == b"host"]
    assert len(values) == 1, "two hosts"
    lengths = [value for name, value in event.headers if name == b"content-length"]
    assert ours.length == (int(lengths[0]) if lengths and len(lengths[0]) <= 10 else ours.length)
    target = bytes(event.target)
    assert ours.path.encode() in target, target


class Wire:
    """A socket that gives these chunks."""

    def __init__(self, chunks):
        self.chunks = chunks
        self.sent = b""

    def recv(self, most):
        if not self.chunks:
            raise OSError(errno.EAGAIN, "nothing yet")
        chunk = self.chunks.pop(0)
        if len(chunk) > most:
            self.chunks.insert(0, chunk[most:])
        return chunk[:most]

    def send(self, data):
        self.sent += data
        return len(data)


def connection(data):
    """A connection's octets; how they are cut into pieces makes no difference to the requests in them."""
    cut = data[0] % 64 + 1 if data else 1
    data = data[1:]
    whole = _requests([data])
    pieces = _requests([data[i : i + cut] for i in range(0, len(data), cut)])
    assert whole == pieces, (whole, pieces)
    return " ".join(whole)


def _requests(chunks):
    wire = Wire([chunk for chunk in chunks if chunk])
    made = Connection(wire, ("127.0.0.1", 1), LIMITS)
    said = []
    try:
        while len(said) < MOST:
            asked = made.next_request(lambda asked: None)
            if asked is not None:
                assert len(asked.body) == asked.length
                said.append("%s%d" % (asked.method, asked.length))
            elif not wire.chunks or not made.read():
                break
            assert len(made.buffer) <= LIMITS["max_head"] + LIMITS["max_body"] + 4
    except request.RequestError:
        said.append("refused")  # of several faults it tells the one that it sees first
    return said


def base64(data):
    """The text of octets: canonical, or refused."""
    try:
        octets = base64url.decode(data)
    except base64url.Base64Error:
        return "refused"
    assert base64url.encode(octets) == data
    return str(len(octets))


def json_text(data):
    """A text of JSON."""
    try:
        value = strictjson.loads(data)
    except strictjson.JSONError:
        return "refused"
    # (MicroPython's json is no judge: its floats are short, and it takes what is none.)
    if h11:
        assert json.loads(data.decode()) == value
    return type(value).__name__


def token(data):
    """A token: as it comes; and its header and payload, with a line feed between, well signed."""
    verifier = Verifier([KEY], audience="door")
    said = _verdict(verifier, data)
    assert said != "good" or data.count(b".") == 2
    first, _, second = data.partition(b"\n")
    signed = base64url.encode(first) + b"." + base64url.encode(second)
    made = signed + b"." + KEY.sign(signed)
    once = _verdict(verifier, made)
    assert once == _verdict(verifier, made), "remembered, it is judged differently"
    if once == "good":
        claims = verifier.verify(made, NOW)
        assert json.loads(first)["alg"] == "HS256"
        assert claims["exp"] > NOW
        assert claims["aud"] == "door" or "door" in claims["aud"]
        for i in range(len(made)):  # no octet of it may be another
            spoilt = made[:i] + (b"A" if made[i] != 65 else b"B") + made[i + 1 :]
            assert _verdict(verifier, spoilt) != "good", i
    return said + " " + once


def _verdict(verifier, text):
    try:
        verifier.verify(text, NOW)
    except TokenError as error:
        return error.code
    return "good"


def settings(data):
    """The board's settings, and its secrets, as a host would send them."""
    try:
        value = strictjson.loads(data)
    except strictjson.JSONError:
        return "no JSON"
    said = ""
    try:
        checked = check_settings(value)
        assert check_settings(checked) == checked, "what was checked does not pass again"
        said = "settings"
    except SettingsError as error:
        assert error.problems
        for problem in error.problems:
            assert len(problem) < 1000, problem
    try:
        keys = check_secrets(value)["keys"]
        make_verifier({"name": "door", "issuer": None, "leeway": 0}, keys)
        said += "secrets"
    except ValueError as error:
        # Each line may be shown to anybody: no secret in it.
        if type(value) is dict and type(value.get("keys")) is list:
            for key in value["keys"]:
                if type(key) is dict and type(key.get("k")) is str and len(key["k"]) > 15:
                    assert key["k"] not in str(error), "a key in an error"
    return said or "refused"


FIELDS = (b"authorization", b"content-digest", b"signature-input", b"signature")


def signature(data):
    """The fields of a signed request, a line each; without the last, they are signed well."""
    lines = data.split(b"\n")
    fields = {b"host": b"door"}
    for name, line in zip(FIELDS, lines):
        fields[name] = line
    if not proof.is_signed(fields[b"authorization"]):
        return "unsigned"
    try:
        said = proof.parse(fields)
    except proof.ProofError as error:
        assert error.code == "invalid_request"
        return error.code
    assert len(fields[b"signature-input"]) < 256
    if http_sf:
        _judge_signature(fields, said)
    asked = request.Request("GET", "/", 1)
    asked.fields = fields
    proofs = proof.Proofs(bytes)
    try:
        proofs.check(asked, said, bytes(32))
    except proof.ProofError as error:
        return error.code
    raise AssertionError("signed by nobody")


def _judge_signature(fields, ours):
    theirs = http_sf.parse(fields[b"signature-input"], tltype="dictionary")
    assert list(theirs) == ["pw"]
    items, parameters = theirs["pw"]
    assert [item[0] for item in items] == [
        "@method", "@authority", "@path", "@query", "authorization", "content-digest",
    ]  # fmt: skip
    assert parameters["created"] == ours.created
    assert list(parameters) == ["created", "keyid", "alg", "nonce", "tag"]
    # (The Signature field is never decoded, but compared with what it should be: no other spelling is it.)


TARGETS = {
    "head": head,
    "connection": connection,
    "base64": base64,
    "json": json_text,
    "token": token,
    "settings": settings,
    "signature": signature,
}
