"""Writes signed_requests.json: requests signed as docs/signed-requests.md defines it, flawed ones beside
them, and what a board says of each.

    python tests/vectors/make_signed_requests.py

Needs the standard library only, and nothing of this project: any client, in any language, can be held to the
file. A case names the flaw in `why`; what it does not change is that of the first one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("signed_requests.json")

NOW = 1793491200  # 2026-11-01
KEY = hashlib.sha256(b"door").digest()
CHALLENGE = "AAECAwQFBgcICQoL"
COMPONENTS = '("@method" "@authority" "@path" "@query" "authorization" "content-digest")'

cases: list[dict] = []


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(secret: bytes = KEY) -> str:
    header = b64url(b'{"alg":"HS256","typ":"JWT"}')
    claims = {"aud": "door", "sub": "anna", "iat": NOW - 60, "exp": NOW + 3600, "scope": "pins:write"}
    signing_input = f"{header}.{b64url(json.dumps(claims, separators=(',', ':')).encode())}"
    return f"{signing_input}.{b64url(hmac.new(secret, signing_input.encode(), hashlib.sha256).digest())}"


TOKEN = token()


def digest(body: str) -> str:
    return f"sha-256=:{b64(hashlib.sha256(body.encode()).digest())}:"


def request(
    method: str = "PUT",
    host: str = "door.local",
    path: str = "/api/v1/pins/relay",
    query: str | None = None,
    body: str = '{"value":true}',
    *,
    signed: dict[str, str] | None = None,
    key: bytes | None = None,
    params: str | None = None,
    created: object = NOW,
    nonce: str = CHALLENGE + ".own-nonce-1",
    authority: str | None = None,
) -> dict[str, Any]:
    """A request and its fields; `signed` are components that the signature is made over instead."""
    head, _, signature = TOKEN.rpartition(".")
    key = key or base64.urlsafe_b64decode(signature + "=")
    if params is None:
        params = (
            f'{COMPONENTS};created={created};keyid="token";alg="hmac-sha256";nonce="{nonce}";tag="pinwarden"'
        )
    values = {
        "@method": method,
        "@authority": authority or host.lower().removesuffix(":80"),
        "@path": path,
        "@query": "?" + (query or ""),
        "authorization": "Pinwarden " + head,
        "content-digest": digest(body),
    } | (signed or {})
    base = "\n".join(
        [*(f'"{name}": {value}' for name, value in values.items()), f'"@signature-params": {params}']
    )
    return {
        "method": method,
        "target": path if query is None else f"{path}?{query}",
        "body": body,
        "fields": {
            "Host": host,
            "Authorization": "Pinwarden " + head,
            "Content-Digest": digest(body),
            "Signature-Input": "pw=" + params,
            "Signature": f"pw=:{b64(hmac.new(key, base.encode(), hashlib.sha256).digest())}:",
        },
    }


def add(why: str, made: dict[str, Any], expect: str = "ok", **fields: str | None) -> None:
    """Note a case; `fields` replace header fields after signing (None: left out)."""
    for name, value in fields.items():
        name = name.replace("_", "-").title()
        if value is None:
            del made["fields"][name]
        else:
            made["fields"][name] = value
    cases.append({"why": why, **made, "expect": expect})


def good() -> None:
    add("a command", request())
    add("no body: the digest of nothing", request("GET", path="/api/v1/pins", body=""))
    add("a query", request("GET", path="/api/v1/audit", query="limit=5", body=""))
    add("a question mark and nothing after it", request("GET", path="/api/v1/pins", query="", body=""))
    add("a port that is not 80", request(host="127.0.0.1:8080"))
    add("port 80 is not part of @authority", request(host="door.local:80"))
    add("capitals in Host", request(host="Door.LOCAL"))
    add(
        "an escape in the path is signed as it is sent", request("DELETE", path="/api/v1/keys/a%20b", body="")
    )
    add("created at the window's end", request(created=NOW - 300))
    add("created at the window's other end", request(created=NOW + 300))
    add("the longest own part of the nonce", request(nonce=f"{CHALLENGE}.{'x' * 32}"))


def changed_on_the_way() -> None:
    for why, signed in (
        ("another method was signed", {"@method": "POST"}),
        ("another host was signed", {"@authority": "gate.local"}),
        ("another path was signed", {"@path": "/api/v1/pins/lamp"}),
        ("another query was signed", {"@query": "?all"}),
        ("another token was signed", {"authorization": "Pinwarden a.b"}),
        ("another digest was signed", {"content-digest": digest("")}),
    ):
        add(why, request(signed=signed), "signature")
    add(
        "another body, under the digest of the first",
        {**request(), "body": '{"value":null}'},
        "invalid_request",
    )
    add("a body was added", {**request("GET", path="/api/v1/pins", body=""), "body": "{}"}, "invalid_request")
    add("signed with another token", request(key=bytes(32)), "signature")
    add("one character of the signature", request(), "signature", signature=f"pw=:{'A' * 43}=:")
    add("another created than was signed", request(), "signature", signature_input=_input(NOW + 1))
    add("another nonce than was signed", request(), "signature", signature_input=_input(NOW, "own-nonce-2"))


def _input(created: int, own: str = "own-nonce-1") -> str:
    return (
        f'pw={COMPONENTS};created={created};keyid="token";alg="hmac-sha256";nonce="{CHALLENGE}.{own}"'
        ';tag="pinwarden"'
    )


def out_of_time() -> None:
    add(
        "the challenge of another board, or of before the restart",
        request(nonce="BBECAwQFBgcICQoL.own-nonce-1"),
        "stale_nonce",
    )
    add("created too long ago", request(created=NOW - 301), "created_out_of_window")
    add("created in the future", request(created=NOW + 301), "created_out_of_window")


def misspelled() -> None:
    usual = _input(NOW)[3:]
    for why, params in (
        (
            "the components in another order",
            usual.replace('"@method" "@authority"', '"@authority" "@method"'),
        ),
        ("a component less", usual.replace(' "content-digest"', "")),
        ("a component more", usual.replace(")", ' "host")')),
        ("the parameters in another order", usual.replace(f";created={NOW}", "") + f";created={NOW}"),
        ("another algorithm", usual.replace("hmac-sha256", "hmac-sha512")),
        ("no algorithm", usual.replace(';alg="hmac-sha256"', "")),
        ("another tag", usual.replace("pinwarden", "other")),
        ("an expiry", usual.replace(";keyid", f";expires={NOW + 5};keyid")),
        ("created with a sign", usual.replace("created=", "created=+")),
        ("created with a fraction", usual.replace(f"={NOW}", f"={NOW}.0")),
        ("created without digits", usual.replace(f"={NOW}", "=")),
        ("a nonce without the client's part", usual.replace(".own-nonce-1", "")),
        ("a nonce whose client's part is too short", usual.replace("own-nonce-1", "short")),
        ("a nonce whose client's part is too long", usual.replace("own-nonce-1", "x" * 33)),
        ("a nonce with a quotation mark", usual.replace("own-nonce-1", 'own\\"nonce')),
        ("a nonce with a character that is not base64url", usual.replace("own-nonce-1", "own nonce 1")),
    ):
        add(why, request(params=params), "invalid_request")
    add("another label", request(), "invalid_request", signature_input="sig" + _input(NOW)[2:])
    add("two signatures", request(), "invalid_request", signature_input=f"{_input(NOW)}, b={usual}")
    for name in ("signature", "signature_input", "content_digest"):
        add(f"no {name.replace('_', '-')}", request(), "invalid_request", **{name: None})
    for why, value in (
        ("a signature that is too short", "pw=:AAAA:"),
        ("a signature without colons", "pw=" + "A" * 43 + "="),
        ("a signature with a parameter", f"pw=:{'A' * 43}=:;x"),
    ):
        add(why, request(), "invalid_request", signature=value)
    add("a digest by another algorithm", request(), "signature", content_digest="md5=:AAAA:")


def document() -> str:
    """The file's text."""
    cases.clear()
    for group in (good, changed_on_the_way, out_of_time, misspelled):
        group()
    about = (
        "Signed requests, and what a board says of them: `expect` is ok or the code of the refusal. The "
        "board's challenge and time, the key (hexadecimal) and the token are beside them. Made by "
        "make_signed_requests.py."
    )
    head = {"about": about, "now": NOW, "challenge": CHALLENGE, "key": KEY.hex(), "token": TOKEN}
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    start = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in head.items())
    return f'{{\n{start},\n "cases": [\n{lines}\n ]\n}}\n'


if __name__ == "__main__":
    FILE.write_text(document(), encoding="utf-8")
