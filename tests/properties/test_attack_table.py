"""tests/vectors/jwt_attacks.json is what its script makes; PyJWT, which is laxer, agrees where it should."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest

from vectors import make_jwt_attacks

TABLE = json.loads(make_jwt_attacks.FILE.read_text(encoding="utf-8"))


def test_the_file_is_up_to_date() -> None:
    assert make_jwt_attacks.FILE.read_text(encoding="utf-8") == make_jwt_attacks.document(), (
        f"run: python {make_jwt_attacks.FILE.with_name('make_jwt_attacks.py').relative_to(Path.cwd())}"
    )


def pyjwt_accepts(case: dict[str, Any]) -> bool:
    """Whether PyJWT accepts the token under the key that its `kid` names, the times apart."""
    case = {**TABLE["defaults"], **case}
    text = bytes.fromhex(case["token_hex"]) if "token_hex" in case else case["token"]
    try:
        kid = pyjwt.get_unverified_header(text).get("kid")
        secret = next((bytes.fromhex(key["k"]) for key in case["keys"] if key["kid"] in (kid, None)), None)
        secret = secret or bytes.fromhex(case["keys"][0]["k"])
        options: Any = {
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "require": case["required"],
        }
        pyjwt.decode(
            text,
            secret,
            algorithms=["HS256"],
            audience=case["audience"],
            issuer=case["issuer"],
            options=options,
        )
    except (pyjwt.PyJWTError, ValueError, TypeError, AttributeError):
        return False
    return True


@pytest.mark.parametrize("expect", ["ok", "signature", "alg"])
def test_pyjwt_agrees(expect: str) -> None:
    for case in TABLE["cases"]:
        if case["expect"] == expect:
            assert pyjwt_accepts(case) is (expect == "ok"), case["why"]


def test_every_rule_and_every_code_has_its_cases() -> None:
    assert {case["rule"] for case in TABLE["cases"]} == set(range(1, 14))
    codes = (
        "ok malformed alg kid crit typ signature expired not_yet_valid audience issuer missing_claim "
        "claim_type too_large"
    )
    assert {case["expect"] for case in TABLE["cases"]} == set(codes.split())
