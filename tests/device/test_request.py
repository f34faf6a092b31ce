"""One request head: what is taken and what is refused, each for an attack or a section of an RFC."""

from firmware.request import RequestError, parse_head
from harness import cases, equal, raises


def parse(*lines):
    return parse_head(b"\r\n".join(lines))


GET = b"GET / HTTP/1.1"
HOST = b"Host: door"


@cases(
    [
        ("RFC 9112 3.1.2: the target begins at the root", b"GET /a/b HTTP/1.1", "GET", "/a/b", "", 1),
        ("a query is no part of the path", b"GET /a?b=c?d/e HTTP/1.1", "GET", "/a", "b=c?d/e", 1),
        ("an empty query", b"GET /a? HTTP/1.1", "GET", "/a", "", 1),
        (
            "percent encoding stays: a name has one spelling",
            b"GET /%2e%2E/%00 HTTP/1.1",
            "GET",
            "/%2e%2E/%00",
            "",
            1,
        ),
        ("dots stay", b"GET /../x HTTP/1.1", "GET", "/../x", "", 1),
        ("two slashes are no authority", b"GET //evil.example/x HTTP/1.1", "GET", "//evil.example/x", "", 1),
        ("RFC 9112 2.3: HTTP/1.0 is understood", b"HEAD / HTTP/1.0", "HEAD", "/", "", 0),
        ("RFC 9112 3.2.2: the absolute form", b"GET http://door/a?b HTTP/1.1", "GET", "/a", "b", 1),
        ("its scheme and host in any case", b"GET HTTP://DOOR/ HTTP/1.1", "GET", "/", "", 1),
        ("RFC 9112 3.2.4: the asterisk, for OPTIONS", b"OPTIONS * HTTP/1.1", "OPTIONS", "*", "", 1),
        ("a target of 1024 octets", b"GET /" + b"x" * 1023 + b" HTTP/1.1", "GET", "/" + "x" * 1023, "", 1),
    ]
)
def test_request_line(line, method, path, query, version):
    request = parse(line, HOST)
    equal((request.method, request.path, request.query, request.version), (method, path, query, version))
    equal((request.host, request.length, request.body), ("door", 0, b""))


