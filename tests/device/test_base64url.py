"""base64url: one text for each octet string, and nothing else."""

from base64url import Base64Error, decode, encode
from harness import cases, equal, raises

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@cases(
    [
        # RFC 4648 section 10, without the padding.
        ("RFC 4648: nothing", b"", b""),
        ("RFC 4648: f", b"f", b"Zg"),
        ("RFC 4648: fo", b"fo", b"Zm8"),
        ("RFC 4648: foo", b"foo", b"Zm9v"),
        ("RFC 4648: foob", b"foob", b"Zm9vYg"),
        ("RFC 4648: fooba", b"fooba", b"Zm9vYmE"),
        ("RFC 4648: foobar", b"foobar", b"Zm9vYmFy"),
        ("RFC 7515 appendix C", bytes([3, 236, 255, 224, 193]), b"A-z_4ME"),
        ("nothing but -", b"\xfb\xef\xbe", b"----"),
        ("nothing but _", b"\xff\xff\xff", b"____"),
        ("- and _ at the end", b"\x00\x0f\xbf", b"AA-_"),
        ("zeros", b"\0\0\0\0", b"AAAAAA"),
        ("all bits", b"\xff\xff\xff\xff", b"_____w"),
    ]
)
def test_spelling(octets, text):
    equal(encode(octets), text)
    equal(decode(text), octets)
    equal((type(encode(octets)), type(decode(text))), (bytes, bytes))


def test_every_length():
    octets = bytes((i * 151 + 7) & 255 for i in range(200))
    for size in range(200):
        text = encode(octets[:size])
        equal(len(text), (size * 4 + 2) // 3)
        for c in text:
            assert c in ALPHABET
        equal(decode(text), octets[:size])


def test_every_two_octets_of_which_one_is_spare():
    # All 4096 texts of two letters: 256 are canonical, the others have spare bits set.
    good = 0
    for a in ALPHABET:
        for b in ALPHABET:
            text = bytes([a, b])
            try:
                octets = decode(text)
            except Base64Error:
                continue
            equal(encode(octets), text)
            good += 1
    equal(good, 256)


@cases([("two letters, four spare bits", b"AA", 4), ("three letters, two spare bits", b"AAA", 16)])
def test_last_letter(text, good):
    for before in (b"", b"Zm9v", b"----"):
        taken = []
        for letter in ALPHABET:
            spelled = before + text[:-1] + bytes([letter])
            try:
                octets = decode(spelled)
            except Base64Error:
                continue
            equal(encode(octets), spelled)
            taken.append(letter)
        equal(len(taken), good)


@cases(
    [
        ("a letter", b"A"),
        ("five letters", b"AAAAA"),
        ("nine letters", b"AAAAAAAAA"),
        ("padding that would be right: one", b"Zm8="),
        ("padding that would be right: two", b"Zg=="),
        ("half of it", b"Zg="),
        ("padding where none belongs", b"Zm9v="),
        ("four of it", b"Zm9v===="),
        ("nothing but padding", b"===="),
        ("padding inside", b"Zg==Zm9v"),
        ("padding before", b"=Zm9v"),
        ("padding for letters", b"Z==="),
        ("white space after", b"Zm9v "),
        ("a line end after", b"Zm9v\n"),
        ("MIME's line end inside", b"Zm9v\r\nYmFy"),
        ("four spaces", b"    "),
        ("four line ends, which Python's decoder skips", b"Zm9v\n\n\n\n"),
        ("the other alphabet's +", b"A+z_"),
        ("the other alphabet's /", b"A-z/"),
        ("both alphabets", b"+-/_"),
        ("nothing but the other alphabet", b"++//"),
        ("a NUL", b"Zm9\0"),
        ("four NULs", b"\0\0\0\0"),
        ("a text after a NUL", b"Zm9v\0\0\0\0Zm9v"),
        ("a dot", b"Zm9v.Zm9"),
        ("percent encoding", b"Zg%3D%3D"),
        ("four foreign letters, so that the length is a good one", b"Zm9v****"),
        ("a foreign letter and - for what it took away", b"Zm-*"),
        ("UTF-8", b"Zm9v\xc3\xa9Zm"),
    ]
)
def test_refuses(text):
    raises(Base64Error, decode, text)
    raises(ValueError, decode, text)  # what callers of the standard library's catch


@cases(
    [
        ("4 letters", b"Zm9v"),
        ("6 letters: the last holds spare bits", b"Zm9vYg"),
        ("7 letters: the last holds spare bits", b"Zm9vYmE"),
        ("8 letters", b"Zm9vYmFy"),
        ("8 letters, of which all would be replaced", b"-_-_-_-_"),
        ("8 letters, of which one would be replaced", b"Zm-vYmFy"),
    ]
)
def test_every_foreign_byte_at_every_place(text):
    decode(text)
    for byte in range(256):
        if byte in ALPHABET:
            continue
        foreign = bytes([byte])
        for i in range(len(text) + 1):
            raises(Base64Error, decode, text[:i] + foreign + text[i + 1 :])
            for count in (1, 2, 3, 4):
                raises(Base64Error, decode, text[:i] + foreign * count + text[i:])
