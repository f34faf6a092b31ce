"""Writes jwt_attacks.json: what a verifier must refuse, with which code, and the tokens beside them that it
must accept.

    python tests/vectors/make_jwt_attacks.py

Needs the standard library only, and nothing of this project: any verifier, in any language, can be held to
the file. `rule` is the number in docs/token-profile.md. Unless a case says otherwise its token is signed
correctly: it is to be refused for its one flaw, and not by luck.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("jwt_attacks.json")

NOW = 1793491200  # 2026-11-01
KEY = hashlib.sha256(b"door").digest()
OTHER = hashlib.sha256(b"other").digest()

DEFAULTS: dict[str, Any] = {
    "keys": [{"kid": None, "alg": "HS256", "k": KEY.hex()}],
    "audience": None,
    "issuer": None,
    "leeway": 0,
    "required": ["exp"],
    "max_length": 2048,
    "now": NOW,
}
NAMED: dict[str, Any] = {"keys": [{"kid": "a", "alg": "HS256", "k": KEY.hex()}]}
TWO: dict[str, Any] = {
    "keys": [{"kid": "a", "alg": "HS256", "k": KEY.hex()}, {"kid": "b", "alg": "HS256", "k": OTHER.hex()}]
}

HEADER = {"alg": "HS256", "typ": "JWT"}
CLAIMS = {"sub": "anna", "exp": NOW + 60}
END = f'"exp":{NOW + 60}}}'

cases: list[dict] = []


def add(rule: int, why: str, token: str | bytes, expect: str = "ok", **verifier: object) -> None:
    spelled = {"token": token} if isinstance(token, str) else {"token_hex": token.hex()}
    cases.append({"rule": rule, "why": why, **spelled, **verifier, "expect": expect})


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def written(part: dict | str | bytes) -> bytes:
    if isinstance(part, dict):
        part = json.dumps(part, separators=(",", ":"))
    return part.encode() if isinstance(part, str) else part


def mac(signed: str | bytes, key: bytes = KEY) -> bytes:
    return hmac.digest(key, signed.encode() if isinstance(signed, str) else signed, "sha256")


def sealed(segments: str, key: bytes = KEY) -> str:
    """Two segments, as they stand, and their signature."""
    return f"{segments}.{b64(mac(segments, key))}"


def token(header: dict | str | bytes = HEADER, claims: dict | str | bytes = CLAIMS, key: bytes = KEY) -> str:
    return sealed(f"{b64(written(header))}.{b64(written(claims))}", key)


def with_header(**members: object) -> str:
    return token({**HEADER, **members})


def with_claims(**members: object) -> str:
    return token(HEADER, {**CLAIMS, **members})


def with_part(name: str, text: str | bytes) -> str:
    return token(header=text) if name == "header" else token(claims=text)


GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")


def size_and_form() -> None:
    longest = token(claims={**CLAIMS, "pad": "x" * 1413})
    add(1, "the longest there may be", longest, max_length=len(longest))
    add(1, "a byte too long", longest, "too_large", max_length=len(longest) - 1)
    add(1, "too long comes before all else: dots", "." * 2049, "too_large")
    add(1, "too long comes before all else: one letter", "A" * 3000, "too_large")
    add(1, "bytes are counted, not characters", "é" * 1025, "too_large")

    add(2, "a plain good token", GOOD)
    for why, text in (
        ("nothing", ""),
        ("a dot", "."),
        ("two dots", ".."),
        ("three dots", "..."),
        ("one segment", HEAD),
        ("two segments", f"{HEAD}.{BODY}"),
        ("two segments and a dot: no signature (CVE-2020-28042)", f"{HEAD}.{BODY}."),
        ("no header", f".{BODY}.{SIGNATURE}"),
        ("no payload", sealed(f"{HEAD}.")),
        ("a dot before it", f".{GOOD}"),
        ("a dot after it", f"{GOOD}."),
        ("four segments", f"{GOOD}.{SIGNATURE}"),
        ("five segments, a JWE's", f"{HEAD}.{BODY}.{BODY}.{BODY}.{SIGNATURE}"),
        ("a dot doubled", f"{HEAD}..{BODY}.{SIGNATURE}"),
        (
            "JSON serialization (RFC 7515 section 7.2)",
            json.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE}),
        ),
        ("the scheme left before it", f"Bearer {GOOD}"),
        ("quotation marks around it", f'"{GOOD}"'),
        ("white space before it", f" {GOOD}"),
        ("white space after it", f"{GOOD} "),
        ("a line end after it", f"{GOOD}\n"),
        ("a NUL after it: C would stop there", f"{GOOD}\0"),
        ("a NUL before it", f"\0{GOOD}"),
        ("percent encoding", GOOD.replace(".", "%2E")),
        ("full-width dots", GOOD.replace(".", "．")),
        ("another script's letters", f"{HEAD}.{BODY}.{'а' * 43}"),
    ):
        add(2, why, text, "malformed")
    add(2, "bytes that are not UTF-8", GOOD.encode() + b"\xff", "malformed")
    add(2, "bytes that are not UTF-8, in the header", b"\xff" + GOOD.encode(), "malformed")

    # The same octets, spelled otherwise. The signature is over this spelling: only strict decoding can tell.
    for where, name in enumerate(("header", "payload")):
        for why, spoilt in (
            ("padding", lambda s: s + "=" * (-len(s) % 4 or 4)),
            ("a line end inside, as MIME has it", lambda s: s[:8] + "\n" + s[8:]),
            ("white space at the end", lambda s: s + " "),
            ("a character outside the alphabet", lambda s: s[:8] + "*" + s[8:]),
            ("an exclamation mark for each of four letters", lambda s: s[:4] + "!!!!" + s[4:]),
            ("a NUL inside", lambda s: s[:4] + "\0" + s[4:]),
            (
                "a letter too many: no octets have that length",
                lambda s: s + "A" * (1 - len(s) % 4 + 4 * (len(s) % 4 > 1)),
            ),
            ("a letter beyond ASCII", lambda s: s[:4] + "é" + s[4:]),
        ):
            parts = [b64(written(HEADER)), b64(written(CLAIMS))]
            parts[where] = spoilt(parts[where])
            add(2, f"{name}: {why}", sealed(".".join(parts)), "malformed")
        # 0xFB 0xEF and 0xFF are "--_v" and "_w": only "+" and "/" would be wrong about them.
        parts = [{**HEADER, "x": "~~~???>>>"}, {**CLAIMS, "x": "~~~???>>>"}]
        texts = [b64(written(part)) for part in parts]
        add(2, f"{name}: - and _ are letters", sealed(".".join(texts))) if where else None
        texts[where] = texts[where].replace("-", "+").replace("_", "/")
        add(2, f"{name}: + and /, the other alphabet's", sealed(".".join(texts)), "malformed")
        for size in (1, 2):
            # So that 2 or 4 bits of the last letter are spare.
            parts = [HEADER, CLAIMS]
            raw = [written(part) for part in parts]
            while len(raw[where]) % 3 != size:
                raw[where] = raw[where][:-1] + b" }"
            texts = [b64(part) for part in raw]
            texts[where] = texts[where][:-1] + chr(ord(texts[where][-1]) + 1)
            add(2, f"{name}: a spare bit set, of {6 - 2 * size}", sealed(".".join(texts)), "malformed")


# Not JSON objects by RFC 8259, or beyond the bounds. ~ stands for the members of a good header or payload.
NOT_OBJECTS = [
    ("nothing but white space", " "),
    ("a string", '"~"'),
    ("a number", "7"),
    ("true", "true"),
    ("null", "null"),
    ("an array", "[]"),
    ("an array around it", "[{~}]"),
    ("a second object after it", "{~}{}"),
    ("a letter after it", "{~}x"),
    ("a NUL after it", "{~}\0"),
    ("text after a NUL, which MicroPython's json never reads", "{~}\0garbage"),
    ("a byte order mark", "\ufeff{~}"),
    ("not closed", "{~"),
    ("not opened", "~}"),
    ("closed by a bracket", "{~]"),
    ("a comma after the last member", "{~,}"),
    ("a comma before the first", "{,~}"),
    ("two commas", '{"a":1,,~}'),
    ("no comma", '{"a":1 ~}'),
    ("no colon", '{"a" 1,~}'),
    ("two colons", '{"a"::1,~}'),
    ("no value", '{"a":,~}'),
    ("a name without quotation marks", "{a:1,~}"),
    ("apostrophes", "{'a':1,~}"),
    ("a number for a name", "{1:1,~}"),
    ("a comment", "{/**/~}"),
    ("a line comment", "{~}//"),
    ("True, Python's", '{"a":True,~}'),
    ("NaN", '{"a":NaN,~}'),
    ("Infinity", '{"a":-Infinity,~}'),
    ("a number beyond any float", '{"a":1e999,~}'),
    ("a leading zero", '{"a":01,~}'),
    ("a leading plus", '{"a":+1,~}'),
    ("hexadecimal", '{"a":0x10,~}'),
    ("nothing after the point", '{"a":1.,~}'),
    ("digits of another script", '{"a":\u0661,~}'),
    ("a raw line end in a string", '{"a":"\n",~}'),
    ("a raw NUL in a string", '{"a":"\0",~}'),
    ("an unknown escape", '{"a":"\\x41",~}'),
    ("a lone surrogate", '{"a":"\\ud800",~}'),
    ("surrogates the wrong way round", '{"a":"\\udc00\\ud800",~}'),
    ("a form feed for white space", "{\f~}"),
    ("a no-break space for white space", "{\u00a0~}"),
    ("the same name twice", '{"a":1,"a":1,~}'),
    ("the same name twice, once as an escape", '{"a":1,"\\u0061":1,~}'),
    ("the same name twice, inside", '{"a":{"b":1,"b":2},~}'),
    ("the same name twice, inside an array", '{"a":[{"b":1,"b":2}],~}'),
    ("an empty name twice", '{"":1,"":1,~}'),
    ("too deep, in arrays", '{"a":' + "[" * 8 + "]" * 8 + ",~}"),
    ("too deep, in objects", '{"a":' + '{"a":' * 8 + "1" + "}" * 8 + ",~}"),
    ("a thousand brackets, never closed", "[" * 1000),
    ("a whole number of 309 digits", '{"a":' + "9" * 309 + ",~}"),
]


def json_texts() -> None:
    members = {"header": json.dumps(HEADER)[1:-1], "payload": json.dumps(CLAIMS)[1:-1]}
    for name, inner in members.items():
        for why, text in NOT_OBJECTS:
            made = text.replace("~", inner)
            add(3, f"{name}: {why}", with_part(name, made), "malformed")
        for why, raw in (
            ("bytes that are no UTF-8", b"\xff"),
            ("an overlong slash", b"\xc0\xaf"),
            ("a surrogate in UTF-8", b"\xed\xa0\x80"),
            ("beyond U+10FFFF", b"\xf4\x90\x80\x80"),
            ("a character cut short", b"\xe2\x82"),
            ("Latin-1", b"\xe9"),
        ):
            made = b'{"a":"' + raw + b'",' + inner.encode() + b"}"
            add(3, f"{name}: {why}", with_part(name, made), "malformed")
        for why, encoding in (
            ("UTF-16", "utf-16-le"),
            ("UTF-16 with its mark", "utf-16"),
            ("UTF-32", "utf-32-be"),
        ):
            made = ("{" + inner + "}").encode(encoding)
            add(3, f"{name}: {why}", with_part(name, made), "malformed")
        for why, text in (
            ("white space everywhere", '\r\n{ \t"a" : [ 1 , 2 ] , ~ }\n'),
            ("another member's escapes", '{"a":"\\u00e9\\ud83d\\udd11\\n\\/",~}'),
            ("UTF-8", '{"a":"é€🔑",~}'),
            ("DEL, which is no control character to JSON", '{"a":"\x7f",~}'),
            ("as deep as may be", '{"a":' + "[" * 7 + "]" * 7 + ",~}"),
            ("an empty name", '{"":0,~}'),
            ("names that differ in case", '{"a":1,"A":2,~}'),
        ):
            made = text.replace("~", inner)
            add(3, f"{name}: {why}", with_part(name, made))
    add(3, "header: alg twice, the good one last", token('{"alg":"none","alg":"HS256"}'), "malformed")
    add(3, "header: alg twice, the good one first", token('{"alg":"HS256","alg":"none"}'), "malformed")
    add(3, "header: alg twice, once as an escape", token('{"alg":"HS256","\\u0061lg":"none"}'), "malformed")
    add(3, "payload: exp twice", token(claims=f'{{"exp":1,{END}'), "malformed")
    add(3, "payload: exp twice, once as an escape", token(claims=f'{{"\\u0065xp":1,{END}'), "malformed")
    add(3, "payload: exp as an escape", token(claims=f'{{"\\u0065xp":{NOW + 60}}}'))
    add(3, "payload: exp beyond any float never comes", token(claims='{"exp":1e999}'), "malformed")


def algorithms() -> None:
    for alg in (
        "none",
        "None",
        "NONE",
        "nOnE",
        "",
        " none",
        "none\0",
        "HS384",
        "HS512",
        "HS1",
        "RS256",
        "PS256",
        "ES256",
        "EdDSA",
    ):
        add(4, f"alg {alg!r}", with_header(alg=alg), "alg")
    for alg in (
        "hs256",
        "Hs256",
        "HS256 ",
        " HS256",
        "HS256\0",
        "HS256,none",
        "HS2560",
        "HS25",
        "ΗS256",
        "HS２５６",
        "SHA256",
    ):
        add(4, f"alg {alg!a}, which looks like HS256", with_header(alg=alg), "alg")
    for alg in (None, True, False, 256, 0, ["HS256"], [], {"alg": "HS256"}):
        add(4, f"alg {json.dumps(alg)}", with_header(alg=alg), "alg")
    add(4, "no alg", token({"typ": "JWT"}), "alg")
    add(4, "an empty header", token({}), "alg")
    add(4, "ALG is not alg", token({"ALG": "HS256"}), "alg")
    add(4, "alg within another member", token({"x": {"alg": "HS256"}}), "alg")
    add(4, "alg as an escape is alg", token('{"\\u0061lg":"HS256"}'))
    add(4, "none as an escape is none", token('{"alg":"\\u006eone"}'), "alg")
    for why, signature in (
        ("no signature but a letter", "A"),
        ("two letters", "AA"),
        ("a good signature's length", "A" * 43),
    ):
        unsigned = f"{b64(written({'alg': 'none'}))}.{BODY}"
        add(4, f"alg none, {why}", f"{unsigned}.{signature}", "alg")
    add(
        4,
        "alg none and the empty signature that goes with it",
        f"{b64(written({'alg': 'none'}))}.{BODY}.",
        "malformed",
    )
    add(
        4,
        "alg none, and a kid that is unknown: alg comes first",
        with_header(alg="none", kid="x"),
        "alg",
        **TWO,
    )
    add(
        4,
        "alg RS256, the public key for a secret (CVE-2015-9235)",
        token({"alg": "RS256"}, key=b"-----BEGIN PUBLIC KEY-----"),
        "alg",
    )


def key_names() -> None:
    for kid in ("a", "", "../../dev/null", "x" * 500):
        add(5, f"the only key has no name, and kid is {kid[:20]!r}: ignored", with_header(kid=kid))
    for kid in (None, True, 0, 1.5, ["a"], [], {"a": "a"}, {}):
        for keys, why in (
            (DEFAULTS, "the only key has no name"),
            (NAMED, "the only key has a name"),
            (TWO, "two keys"),
        ):
            add(5, f"{why}, and kid is {json.dumps(kid)}", with_header(kid=kid), "kid", keys=keys["keys"])
    add(5, "the only key has a name, and there is no kid", GOOD, **NAMED)
    add(5, "the only key has a name, and kid is it", with_header(kid="a"), **NAMED)
    add(5, "two keys: the first", with_header(kid="a"), **TWO)
    add(5, "two keys: the second", token({**HEADER, "kid": "b"}, key=OTHER), **TWO)
    add(5, "two keys: kid as an escape", token('{"alg":"HS256","k\\u0069d":"\\u0062"}', key=OTHER), **TWO)
    add(5, "two keys: signed by the other one", with_header(kid="b"), "signature", **TWO)
    add(5, "two keys: no kid, and no trying", GOOD, "kid", **TWO)
    for kid in (
        "",
        "A",
        "a ",
        " a",
        "a\0",
        "ab",
        "b/../a",
        "a,b",
        "*",
        "a' OR '1'='1",
        "/dev/null",
        "https://example.com/a",
        "а",
    ):
        for keys, why in ((NAMED, "the only key is another's"), (TWO, "two keys")):
            add(5, f"{why}, and kid is {kid!a}", with_header(kid=kid), "kid", **keys)


def header_members() -> None:
    for crit in ([], ["exp"], ["b64"], ["alg"], [""], None, "b64", {}, 0, False, ["x"] * 50):
        add(6, f"crit: {json.dumps(crit)[:20]}", with_header(crit=crit), "crit")
    add(6, "crit names a member that is there (RFC 7515 appendix E)", with_header(crit=["x"], x=1), "crit")
    add(6, "crit as an escape", token('{"alg":"HS256","cr\\u0069t":["x"],"x":1}'), "crit")
    for b64_value in (False, None, 0, 1, "true", "false", []):
        add(6, f"b64: {json.dumps(b64_value)} (RFC 7797)", with_header(b64=b64_value), "crit")
    add(6, "b64: true, which changes nothing", with_header(b64=True))
    for name, value in (("zip", "DEF"), ("zip", None), ("enc", "A256GCM"), ("enc", None)):
        add(6, f"{name}: {json.dumps(value)}", with_header(**{name: value}), "crit")
    for cty in ("JWT", "jwt", "JwT", "application/jwt", "at+jwt", None, 1, ["JWT"]):
        add(6, f"cty: {json.dumps(cty)}", with_header(cty=cty), "crit")
    add(6, "cty: another", with_header(cty="application/json"))

    thief = {"kty": "oct", "k": b64(OTHER), "alg": "HS256"}
    for name, value in (
        ("jwk", thief),
        ("jku", "https://example.com/keys.json"),
        ("x5u", "https://example.com/cert.pem"),
        ("x5c", ["AAAA"]),
        ("x5t", "AAAA"),
        ("k", b64(OTHER)),
        ("kid", b64(OTHER)),
    ):
        made = token({**HEADER, name: value}, key=OTHER)
        add(6, f"{name}: brings its own key (CVE-2018-0114)", made, "signature")
        add(6, f"{name}: never read, and no matter", with_header(**{name: value}))

    for typ in ("JWT", "jwt", "jWt", "at+jwt", "AT+JWT"):
        add(7, f"typ {typ}", with_header(typ=typ))
    add(7, "no typ", token({"alg": "HS256"}))
    for typ in (
        "",
        "JWS",
        "JOSE",
        "JWE",
        "JWT ",
        " JWT",
        "JWT\0",
        "at+jwt;v=1",
        "id+jwt",
        "dpop+jwt",
        "application/at+jwt",
        "ＪＷＴ",
    ):
        add(7, f"typ {typ!a}", with_header(typ=typ), "typ")
    for typ in (None, True, 1, ["JWT"], [], {"JWT": 1}):
        add(7, f"typ {json.dumps(typ)}", with_header(typ=typ), "typ")

    add(
        8,
        "members of the header that nobody knows",
        with_header(x=[1, {"y": None}], version="1", exp=1, aud="x"),
    )
    add(
        8,
        "claims that nobody knows",
        with_claims(x=[1, {"y": None}], version="1", alg="none", kid=5, crit=["x"]),
    )


def signatures() -> None:
    signed = f"{HEAD}.{BODY}"
    good = mac(signed)
    for why, signature in (
        ("the other key's", mac(signed, OTHER)),
        ("an empty key's", mac(signed, b"")),
        ("a key of zeros", mac(signed, bytes(32))),
        ("the key's hexadecimal digits for a key", mac(signed, KEY.hex().encode())),
        ("the key's base64 for a key", mac(signed, b64(KEY).encode())),
        ("the key with a line end", mac(signed, KEY + b"\n")),
        ("a hash without the key", hashlib.sha256(signed.encode()).digest()),
        ("a hash after the key: no HMAC", hashlib.sha256(KEY + signed.encode()).digest()),
        ("HMAC with SHA-512", hmac.digest(KEY, signed.encode(), "sha512")),
        ("HMAC with SHA-512, cut to 32 octets", hmac.digest(KEY, signed.encode(), "sha512")[:32]),
        ("HMAC with SHA-1", hmac.digest(KEY, signed.encode(), "sha1")),
        ("of the header alone", mac(HEAD)),
        ("of the payload alone", mac(BODY)),
        ("of both, decoded", mac(written(HEADER) + b"." + written(CLAIMS))),
        ("of both and a dot", mac(signed + ".")),
        ("zeros", bytes(32)),
        ("an octet", good[:1]),
        ("cut to half", good[:16]),
        ("an octet missing", good[:31]),
        ("an octet too many", good + b"\0"),
        ("twice over", good + good),
        ("its octets reversed", good[::-1]),
        ("hexadecimal digits, as octets", good.hex().encode()),
    ):
        add(9, f"signature: {why}", f"{signed}.{b64(signature)}", "signature")
    for octet in (0, 1, 15, 16, 30, 31):
        for bit in (0, 7):
            spoilt = bytearray(good)
            spoilt[octet] ^= 1 << bit
            add(
                9,
                f"signature: bit {bit} of octet {octet} turned",
                f"{signed}.{b64(bytes(spoilt))}",
                "signature",
            )
    add(9, "signature: hexadecimal digits", f"{signed}.{good.hex()}", "signature")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for spare in (1, 2, 3):
        letter = last[last.index(SIGNATURE[-1]) + spare]
        add(
            9,
            f"signature: spare bits {spare}, the same octets (RFC 4648 section 3.5)",
            GOOD[:-1] + letter,
            "malformed",
        )
    for why, signature in (
        ("padded", SIGNATURE + "="),
        ("the other alphabet's + inside", SIGNATURE[:-2] + "+" + SIGNATURE[-1]),
        ("a line end inside", SIGNATURE[:20] + "\n" + SIGNATURE[20:]),
        ("junk that lenient decoders skip", SIGNATURE[:20] + "*&^%" + SIGNATURE[20:]),
        ("a letter too many", SIGNATURE + "AA"),
    ):
        add(9, f"signature: {why}", f"{signed}.{signature}", "malformed")
    for why, changed in (
        ("another payload", f"{HEAD}.{b64(written({**CLAIMS, 'sub': 'admin'}))}"),
        ("another header", f"{b64(written({**HEADER, 'x': 1}))}.{BODY}"),
        ("the header's members in another order", f"{b64(written({'typ': 'JWT', 'alg': 'HS256'}))}.{BODY}"),
        ("the dot moved", f"{signed[:8]}.{signed[8:].replace('.', '')}"),
    ):
        expect = "malformed" if why == "the dot moved" else "signature"
        add(9, f"signature of a good token on {why}", f"{changed}.{SIGNATURE}", expect)
    for why, claims in (
        ("expired", {**CLAIMS, "exp": 1}),
        ("not JSON", "{"),
        ("no object", "[]"),
        ("bad UTF-8", b"\xff\xff\xff"),
        ("a name twice", '{"exp":1,"exp":2}'),
        ("no exp", {}),
    ):
        add(9, f"not signed by us, and {why}: nobody parses it", token(claims=claims, key=OTHER), "signature")


def dates() -> None:
    soon = NOW + 60
    for name in ("exp", "nbf", "iat"):
        for value in (
            f"{soon}.0", f"{soon}.5", f"{soon}e0", f"{soon}E+0", "1.8e9", "0.0", "true", "false", "null",
            f'"{soon}"', '""', '"9999999999"', f"[{soon}]", "[]", "{}", f'{{"n":{soon}}}',
            "-1", f"-{soon}", str(2**53), str(2**64), "9" * 300,
        ):  # fmt: skip
            claims = f'{{"{name}":{value}}}' if name == "exp" else f'{{"{name}":{value},{END}'
            add(10, f"{name}: {value[:24]}", token(claims=claims), "claim_type")
        for value in (
            "1e999",
            "-1e999",
            f"0{soon}",
            f"+{soon}",
            f"{soon}_0",
            "0x7fffffff",
            "Infinity",
            "9" * 309,
        ):
            claims = f'{{"{name}":{value}}}' if name == "exp" else f'{{"{name}":{value},{END}'
            add(10, f"{name}: {value[:24]} is no number", token(claims=claims), "malformed")
    add(10, "exp: the largest", token(claims={"exp": 2**53 - 1}))
    add(10, "exp: beyond 31 bits", token(claims={"exp": 2**31}))
    add(10, "exp: beyond 32 bits", token(claims={"exp": 2**32 + 1}))
    add(10, "nbf and iat: zero", with_claims(nbf=0, iat=0))
    add(10, "iat: minus zero is zero", token(claims=f'{{"iat":-0,{END}'))
    add(10, "nbf: the largest", with_claims(nbf=2**53 - 1), "not_yet_valid")
    add(
        10,
        "a date of the wrong type counts before one that has passed",
        with_claims(exp=1, iat=None),
        "claim_type",
    )

    for leeway in (0, 30):
        for why, value, expect in (
            ("long past", 1, "expired"),
            ("zero", 0, "expired"),
            ("a second before", NOW - leeway - 1, "expired"),
            ("this very second", NOW - leeway, "expired"),
            ("a second to go", NOW - leeway + 1, "ok"),
        ):
            add(11, f"leeway {leeway}, exp: {why}", with_claims(exp=value), expect, leeway=leeway)
        for name in ("nbf", "iat"):
            for why, value, expect in (
                ("a second too early", NOW + leeway + 1, "not_yet_valid"),
                ("this very second", NOW + leeway, "ok"),
                ("long past", 1, "ok"),
            ):
                add(
                    11,
                    f"leeway {leeway}, {name}: {why}",
                    with_claims(**{name: value}, exp=NOW + 99),
                    expect,
                    leeway=leeway,
                )
    add(11, "no exp", token(claims={"sub": "anna"}), "missing_claim")
    add(11, "no claims", token(claims={}), "missing_claim")
    add(11, "no exp, none required", token(claims={"sub": "anna"}), required=[])
    add(11, "no exp, only sub required", token(claims={"sub": "anna"}), required=["sub"])
    add(11, "no exp required, and it has passed", with_claims(exp=1), "expired", required=[])
    add(11, "Exp is not exp", token(claims={"Exp": soon}), "missing_claim")
    add(11, "exp within another claim", token(claims={"x": {"exp": soon}}), "missing_claim")
    add(11, "a required claim is missing", GOOD, "missing_claim", required=["exp", "jti"])
    add(11, "every required claim is there", with_claims(jti="1"), required=["exp", "jti", "sub"])
    add(
        11,
        "a missing claim counts before a wrong type",
        token(claims={"exp": None}),
        "missing_claim",
        required=["exp", "jti"],
    )
    add(11, "passed and not yet valid", with_claims(exp=NOW, nbf=NOW + 1), "expired")
    add(11, "the clock stands at zero", GOOD, now=0)


def audience_and_issuer() -> None:
    door = {"audience": "door"}
    for why, aud, expect in (
        ("it", "door", "ok"),
        ("a list of it", ["door"], "ok"),
        ("a list with it", ["gate", "door"], "ok"),
        ("another", "gate", "audience"),
        ("longer", "door2", "audience"),
        ("shorter", "doo", "audience"),
        ("a letter of it", "d", "audience"),
        ("in other letters", "Door", "audience"),
        ("with white space", "door ", "audience"),
        ("with a NUL", "door\0", "audience"),
        ("empty", "", "audience"),
        ("several in one string", "gate door", "audience"),
        ("a list of others", ["gate", "Door"], "audience"),
        ("an empty list", [], "audience"),
        ("a list with it and a number", ["door", 1], "audience"),
        ("a list with it and null", [None, "door"], "audience"),
        ("a list within a list", [["door"]], "audience"),
        ("an object with it", {"door": "door"}, "audience"),
        ("null", None, "audience"),
        ("true", True, "audience"),
        ("a number", 1, "audience"),
    ):
        add(12, f"aud: {why}", with_claims(aud=aud), expect, **door)
        if why != "in other letters":
            add(12, f"aud: {why}, and nobody is configured here", with_claims(aud=aud), "audience")
    add(12, "aud: missing", GOOD, "audience", **door)
    add(
        12,
        "aud: é in one code point and in two are not the same",
        with_claims(aud="e\u0301"),
        "audience",
        audience="\u00e9",
    )
    add(12, "aud: beyond ASCII", with_claims(aud="\u00e9"), audience="\u00e9")
    add(12, "aud: as a surrogate pair", token(claims=f'{{"aud":"\\ud83d\\udd11",{END}'), audience="🔑")
    home = {"issuer": "https://home.example"}
    for why, iss, expect in (
        ("it", "https://home.example", "ok"),
        ("another", "https://evil.example", "issuer"),
        ("a part of it (CVE-2024-53861)", "https://home", "issuer"),
        ("a letter of it", "h", "issuer"),
        ("longer", "https://home.example.evil.example", "issuer"),
        ("with a slash", "https://home.example/", "issuer"),
        ("in other letters", "https://HOME.example", "issuer"),
        ("empty", "", "issuer"),
        ("a list of it", ["https://home.example"], "issuer"),
        ("null", None, "issuer"),
        ("an object", {}, "issuer"),
    ):
        add(12, f"iss: {why}", with_claims(iss=iss), expect, **home)
    add(12, "iss: missing", GOOD, "issuer", **home)
    add(12, "iss: any, and none is configured", with_claims(iss="x"))
    add(12, "iss: a list, and none is configured", with_claims(iss=["x"]), "issuer")
    add(12, "iss: null, and none is configured", with_claims(iss=None), "issuer")


def other_claims() -> None:
    for name in ("sub", "jti", "scope"):
        for value in (None, True, False, 0, 5, 1.5, [], ["x"], {}, {"x": 1}):
            add(13, f"{name}: {json.dumps(value)}", with_claims(**{name: value}), "claim_type")
        add(13, f"{name}: a string", with_claims(**{name: "x y"}))
        add(13, f"{name}: an empty string", with_claims(**{name: ""}))
    for value in (
        None,
        True,
        0,
        "pins:read",
        "",
        {},
        {"pins:read": 1},
        [1],
        ["pins:read", None],
        [["pins:read"]],
        [{}],
    ):
        add(13, f"privileges: {json.dumps(value)}", with_claims(privileges=value), "claim_type")
    for value in ([], ["pins:read"], ["a", "b"]):
        add(13, f"privileges: {json.dumps(value)}", with_claims(privileges=value))


def document() -> str:
    """The file's text."""
    cases.clear()
    size_and_form()
    json_texts()
    algorithms()
    key_names()
    header_members()
    signatures()
    dates()
    audience_and_issuer()
    other_claims()
    seen: set[tuple[int, str]] = set()
    for case in cases:
        if (case["rule"], case["why"]) in seen:
            raise ValueError(f"two cases have one reason: {case['why']}")
        seen.add((case["rule"], case["why"]))
    about = (
        "Tokens, and what a strict verifier says of them: `expect` is ok or the code of the refusal. What a "
        "case does not say of the verifier is in `defaults`; keys are hexadecimal; a token that is not UTF-8 "
        "is in `token_hex`. Made by make_jwt_attacks.py."
    )
    # Characters as they are: MicroPython's json reads a pair of \u escapes as two characters.
    rows = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases)
    head = f'"about": {json.dumps(about)},\n "defaults": {json.dumps(DEFAULTS)}'
    return f'{{\n {head},\n "cases": [\n{rows}\n ]\n}}\n'


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
    print(f"{FILE.name}: {len(cases)} cases")
