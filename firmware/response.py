"""The answer to a request: status, fields, body; and the one form of an error (RFC 9457)."""

import json

from micropython import const

_CHUNK = const(1024)  # octets of a file that are read at a time

# One string, not one for each: a string costs the board as much again as its text.
_STATUS = const(
    b"200 OK\r\n"
    b"201 Created\r\n"
    b"204 No Content\r\n"
    b"304 Not Modified\r\n"
    b"308 Permanent Redirect\r\n"
    b"400 Bad Request\r\n"
    b"401 Unauthorized\r\n"
    b"403 Forbidden\r\n"
    b"404 Not Found\r\n"
    b"405 Method Not Allowed\r\n"
    b"408 Request Timeout\r\n"
    b"409 Conflict\r\n"
    b"413 Content Too Large\r\n"
    b"414 URI Too Long\r\n"
    b"415 Unsupported Media Type\r\n"
    b"417 Expectation Failed\r\n"
    b"421 Misdirected Request\r\n"
    b"422 Unprocessable Content\r\n"
    b"429 Too Many Requests\r\n"
    b"431 Request Header Fields Too Large\r\n"
    b"500 Internal Server Error\r\n"
    b"501 Not Implemented\r\n"
    b"503 Service Unavailable\r\n"
    b"505 HTTP Version Not Supported\r\n"
    b"507 Insufficient Storage\r\n"
)

JSON = b"application/json"

_HEAD = const(b"HTTP/1.1 %sContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n")
_RULE = const(b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n")

# The whole answer to a command for whose answer there was no memory: so it is made already. Not 503, after
# which some clients try again.
PERHAPS_DONE = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/problem+json\r\nContent-Length: 150\r\n"
    b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    b'{"title": "Internal Server Error", "status": 500, "code": "perhaps_done", '
    b'"detail": "out of memory; it may have been done: look before you repeat it"}'
)


class Response:
    """An answer. `body` is bytes, or an iterator of bytes with `length` octets in all; `fields` are whole
    field lines. A `length` of -1 is a stream: nobody knows, and the answer ends with the connection.

    `fields`: bytes, each line with its CR LF: built of constants and checked names only, never of a request's
    text. `code` names the problem, None where there is none; the request log shows it.
    """

    # For the logs: whose token it was, which, and what was done: (what, pin or None, value or None); of a
    # refusal the reason, where it has one beside its code.
    subject = None
    token_id = None
    action = None
    reason = None
    stranger = True  # nobody with a key has asked

    def __init__(self, status=200, body=b"", content_type=JSON, fields=b"", length=None, code=None):
        self.status = status
        self.body = body
        self.content_type = content_type
        self.fields = fields
        self.length = len(body) if length is None else length
        self.code = code

    def head(self, keep_alive):
        """Return the head of the answer, bytes with the empty line that ends it."""
        fields = self.fields
        if b"Cache-Control:" not in fields:
            # no-store: answers are about this moment and for this token. A page's files bring a rule of their
            # own.
            fields = _RULE + fields if fields else _RULE
        if not keep_alive:
            fields += b"Connection: close\r\n"
        if (
            self.status == 204 or self.status == 304
        ):  # no content, so neither type nor length (RFC 9110 section 8.6)
            return b"HTTP/1.1 " + _status_line(self.status) + fields + b"\r\n"
        if self.length < 0:
            return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n" % (self.content_type, fields)
        return _HEAD % (_status_line(self.status), self.content_type, self.length, fields)


def _status_line(status):
    """Return the status and its phrase, with CR LF."""
    start = _STATUS.find(b"%d " % status)
    return _STATUS[start : _STATUS.find(b"\n", start) + 1]


def pieces(path, size=_CHUNK):
    """Yield the octets of a file; it is open meanwhile."""
    # Here and not in page.py: an answer on its way would keep a good part of that, which has been unloaded.
    with open(path, "rb") as file:
        while True:
            piece = file.read(size)
            if not piece:
                return
            yield piece
            piece = None  # there need not be room for two


def json_response(value, status=200):
    """Return a Response with `value` as JSON."""
    return Response(status, json.dumps(value).encode())


def problem(status, code, detail, fields=b"", **more):
    """Return the Response to a request that failed (RFC 9457).

    `code` is for programs and stays the same between versions, `detail` for people. `more` are further
    members.
    """
    title = str(_status_line(status)[4:-2], "utf-8")
    body = {"title": title, "status": status, "code": code, "detail": detail}
    body.update(more)
    return Response(status, json.dumps(body).encode(), b"application/problem+json", fields, code=code)
