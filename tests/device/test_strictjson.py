"""JSON by RFC 8259 to the letter: what is read, what is refused; the fast way and the slow one agree."""

from harness import cases, equal, raises
from strictjson import JSONError, loads

NAMES = {b"sub": "sub", b"exp": "exp", b"a": "a"}

ACCEPTED = [
    ("true", "true", True),
    ("false", "false", False),
    ("null", "null", None),
    ("zero", "0", 0),
    ("a number alone, of one digit", "7", 7),
    ("a number alone, of many digits", "1234567890", 1234567890),
    ("a number alone, and white space", " 12 ", 12),
    ("minus zero is zero", "-0", 0),
    ("a negative number", "-12", -12),
    ("beyond 30 bits of small int", "1073741824", 1073741824),
    ("beyond 32 bits", "4294967296", 4294967296),
    ("beyond 64 bits", "18446744073709551616", 18446744073709551616),
    ("308 digits", "9" * 308, int("9" * 308)),
    ("a fraction", "0.5", 0.5),
    ("a whole float", "1.0", 1.0),
    ("an exponent", "1e2", 100.0),
    ("a capital exponent", "1E2", 100.0),
    ("an exponent with plus", "1e+2", 100.0),
    ("an exponent with minus", "5e-1", 0.5),
    ("an exponent with leading zeros", "1e0002", 100.0),
    ("all that a number may have", "-12.5e+1", -125.0),
    ("zero times anything is zero", "0e999", 0.0),
    ("many zeros after the point", "0." + "0" * 400 + "1", 0.0),
    ("too small for any float", "1e-999", 0.0),
    ("an exponent of twenty digits, downwards", "1e-99999999999999999999", 0.0),
    ("nothing in a string", '""', ""),
    ("a string", '"abc"', "abc"),
    ("every short escape", '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'),
    ("a slash needs no escape", '"/"', "/"),
    ("an escape in hexadecimal", '"\\u0041\\u00e9\\u20AC"', "A\xe9\u20ac"),
    ("an escaped NUL", '"\\u0000"', "\0"),
    ("an escape and what follows", '"\\u00410"', "A0"),
    ("a surrogate pair is one character", '"\\ud83d\\udd11"', "\U0001f511"),
    ("a surrogate pair in capitals", '"\\uD83D\\uDD11"', "\U0001f511"),
    ("the first pair", '"\\ud800\\udc00"', "\U00010000"),
    ("the last pair", '"\\udbff\\udfff"', "\U0010ffff"),
    ("the character before the surrogates", '"\\ud7ff"', "\ud7ff"),
    ("the character after the surrogates", '"\\ue000"', "\ue000"),
    ("a noncharacter is a character", '"\\uffff"', "\uffff"),
    ("an escaped backslash before u", '"\\\\u0041"', "\\u0041"),
    ("two bytes of UTF-8", '"\xe9"', "\xe9"),
    ("three bytes of UTF-8", '"\u20ac"', "\u20ac"),
    ("four bytes of UTF-8", '"\U0001f511"', "\U0001f511"),
    ("the ends of UTF-8", '"\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff"', None),
    ("DEL is no control character to JSON", '"\x7f"', "\x7f"),
    ("U+0085 is none either", '"\x85"', "\x85"),
    ("a line separator may stand in a string", '"\u2028"', "\u2028"),
    ("a byte order mark within a string", '"\ufeff"', "\ufeff"),
    ("braces in a string", '"{[,:]}"', "{[,:]}"),
    ("no items", "[]", []),
    ("no items, and white space", "[ \t\r\n]", []),
    ("items", '[1,"a",null,true,[],{}]', [1, "a", None, True, [], {}]),
    ("items and white space", "\n[ 1 ,\t2\r]\n", [1, 2]),
    ("no members", "{}", {}),
    ("no members, and white space", "{ }", {}),
    ("a member", '{"a":1}', {"a": 1}),
    ("an empty name", '{"":0}', {"": 0}),
    ("names in two cases", '{"a":1,"A":2}', {"a": 1, "A": 2}),
    ("é in one code point and in two", '{"\xe9":1,"e\u0301":2}', {"\xe9": 1, "e\u0301": 2}),
    ("the same name in two objects", '{"a":{"a":1}}', {"a": {"a": 1}}),
    ("the same name beside", '[{"a":1},{"a":2}]', [{"a": 1}, {"a": 2}]),
    ("a name that an escape makes", '{"\\u0061":1}', {"a": 1}),
    ("white space everywhere", ' { "a" : 1 , "b" : [ 2 ] } ', {"a": 1, "b": [2]}),
    ("eight deep, arrays", "[" * 8 + "]" * 8, None),
    ("eight deep, objects", '{"a":' * 7 + "{}" + "}" * 7, None),
    ("eight deep, mixed", '[{"a":' * 4 + "1" + "}]" * 4, None),
]


