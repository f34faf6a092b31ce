"""base64url without padding, strict and canonical (RFC 4648 sections 5 and 3.5, RFC 7515 section 2).

MicroPython's `binascii.a2b_base64` skips characters it does not know, stops at padding and ignores spare
bits, so many texts decode to the same octets. Here each octet string has exactly one text; all else is
refused.
"""

from binascii import a2b_base64, b2a_base64

# What the last character may be when it holds 2 or 4 spare bits: those whose spare bits are zero.
_LAST = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
_PADDING = (b"", b"", b"==", b"=")


class Base64Error(ValueError):
    """The text is not the one base64url encoding of any octets."""


def encode(data):
    """Return the base64url text of `data`, as bytes without padding."""
    text = b2a_base64(data)[: (len(data) * 4 + 2) // 3]
    return text.replace(b"+", b"-").replace(b"/", b"_")


def decode(text):
    """Return the octets that `text` (bytes) encodes; raise Base64Error unless `encode` would give the same
    text.
    """
    size = len(text)
    rest = size & 3
    if rest == 1 or (rest and text[-1] not in _LAST[rest]) or b"+" in text or b"/" in text:
        raise Base64Error("not base64url in its canonical form")
    # Both runtimes skip what is foreign to base64, white space and padding included. Each character stands
    # for 6 bits: what was skipped is missing in the length. "-" and "_" are foreign too, and rare: in ASCII
    # only ">", "?" and "~" have them.
    data = _lenient(text, rest)
    if len(data) != size * 6 >> 3:
        data = _lenient(text.replace(b"-", b"+").replace(b"_", b"/"), rest)
        if len(data) != size * 6 >> 3:
            raise Base64Error("not base64url: a character outside its alphabet")
    return data


def _lenient(text, rest):
    try:
        return a2b_base64(text + _PADDING[rest] if rest else text)
    except ValueError:
        return b""
