"""The parse of one HTTP/1.1 request head (RFC 9110, RFC 9112), strict: what two parsers could read in two ways is refused.

Bytes in, a Request out; no sockets, no time. Bounds are the caller's: see limits in http.py.
"""

from micropython import const

_MAX_TARGET = const(1024)  # octets; past that 414. The longest route is a tenth of it.

_METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS")

# Fields that somebody reads: True: may stand once only (a second is smuggling or an attempt to confuse), None: a list.
# False: frequent ones that nobody reads; they stand here because checking an unknown name costs more than knowing it.
_FIELDS = {
    b"host": True,
    b"content-length": True,
    b"content-type": True,
    b"origin": True,
    b"expect": True,
    b"if-none-match": True,
    b"access-control-request-method": True,
    b"authorization": None,  # joined by a comma, which no token holds: access.py refuses it by RFC 6750's rules
    b"connection": None,
    b"accept": False,
    b"accept-encoding": False,
    b"accept-language": False,
    b"cache-control": False,
    b"pragma": False,
    b"referer": False,
    b"user-agent": False,
}


class RequestError(Exception):
    """The request cannot be served: `.status` is the HTTP status, `.code` the problem's machine-readable name."""

    def __init__(self, status, code, detail):
        super().__init__(detail)
        self.status = status
        self.code = code


class Request:
    """One request. `.method` and `.path` are str, `.query` a str without "?", `.body` bytes.

    `.fields` has the values (bytes) of the few header fields that are read, by lower-case name (bytes). `.host` is the
    Host field's name or address in lower case without port. `.length` is the length of the body in octets.
    """

    def __init__(self, method, target, version):
        self.method = method
        path, _, self.query = target.partition("?")
        self.path = path
        self.version = version
        self.fields = {}
        self.host = ""
        self.length = 0
        self.body = b""
        self.peer = None

    def keeps_alive(self):
        """Tell whether the connection is to stay open after the answer (RFC 9112 section 9.3)."""
        options = self.fields.get(b"connection")
        if options is None:
            return self.version == 1
        options = options.lower()
        if b"close" in options:
            return False
        return self.version == 1 or b"keep-alive" in options


def _bad(detail):
    return RequestError(400, "invalid_request", detail)


def parse_head(head):
    """Return the Request of `head`: bytes up to, not with, the empty line that ends it. Raises RequestError."""
    lines = head.split(b"\r\n")
    if not _printable(head, len(lines) - 1):
        for line in lines:
            _check_octets(line)
    parts = lines[0].split(b" ")
    if len(parts) != 3:
        raise _bad("the request line is not METHOD TARGET VERSION")
    request = _request_line(parts)
    fields = request.fields
    for i in range(1, len(lines)):
        line = lines[i]
        colon = line.find(b":")
        name = line[:colon].lower() if colon > 0 else b""
        kept = _FIELDS.get(name)
        if kept is False:
            continue
        if kept is None and name not in _FIELDS:
            # "Name : value" and folded lines end here too: a space is not a token's.
            if not _is_token(name):
                raise _bad("a header line is not NAME: VALUE")
            if name == b"transfer-encoding":
                raise _bad("Transfer-Encoding is not supported; send Content-Length")
            continue
        value = line[colon + 1 :].strip()
        if name in fields:
            if kept:
                raise _bad("%s stands twice" % str(name, "utf-8"))
            value = fields[name] + b"," + value
        fields[name] = value
    request.host = _host_of(fields.get(b"host"))
    if b"content-length" in fields:
        length = fields[b"content-length"]
        # isdigit: no sign, no space, no list, no "0x": int() would take some of these.
        if not length.isdigit():
            raise _bad("Content-Length is not a number")
        request.length = int(length[:10]) if len(length) <= 10 else 0x7FFFFFFF
    return request


def _request_line(parts):
    method, target, version = parts
    if len(target) > _MAX_TARGET:
        raise RequestError(414, "uri_too_long", "the request target is longer than %d octets" % _MAX_TARGET)
    if version != b"HTTP/1.1" and version != b"HTTP/1.0":
        if version[:5] == b"HTTP/" and len(version) == 8:
            raise RequestError(505, "version_not_supported", "only HTTP/1.1 is spoken here")
        raise _bad("the request line does not end in HTTP/1.1")
    if method not in _METHODS:
        if not _is_token(method):
            raise _bad("the method is not a token")
        raise RequestError(501, "method_not_implemented", "the method is unknown here")
    if target[:1] != b"/":
        # RFC 9112 section 3.2.2: a server must take the absolute form, too. Its authority must agree with Host, which
        # is checked; so only the path is taken from it.
        slash = target.find(b"/", 7)
        if target[:7].lower() == b"http://" and slash > 0:
            target = target[slash:]
        elif not (target == b"*" and method == b"OPTIONS"):
            raise _bad("the request target is not a path")
    try:
        text = str(target, "utf-8")
    except ValueError:
        text = ""
    if len(text) != len(target) or b"#" in target:
        raise _bad("the request target holds what an URL may not")
    return Request(str(method, "utf-8"), text, 1 if version == b"HTTP/1.1" else 0)


def _host_of(value):
    """Return the name or address in a Host field (bytes; RFC 9110 section 7.2) as a str without port, in lower case."""
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
    if not name or port and (port[:1] != b":" or len(port) > 1 and not port[1:].isdigit()):
        raise _bad("Host is not NAME or NAME:PORT")
    try:
        return str(name, "utf-8").lower()
    except ValueError:
        raise _bad("Host is not ASCII") from None


def _is_token(name):
    """Tell whether `name` (bytes) is a token (RFC 9110 section 5.6.2)."""
    if name.replace(b"-", b"").isalpha():
        return True
    for c in name:
        if not (48 <= c <= 57 or 65 <= c <= 90 or 94 <= c <= 122 or c in b"!#$%&'*+-.|~"):
            return False
    return len(name) > 0


def _printable(head, ends):
    """Tell whether all octets are within 0x20 to 0x7E, but for the `ends` CR LF between the lines.

    Bytecode costs the board a microsecond an octet. Arithmetic on one large integer treats all octets at once: 0x20 is
    taken from each; an octet below borrows and shows its high bit, one above 0x7F has it already.
    """
    if b"\x7f" in head:
        return False
    if ends:
        head = head.replace(b"\r\n", b"  ")
    spaces = int.from_bytes(b" " * len(head), "little")
    number = int.from_bytes(head, "little")
    return not ((number - spaces) | number) & (spaces << 2)


def _check_octets(line):
    """Raise RequestError for control characters. Tabs and octets from 0x80 are legal in values (RFC 9110 section 5.5)."""
    for c in line:
        if c < 32 and c != 9 or c == 127:
            # Bare CR, bare LF and NUL among them: others may see an end of line there.
            raise _bad("a control character in the head")