@cases(ACCEPTED)
def test_accepts(text, expected):
    value = loads(text)
    if expected is not None or text == "null":
        equal(value, expected)
        equal(type(value), type(expected))
    equal(loads(text.encode()), value)
    equal(loads(text, names=NAMES), value)


REFUSED = [
    ("nothing", ""),
    ("white space", " "),
    ("a NUL", "\0"),
    ("a byte order mark", "\ufeff"),
    ("a byte order mark before an object", "\ufeff{}"),
    ("two values", "1 2"),
    ("two objects", "{}{}"),
    ("a letter after the value", "{}x"),
    ("a comma after the value", "{},"),
    ("a bracket after the value", "[]]"),
    ("a quotation mark after the value", '{"a":1}"'),
    ("a NUL after the value", "{}\0"),
    ("a NUL after a number", "1\0"),
    ("text after a NUL", "{}\0{}"),
    ("a NUL before the value", "\0{}"),
    ("a NUL between", '{"a"\0:1}'),
    ("a NUL for white space", '{"a":\x001}'),
    ("a form feed", "\f{}"),
    ("a vertical tab", "[1,\v2]"),
    ("a no-break space", "\xa0[]"),
    ("a zero-width space", "[\u200b1]"),
    ("a comment", "/**/1"),
    ("a comment to the line's end", "1//x"),
    ("a hash", "#\n1"),
    # literals
    ("half of true", "tru"),
    ("more than true", "truer"),
    ("TRUE", "TRUE"),
    ("Python's", "None"),
    ("JavaScript's", "undefined"),
    ("nul", "nul"),
    ("true and false", "truefalse"),
    ("NaN", "NaN"),
    ("Infinity", "Infinity"),
    ("-Infinity", "-Infinity"),
    ("inf", "inf"),
    # numbers
    ("a leading zero", "01"),
    ("two zeros", "00"),
    ("a leading zero in an array", "[012]"),
    ("minus and a leading zero", "-01"),
    ("minus", "-"),
    ("two minuses", "--1"),
    ("minus and white space", "- 1"),
    ("plus", "+1"),
    ("a point", "."),
    ("nothing before the point", ".5"),
    ("minus, and nothing before the point", "-.5"),
    ("nothing after the point", "1."),
    ("an exponent after the point", "1.e1"),
    ("two points", "1.2.3"),
    ("no exponent", "1e"),
    ("Fortran's exponent", "1d5"),
    ("C's suffix", "1f"),
    ("no exponent but a sign", "1e+"),
    ("two signs", "1e+-1"),
    ("a fraction for an exponent", "1e1.5"),
    ("two exponents", "1e1e1"),
    ("an exponent alone", "e1"),
    ("hexadecimal", "0x1F"),
    ("octal", "0o7"),
    ("an underscore, which Python's int reads", "1_000"),
    ("a thousands' comma", "1,000"),
    ("a suffix", "1L"),
    ("a space within", "1 000"),
    ("full-width digits, which Python's int reads", "\uff11"),
    ("Arabic digits, which Python's int reads", "\u0661"),
    ("superscript, a digit to str.isdigit", "\xb2"),
    ("a full-width digit after a good one", "[1\uff11]"),
    ("beyond any float", "1e999"),
    ("beyond any float, negative", "-1e999"),
    ("beyond any float, with a fraction", "1.5e400"),
    ("an exponent of twenty digits", "1e99999999999999999999"),
    ("an exponent that wraps 32 bits to 1", "1e4294967297"),
    ("an exponent that wraps 64 bits to 1", "1e18446744073709551617"),
    ("309 digits", "9" * 309),
    ("minus and 308 digits", "-" + "9" * 308),
    ("5000 digits, which CPython's int refuses in its own way", "9" * 5000),
    ("5000 digits, negative", "-" + "9" * 5000),
    ("5000 digits in an array", "[" + "9" * 5000 + "]"),
    ("5000 digits in an object", '{"a":' + "9" * 5000 + "}"),
    ("5000 digits in an object, not last", '{"a":' + "9" * 5000 + ',"b":1}'),
    # strings
    ("a quotation mark", '"'),
    ("no end", '"abc'),
    ("no end, the mark escaped", '"abc\\"'),
    ("a backslash at the end", '"\\'),
    ("no beginning", 'abc"'),
    ("apostrophes", "'abc'"),
    ("three quotation marks", '"""'),
    ("an unknown escape", '"\\x41"'),
    ("a capital escape", '"\\N"'),
    ("a digit's escape", '"\\0"'),
    ("an apostrophe's escape", '"\\\'"'),
    ("a line end's escape", '"\\\n"'),
    ("a NUL's escape", '"\\\0"'),
    ("a capital U", '"\\U0041"'),
    ("three hexadecimal digits", '"\\u041"'),
    ("no hexadecimal digits", '"\\u"'),
    ("no end after u", '"\\u'),
    ("no end within the digits", '"\\u00'),
    ("no hexadecimal digit", '"\\u00G0"'),
    ("what comes after 9", '"\\u00:0"'),
    ("what comes before 0", '"\\u00/0"'),
    ("what comes before A and a", '"\\u00@`"'),
    ("a sign, which Python's int reads", '"\\u+041"'),
    ("white space, which Python's int reads", '"\\u 041"'),
    ("an underscore in hexadecimal, which Python's int reads", '"\\u0_41"'),
    ("a high surrogate alone", '"\\ud800"'),
    ("a low surrogate alone", '"\\udc00"'),
    ("the last surrogate", '"\\udfff"'),
    ("two high surrogates", '"\\ud800\\ud800"'),
    ("a high one, and a character", '"\\ud800a"'),
    ("a high one, and another escape", '"\\ud800\\n"'),
    ("a high one, and an escaped character", '"\\ud800\\u0041"'),
    ("a high one, and letters that resemble a low one", '"\\ud800xxdc00"'),
    ("a high one, and what comes after the low ones", '"\\ud800\\ue000"'),
    ("a high one, and what comes before the low ones", '"\\ud800\\udbff"'),
    ("two low surrogates", '"\\udc00\\udc00"'),
    ("a character, and a low one", '"\\u0041\\udc00"'),
    ("the wrong way round", '"\\udc00\\ud800"'),
    ("a high one, and half an escape", '"\\ud800\\u"'),
    ("a high one, and no end", '"\\ud800\\u12'),
    ("a pair, and a low one", '"\\ud83d\\udd11\\udd11"'),
    ("a surrogate in a name", '{"\\ud800":1}'),
    # arrays
    ("not closed", "["),
    ("an item, not closed", "[1"),
    ("a comma, not closed", "[1,"),
    ("a comma after the last", "[1,]"),
    ("a comma before the first", "[,1]"),
    ("nothing but a comma", "[,]"),
    ("two commas", "[1,,2]"),
    ("no comma", "[1 2]"),
    ("no comma between strings", '["a""b"]'),
    ("no comma between arrays", "[[][]]"),
    ("a colon", "[1:2]"),
    ("a member", '["a":1]'),
    ("closed by a brace", "[1}"),
    ("closed by a parenthesis", "[1)"),
    ("not opened", "]"),
    ("a semicolon", "[1;2]"),
    # objects
    ("a brace", "{"),
    ("a name, not closed", '{"a'),
    ("a name, no colon", '{"a"'),
    ("no value", '{"a":'),
    ("a value, not closed", '{"a":1'),
    ("a string, not closed", '{"a":"b"'),
    ("a comma, nothing more", '{"a":1,'),
    ("half of the next member", '{"a":1,"b'),
    ("half of the next member's string", '{"a":1,"b":"'),
    ("an object's comma after the last", '{"a":1,}'),
    ("an object's comma after the last string", '{"a":"b",}'),
    ("an object's comma before the first", '{,"a":1}'),
    ("nothing but a comma in braces", "{,}"),
    ("an object's two commas", '{"a":1,,"b":2}'),
    ("an object's missing comma", '{"a":1 "b":2}'),
    ("an object's missing comma between strings", '{"a":"b""c":"d"}'),
    ("no colon", '{"a" 1}'),
    ("no colon between strings", '{"a""b"}'),
    ("two colons", '{"a"::1}'),
    ("a comma for a colon", '{"a","b"}'),
    ("an equals sign", '{"a"=1}'),
    ("a name alone", '{"a"}'),
    ("a value alone", "{1}"),
    ("a number for a name", "{1:1}"),
    ("null for a name", "{null:1}"),
    ("an object for a name", "{{}:1}"),
    ("a bare name", "{a:1}"),
    ("apostrophes around a name", "{'a':1}"),
    ("closed by a bracket, which MicroPython reads", '{"a":1]'),
    ("closed twice", '{"a":1}}'),
    ("a brace not opened", "}"),
    ("no value before the brace", '{"a":}'),
    ("no value before the comma", '{"a":,"b":1}'),
    ("two values for a name", '{"a":1 2}'),
    ("a string of which the end is the brace", '{"a":"b}'),
    ("a leading zero as a value", '{"a":01}'),
    ("a leading zero as a value, not last", '{"a":00,"b":1}'),
    ("a brace that belongs to a number", '{"a":1}2}'),
    # duplicates
    ("a name twice", '{"a":1,"a":1}'),
    ("a name twice, not beside", '{"a":1,"b":2,"a":3}'),
    ("a name twice, strings", '{"a":"1","a":"2"}'),
    ("a name twice, of those that are looked up", '{"sub":"x","sub":"x"}'),
    ("a name twice, once as an escape", '{"a":1,"\\u0061":1}'),
    ("a name twice, both as escapes", '{"\\u0061":1,"\\u0061":1}'),
    ("a name twice, as a pair and as itself", '{"\U0001f511":1,"\\ud83d\\udd11":2}'),
    ("a name twice, beyond ASCII", '{"\xe9":1,"\\u00e9":2}'),
    ("an empty name twice", '{"":1,"":2}'),
    ("a name twice, inside", '{"x":{"a":1,"a":2}}'),
    ("a name twice, in an array", '[{"a":1,"a":2}]'),
    ("a name twice, as deep as may be", "[" * 7 + '{"a":1,"a":2}' + "]" * 7),
    ("a name twice, objects as values", '{"a":{},"a":{}}'),
    ("a name twice, after white space", '{"a" : 1 , "a" : 1}'),
    # depth
    ("nine deep, arrays", "[" * 9 + "]" * 9),
    ("nine deep, objects", '{"a":' * 8 + "{}" + "}" * 8),
    ("nine deep, mixed", '[{"a":' * 4 + "[]" + "}]" * 4),
    ("ten thousand deep", "[" * 10000),
    ("ten thousand deep, objects", '{"a":' * 10000),
    ("ten thousand deep, closed", "[" * 10000 + "]" * 10000),
]


