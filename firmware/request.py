"""The parse of one HTTP/1.1 request head (RFC 9110, RFC 9112), strict: what two parsers could read in two
ways is refused.

Bytes in, a Request out; no sockets, no time. Bounds are the caller's: see limits in http.py.
"""

from micropython import const

_MAX_TARGET = const(1024)  # octets; past that 414. The longest route is a tenth of it.

_MAX_FIELDS = const(64)  # each line becomes an object: 4096 octets of "a:" would take the board's memory

# Between the values of a field that stood twice: a list's comma, and what no value can hold, so that it can
# be told.
JOINED = b",\n"

# Looked up, not made: a new str costs the board a search through all the names of its programs.
_METHODS = {m.encode(): m for m in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")}

# Fields that somebody reads: True: may stand once only (a second is smuggling or an attempt to confuse),
# False: a list.
_FIELDS = {
    b"host": True,
    b"content-length": True,
    b"content-type": True,
    b"origin": True,
    b"expect": True,
    b"if-none-match": True,
    b"access-control-request-method": True,
    b"content-digest": True,
    b"signature-input": True,
    b"signature": True,
    b"authorization": False,  # access.py refuses two, by RFC 6750's rules
    b"connection": False,
}
# Frequent ones that nobody reads, as checking an unknown name costs more than knowing it. One string: seven
# cost the board five times as much. A part of it is a token, too, as no name has a CR.
_UNREAD = const(b"accept\raccept-encoding\raccept-language\rcache-control\rpragma\rreferer\ruser-agent")


class RequestError(Exception):
    """The request cannot be served: `.status` is the HTTP status, `.code` the problem's machine-readable
    name.

    `.request` is the Request, None if its head could not be read; `.fields` are further lines of the answer,
    as for Response.
    """

    request = None

    def __init__(self, status, code, detail, fields=b""):
        super().__init__(detail)
        self.status = status
        self.code = code
        self.fields = fields


class Request:
    """One request. `.method` and `.path` are str, `.query` a str without "?", `.body` bytes.

    `.fields` has the values (bytes) of the few header fields that are read, by lower-case name (bytes).
    `.host` is the Host field's name or address in lower case without port. `.length` is the length of the
    body in octets.
    """

    authority = None  # of a target in absolute form, bytes
    is_proven = False  # its token is a good one
    is_begun = False  # from here on it may have been done, and is not to be repeated

    def __init__(self, method, target, version):
        self.method = method
        self.path = target
        self.query = ""
        if "?" in target:
            self.path, _, self.query = target.partition("?")
        self.version = version
        self.fields = {}
        self.host = ""
        self.length = 0
        self.body = b""
        self.peer = None

    def keeps_alive(self):
        """Tell whether the connection is to stay open after the answer (RFC 9112 section 9.3)."""
        if self.version == 0:  # its Keep-Alive needs an answer that says so, and nobody needs it
            return False
        options = self.fields.get(b"connection")
        return options is None or b"close" not in options.lower()


def _bad(detail):
    return RequestError(400, "invalid_request", detail)


def parse_head(data, end=None):
    """Return the Request of the head in `data`: bytes, up to the empty line at `end` (by default all of it).

    Raises RequestError. The head is not copied, and of its lines only what is kept: with a long token in it
    it takes a good part of what a board has in one piece.
    """
    if end is None:
        end = len(data)
    ends = data.count(b"\r\n", 0, end)
    _check_ends(data, end, ends)
    at = data.find(b"\r\n", 0, end) if ends else end
    request = _request_line(data[:at])
    fields = request.fields
    while at < end:
        at += 2
        after = data.find(b"\r\n", at, end)
        if after < 0:
            after = end
        _field(fields, data, at, after)
        at = after
    _check_fields(request, fields)
    return request


def _check_ends(data, end, ends):
    """Check that the head has no more fields than it may, and no end of line but its `ends` CR LF."""
    if ends > _MAX_FIELDS:
        raise RequestError(431, "head_too_large", "more than %d header fields" % _MAX_FIELDS)
    if (
        data.count(b"\r", 0, end) != ends
        or data.count(b"\n", 0, end) != ends
        or data.find(b"\0", 0, end) >= 0
    ):
        # Others may see an end of line, or of everything, there (RFC 9110 section 5.5, RFC 9112 section 2.2).
        # Further control characters are refused where something is read, and do no harm where nothing is.
        raise _bad("a bare CR, a bare LF or a NUL in the head")


def _field(fields, data, start, end):
    """Take the header line data[start:end] into `fields`, if anybody reads it."""
    colon = data.find(b":", start, end)
    name = data[start:colon].lower() if colon > start else b""
    once = _FIELDS.get(name)
    if once is None:
        if not name or name not in _UNREAD:
            _check_unread(name)
        return
    # Past the space that all clients send: then strip() has nothing to copy.
    colon += 2 if data[colon + 1 : colon + 2] == b" " else 1
    line = data[colon:end].strip(b" \t")
    if name in fields:
        if once:
            raise _bad("%s stands twice" % str(name, "utf-8"))
        line = fields[name] + JOINED + line
    fields[name] = line


def _check_unread(name):
    # "Name : value" and folded lines end here too: a space is not a token's.
    if not _is_token(name):
        raise _bad("a header line is not NAME: VALUE")
    if name == b"transfer-encoding":
        raise _bad("Transfer-Encoding is not supported; send Content-Length")


def _check_fields(request, fields):
    host = fields.get(b"host")
    request.host = _host_of(host)
    if request.authority is not None and request.authority.lower() != host.lower():
        # The target's counts (RFC 9112 section 3.2.2), and some read the other.
        raise _bad("the target and Host name different hosts")
    length = fields.get(b"content-length")
    if length is not None:
        # isdigit: no sign, no space, no list, no "0x": int() would take some of these.
        if not length.isdigit():
            raise _bad("Content-Length is not a number")
        request.length = int(length) if len(length) <= 10 else 0x7FFFFFFF


def _request_line(line):
    parts = line.split(b" ", 3)
    if len(parts) != 3:
        raise _bad("the request line is not METHOD TARGET VERSION")
    if len(parts[1]) > _MAX_TARGET:
        raise RequestError(414, "uri_too_long", "the request target is longer than %d octets" % _MAX_TARGET)
    if parts[2] != b"HTTP/1.1":
        _check_version(parts[2])
    if parts[0] not in _METHODS:
        raise _unknown_method(parts[0])
    target = parts[1]
    authority = None
    if target[:1] != b"/" and not (target == b"*" and parts[0] == b"OPTIONS"):
        authority, target = _absolute(target)
    request = Request(_METHODS[parts[0]], _ascii(target), 1 if parts[2] == b"HTTP/1.1" else 0)
    if authority is not None:
        request.authority = authority  # pyright: ignore[reportAttributeAccessIssue]
    return request


def _check_version(version):
    if version == b"HTTP/1.0":
        return
    if version[:5] == b"HTTP/" and len(version) == 8:
        raise RequestError(505, "version_not_supported", "only HTTP/1.1 is spoken here")
    raise _bad("the request line does not end in HTTP/1.1")


def _unknown_method(method):
    if not _is_token(method):
        return _bad("the method is not a token")
    return RequestError(501, "method_not_implemented", "the method is unknown here")


def _absolute(target):
    """Split a target in absolute form, which a server must take too (RFC 9112 section 3.2.2): (authority,
    path).
    """
    slash = target.find(b"/", 7)
    if target[:7].lower() != b"http://" or slash < 0:
        raise _bad("the request target is not a path")
    return target[7:slash], target[slash:]


def _ascii(target):
    try:
        text = str(target, "utf-8")
    except ValueError:
        text = ""
    if len(text) != len(target) or min(target) <= 32 or b"\x7f" in target or b"#" in target:
        raise _bad("the request target holds what an URL may not")
    return text


def _host_of(value):
    """Return the name or address in a Host field (bytes; RFC 9110 section 7.2) as a str without port, in
    lower case.
    """
    if not value:
        raise _bad("Host is missing")
    name = value
    if name[:1] == b"[":  # an IPv6 address
        end = name.find(b"]") + 1
        port = name[end:]
        name = name[:end]
    else:
        colon = name.find(b":")
        port = name[colon:] if colon >= 0 else b""
        name = name[:colon] if colon >= 0 else name
    if not name or (port and (port[:1] != b":" or (len(port) > 1 and not port[1:].isdigit()))):
        raise _bad("Host is not NAME or NAME:PORT")
    text = ""
    try:
        text = str(name.lower(), "utf-8")
    except ValueError:
        pass
    if len(text) != len(name):  # MicroPython takes surrogates for UTF-8
        raise _bad("Host is not ASCII")
    return text


def _is_token(name):
    """Tell whether `name` (bytes) is a token (RFC 9110 section 5.6.2)."""
    if name.replace(b"-", b"").isalpha():
        return True
    for c in name:
        if not (48 <= c <= 57 or 65 <= c <= 90 or 94 <= c <= 122 or c in b"!#$%&'*+-.|~"):
            return False
    return len(name) > 0
