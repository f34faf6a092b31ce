"""The board's HMAC beside the standard library's."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from properties.boards import board_hmac, some


@some
@given(st.binary(max_size=200), st.lists(st.binary(max_size=100), max_size=5))
def test_is_the_standard_library_s(key: bytes, pieces: list[bytes]) -> None:
    expected = hmac.digest(key, b"".join(pieces), "sha256")
    keyed = board_hmac.new(key, digestmod="sha256")
    for _ in range(2):
        mac = keyed.copy()
        for piece in pieces:
            mac.update(piece)
        assert mac.digest() == mac.digest() == expected
        assert mac.hexdigest() == expected.hex()
    assert board_hmac.digest(key, b"".join(pieces), "sha256") == expected


@some
@given(st.binary(max_size=40), st.data())
def test_compare_digest_is_equality(a: bytes, data: st.DataObject) -> None:
    near = bytearray(a)
    if a:
        near[data.draw(st.integers(0, len(a) - 1))] ^= data.draw(st.integers(0, 255))
    for b in (bytes(near), data.draw(st.binary(max_size=40)), a + b"\0", b"\0" + a, a):
        assert board_hmac.compare_digest(a, b) is (a == b)
        assert board_hmac.compare_digest(b, a) is (a == b)