@cases(REFUSED)
def test_refuses(text):
    raises(JSONError, loads, text)
    raises(JSONError, loads, text.encode(), names=NAMES)


UTF8 = [
    ("a continuation alone", b"\x80"),
    ("the last continuation alone", b"\xbf"),
    ("a lead alone", b"\xc3"),
    ("a lead and a letter", b"\xc3a"),
    ("a lead twice", b"\xc3\xc3"),
    ("an overlong NUL, Java's", b"\xc0\x80"),
    ("an overlong slash", b"\xc0\xaf"),
    ("an overlong quotation mark", b"\xc0\xa2"),
    ("an overlong DEL", b"\xc1\xbf"),
    ("overlong, three bytes", b"\xe0\x80\xaf"),
    ("overlong, three bytes, the last such", b"\xe0\x9f\xbf"),
    ("overlong, four bytes", b"\xf0\x80\x80\xaf"),
    ("overlong, four bytes, the last such", b"\xf0\x8f\xbf\xbf"),
    ("the first surrogate", b"\xed\xa0\x80"),
    ("the last surrogate", b"\xed\xbf\xbf"),
    ("a pair of surrogates, CESU-8", b"\xed\xa0\xbd\xed\xb4\x91"),
    ("U+110000", b"\xf4\x90\x80\x80"),
    ("four bytes beyond", b"\xf5\x80\x80\x80"),
    ("five bytes", b"\xf8\x88\x80\x80\x80"),
    ("six bytes", b"\xfc\x84\x80\x80\x80\x80"),
    ("0xFE", b"\xfe"),
    ("0xFF", b"\xff"),
    ("three bytes cut to two", b"\xe2\x82"),
    ("three bytes cut to one", b"\xe2"),
    ("four bytes cut to three", b"\xf0\x9f\x94"),
    ("four bytes cut, and a letter", b"\xf0\x9f\x94a"),
    ("a continuation too many", b"\xc3\xa9\xa9"),
    ("Latin-1", b"\xe9t\xe9"),
]


