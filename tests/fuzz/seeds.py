"""`python tests/fuzz/seeds.py`: writes the corpus's first members from the vectors that the tests have.

What a fuzzer has found since lies beside them, under names of its own.
"""

import json
from pathlib import Path

HERE = Path(__file__).parent
VECTORS = HERE.parent / "vectors"
GET = b"GET / HTTP/1.1\r\nHost: door"
HEADS = [
    GET,
    b"PUT /api/v1/pins/relay?x=1 HTTP/1.1\r\nHost: door.local:80\r\nContent-Type: application/json\r\n"
    b"Content-Length: 14\r\nAuthorization: Bearer a.b.c\r\nOrigin: http://door.local",
    b"OPTIONS * HTTP/1.0\r\nHost: [fe80::1]:8080\r\nConnection: close, x",
    b'GET http://door/a HTTP/1.1\r\nHOST: door\r\nExpect: 100-continue\r\nIf-None-Match: "a"',
    GET + b"\r\nTransfer-Encoding: chunked",
    GET + b"\r\nHost : door",
    GET + b"\r\n x: folded",
    GET + b"\r\nContent-Length: 1\r\nContent-Length: 2",
]
CONNECTIONS = [
    b"\x03" + GET + b"\r\n\r\n" + GET + b"\r\n\r\n",
    b"\x10\r\n" + HEADS[1] + b'\r\n\r\n{"value":true}' + GET,
]
TEXTS = [b"", b"AA", b"AAE", b"-_-_", b"AB", b"+/", b"AAA=", b"Zg"]
JSON = [
    b'{"a":[1,-2.5e3,true,false,null,"\\u00e9\\ud83d\\udd11"]}', b"[[[[[[[[1]]]]]]]]", b'{"a":1,"a":2}',
    b"\xef\xbb\xbf1", b"1e999", b"-0", b'"\\ud800"', b" [ ] ",
]  # fmt: skip
CLAIMS = b'{"aud":"door","exp":1793491260,"iat":1793491200,"scope":"pins:write","jti":"7f3a","sub":"anna"}'
TOKENS = [
    b'{"alg":"HS256","kid":"a"}\n' + CLAIMS,
    b'{"alg":"HS256","typ":"at+jwt","kid":"a"}\n{"aud":["x","door"],"exp":1793491260,"privileges":["a"]}',
    b'{"alg":"none","kid":"a"}\n' + CLAIMS,
    b'{"alg":"HS256","crit":["exp"],"kid":"a"}\n' + CLAIMS,
    b"eyJhbGciOiJIUzI1NiJ9.e30.AAAA",
]
PIN = {"kind": "switch", "gpio": 26, "max_on": 5, "interlock": ["lamp"]}
KEY = {"kty": "oct", "kid": "a", "alg": "HS256", "k": "A" * 42 + "E"}
LEAST = {"version": 1, "name": "door", "chip": "esp32c3"}
SETTINGS = [
    {**LEAST, "chip": "esp32", "pins": {"relay": PIN, "lamp": {"kind": "pulse", "gpio": 4}}},
    {**LEAST, "policy": {"bearer": False}, "http": {"port": 8080}, "ntp": []},
    {"wifi": {"ssid": "home", "password": "12345678"}, "keys": [KEY]},
]


def main() -> None:
    """Write them."""
    signed = json.loads((VECTORS / "signed_requests.json").read_text())["cases"]
    names = ("Authorization", "Content-Digest", "Signature-Input", "Signature")
    signatures = ["\n".join(case["fields"].get(name, "") for name in names).encode() for case in signed[:12]]
    seeds = {
        "head": HEADS,
        "connection": CONNECTIONS,
        "base64": TEXTS,
        "json": JSON,
        "token": TOKENS,
        "settings": [json.dumps(made).encode() for made in SETTINGS],
        "signature": signatures,
    }
    for target, members in seeds.items():
        folder = HERE / "corpus" / target
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(members):
            (folder / f"seed-{number:02}").write_bytes(data)


if __name__ == "__main__":
    main()
