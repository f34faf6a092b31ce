"""The answer to a request: status, fields, body; and the one form of an error (RFC 9457)."""

import json

_STATUS = {
    200: b"HTTP/1.1 200 OK\r\n",
    204: b"HTTP/1.1 204 No Content\r\n",
    304: b"HTTP/1.1 304 Not Modified\r\n",
    400: b"HTTP/1.1 400 Bad Request\r\n",
    401: b"HTTP/1.1 401 Unauthorized\r\n",
    403: b"HTTP/1.1 403 Forbidden\r\n",
    404: b"HTTP/1.1 404 Not Found\r\n",
    405: b"HTTP/1.1 405 Method Not Allowed\r\n",
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    409: b"HTTP/1.1 409 Conflict\r\n",
    413: b"HTTP/1.1 413 Content Too Large\r\n",
    414: b"HTTP/1.1 414 URI Too Long\r\n",
    415: b"HTTP/1.1 415 Unsupported Media Type\r\n",
    417: b"HTTP/1.1 417 Expectation Failed\r\n",
    421: b"HTTP/1.1 421 Misdirected Request\r\n",
    422: b"HTTP/1.1 422 Unprocessable Content\r\n",
    429: b"HTTP/1.1 429 Too Many Requests\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
    500: b"HTTP/1.1 500 Internal Server Error\r\n",
    501: b"HTTP/1.1 501 Not Implemented\r\n",
    503: b"HTTP/1.1 503 Service Unavailable\r\n",
    505: b"HTTP/1.1 505 HTTP Version Not Supported\r\n",
}

JSON = b"application/json"

_HEAD = b"%sContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
_RULE = b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"


class Response:
    """An answer. `body` is bytes, or an iterator of bytes with `length` octets in all; `fields` are whole
    field lines.

    `fields`: bytes, each line with its CR LF: built of constants and checked names only, never of a request's
    text. `code` names the problem, None where there is none; the request log shows it.
    """

    subject = None  # whose token it was, for the request log

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
            return _STATUS[self.status] + fields + b"\r\n"
        return _HEAD % (_STATUS[self.status], self.content_type, self.length, fields)


def json_response(value, status=200):
    """Return a Response with `value` as JSON."""
    return Response(status, json.dumps(value).encode())


def problem(status, code, detail, fields=b"", **more):
    """Return the Response to a request that failed (RFC 9457).

    `code` is for programs and stays the same between versions, `detail` for people. `more` are further
    members.
    """
    title = str(_STATUS[status][13:-2], "utf-8")
    body = {"title": title, "status": status, "code": code, "detail": detail}
    body.update(more)
    return Response(status, json.dumps(body).encode(), b"application/problem+json", fields, code=code)