@cases(UTF8)
def test_refuses_utf8(raw):
    for text in (
        b'"' + raw + b'"',
        b'"a' + raw + b'z"',
        b'"\\n' + raw + b'\\n"',
        b'{"a":"' + raw + b'"}',
        b'{"' + raw + b'":1}',
        b'{"a":1,"' + raw + b'":"b"}',
        b'["' + raw + b'"]',
        b'"' + raw,
        raw,
        b"[" + raw + b"]",
    ):
        raises(JSONError, loads, text)


def is_utf8(raw):
    """Whether these four bytes are one character and letters, by table 3-7 of the Unicode Standard."""
    table = (
        (0x00, 0x7F),
        (0xC2, 0xDF, 0x80, 0xBF),
        (0xE0, 0xE0, 0xA0, 0xBF, 0x80, 0xBF),
        (0xE1, 0xEC, 0x80, 0xBF, 0x80, 0xBF),
        (0xED, 0xED, 0x80, 0x9F, 0x80, 0xBF),
        (0xEE, 0xEF, 0x80, 0xBF, 0x80, 0xBF),
        (0xF0, 0xF0, 0x90, 0xBF, 0x80, 0xBF, 0x80, 0xBF),
        (0xF1, 0xF3, 0x80, 0xBF, 0x80, 0xBF, 0x80, 0xBF),
        (0xF4, 0xF4, 0x80, 0x8F, 0x80, 0xBF, 0x80, 0xBF),
    )
    for row in table:
        size = len(row) // 2
        if all(row[2 * i] <= raw[i] <= row[2 * i + 1] for i in range(size)):
            return all(c < 0x80 for c in raw[size:])
    return False


