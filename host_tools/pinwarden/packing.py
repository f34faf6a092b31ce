"""The phone page as a board serves it: one script, one style, both named by what is in them.

The page's sources run as they stand. A phone that loads them asks a dozen times, though, and a board has four
connections; so a deploy joins the scripts that index.html names, in its order, and names the result after its
content: /app.1a2b3c4d.js may be kept for a year, and a new version has another name. index.html is asked for
each time, and says which, with a hash of the whole: what a foreign network has put under that name into a
phone's memory is not run. Comments stay at home: they are a fifth of what a phone would load.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
import zlib
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from pinwarden.errors import MissingPart, UnknownLanguage

INDEX = "index.html"
STYLE = "style.css"
LANGUAGE = "en"  # the one that index.html names

_SCRIPT = re.compile(rb'<script src="/([\w.]+)" defer></script>\n')
_COMMENT = re.compile(rb"<!--.*?-->\n?", re.DOTALL)
# Whole lines of comment, blank ones, and indents.
_UNREAD = re.compile(rb"^[ \t]*(?://[^\n]*|/\*.*?\*/[ \t]*)\n|^[ \t\n]+", re.MULTILINE | re.DOTALL)
# Lines with "//" stay: that may be a comment, which would swallow the next.
_UNENDED = re.compile(rb"^((?:(?!//)[^\n])*[{(,;])\n(?=.)", re.MULTILINE)
_GAPS = re.compile(rb" ?([{;,}])\s*|(:)\s+")  # of a style; no string in ours has these signs before a space
_TEXT = re.compile(r"text\.([a-z-]+)\.js")
_ICON = re.compile(rb'(?<=<link rel="icon" href=")/(icon\.svg)(?=">)')
# The words for who gets no script are in the page itself, and in the language's file as all others.
_NOSCRIPT = re.compile(r'(?<= data-text="noScript">)[^<]*')
_NOSCRIPT_WORDS = re.compile(r'^ *noScript: "([^"\\]+)",$', re.MULTILINE)
_GZIP = 16 + zlib.MAX_WBITS  # for zlib: with gzip's head, which has no time then
_COMPRESSED = (".png",)  # gzip makes these longer


def languages(names: Iterable[str]) -> list[str]:
    """The languages that the page has, by the names of its files."""
    return sorted(match[1] for name in names if (match := _TEXT.fullmatch(name)))


def in_language(page: Mapping[str, bytes], language: str) -> dict[str, bytes]:
    """The page's files (name -> content) in a language: index.html names its texts, and no others are there.

    Raises UnknownLanguage, MissingPart.
    """
    known = languages(page)
    if language not in known:
        raise UnknownLanguage(
            f"the page has no texts in {language!r}",
            f"Set language in device.toml to one of: {', '.join(known)}; or write a text.{language}.js.",
        )
    others = {f"text.{other}.js" for other in known if other != language}
    found = {name: data for name, data in page.items() if name not in others}
    index = _part(found, INDEX)
    index = index.replace(f"/text.{LANGUAGE}.js".encode(), f"/text.{language}.js".encode())
    index = index.replace(f'<html lang="{LANGUAGE}"'.encode(), f'<html lang="{language}"'.encode())
    words = _NOSCRIPT_WORDS.search(_part(found, f"text.{language}.js").decode())
    if words:
        index = _NOSCRIPT.sub(lambda _: html.escape(words[1]), index.decode()).encode()
    found[INDEX] = index
    return found


def packed(page: Mapping[str, bytes], language: str = LANGUAGE) -> dict[str, bytes]:
    """The page's files (name -> content) as they go onto a board: joined, named by their content, and, where
    that makes them shorter, gzipped, with ".gz" added to their names.

    The same files make the same octets. Raises UnknownLanguage, MissingPart.
    """
    found = in_language(page, language)
    index = found.pop(INDEX)
    names = [name.decode() for name in _SCRIPT.findall(index)]
    if not names:
        raise MissingPart(f"{INDEX} of the phone page names no script", "Install pinwarden again.")
    # "\n": no line of one goes on in the next.
    script = b"\n".join(without_comments(_part(found, name)) for name in names)
    style = _GAPS.sub(rb"\1\2", without_comments(_part(found, STYLE)))
    for name in (*names, STYLE):
        found.pop(name)
    app, look = f"app.{_mark(script)}.js", f"style.{_mark(style)}.css"
    found[app], found[look] = script, style
    index = _COMMENT.sub(b"", index)
    at = index.find(b"<script ")
    tag = f'<script src="/{app}" integrity="{_integrity(script)}" defer></script>\n'
    index = index[:at] + tag.encode() + _SCRIPT.sub(b"", index[at:])
    index = index.replace(f'"/{STYLE}"'.encode(), f'"/{look}" integrity="{_integrity(style)}"'.encode())
    # A browser asks for its icon with the page, which would be a fourth request.
    index = _ICON.sub(lambda link: _data_url(_part(found, link[1].decode())), index)
    found[INDEX] = index
    return dict(_as_served(name, data) for name, data in sorted(found.items()))


def without_comments(source: bytes) -> bytes:
    """A script or a style of ours without what only its reader needs. Lines end where that may matter.

    It knows no JavaScript, so in doubt it leaves things as they are: a file with a template that goes over
    several lines, a comment behind what may be half a string.
    """
    if any(line.count(b"`") % 2 for line in source.splitlines()):
        return source
    code = b"\n".join(_code(line) for line in _UNREAD.sub(b"", source).split(b"\n"))
    return _UNENDED.sub(rb"\1", code)


def _code(line: bytes) -> bytes:
    code, mark, _ = line.partition(b" // ")
    is_whole = not any(code.count(quote) % 2 for quote in (b"'", b'"', b"`"))
    return code.rstrip() if mark and is_whole else line


def _part(page: Mapping[str, bytes], name: str) -> bytes:
    if name not in page:
        raise MissingPart(f"the phone page is incomplete: {name} is not there", "Install pinwarden again.")
    return page[name]


def _mark(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def _integrity(data: bytes) -> str:
    """What a browser compares with what it has got (W3C Subresource Integrity)."""
    return "sha256-" + base64.b64encode(hashlib.sha256(data).digest()).decode()


def _data_url(svg: bytes) -> bytes:
    return ("data:image/svg+xml," + quote(svg.strip(), safe=" ='/:;,()")).encode()


def _as_served(name: str, data: bytes) -> tuple[str, bytes]:
    if name.endswith(_COMPRESSED):
        return name, data
    return name + ".gz", min((_gzipped(data, level) for level in range(1, 10)), key=len)


def _gzipped(data: bytes, memory: int) -> bytes:
    """`memory` is zlib's memLevel: how much goes into a block with a code of its own. More may be longer."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, _GZIP, memory)
    return deflate.compress(data) + deflate.flush()
