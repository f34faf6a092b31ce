"""The page's files: which are served, how, and that nothing of a request becomes part of a path."""

import os

from firmware.page import answer, find_files
from firmware.request import Request
from harness import cases, equal

FILES = {
    "index.html": b"<!doctype html>" + b"x" * 3000,
    "app.js.gz": b"\x1f\x8b compressed",
    "style.css": b"body{}",
    "icon.svg": b"<svg/>",
    "app.1a2b3c4d.js.gz": b"\x1f\x8b packed",
    "text.en.js": b"const TEXT = {}",
    "notes.txt": b"not for the web",
    "secret": b"no ending",
}


def page():
    """The files of a page in the test's own empty folder."""
    if "web" not in os.listdir():
        os.mkdir("web")
        for name, data in FILES.items():
            with open("web/" + name, "wb") as file:
                file.write(data)
    return find_files("web")


def ask(path, method="GET", tag=None):
    request = Request(method, path, 1)
    if tag is not None:
        request.fields[b"if-none-match"] = tag
    return answer(page(), request)


def tag_of(response):
    start = response.fields.find(b'ETag: "') + 7
    return response.fields[start : response.fields.find(b'"', start)]


@cases(
    [
        ("the root is index.html", "/", "index.html", b"text/html; charset=utf-8", False),
        ("by its name", "/index.html", "index.html", b"text/html; charset=utf-8", False),
        (
            "a script that was compressed when it was deployed",
            "/app.js",
            "app.js.gz",
            b"text/javascript; charset=utf-8",
            True,
        ),
        ("a style", "/style.css", "style.css", b"text/css; charset=utf-8", False),
        (
            "one named by its content",
            "/app.1a2b3c4d.js",
            "app.1a2b3c4d.js.gz",
            b"text/javascript; charset=utf-8",
            True,
        ),
        ("a query changes nothing", "/style.css?v=2", "style.css", b"text/css; charset=utf-8", False),
    ]
)
def test_serves(path, name, kind, gzipped):
    response = ask(path)
    equal((response.status, response.content_type, response.length), (200, kind, len(FILES[name])))
    equal(b"".join(response.body), FILES[name])
    equal(b"Content-Encoding: gzip\r\n" in response.fields, gzipped)
    for field in (b"X-Content-Type-Options: nosniff\r\n", b"Referrer-Policy: no-referrer\r\n"):
        equal(response.fields.count(field), 1)


@cases(
    [
        ("the page", "/", True),
        ("a picture that may have scripts", "/icon.svg", True),
        ("a script: it is bound by the page's", "/app.js", False),
        ("a style", "/style.css", False),
    ]
)
def test_documents_say_what_they_may_load(path, is_told):
    for tag in (None, b'"%s"' % tag_of(ask(path))):
        told = b"\r\nContent-Security-Policy: default-src 'none';" in ask(path, tag=tag).head(True)
        equal(told, is_told)


@cases(
    [
        ("the page", "/", b"no-cache"),
        ("a file of it", "/style.css", b"no-cache"),
        ("a text: its second part is no hash", "/text.en.js", b"no-cache"),
        ("one named by its content", "/app.1a2b3c4d.js", b"public, max-age=31536000, immutable"),
    ]
)
def test_kept(path, rule):
    for tag in (None, '"%s"' % str(tag_of(ask(path)), "utf-8")):
        head = ask(path, tag=tag and tag.encode()).head(True)
        assert b"\r\nCache-Control: " + rule + b"\r\n" in head
        equal(head.count(b"Cache-Control"), 1)


@cases(
    [
        ("a file of another kind", "/notes.txt"),
        ("a file without a kind", "/secret"),
        ("a file as it lies there", "/app.js.gz"),
        ("out of the folder", "/../secrets.json"),
        ("the same, encoded", "/%2e%2e/secrets.json"),
        ("a doubled slash", "//index.html"),
        ("a folder", "/web/"),
        ("no slash", "index.html"),
        ("the asterisk of OPTIONS", "*"),
        ("other capitals", "/INDEX.HTML"),
        ("a name's beginning", "/index"),
        ("nothing", ""),
        ("another's content", "/app.1a2b3c4e.js"),
    ]
)
def test_knows_nothing_else(path):
    equal(ask(path), None)


def test_pieces_are_small():
    pieces = list(ask("/").body)
    assert max(len(piece) for piece in pieces) <= 1024
    equal(len(pieces), 3)


def test_head_has_the_length_and_opens_no_file():
    response = ask("/", "HEAD")
    equal((response.body, response.length), (b"", len(FILES["index.html"])))


@cases(
    [
        ("the same", '"%s"', 304),
        ("a weak one: RFC 9110 13.1.2 compares weakly", 'W/"%s"', 304),
        ("one of several", '"0123456789abcdef", "%s"', 304),
        ("an older one", '"0123456789abcdef"', 200),
    ]
)
def test_unchanged(field, status):
    tag = str(tag_of(ask("/")), "utf-8")
    response = ask("/", tag=(field.replace("%s", tag)).encode())
    equal(response.status, status)
    equal(tag_of(response), tag.encode())
    if status == 304:
        equal(response.body, b"")


def test_each_file_has_a_tag_of_its_own():
    equal(len({tag_of(ask(path)) for path in ("/", "/app.js", "/style.css")}), 3)