def test_every_lead_with_every_limit():
    second = (0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF)
    others = (0x41, 0x7F, 0x80, 0xBF, 0xC0)
    for a in range(0x80, 0x100):
        for b in second:
            for c in others:
                for d in others:
                    raw = bytes([a, b, c, d])
                    try:
                        value = loads(b'"' + raw + b'"')
                    except JSONError:
                        value = None
                    equal((raw, value is not None), (raw, is_utf8(raw)))
                    if value is not None:
                        equal(value.encode(), raw)


def test_refuses_control_characters():
    for c in range(32):
        raw = bytes([c])
        for text in (
            b'"' + raw + b'"',
            b'{"a' + raw + b'":1}',
            b'{"a":"' + raw + b'"}',
            b'"\\n' + raw + b'"',
        ):
            raises(JSONError, loads, text)
        if c not in b"\t\n\r":
            for text in (
                raw + b"{}",
                b"{}" + raw,
                b"[" + raw + b"]",
                b'{"a":1' + raw + b"}",
                b'{"a":' + raw + b"1}",
            ):
                raises(JSONError, loads, text)
        equal(loads('"\\u%04x"' % c), chr(c))


def test_every_byte_between():
    # After each step of the grammar, each byte that is not the right one.
    text = b'{"a":1,"b":"c"}'
    for i in range(len(text)):
        for c in range(256):
            changed = text[:i] + bytes([c]) + text[i + 1 :]
            try:
                value = loads(changed)
            except JSONError:
                continue
            equal(loads(b" " + changed), value)
            equal(len(value), 2)


