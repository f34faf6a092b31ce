"""base64url: each octet string has exactly one text, and each text that is read is it."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.boards import base64url, many, some

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@some
@given(st.binary(max_size=300))
def test_there_and_back(octets: bytes) -> None:
    text = base64url.encode(octets)
    assert text == base64.urlsafe_b64encode(octets).rstrip(b"=")
    assert base64url.decode(text) == octets


@many
@given(
    st.binary(max_size=12)
    | st.text(ALPHABET, max_size=12).map(str.encode)
    | st.text(ALPHABET + "+/=. \n\0*é", max_size=12).map(str.encode)
)
def test_read_is_what_would_be_written(text: bytes) -> None:
    try:
        octets = base64url.decode(text)
    except base64url.Base64Error:
        # Then no octets have this text: those that a lenient decoder finds are spelled otherwise.
        for padding in (b"", b"=", b"=="):
            try:
                found = base64.urlsafe_b64decode(text + padding)
            except ValueError:
                continue
            assert base64url.encode(found) != text
    else:
        assert base64url.encode(octets) == text


@some
@given(st.binary(min_size=1, max_size=30), st.data())
def test_one_character_more_is_refused_or_means_more(octets: bytes, data: st.DataObject) -> None:
    text = base64url.encode(octets)
    i = data.draw(st.integers(0, len(text)))
    foreign = data.draw(st.integers(0, 255).filter(lambda byte: byte not in ALPHABET.encode()))
    with pytest.raises(base64url.Base64Error):
        base64url.decode(text[:i] + bytes([foreign]) + text[i:])
