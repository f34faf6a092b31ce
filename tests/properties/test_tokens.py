"""The verifier beside PyJWT, the library that most tokens are minted with: what we accept it accepts, to the
same claims; what it mints within our rules we accept; whatever comes, nothing but a TokenError comes out.
"""

from __future__ import annotations

import json
from typing import Any

import jwt as pyjwt
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from properties.boards import (
    NOW,
    SECRET,
    alike,
    base64url,
    jwt,
    many,
    objects,
    sealed,
    segment,
    some,
    texts,
    token,
    values,
    verdict,
)

KEY = jwt.Key(SECRET)
# A verifier that asks for nothing but the form, so that most of what is drawn gets past it.
LOOSE = {"required": (), "max_length": 100_000}

dates = st.integers(NOW - 100, NOW + 100) | st.sampled_from([0, 1, NOW, 2**31, 2**53 - 1]) | values(1)
strings = texts | values(1)
claim_sets = st.fixed_dictionaries(
    {},
    optional={
        "exp": dates,
        "nbf": dates,
        "iat": dates,
        "aud": st.sampled_from(["door", "gate"])
        | st.lists(st.sampled_from(["door", "gate", 1]), max_size=3)
        | values(1),
        "iss": st.sampled_from(["home", "hom"]) | strings,
        "sub": strings,
        "jti": strings,
        "scope": strings,
        "privileges": st.lists(texts, max_size=2) | values(2),
        "x": values(4),
    },
)
headers = st.fixed_dictionaries(
    {"alg": st.sampled_from(["HS256"] * 9 + ["none", "HS512", "hs256", None])},
    optional={
        "typ": st.sampled_from(["JWT", "jwt", "at+jwt", "JOSE", "", None]),
        "kid": st.sampled_from(["a", "", "b"]) | values(1),
        "x": values(3),
    },
)
rare = st.fixed_dictionaries(
    {},
    optional={
        name: values(1) for name in ("crit", "b64", "zip", "enc", "cty", "jku", "jwk", "x5c", "typ", "kid")
    },
)


def pyjwt_says(text: bytes, audience: str | None, issuer: str | None) -> dict[str, Any]:
    """The claims by PyJWT, which asks the system's clock; the times are ours to check."""
    options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    return pyjwt.decode(text, SECRET, algorithms=["HS256"], audience=audience, issuer=issuer, options=options)


def in_time(claims: dict[str, Any], leeway: int) -> bool:
    """RFC 7519 sections 4.1.4 to 4.1.6."""
    return (
        claims.get("exp", NOW + 1) + leeway > NOW
        and claims.get("nbf", NOW) - leeway <= NOW
        and claims.get("iat", NOW) - leeway <= NOW
    )


@many
@given(
    headers,
    rare | st.just({}),
    claim_sets,
    st.sampled_from([None, "door"]),
    st.sampled_from([None, "home"]),
    st.integers(0, 50),
)
def test_what_we_accept_pyjwt_accepts(
    header: dict[str, Any],
    more: dict[str, Any],
    claims: dict[str, Any],
    audience: str | None,
    issuer: str | None,
    leeway: int,
) -> None:
    text = token({**more, **header}, claims)
    verifier = jwt.Verifier([KEY], audience=audience, issuer=issuer, leeway=leeway, **LOOSE)
    got = verdict(verifier, text)
    if isinstance(got, str):
        return
    assert alike(got, claims)
    assert alike(got, pyjwt_says(text, audience, issuer))
    assert in_time(claims, leeway)


@some
@given(
    st.fixed_dictionaries(
        {"exp": st.integers(NOW + 1, 2**53 - 1)},
        optional={
            "nbf": st.integers(0, NOW),
            "iat": st.integers(0, NOW),
            "sub": texts,
            "jti": texts,
            "scope": texts,
            "iss": texts,
            "privileges": st.lists(texts, max_size=3),
        },
    ),
    objects,
    st.sampled_from([None, "a"]),
    st.booleans(),
)
def test_what_pyjwt_mints_we_accept(
    claims: dict[str, Any], more: dict[str, Any], kid: str | None, aud: bool
) -> None:
    claims = {**{name: value for name, value in more.items() if name not in ("aud", "iss")}, **claims}
    if aud:
        claims["aud"] = ["gate", "door"]
    text = pyjwt.encode(claims, SECRET, algorithm="HS256", headers={"kid": kid} if kid else None)
    verifier = jwt.Verifier([jwt.Key(SECRET, kid)], audience="door" if aud else None, max_length=100_000)
    for form in (text, text.encode(), text):
        assert alike(verifier.verify(form, NOW), claims)