def test_cut_at_every_place():
    text = '{"a":[1,-2.5e1,true,null,{"\\u00e9\\ud83d\\udd11":"\xe9"}],"b":"c"} '.encode()
    loads(text)
    for i in range(len(text) - 1):
        raises(JSONError, loads, text[:i])
        raises(JSONError, loads, text[i + 1 :])


# Each is read by the fast way, unless a space or an escape sends it through the whole grammar.
FLAT = [
    ("a member", '{"a":1}'),
    ("a string", '{"a":"b"}'),
    ("an empty string", '{"a":""}'),
    ("an empty name", '{"":"a"}'),
    ("numbers first", '{"a":1,"b":2,"c":"d"}'),
    ("numbers last", '{"a":"b","c":"d","e":5}'),
    (
        "a token's claims",
        '{"iss":"home","sub":"anna","aud":"door","exp":1793491260,"iat":1793491200,"jti":"7f3a"}',
    ),
    ("a header", '{"alg":"HS256","typ":"JWT","kid":"2026-11"}'),
    ("zero", '{"a":0,"b":0}'),
    ("a long number", '{"a":' + "9" * 308 + "}"),
    ("a longer number", '{"a":' + "9" * 309 + "}"),
    ("a leading zero", '{"a":01}'),
    ("a name twice", '{"a":1,"a":2}'),
    ("a name twice, strings", '{"a":"1","b":"","a":"2"}'),
    ("a comma too many", '{"a":1,}'),
    ("a comma too many after a string", '{"a":"b",}'),
    ("no value", '{"a":}'),
    ("a colon missing", '{"a"1}'),
    ("a letter in the number", '{"a":1x}'),
    ("closed twice", '{"a":1}}'),
    ("not closed", '{"a":1'),
    ("not closed after a string", '{"a":"b"'),
    ("a quotation mark too many", '{"a":1}"'),
    ("a mark too many after a string", '{"a":"b""}'),
    ("a control character", '{"a":"\t"}'),
    ("DEL", '{"a":"\x7f"}'),
    ("beyond ASCII", '{"\xe9":"\U0001f511"}'),
    ("a list", '{"a":[1,2],"b":3}'),
    ("an object", '{"a":{"b":1},"c":2}'),
    ("true", '{"a":true,"b":1}'),
    ("a float", '{"a":1.5,"b":1}'),
    ("a negative number", '{"a":-1,"b":1}'),
    ("nothing", "{}"),
    ("the grammar in a string", '{"a":"},{","b":":1,"}'),
    ("a bracket for a brace", '{"a":1]'),
    ("minus one, where a search that found nothing might look", '{"a":"b","c'),
]


