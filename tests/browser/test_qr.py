"""The page's own QR codes, module for module those of segno, which the tools draw with."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno
import segno.encoder
from playwright.sync_api import Error, Page

from watching import Watch

WEB = Path(__file__).parents[2] / "firmware" / "web"
# What each version holds at level L in octet mode (ISO/IEC 18004:2015, table 7).
ROOM = [
    *(17, 32, 53, 78, 106, 134, 154, 192, 230, 271, 321, 367, 425, 458, 520, 586, 644, 718, 792, 858),
    *(929, 1003, 1091, 1171, 1273, 1367, 1465, 1528, 1628, 1732),
    *(1840, 1952, 2068, 2188, 2303, 2431, 2563, 2699, 2809, 2953),
]
LINK = "http://door.local/#token="


@pytest.fixture(scope="module")
def drawing(watch: Watch) -> Iterator[Page]:
    """A page that has the encoder, and nothing else of ours."""
    page = watch.context().new_page()
    for name in ("sign.js", "qr.js"):  # the former has the page's utf8()
        page.add_script_tag(path=WEB / name)
    # As text: Playwright takes long for as many numbers.
    page.add_script_tag(content="const plain = (rows) => rows.flat().join('');")
    yield page
    page.context.close()


@pytest.fixture(autouse=True)
def _padding(monkeypatch: pytest.MonkeyPatch) -> None:
    """segno adds eight zeros where the bits end with an octet, and none are needed (7.4.10)."""
    monkeypatch.setattr(
        segno.encoder,
        "write_padding_bits",
        lambda buffer, version, length: buffer.extend([0] * (-length % 8)),
    )


def text(length: int) -> str:
    chance = random.Random(length)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    return "".join(chance.choice(letters) for _ in range(length))


def expected(content: str, mask: int) -> str:
    code = segno.make_qr(content, error="l", mode="byte", boost_error=False, mask=mask, encoding="utf-8")
    return "".join(str(module) for row in code.matrix for module in row)


def rows(code: str, size: int) -> list[list[int]]:
    modules = [int(module) for module in code]
    return [modules[at : at + size] for at in range(0, len(modules), size)]


def test_every_version(drawing: Page) -> None:
    # Every third one full, the others with padding.
    lengths = [(version, most - version % 3) for version, most in enumerate(ROOM, 1)]
    asked = [[text(length), (version + length) % 8] for version, length in lengths]
    drawn = drawing.evaluate("(asked) => asked.map(([text, mask]) => plain(qrCode(text, mask)))", asked)
    assert {len(code) for code in drawn} == {(4 * version + 17) ** 2 for version in range(1, 41)}
    assert [lengths[i] for i, code in enumerate(drawn) if code != expected(*asked[i])] == []  # type: ignore[arg-type]


@pytest.mark.parametrize("content", ["", "a", "Grüße, 門", LINK + text(330), LINK + text(700)])
def test_takes_the_mask_that_is_read_best(drawing: Page, content: str) -> None:
    drawn = drawing.evaluate("(content) => plain(qrCode(content))", content)
    all_masks = drawing.evaluate("(text) => QR_MASKS.map((_, mask) => plain(qrCode(text, mask)))", content)
    if content:
        assert all_masks == [expected(content, mask) for mask in range(8)]
    size = math.isqrt(len(drawn))
    costs = [
        segno.encoder.evaluate_mask([bytearray(row) for row in rows(code, size)], size, size)
        for code in all_masks
    ]
    assert drawn == all_masks[costs.index(min(costs))]


def test_what_no_code_holds(drawing: Page) -> None:
    with pytest.raises(Error, match="too long for a QR code"):
        drawing.evaluate("(content) => qrCode(content)", text(ROOM[-1] + 1))