@cases([(method, method) for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")])
def test_methods(method):
    equal(parse(method.encode() + b" / HTTP/1.1", HOST).method, method)


@cases(
    [
        ("a line of text", b"hello", 400),
        ("RFC 9112 2.2: nothing", b"", 400),
        ("HTTP/0.9: no version", b"GET /", 400),
        ("HTTP/0.9 by number", b"GET / HTTP/0.9", 505),
        ("HTTP/2 without its preface", b"GET / HTTP/2.0", 505),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0", 505),
        ("RFC 9112 2.3: HTTP is in capitals", b"GET / http/1.1", 400),
        ("a version of two digits", b"GET / HTTP/1.10", 400),
        ("a version with a leading zero", b"GET / HTTP/01.1", 400),
        ("another protocol", b"GET / ICAP/1.0", 400),
        ("two spaces", b"GET  / HTTP/1.1", 400),
        ("a tab for a space", b"GET\t/ HTTP/1.1", 400),
        ("a tab within the target", b"GET /a\tb HTTP/1.1", 400),
        ("a space before the method", b" GET / HTTP/1.1", 400),
        ("a space after the version", b"GET / HTTP/1.1 ", 400),
        ("a space within the target", b"GET /a b HTTP/1.1", 400),
        ("many spaces: no object for each", b"GET" + b" " * 4000 + b"/ HTTP/1.1", 400),
        ("RFC 9110 9.1: a method has a case", b"get / HTTP/1.1", 501),
        ("a method that we lack", b"BREW / HTTP/1.1", 501),
        ("no proxy", b"CONNECT door:80 HTTP/1.1", 501),
        ("TRACE would tell credentials", b"TRACE / HTTP/1.1", 501),
        ("a method with a letter beyond ASCII", "GÉT / HTTP/1.1".encode(), 400),
        ("a method that is no token", b"GET@ / HTTP/1.1", 400),
        ("no method", b" / HTTP/1.1", 400),
        ("no target", b"GET  HTTP/1.1", 400),
        ("a path without its slash", b"GET index.html HTTP/1.1", 400),
        ("the authority form is for CONNECT", b"GET door:80 HTTP/1.1", 400),
        ("the asterisk is for OPTIONS", b"GET * HTTP/1.1", 400),
        ("another scheme", b"GET ftp://door/ HTTP/1.1", 400),
        ("https, where there is none", b"GET https://door/ HTTP/1.1", 400),
        ("the absolute form without a path", b"GET http://door HTTP/1.1", 400),
        ("nor a host", b"GET http:/// HTTP/1.1", 400),
        ("of another host than Host's: which one counts?", b"GET http://evil.example/ HTTP/1.1", 400),
        ("of another port than Host's", b"GET http://door:81/ HTTP/1.1", 400),
        ("with a name before it", b"GET http://me@door/ HTTP/1.1", 400),
        ("a fragment stays with the client: RFC 9110 7.1", b"GET /#token=x HTTP/1.1", 400),
        ("a letter beyond ASCII in the target", "GET /ü HTTP/1.1".encode(), 400),
        ("no UTF-8 in the target", b"GET /\xff HTTP/1.1", 400),
        ("NUL in the target", b"GET /\0 HTTP/1.1", 400),
        ("DEL in the target", b"GET /\x7f HTTP/1.1", 400),
        ("an escape sequence for whoever reads the log", b"GET /\x1b[2J HTTP/1.1", 400),
        ("a target of 1025 octets", b"GET /" + b"x" * 1024 + b" HTTP/1.1", 414),
    ]
)
def test_refuses_the_request_line(line, status):
    error = raises(RequestError, parse, line, HOST)
    equal(error.status, status)
    assert str(error)


@cases(
    [
        ("in any case", b"hOST:door", "host", b"door"),
        ("white space around a value", b"Host: \t door \t ", "host", b"door"),
        ("a colon in a value", b"Origin: http://door:80", "origin", b"http://door:80"),
        ("an empty value", b"Authorization:", "authorization", b""),
        ("RFC 9110 5.5: a tab within a value", b"Content-Type: a\tb", "content-type", b"a\tb"),
        ("RFC 9110 5.5: obs-text in a value", b"If-None-Match: \xff\x80", "if-none-match", b"\xff\x80"),
        (
            "two of what is a list: told apart from one",
            b"Connection: a\r\nConnection: b",
            "connection",
            b"a,\nb",
        ),
    ]
)
def test_takes_the_field(lines, name, value):
    lines = (GET, lines) if name == "host" else (GET, HOST, lines)
    equal(parse(*lines).fields[name.encode()], value)


@cases(
    [
        ("nobody reads it", b"X-Anything: at all"),
        ("obs-text, where nobody reads it", b"X-A: \xc3\xa9\xff"),
        ("a frequent one", b"User-Agent: curl/8"),
        ("twice, where nobody reads it", b"Accept: a\r\nAccept: b"),
        ("every mark that a name may have", b"!#$%&'*+-.^_`|~09azAZ: x"),
        ("a name of hyphens", b"---: x"),
        ("RFC 9110 5.5: other control characters, where nobody reads them", b"X-A: \x01\x0b\x1b\x7f"),
    ]
)
def test_ignores_the_field(lines):
    equal(parse(GET, HOST, lines).fields, {b"host": b"door"})


@cases(
    [
        ("RFC 9112 5.1: a space before the colon smuggles", b"Content-Length : 5"),
        ("a tab before the colon", b"Content-Length\t: 5"),
        ("RFC 9112 5.2: obs-fold", b"A: b\r\n folded"),
        ("obs-fold with a tab", b"A: b\r\n\tfolded"),
        ("a folded line that looks like a field", b"A: b\r\n Content-Length: 5"),
        ("a first field that is folded", b" A: b"),
        ("no colon", b"Content-Length"),
        ("no name", b": 5"),
        ("an empty name, and a second colon", b":: 5"),
        ("a name that is no token", b"A(b): c"),
        ("a name in brackets", b"[a]: b"),
        ("a name with a slash", b"a/b: c"),
        ("a name with a quotation mark", b'"a": b'),
        ("a name with a letter beyond ASCII", "Ünder: x".encode()),
        ("a name with DEL", b"a\x7f: x"),
        ("RFC 9110 5.5: NUL in a value", b"A: b\0c"),
        ("NUL in a value that is read", b"Authorization: Bearer a\0b"),
        ("RFC 9112 2.2: a bare CR", b"A: b\rContent-Length: 5"),
        ("a bare LF", b"A: b\nContent-Length: 5"),
        ("a bare LF at the end of a line", b"A: b\n"),
        ("CR CR LF", b"A: b\r\r\nB: c"),
        ("NUL beside a tab and obs-text", b"A: \t\xff\0"),
        ("an empty line amid the fields", b""),
        ("RFC 9112 6.1: Transfer-Encoding", b"Transfer-Encoding: chunked"),
        ("in any case", b"tRANSFER-eNCODING: Chunked"),
        ("identity", b"Transfer-Encoding: identity"),
        ("an empty one", b"Transfer-Encoding:"),
        ("one that is none", b"Transfer-Encoding: xchunked"),
        ("with a length: the classic", b"Content-Length: 5\r\nTransfer-Encoding: chunked"),
        ("the length last", b"Transfer-Encoding: chunked\r\nContent-Length: 5"),
        ("two lengths", b"Content-Length: 5\r\nContent-Length: 6"),
        ("RFC 9112 6.3: two lengths alike, which may be forgiven", b"Content-Length: 5\r\ncontent-length: 5"),
        ("a list of lengths", b"Content-Length: 5, 5"),
        ("a length with a sign", b"Content-Length: +5"),
        ("a negative one", b"Content-Length: -5"),
        ("a hexadecimal one", b"Content-Length: 0x5"),
        ("two numbers", b"Content-Length: 5 5"),
        ("a fraction", b"Content-Length: 5.0"),
        ("an underscore, which int() takes", b"Content-Length: 1_0"),
        ("digits that are not ASCII, which int() takes", "Content-Length: ٥".encode()),
        ("a superscript", b"Content-Length: \xb2"),
        ("a vertical tab, which strip() takes for space", b"Content-Length: \x0b5"),
        ("a form feed after it", b"Content-Length: 5\x0c"),
        ("a no-break space", b"Content-Length: \xa05"),
        ("no length", b"Content-Length:"),
        ("two hosts", b"Host: evil.example"),
        ("two hosts alike", b"host: door"),
        ("two origins", b"Origin: http://door\r\nOrigin: http://evil.example"),
        ("two content types", b"Content-Type: text/plain\r\nContent-Type: application/json"),
    ]
)
def test_refuses_the_fields(lines):
    raises(RequestError, parse, GET, HOST, lines, code="invalid_request")
    equal(raises(RequestError, parse, GET, lines, HOST).status, 400)


@cases(
    [
        ("none", b"0", 0),
        ("some", b"2048", 2048),
        ("leading zeros", b"0005", 5),
        ("more than any limit", b"4294967296", 4294967296),
        ("so many digits that they are not read", b"9" * 400, 0x7FFFFFFF),
        ("nor are leading zeros then", b"00000000005", 0x7FFFFFFF),
    ]
)
def test_length(value, length):
    equal(parse(b"PUT / HTTP/1.1", HOST, b"Content-Length: " + value).length, length)


@cases(
    [
        ("a name", b"door", "door"),
        ("in any case", b"DOOR.Local", "door.local"),
        ("a port", b"door:8080", "door"),
        ("RFC 3986 3.2.3: an empty port", b"door:", "door"),
        ("an address", b"192.168.1.20:80", "192.168.1.20"),
        ("an IPv6 address", b"[FE80::1]", "[fe80::1]"),
        ("with a port", b"[fe80::1]:80", "[fe80::1]"),
        ("a trailing dot: another name", b"door.", "door."),
        ("a name before it: another name", b"me@door", "me@door"),
        ("a vertical tab: another name", b"\x0bdoor", "\x0bdoor"),
        ("two values: another name", b"door, evil.example", "door, evil.example"),
    ]
)
def test_host(value, host):
    equal(parse(GET, b"Host: " + value).host, host)


@cases(
    [
        ("RFC 9112 3.2: none", None),
        ("an empty one", b""),
        ("a port alone", b":80"),
        ("a port that is no number", b"door:http"),
        ("a port with a sign", b"door:+80"),
        ("two ports", b"door:80:80"),
        ("an IPv6 address without brackets", b"fe80::1"),
        ("a bracket that stays open", b"[fe80::1"),
        ("something after the bracket", b"[fe80::1]evil.example"),
        ("a bracket alone", b"["),
        ("no UTF-8", b"d\xffor"),
        ("a surrogate, which MicroPython takes for UTF-8", b"d\xed\xa0\x80or"),
        ("the Kelvin sign, whose lower case is k in Unicode", "\u212aitchen".encode()),
    ]
)
def test_refuses_the_host(value):
    lines = (GET,) if value is None else (GET, b"Host: " + value)
    raises(RequestError, parse, *lines, code="invalid_request")
    raises(RequestError, parse, b"GET / HTTP/1.0", *lines[1:], code="invalid_request")


@cases(
    [
        ("64 fields, Host among them", 63, None),
        ("65: each is an object, and empty ones take a board's memory", 64, 431),
        ("as many as fit into the head", 1000, 431),
    ]
)
def test_number_of_fields(count, status):
    lines = [GET, HOST]
    lines.extend([b"A:"] * count)
    if status is None:
        equal(parse(*lines).host, "door")
    else:
        equal(raises(RequestError, parse, *lines).status, status)


@cases(
    [
        ("HTTP/1.1 keeps", b"GET / HTTP/1.1", None, True),
        ("until it is told not to", b"GET / HTTP/1.1", b"Connection: close", False),
        ("in a list, in any case", b"GET / HTTP/1.1", b"Connection: Upgrade , Close", False),
        ("another option", b"GET / HTTP/1.1", b"Connection: upgrade", True),
        ("HTTP/1.0 closes", b"GET / HTTP/1.0", None, False),
        ("and is not told otherwise", b"GET / HTTP/1.0", b"Connection: keep-alive", False),
    ]
)
def test_keeps_alive(line, field, keeps):
    lines = (line, HOST) if field is None else (line, HOST, field)
    equal(parse(*lines).keeps_alive(), keeps)


FIELDS = (b"host", b"content-length", b"authorization")


def test_every_octet_everywhere():
    """Whatever stands wherever: a Request or a RequestError, and nothing that ends a line."""
    head = b"PUT /a HTTP/1.1\r\nHost: door\r\nContent-Length: 5\r\nAuthorization: Bearer x"
    statuses = set()
    for place in range(len(head)):
        for octet in (0, 9, 10, 13, 31, 32, 35, 44, 58, 127, 128, 255):
            changed = head[:place] + bytes([octet]) + head[place + 1 :]
            try:
                request = parse_head(changed)
            except RequestError as error:
                statuses.add(error.status)
                continue
            assert octet not in (0, 10, 13) or changed == head, (place, octet)
            for character in request.method + request.path:
                assert 32 < ord(character) < 127, (place, octet)
            for name, value in request.fields.items():
                assert name in FIELDS, (place, octet)
                equal(value.strip(b" \t"), value)
            assert request.length in (0, 5), (place, octet)
    equal(statuses, {400, 501, 505})
