"""JSON by RFC 8259 to the letter, for documents that come from strangers.

MicroPython's `json.loads` takes missing commas, `{"a":1]`, `01`, raw control characters and text after a NUL,
lets the last of two equal names win and turns 1e999 into infinity. Two parsers that read one text differently
are an attack (RFC 8725 section 2.4); so here what the grammar does not give is refused, and beyond the
grammar:

- a name twice in one object, after unescaping, at any depth;
- nesting deeper than `max_depth`, documents longer than `max_size`;
- a lone surrogate (no UTF-8 can hold it; a pair becomes its one code point), a number too large for a float,
  a whole number of more than 308 digits (RFC 8259 section 6 leaves the range to us).

A flat, compact object, as most tokens' payloads are, is taken apart by searches in C, about as fast as by the
built-in parser. All else goes through a recursive descent, which alone knows the grammar and words the
errors.
"""

_ESCAPES = {34: '"', 92: "\\", 47: "/", 98: "\b", 102: "\f", 110: "\n", 114: "\r", 116: "\t"}
_SPACE = b" \t\n\r"
_DIGITS = b"0123456789"
# A double holds any such number; reading n digits takes n² steps, and CPython reads 4300 at most.
_MAX_DIGITS = 308


class JSONError(ValueError):
    """The text is not the JSON that this module accepts; the message says where (octet offset) and why."""


def loads(data, max_depth=8, max_size=65536, names=None):
    """Return the value of the JSON text `data` (bytes, or a str taken as UTF-8).

    `max_depth` bounds nested arrays and objects, `max_size` the octets. `names` may map strings that are
    likely, as bytes, to the same as str: looking one up costs the board a quarter of making it. Raises
    JSONError, nothing else.
    """
    if type(data) is str:
        data = _encoded(data)
    if len(data) > max_size:
        raise JSONError("longer than %d octets" % max_size)
    if max_depth > 0:
        if data == b"{}":
            return {}
        if data[:2] == b'{"' and b"\\" not in data:
            try:
                members = _flat(data, names or {})
            except IndexError:
                members = None
            if members is not None:
                return members
    return _document(data, max_depth)


def _encoded(text):
    try:
        return text.encode()
    except ValueError:  # CPython: a lone surrogate in the str
        raise JSONError("not Unicode text") from None


def _document(data, max_depth):
    # The NUL that follows stands nowhere in the grammar: no step below needs to ask whether the text has
    # ended.
    text = data + b"\0"
    try:
        value, i = _value(text, _skip(text, 0), max_depth)
    except RuntimeError:
        # The caller's max_depth was more than the stack can hold (CPython's RecursionError is a RuntimeError
        # too).
        raise JSONError("nested too deeply") from None
    i = _skip(text, i)
    if i != len(data):
        raise _error("expected the end", i)
    return value


def _flat(data, names):
    """Return the object `data`, if it is flat, compact, of plain strings and positive integers only; else
    None.

    `data` begins with {" and holds no backslash. Without backslashes the next quotation mark ends a string. A
    search that finds nothing gives -1, after which no character stands where it must. Raises IndexError where
    the text ends too soon.
    """
    members = {}
    i = 2
    while True:
        end = data.find(b'"', i)
        name = data[i:end]
        name = names.get(name) or _plain(name)
        if name is None or name in members or data[end + 1] != 58:  # :
            return None
        i = end + 2
        if data[i] == 34:  # "
            end = data.find(b'"', i + 1)
            raw = data[i + 1 : end]
            raw = names.get(raw) or _plain(raw)
            if raw is None:
                return None
            members[name] = raw
            end += 1
        else:
            end = data.find(b",", i)
            if end < 0:
                end = len(data) - 1
            raw = data[i:end]
            if data[i] == 48 or not raw.isdigit() or end - i > _MAX_DIGITS:
                return None
            members[name] = int(raw)
        if data[end] != 44:  # ,
            return members if data[end:] == b"}" else None
        if data[end + 1] != 34:
            return None
        i = end + 2


def _plain(raw):
    """Return the string that `raw` spells without a backslash if it is ASCII and has no control character;
    else None.
    """
    if not raw:
        return ""
    if min(raw) < 32:
        return None
    try:
        string = str(raw, "utf-8")
    except ValueError:
        return None
    return string if len(string) == len(raw) else None


def _error(what, i):
    return JSONError("%s at octet %d" % (what, i))


def _skip(text, i):
    while text[i] in _SPACE:
        i += 1
    return i


def _value(text, i, depth):
    c = text[i]
    if c == 34:  # "
        return _string(text, i + 1)
    if c == 123:  # {
        return _object(text, i, depth - 1)
    if c == 91:  # [
        return _array(text, i, depth - 1)
    if c == 45 or 48 <= c <= 57:  # - 0-9
        return _number(text, i)
    if text[i : i + 4] == b"true":
        return True, i + 4
    if text[i : i + 5] == b"false":
        return False, i + 5
    if text[i : i + 4] == b"null":
        return None, i + 4
    raise _error("expected a value", i)


