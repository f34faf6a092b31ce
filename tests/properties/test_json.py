"""strictjson beside the standard library's json: what it takes json takes, to the same value; what it refuses
is refused by RFC 8259, or for one of the reasons that it gives itself.
"""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from properties.boards import MAX_DEPTH, alike, many, some, strictjson, texts, values

PIECES = [
    *'{ } [ ] , : " \\ 0 1 9 12 -1 01 1.5 1e3 1E+2 1e999 -0 . e - + true false null NaN'.split(" "),
    *'"a" "b" "" "\\u0061" "\\n" "\\ud800" "é" "\\ud83d\\udd11" "a":1 ,"a":2 {"a":1} [1,2]'.split(" "),
    *["\ufeff", "\x00", "\x1f", " ", "\n", "\t", '"a', "\u00a0"],
]
bits_of_json = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


class Refused(Exception):
    pass


def judge(text: str) -> Any:
    """What RFC 8259 and strictjson's own rules make of `text`, by the standard library."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise Refused("the same name twice")
        return dict(pairs)

    def finite(digits: str) -> float:
        if math.isinf(float(digits)):
            raise Refused("too large")
        return float(digits)

    def whole(digits: str) -> int:
        if len(digits) > 308:
            raise Refused("too long")
        return int(digits)

    def constant(name: str) -> None:
        raise Refused(name)

    try:
        if text.startswith("\ufeff"):
            raise Refused("a byte order mark")
        value = json.loads(
            text, object_pairs_hook=unique, parse_float=finite, parse_int=whole, parse_constant=constant
        )
    except (ValueError, RecursionError) as error:
        raise Refused(str(error)) from None
    check(value, 0)
    return value


def check(value: Any, depth: int) -> None:
    """Refuse lone surrogates, and what is nested too deeply."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("a lone surrogate") from None
    elif isinstance(value, (dict, list)):
        if depth == MAX_DEPTH:
            raise Refused("too deep")
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            check(item, depth + 1)


def agrees(text: str) -> None:
    try:
        expected = judge(text)
    except Refused:
        with pytest.raises(strictjson.JSONError):
            strictjson.loads(text)
        return
    for given_as in (text, text.encode()):
        assert alike(strictjson.loads(given_as), expected)
        assert alike(strictjson.loads(given_as, names={b"a": "a", b"": ""}), expected)


@many
@given(bits_of_json)
@example('{"a":1,"\\u0061":2}')
@example("12")
def test_bits_of_json(text: str) -> None:
    agrees(text)


@some
@given(
    values(),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : ")]),
)
def test_documents(value: Any, indent: int | None, ascii_only: bool, separators: tuple[str, str]) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only, separators=separators)
    assert alike(strictjson.loads(text), value)
    agrees(text)


@many
@given(values(), st.data())
def test_spoilt_documents(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()), separators=(",", ":"))
    for _ in range(data.draw(st.integers(1, 2))):
        i = data.draw(st.integers(0, len(text)))
        j = data.draw(st.integers(i, min(len(text), i + 3)))
        text = text[:i] + data.draw(st.sampled_from(["", *PIECES])) + text[j:]
    agrees(text)


@some
@given(
    st.dictionaries(
        st.text("ab", max_size=2), st.text("ab:,{}", max_size=3) | st.integers(0, 10**20), max_size=5
    )
)
def test_the_fast_way_and_the_slow_one(members: dict[str, Any]) -> None:
    text = json.dumps(members, separators=(",", ":"))
    assert alike(strictjson.loads(text), members)
    assert alike(strictjson.loads(text[:1] + " " + text[1:]), members)
    assert alike(strictjson.loads('{"\\u0078":0,' + text[1:] if members else '{"x":0}'), {"x": 0, **members})


@some
@given(st.lists(texts, min_size=1, max_size=4), st.data())
def test_a_name_twice_at_any_depth(names: list[str], data: st.DataObject) -> None:
    members = ",".join(
        f"{json.dumps(name, ensure_ascii=data.draw(st.booleans()))}:1" for name in [*names, names[0]]
    )
    text = "{" + members + "}"
    for _ in range(data.draw(st.integers(0, 4))):
        text = data.draw(st.sampled_from([f"[{text}]", f'{{"x":{text}}}', f"[1,{text}]"]))
    with pytest.raises(strictjson.JSONError):
        strictjson.loads(text)


@many
@given(st.binary(max_size=24) | st.binary(max_size=12).map(lambda raw: b'"' + raw + b'"'))
def test_any_bytes(data: bytes) -> None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        with pytest.raises(strictjson.JSONError):
            strictjson.loads(data)
    else:
        agrees(text)


@some
@given(st.text(max_size=6), st.integers(0, 3))
def test_any_str(text: str, quotes: int) -> None:
    # Lone surrogates too, which a str of Python may hold.
    text = '"' * (quotes & 1) + text + '"' * (quotes >> 1)
    try:
        text.encode()
    except UnicodeEncodeError:
        with pytest.raises(strictjson.JSONError):
            strictjson.loads(text)
    else:
        agrees(text)
