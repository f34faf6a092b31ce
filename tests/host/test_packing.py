"""The page as a board serves it: few files, named by their content, and small."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import struct
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest

from pinwarden import board, packing
from pinwarden.errors import MissingPart, UnknownLanguage

WEB = board.ROOT / "firmware" / "web"
MOST = 24_000  # octets that a phone loads to show the page
INDEX = b"""<!doctype html>
<html lang="en">
<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
<script src="/text.en.js" defer></script>
<script src="/b.js" defer></script>
<script src="/a.js" defer></script>
<!-- Of no interest
to a phone. -->
<p>Text</p>
<p data-text="noScript">No script.</p>
"""
PAGE = {
    "index.html": INDEX,
    "style.css": b"p { color: red }\n/* Why. */\na :not(b) {\n  margin: 0 1px;\n}\n",
    "text.en.js": b'const TEXT = "word";\n',
    "text.de.js": b'const TEXT = "Wort";\n',
    "text.fr.js": 'const TEXT = {\n  noScript: "Où est <JavaScript> ?",\n};\n'.encode(),
    "a.js": b"start(); // last",
    "b.js": b"function start() {}",
    "icon.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><path fill='#123' d=\"M0 0\"/></svg>\n",
    "icon-192.png": b"\x89PNG\r\n",
}


def unpacked(page: dict[str, bytes]) -> dict[str, bytes]:
    return {
        name.removesuffix(".gz"): gzip.decompress(data) if name.endswith(".gz") else data
        for name, data in page.items()
    }


def real() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in WEB.iterdir()}


def named_by(index: bytes) -> list[str]:
    return re.findall(r' (?:src|href)="/([^"]+)"', index.decode())


def test_one_script_in_the_pages_order_and_one_style() -> None:
    found = unpacked(packing.packed(PAGE))
    style, script = named_by(found["index.html"])
    assert found[script] == b'const TEXT = "word";\n\nfunction start() {}\nstart();'
    assert found[style] == b"p{color:red}a :not(b){margin:0 1px;}"
    assert set(found) == {"index.html", style, script, "icon.svg", "icon-192.png"}


def test_the_rest_of_the_index_stays() -> None:
    index = re.sub(rb'(?<= integrity=")[^"]+', b"", unpacked(packing.packed(PAGE))["index.html"])
    style, script = named_by(index)
    icon = re.search(rb'rel="icon" href="data:image/svg\+xml,([^"]*)"', index)
    assert icon
    assert unquote(icon[1].decode()).encode() == PAGE["icon.svg"].strip()
    assert b"#" not in icon[1], "the rest would be the address's fragment"
    assert index.replace(icon[0], b'rel="icon" href="/icon.svg"').decode() == (
        '<!doctype html>\n<html lang="en">\n<link rel="icon" href="/icon.svg">\n'
        f'<link rel="stylesheet" href="/{style}" integrity="">\n'
        f'<script src="/{script}" integrity="" defer></script>\n'
        '<p>Text</p>\n<p data-text="noScript">No script.</p>\n'
    )


def test_the_index_says_what_must_be_in_the_others() -> None:
    """Under a name that is kept for a year a foreign network may have put something else into a phone."""
    found = unpacked(packing.packed(PAGE))
    hashes = re.findall(rb'="/([^"]+)" integrity="sha256-([^"]+)"', found["index.html"])
    assert [name.decode() for name, _ in hashes] == named_by(found["index.html"])
    for name, told in hashes:
        assert base64.b64decode(told) == hashlib.sha256(found[name.decode()]).digest()


def test_names_are_those_of_contents() -> None:
    style, script = named_by(unpacked(packing.packed(PAGE))["index.html"])
    assert re.fullmatch(r"style\.[0-9a-f]{8}\.css", style)
    assert re.fullmatch(r"app\.[0-9a-f]{8}\.js", script)
    other = unpacked(packing.packed(PAGE | {"a.js": b"stop();"}))
    other_style, other_script = named_by(other["index.html"])
    assert (style == other_style, script == other_script) == (True, False)


def test_what_gzip_makes_longer_is_left_as_it_is() -> None:
    names = set(packing.packed(PAGE))
    assert {"index.html.gz", "icon.svg.gz", "icon-192.png"} <= names
    assert not {"icon-192.png.gz", "index.html"} & names


def test_the_same_makes_the_same() -> None:
    assert packing.packed(PAGE) == packing.packed(dict(reversed(PAGE.items())))


def test_another_language_takes_the_place_of_the_first() -> None:
    found = unpacked(packing.packed(PAGE, "de"))
    _, script = named_by(found["index.html"])
    assert found[script].startswith(b'const TEXT = "Wort";\n')
    assert b"word" not in found[script]
    assert b'<html lang="de">' in found["index.html"]


@pytest.mark.parametrize("language", ["en", "de"])
def test_unpacked_it_runs_as_it_stands(language: str) -> None:
    found = packing.in_language(PAGE, language)
    assert set(named_by(found["index.html"])) <= set(found)
    assert set(PAGE) - set(found) == {f"text.{other}.js" for other in ("de", "en", "fr") if other != language}
    if language == "en":
        assert found["index.html"] == INDEX


def test_who_has_no_scripts_is_told_in_the_boards_language() -> None:
    index = packing.in_language(PAGE, "fr")["index.html"].decode()
    assert '<p data-text="noScript">Où est &lt;JavaScript&gt; ?</p>' in index


@pytest.mark.parametrize("language", board.languages())
def test_each_language_has_words_for_who_has_no_scripts(language: str) -> None:
    page = real()
    english = packing.in_language(page, "en")["index.html"]
    index = packing.in_language(page, language)["index.html"]
    said = [re.search(rb"<p [^>]*noScript[^>]*>(.{20,}?)</p>", one) for one in (english, index)]
    assert all(said)
    assert (said[0][1] == said[1][1]) == (language == "en")  # type: ignore[index]


def test_a_language_that_is_not_there() -> None:
    with pytest.raises(UnknownLanguage, match="no texts in 'nl'") as caught:
        packing.packed(PAGE, "nl")
    assert "de, en, fr" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["index.html", "style.css", "a.js", "icon.svg"])
def test_a_part_that_is_not_there(name: str) -> None:
    with pytest.raises(MissingPart, match=re.escape(name)):
        packing.packed({other: data for other, data in PAGE.items() if other != name})


def test_an_index_without_scripts() -> None:
    with pytest.raises(MissingPart, match="names no script"):
        packing.packed(PAGE | {"index.html": b"<p>"})


@pytest.mark.parametrize(
    ("source", "code"),
    [
        pytest.param("// one\n  // two\na();\n", "a();\n", id="lines of their own"),
        pytest.param("/** One\n * or two. */\n  /* more */\na();\n", "a();\n", id="blocks"),
        pytest.param("a(); // why\nb()\n", "a();b()\n", id="behind code"),
        pytest.param("if (a) {\n\n    b()\n\t}\n", "if (a) {b()\n}\n", id="indents and blank lines"),
        pytest.param('a("x // y");\n', 'a("x // y");\n', id="in a string"),
        pytest.param("a('it', \"isn't // so\");\n", "a('it', \"isn't // so\");\n", id="in another"),
        pytest.param("a(`http://${b}`);\n", "a(`http://${b}`);\n", id="an address"),
        pytest.param('a("x // y") // z\n', 'a("x // y") // z\n', id="in doubt"),
        pytest.param("a(`\n  // b\n`); // c\n", "a(`\n  // b\n`); // c\n", id="a text over several lines"),
        pytest.param("p {\n  margin: 0; /* none */\n}\n", "p {margin: 0; /* none */\n}\n", id="a style"),
        pytest.param("a(\n  b,\n  [c]\n)\n", "a(b,[c]\n)\n", id="lines that end nothing"),
        pytest.param(
            'a("x // y") // z;\nb()\n', 'a("x // y") // z;\nb()\n', id="what would swallow the next"
        ),
    ],
)
def test_what_only_a_reader_needs_is_left_out(source: str, code: str) -> None:
    assert packing.without_comments(source.encode()).decode() == code


class Links(HTMLParser):
    """What a document names: the attributes of each tag that has src or href."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if {"src", "href"} & {name for name, _ in attrs}:
            self.found.append(dict(attrs))


@pytest.mark.parametrize("language", board.languages())
def test_the_page_is_small_and_asks_for_two_files(language: str) -> None:
    made = packing.packed(real(), language)
    found = unpacked(made)
    links = Links()
    links.feed(found["index.html"].decode())
    loaded = {
        str(link.get("src") or link["href"])
        for link in links.found
        if link.get("rel") in (None, "stylesheet", "icon") and not str(link.get("href")).startswith("data:")
    }
    assert len(loaded) == 2
    assert sum(len(made[name[1:] + ".gz"]) for name in {*loaded, "/index.html"}) <= MOST
    assert {str(link.get("src") or link["href"])[1:] for link in links.found} - {
        str(link["href"])[1:] for link in links.found if str(link.get("href")).startswith("data:")
    } <= set(found)


def test_every_script_of_the_page_is_named_by_it() -> None:
    scripts = {path.name for path in WEB.glob("*.js")} - {f"text.{one}.js" for one in board.languages()}
    assert scripts == {name for name in named_by(real()["index.html"]) if name.endswith(".js")} - {
        "text.en.js"
    }


@pytest.mark.parametrize("size", [192, 512])
def test_icons_have_their_size(size: int) -> None:
    data = (WEB / f"icon-{size}.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (size, size)
