"""Spoilt tokens, JSON and base64url texts, the same ones on every runtime, and what our code says of each.

    jwt_mutants.py SEED COUNT

Prints one line for each: the verdict, and the input. A host test runs it on both runtimes and compares.
"""

import sys

import base64url
import strictjson
from jwt import Key, TokenError, Verifier

NOW = 1793491200
KEY = Key(bytes(range(32)), "a")
OTHER = Key(bytes(range(1, 33)), "b")
SOON = b"1793491260"

HEADERS = (
    b'{"alg":"HS256","kid":"a"}',
    b'{"kid":"a","alg":"HS256"}',
    b'{"kid":"a","alg":"HS256","x":"\xc3\xa9"}',
    b'{"alg":"HS256","typ":"JWT","kid":"a"}',
    b'{ "typ" : "at+jwt", "k\\u0069d":"a", "alg":"HS256" }',
    b'{"alg":"HS256","kid":"b"}',
    b'{"alg":"HS256"}',
    b'{"alg":"none","kid":"a"}',
)
PAYLOADS = (
    b'{"sub":"anna","exp":' + SOON + b"}",
    b'{"sub":"anna","aud":"door","iat":1793491190,"exp":' + SOON + b',"jti":"7f3a","scope":"pins:read"}',
    b'{"exp":' + SOON + b',"privileges":["a","b"],"x":{"y":[1,-2.5e1,true,null]}}',
    b'{"exp":' + SOON + b',"nbf":1793491200,"sub":"\xc3\xa9\\u00e9\\ud83d\\udd11\xf0\x9f\x94\x91"}',
    b'{"exp":1793491200}',
    b"[" * 8 + b"]" * 8,
    b"{}",
)
# Whole members, put in first.
MEMBERS = (
    b'"crit":["exp"],', b'"b64":false,', b'"zip":"DEF",', b'"cty":"JWT",', b'"cty":"json",', b'"typ":"JWS",',
    b'"typ":1,', b'"typ":"JWT",', b'"alg":"none",', b'"kid":"b",', b'"kid":null,', b'"iat":1793491210,',
    b'"iat":1793491240,', b'"nbf":1793491230,', b'"nbf":-1,', b'"exp":1.5,', b'"sub":[],', b'"scope":"a b",',
    b'"jti":true,', b'"iss":"home",', b'"iss":{},', b'"aud":"door",', b'"aud":["door",1],',
    b'"aud":["door"],', b'"privileges":[],', b'"privileges":["a",{}],', b'"x":[[[[[[[1]]]]]]],',
    b'"x":[[[[[[[[1]]]]]]]],', b'"x":"\\n",',
)  # fmt: skip
# What an attacker, or chance, puts in anywhere.
BITS = (
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"0", b"1", b"9", b"-", b"+", b".", b"e", b"E", b" ",
    b"\n", b"\0", b"\x1f", b"\x7f", b"\x80", b"\xbf", b"\xc0\x80", b"\xc3", b"\xc3\xa9", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\xff", b"\\u", b"\\u0061", b"\\ud800", b"\\udc00", b"\\ud83d\\udd11", b"true",
    b"null", b"NaN", b"1e999", b"1e9", b'"a":1,', b'"exp":1,', b',"exp":9999999999', b',"aud":"door"',
    b',"crit":[]', b',"sub":1', b"=", b"/", b"_", b"A", b"*", b"\xef\xbb\xbf",
)  # fmt: skip


class Chance:
    """A linear congruential generator: no runtime's own numbers are those of another."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % n

    def of(self, things):
        return things[self.below(len(things))]


def spoilt(data, chance):
    """`data` with up to three changes."""
    for _ in range(chance.below(4)):
        i = chance.below(len(data) + 1)
        kind = chance.below(6)
        if kind == 0:
            data = data[:i] + chance.of(BITS) + data[i:]
        elif kind == 1:
            data = data[:i] + chance.of(BITS) + data[i + 1 :]
        elif kind == 2:
            data = data[:i] + data[i + 1 + chance.below(4) :]
        elif kind == 3:
            data = data[:i] + bytes([chance.below(256)]) + data[i + 1 :]
        elif kind == 4:
            j = chance.below(len(data) + 1)
            data = data[:i] + data[min(i, j) : max(i, j)] + data[i:]
        else:
            data = data[:i]
    return data


def tokens(chance):
    """Spoilt before it was signed, after that, or both."""
    kind = chance.below(5)
    header, payload = chance.of(HEADERS), chance.of(PAYLOADS)
    if chance.below(3) == 0:
        header = b"{" + chance.of(MEMBERS) + header[1:]
    if chance.below(3) == 0:
        payload = b"{" + chance.of(MEMBERS) + payload[1:]
    if kind == 0:
        header = spoilt(header, chance)
    elif kind == 1:
        payload = spoilt(payload, chance)
    signed = base64url.encode(header) + b"." + base64url.encode(payload)
    if kind == 2:
        signed = spoilt(signed, chance)
    token = signed + b"." + (OTHER if chance.below(8) == 0 else KEY).sign(signed)
    return spoilt(token, chance) if kind == 3 else token


def told(value):
    """A value in our own spelling: the runtimes' `repr`, order of members and floats' last digits differ."""
    if isinstance(value, dict):
        return "{" + ",".join(sorted([told(name) + ":" + told(item) for name, item in value.items()])) + "}"
    if isinstance(value, list):
        return "[" + ",".join([told(item) for item in value]) + "]"
    if isinstance(value, str):
        return '"' + value.encode().hex() + '"'
    return "float" if isinstance(value, float) else str(value)


def verdict(function, *args):
    try:
        return told(function(*args))
    except TokenError as error:
        return "%s: %s" % (error.code, error)
    except strictjson.JSONError as error:
        return "JSONError: %s" % error
    except base64url.Base64Error as error:
        return "Base64Error: %s" % error


def main(seed, count):
    chance = Chance(seed)
    # One that remembers all the time, for several keys, and one with an audience.
    verifiers = (Verifier([KEY, OTHER]), Verifier([KEY], leeway=10, audience="door", required=()))
    for _ in range(count):
        token = tokens(chance)
        for verifier in verifiers:
            print("verify", verdict(verifier.verify, token, NOW + chance.below(3) * 30), token.hex())
        text = spoilt(chance.of(HEADERS + PAYLOADS), chance)
        print("loads", verdict(strictjson.loads, text), text.hex())
        text = spoilt(base64url.encode(chance.of(PAYLOADS)[: chance.below(20)]), chance)
        print("decode", verdict(lambda text: base64url.decode(text).hex(), text), text.hex())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