def verdict(text, **limits):
    try:
        return loads(text, **limits)
    except JSONError:
        return "refused"


@cases(FLAT)
def test_fast_and_slow_agree(text):
    value = verdict(text)
    for other in (" " + text, text + "\n", text[:1] + " " + text[1:], text[:-1] + " " + text[-1:]):
        equal(verdict(other), value)
    equal(verdict(text, names=NAMES), value)
    equal(verdict("[" + text + "]"), value if value == "refused" else [value])
    # An escape anywhere sends all of it the slow way.
    escaped = '{"\\u0078":1,' + text[1:]
    if value == "refused":
        equal(verdict(escaped), value)
    elif value:
        expected = {"x": 1}
        expected.update(value)
        equal(verdict(escaped), expected)


def test_names_change_nothing_but_the_speed():
    names = {b"a": "a", b"1": "1", b"": ""}
    for _why, text in FLAT:
        equal(verdict(text, names=names), verdict(text))


def test_depth():
    for depth in range(12):
        for opened, closed in (("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")):
            text = opened * depth + "1" + closed * depth
            levels = depth * (2 if len(closed) == 2 else 1)
            equal(loads(text, max_depth=levels), loads(text, max_depth=50))
            if levels:
                raises(JSONError, loads, text, max_depth=levels - 1)
    raises(JSONError, loads, "{}", max_depth=0)
    raises(JSONError, loads, '{"a":1}', max_depth=0)
    equal(loads("1", max_depth=0), 1)


@cases([("arrays", "[", "]"), ("objects", '{"a":', "}")])
def test_deeper_than_the_stack(opened, closed):
    # The caller asked for it: still no RuntimeError.
    raises(JSONError, loads, opened * 20000 + "1" + closed * 20000, max_depth=10**6, max_size=10**7)


def test_size():
    text = '{"a":"b"}'
    equal(loads(text, max_size=9), {"a": "b"})
    raises(JSONError, loads, text, max_size=8)
    raises(JSONError, loads, text.encode(), max_size=8)
    # Octets, not characters.
    raises(JSONError, loads, '"\xe9"', max_size=3)
    equal(loads('"\xe9"', max_size=4), "\xe9")
    equal(loads(" " * 65535 + "1"), 1)
    raises(JSONError, loads, " " * 65536 + "1")


def test_str_with_a_surrogate():
    raises(JSONError, loads, '"' + chr(0xD800) + '"')
    raises(JSONError, loads, '{"a":"' + chr(0xDFFF) + '"}')


def test_long_documents():
    # More members than a small dict or a cache of names holds.
    text = "{" + ",".join('"n%d":%d' % (i, i + 1) for i in range(500)) + "}"
    equal(loads(text), loads(" " + text))
    equal(len(loads(text)), 500)
    raises(JSONError, loads, text[:-1] + ',"n250":1}')
    equal(loads("[" + "1," * 5000 + "1]"), [1] * 5001)
    equal(loads('"' + "\\n" * 5000 + '"'), "\n" * 5000)
    equal(len(loads('"' + "\xe9" * 5000 + '"')), 5000)


def test_the_error_says_where():
    for text, offset in (
        ('{"a":1,}', 7),
        ("[1 2]", 3),
        ('{"a":1,"a":2}', 7),
        ("", 0),
        ('{"a":"\n"}', 6),
        ("1 2", 2),
    ):
        assert str(raises(JSONError, loads, text)).endswith(" at octet %d" % offset), text


def test_the_error_is_a_value_error():
    raises(ValueError, loads, "{")
