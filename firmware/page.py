"""The phone page's files, read from flash in pieces.

Only files found at the start are served, by exact name: nothing of a request ever becomes part of a path.
"""

import os
from binascii import hexlify
from hashlib import sha256

from micropython import const

from .response import Response, pieces

# Hex digits of its content in a file's name, after the first dot: see packing.py of the tools.
_MARK = const(8)

_TYPES = {
    "html": b"text/html; charset=utf-8",
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
    "png": b"image/png",
    "json": b"application/json",
    "webmanifest": b"application/manifest+json",
}

# no-cache: kept, but asked for each time, by its tag. After a deploy nobody sees an old page.
_ASKED = b"Cache-Control: no-cache\r\n"
# Another content has another name.
_KEPT = b"Cache-Control: public, max-age=31536000, immutable\r\n"

# A document may load from this board only, and be framed by nobody. No other file heeds it.
_POLICY = (
    b"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    b"img-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
)
_DOCUMENTS = ("html", "svg")
# Nobody is told where the page's user came from.
_ALWAYS = b"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"


def find_files(folder):
    """Return what `answer` serves, one str: the folder, then a line for each of its files, "/NAME size tag".
    A path is served if "\\n" + path + " " is in it; "/" is /index.html.

    A file that ends in .gz is served as it is, under the name without that.
    """
    # One text: a dict of names, types and tags would take five times the memory, and all the time.
    lines = [folder]
    for name in sorted(os.listdir(folder)):
        public = name[:-3] if name.endswith(".gz") else name
        if public.split(".")[-1] in _TYPES:
            path = folder + "/" + name
            if public == "index.html":
                lines.append("/ ")
            tag = _mark(public) or _fingerprint(path)
            lines.append("/%s %d %s%s" % (public, os.stat(path)[6], tag, " .gz" if public != name else ""))
    return "\n".join(lines)


def answer(files, request):
    """Return the Response with the file that the request asks for, or None if there is no such file."""
    name = "/index.html" if request.path == "/" else request.path
    at = files.find("\n" + name + " ")
    if at < 0:
        return None
    line = files[at + 1 :].split("\n", 1)[0].split(" ")
    tag = line[2].encode()
    ending = name.split(".")[-1]
    fields = b'ETag: "%s"\r\n' % tag + (_KEPT if _mark(name) else _ASKED) + _ALWAYS
    if ending in _DOCUMENTS:
        fields += _POLICY
    if tag in request.fields.get(b"if-none-match", b""):
        return Response(304, fields=fields)
    path = files[: files.find("\n")] + name
    if len(line) > 3:
        path += line[3]
        fields += b"Content-Encoding: gzip\r\n"
    body = b"" if request.method == "HEAD" else pieces(path)
    return Response(200, body, _TYPES[ending], fields, int(line[1]))  # pyright: ignore[reportArgumentType]


def _mark(name):
    """Return what the name tells of the content, or "": app.1a2b3c4d.js may be kept for ever."""
    parts = name.split(".")
    return parts[1] if len(parts) == 3 and len(parts[1]) == _MARK else ""


def _fingerprint(path):
    digest = sha256()
    for piece in pieces(path):
        digest.update(piece)
    return str(hexlify(digest.digest()[:8]), "utf-8")
