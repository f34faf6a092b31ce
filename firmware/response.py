"""The answer to a request: status, fields, body; and the one form of an error (RFC 9457)."""

import json

_REASONS = {
    200: b"OK",
    204: b"No Content",
    304: b"Not Modified",
    400: b"Bad Request",
    401: b"Unauthorized",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    409: b"Conflict",
    413: b"Content Too Large",
    414: b"URI Too Long",
    415: b"Unsupported Media Type",
    417: b"Expectation Failed",
    421: b"Misdirected Request",
    422: b"Unprocessable Content",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    501: b"Not Implemented",
    503: b"Service Unavailable",
    505: b"HTTP Version Not Supported",
}

JSON = b"application/json"


class Response:
    """An answer. `body` is bytes, or an iterator of bytes with `length` octets in all; `fields` are whole field lines.

    `fields`: bytes, each line with its CR LF: built of constants and checked names only, never of a request's text.
    `code` names the problem, None where there is none; the request log shows it.
    """

    def __init__(self, status=200, body=b"", content_type=JSON, fields=b"", length=None, code=None):
        self.status = status
        self.body = body
        self.content_type = content_type
        self.fields = fields
        self.length = len(body) if length is None else length
        self.code = code
        self.subject = None  # whose token it was, for the request log

    def head(self, keep_alive):
        """Return the head of the answer, bytes with the empty line that ends it."""
        # no-store: answers are about this moment and for this token. A page's files bring a rule of their own.
        fields = self.fields
        if b"Cache-Control:" not in fields:
            fields = b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n" + fields
        if not keep_alive:
            fields += b"Connection: close\r\n"
        if self.status == 204 or self.status == 304:  # no content, so neither type nor length (RFC 9110 section 8.6)
            return b"HTTP/1.1 %d %s\r\n%s\r\n" % (self.status, _REASONS[self.status], fields)
        return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n" % (
            self.status,
            _REASONS[self.status],
            self.content_type,
            self.length,
            fields,
        )


def json_response(value, status=200):
    """Return a Response with `value` as JSON."""
    return Response(status, json.dumps(value).encode())


def problem(status, code, detail, fields=b"", **more):
    """Return the Response to a request that failed (RFC 9457).

    `code` is for programs and stays the same between versions, `detail` for people. `more` are further members.
    """
    body = {"title": str(_REASONS[status], "utf-8"), "status": status, "code": code, "detail": detail}
    body.update(more)
    return Response(status, json.dumps(body).encode(), b"application/problem+json", fields, code=code)
