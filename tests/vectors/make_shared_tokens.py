"""Writes shared_tokens.json: tokens shared as docs/token-profile.md defines it, the answers that carry them
over the air, and what their holder makes of these.

    python tests/vectors/make_shared_tokens.py

Needs the standard library only, and nothing of this project: any client, in any language, can be held to the
file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path

FILE = Path(__file__).with_name("shared_tokens.json")

NOW = 1793491200  # 2026-11-01
KEY = hashlib.sha256(b"door").digest()
PROOF = {"pinwarden": "proof"}
PARENT = {
    "aud": "door",
    "sub": "anna",
    "iat": NOW - 60,
    "exp": NOW + 86400,
    "jti": "pU3vFZq0cSx1Nn2a",
    "scope": "admin pins:read pins:write",
}


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def segment(value: dict) -> str:
    return b64url(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def sign(claims: dict) -> tuple[str, bytes]:
    """Header and payload of a token, and its signature."""
    shown = f"{segment({'alg': 'HS256', 'typ': 'JWT', 'kid': '2026-11'})}.{segment(claims)}"
    return shown, hmac.new(KEY, shown.encode(), hashlib.sha256).digest()


def case(why: str, parent: dict, sub: str, scope: str, jti: str, **more: object) -> dict:
    names = {name: parent[name] for name in ("jti", "sub", "iat") if name in parent}
    iat = more.pop("iat", NOW)
    claims = {"aud": "door", "sub": sub, "iat": iat, "exp": NOW + 3600, "jti": jti, "scope": scope}
    shown, signature = sign({**claims, "parent": names, **more})
    parent_shown, parent_signature = sign(parent)
    pad = hmac.new(parent_signature, b"pinwarden share\n" + shown.encode(), hashlib.sha256).digest()
    sealed = bytes(a ^ b for a, b in zip(signature, pad, strict=True))
    return {
        "why": why,
        "parent": f"{parent_shown}.{b64url(parent_signature)}",
        "answer": {
            "token": shown,
            "sealed": b64url(sealed),
            "exp": claims["exp"],
            "sub": sub,
            "scope": scope,
        },
        "shared": f"{shown}.{b64url(signature)}",
    }


def main() -> None:
    without = {name: value for name, value in PARENT.items() if name not in ("sub", "iat")}
    cases = [
        case("for signed requests only", PARENT, "guest", "pins:read:relay", "AAECAwQFBgcICQoL", cnf=PROOF),
        case("a bearer", PARENT, "guest", "pins:read:relay pins:write:relay", "DA0ODxAREhMUFRYX"),
        case("a name beyond ASCII", PARENT, "Zoë 🚪", "pins:read", "GBkaGxwdHh8gISIj", cnf=PROOF),
        case("of a parent without sub and iat", without, "guest", "pins:read", "JCUmJygpKissLS4v", cnf=PROOF),
        case(
            "of a board that is not certain of it",
            PARENT,
            "guest",
            "pins:read",
            "MDEyMzQ1Njc4OTo7",
            iat=NOW - 60,
        ),
    ]
    text = json.dumps({"key": b64url(KEY), "now": NOW, "cases": cases}, indent=1, ensure_ascii=False)
    FILE.write_text(text + "\n")


if __name__ == "__main__":
    main()