@some
@given(objects, st.sampled_from([None, "a", "🔑"]))
def test_what_we_mint_both_accept(claims: dict[str, Any], kid: str | None) -> None:
    assume(not {"exp", "nbf", "iat", "aud", "iss", "sub", "jti", "scope", "privileges"} & claims.keys())
    key = jwt.Key(SECRET, kid)
    text = jwt.encode({**claims, "exp": NOW + 1}, key)
    assert alike(jwt.Verifier([key], max_length=100_000).verify(text, NOW), {**claims, "exp": NOW + 1})
    assert alike(pyjwt_says(text.encode(), None, None), {**claims, "exp": NOW + 1})


ANY = st.none() | st.integers() | st.floats() | st.booleans() | st.binary() | st.text() | st.lists(st.text())
PLAIN = jwt.Verifier([KEY])
NAMED = jwt.Verifier([jwt.Key(SECRET, "a"), jwt.Key(SECRET[::-1], "b")], audience="door", issuer="home")


def only_a_token_error(text: Any) -> None:
    for verifier in (PLAIN, NAMED):
        try:
            claims = verifier.verify(text, NOW)
        except jwt.TokenError:
            continue
        assert type(claims) is dict


@many
@given(
    ANY
    | st.lists(st.binary(max_size=12), min_size=3, max_size=3).map(b".".join)
    | st.text("AQgw-_.=eyJ", max_size=40)
)
def test_whatever_comes(text: Any) -> None:
    only_a_token_error(text)


@many
@given(st.binary(max_size=40) | values(6), st.binary(max_size=40) | values(6))
@example({"alg": "HS256"}, {"exp": NOW + 1})
@example(b'{"alg":"HS256","x":' + b"9" * 5000 + b"}", {"exp": NOW + 1})
def test_whatever_is_signed(header: Any, claims: Any) -> None:
    only_a_token_error(token(header, claims))


@many
@given(headers, rare, claim_sets)
def test_whatever_a_known_header_says(
    header: dict[str, Any], more: dict[str, Any], claims: dict[str, Any]
) -> None:
    only_a_token_error(token({**header, **more}, claims))


@many
@given(st.data())
def test_a_spoilt_token_is_refused(data: st.DataObject) -> None:
    claims = {"exp": NOW + 60, "sub": "anna", "jti": data.draw(st.text("ab", max_size=3))}
    good = token({"alg": "HS256", "typ": "JWT"}, claims)
    verifier = jwt.Verifier([KEY], max_length=10_000)
    if data.draw(st.booleans()):
        verifier.verify(good, NOW)  # what it remembers makes no other token good
    i = data.draw(st.integers(0, len(good)))
    j = data.draw(st.integers(i, len(good)))
    put = data.draw(st.binary(max_size=4) | st.text("AQgw-_.=eyJ", max_size=4).map(str.encode))
    spoilt = good[:i] + put + good[j:]
    assume(spoilt != good)
    with pytest.raises(jwt.TokenError):
        verifier.verify(spoilt, NOW)


@some
@given(claim_sets, st.integers(0, 2**256 - 1))
def test_no_signature_but_the_one(claims: dict[str, Any], guess: int) -> None:
    signed = segment({"alg": "HS256"}) + b"." + segment(claims)
    signature = guess.to_bytes(32, "big")
    text = signed + b"." + base64url.encode(signature)
    assume(text != sealed(signed))
    assert verdict(jwt.Verifier([KEY], **LOOSE), text) == "signature"


@some
@given(
    st.lists(
        st.tuples(st.integers(0, 11), st.integers(-70, 70), st.booleans()),
        min_size=5,
        max_size=40,
    )
)
def test_what_it_remembers_changes_no_verdict(steps: list[tuple[int, int, bool]]) -> None:
    headers = [{"alg": "HS256", "n": n} for n in range(6)]
    remembering = jwt.Verifier([KEY])
    for i, later, spoilt in steps:
        text = token(headers[i % 6], {"exp": NOW + 5 * i, "iat": NOW - 5 * i, "x": [i] if i & 1 else i})
        if spoilt:
            text = text[:-3] + (b"AAA" if text[-3:] != b"AAA" else b"AAE")
        got = verdict(remembering, text, NOW + later)
        assert got == verdict(jwt.Verifier([KEY]), text, NOW + later)
        if isinstance(got, dict):
            got.clear()


def test_the_oracle_works() -> None:
    # A property that compares two refusals compares nothing: both do accept.
    text = token({"alg": "HS256"}, {"exp": NOW + 60, "aud": "door"})
    claims = jwt.Verifier([KEY], audience="door").verify(text, NOW)
    assert claims == pyjwt_says(text, "door", None) == json.loads(base64url.decode(text.split(b".")[1]))