def _object(text, i, depth):
    if depth < 0:
        raise _error("nested too deeply", i)
    members = {}
    i = _skip(text, i + 1)
    if text[i] == 125:  # }
        return members, i + 1
    while True:
        if text[i] != 34:
            raise _error("expected a name", i)
        start = i
        name, i = _string(text, i + 1)
        if name in members:
            raise _error("the same name twice", start)
        if text[i] != 58:  # :
            i = _skip(text, i)
            if text[i] != 58:
                raise _error("expected ':'", i)
        i += 1
        if text[i] in _SPACE:
            i = _skip(text, i)
        members[name], i = _value(text, i, depth)
        c = text[i]
        if c in _SPACE:
            i = _skip(text, i)
            c = text[i]
        i += 1
        if c == 125:
            return members, i
        if c != 44:  # ,
            raise _error("expected ',' or '}'", i - 1)
        if text[i] in _SPACE:
            i = _skip(text, i)


def _array(text, i, depth):
    if depth < 0:
        raise _error("nested too deeply", i)
    items = []
    i = _skip(text, i + 1)
    if text[i] == 93:  # ]
        return items, i + 1
    while True:
        item, i = _value(text, i, depth)
        items.append(item)
        i = _skip(text, i)
        if text[i] == 93:
            return items, i + 1
        if text[i] != 44:
            raise _error("expected ',' or ']'", i)
        i = _skip(text, i + 1)


def _string(text, i):
    """Return the string whose text begins at `i`, after its quotation mark, and where it ends."""
    end = text.find(b'"', i)
    if end < 0:
        raise _error("a string without its end", i)
    raw = text[i:end]
    string = None if b"\\" in raw else _plain(raw)
    if string is None:
        return _escaped(text, i)
    return string, end + 1


def _escaped(text, i):
    parts = []
    start = i
    while True:
        c = text[i]
        if c == 34:
            parts.append(_utf8(text, start, i))
            return "".join(parts), i + 1
        if c < 32:
            raise _error("a control character in a string", i)
        if c != 92:
            i += 1
            continue
        parts.append(_utf8(text, start, i))
        c = text[i + 1]
        i += 2
        if c == 117:  # u
            code = _hex4(text, i)
            i += 4
            if 0xD800 <= code < 0xDC00 and text[i : i + 2] == b"\\u":
                low = _hex4(text, i + 2)
                if 0xDC00 <= low < 0xE000:
                    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
                    i += 6
            if 0xD800 <= code < 0xE000:
                raise _error("a lone surrogate", i - 6)
            parts.append(chr(code))
        elif c in _ESCAPES:
            parts.append(_ESCAPES[c])
        else:
            raise _error("an unknown escape", i - 2)
        start = i


def _hex4(text, i):
    code = 0
    for c in text[i : i + 4]:
        if 48 <= c <= 57:
            c -= 48
        elif 97 <= c | 32 <= 102:  # a-f, A-F
            c = (c | 32) - 87
        else:
            break
        code = code << 4 | c
        i += 1
    else:
        return code
    raise _error("expected four hexadecimal digits", i)


def _utf8(text, start, end):
    """Decode UTF-8 (RFC 3629): shortest form only, no surrogates, at most U+10FFFF. MicroPython checks none
    of these.
    """
    i = start
    while i < end:
        c = text[i]
        i += 1
        if c < 0x80:
            continue
        if 0xC2 <= c < 0xE0:
            more, low, high = 1, 0x80, 0xBF
        elif 0xE0 <= c < 0xF0:
            more, low, high = 2, 0xA0 if c == 0xE0 else 0x80, 0x9F if c == 0xED else 0xBF
        elif 0xF0 <= c < 0xF5:
            more, low, high = 3, 0x90 if c == 0xF0 else 0x80, 0x8F if c == 0xF4 else 0xBF
        else:
            raise _error("not UTF-8", i - 1)
        # No bound to check: the document ends in a NUL or a quotation mark, and neither is a continuation.
        for _ in range(more):
            if not low <= text[i] <= high:
                raise _error("not UTF-8", i)
            i += 1
            low, high = 0x80, 0xBF
    return str(text[start:end], "utf-8")


def _number(text, i):
    # Most numbers are whole, and most end before a comma: then C finds and checks all the digits.
    end = text.find(b",", i)
    if end < 0:
        end = text.find(b"}", i)
    digits = text[i:end]
    # Not `end`, which is -1 for a document that is one number: the slice stops before the NUL.
    size = len(digits)
    if text[i] != 48 and digits.isdigit() and size <= _MAX_DIGITS:
        return int(digits), i + size
    start = i
    if text[i] == 45:
        i += 1
    if text[i] == 48:
        i += 1
    else:
        i = _digits(text, i)
    whole = i
    if text[i] == 46:  # .
        i = _digits(text, i + 1)
    if text[i] | 32 == 101:  # e E
        i += 1
        if text[i] == 43 or text[i] == 45:
            i += 1
        i = _digits(text, i)
    if i == whole:
        if i - start > _MAX_DIGITS:
            raise _error("a number too large", start)
        return int(text[start:i]), i
    number = float(str(text[start:i], "utf-8"))
    # inf - inf is not 0: 1e999 would be a date that never comes.
    if number - number != 0:
        raise _error("a number too large", start)
    return number, i


def _digits(text, i):
    start = i
    while text[i] in _DIGITS:
        i += 1
    if i == start:
        raise _error("expected a digit", i)
    return i
