"""The phone page's files, read from flash in pieces.

Only files found at the start are served, by exact name: nothing of a request ever becomes part of a path.
"""

import os
from binascii import hexlify
from hashlib import sha256

from micropython import const

from .response import Response

_CHUNK = const(1024)

_TYPES = {
    "html": b"text/html; charset=utf-8",
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
    "svg": b"image/svg+xml",
    "png": b"image/png",
    "json": b"application/json",
    "webmanifest": b"application/manifest+json",
}

# The page may load from this board only, be framed by nobody, and tell nobody where its user came from.
_POLICY = (
    b"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    b"img-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    b"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
)


def find_files(folder):
    """Return what `answer` serves: the files of `folder`, by the paths of their requests. One ending in .gz
    is served as it is, under the name without that.
    """
    files = {}
    for name in os.listdir(folder):
        public = name[:-3] if name.endswith(".gz") else name
        kind = _TYPES.get(public.split(".")[-1])
        if kind is not None:
            path = folder + "/" + name
            files["/" + public] = (path, kind, public != name, _fingerprint(path), os.stat(path)[6])
    if "/index.html" in files:
        files["/"] = files["/index.html"]
    return files


def answer(files, request):
    """Return the Response with the file that the request asks for, or None if there is no such file."""
    file = files.get(request.path)
    if file is None:
        return None
    path, kind, gzipped, tag, size = file
    # no-cache: kept, but asked for each time, by its tag. After a deploy nobody sees an old page.
    fields = b'ETag: "%s"\r\nCache-Control: no-cache\r\n%s' % (tag, _POLICY)
    if tag in request.fields.get(b"if-none-match", b""):
        return Response(304, fields=fields)
    if gzipped:
        fields += b"Content-Encoding: gzip\r\n"
    body = b"" if request.method == "HEAD" else _pieces(path)
    return Response(200, body, kind, fields, size)  # pyright: ignore[reportArgumentType]


def _pieces(path, size=_CHUNK):  # a default: when the answer is written, the module has been unloaded
    with open(path, "rb") as file:
        while True:
            piece = file.read(size)
            if not piece:
                return
            yield piece


def _fingerprint(path):
    digest = sha256()
    for piece in _pieces(path):
        digest.update(piece)
    return hexlify(digest.digest()[:8])
