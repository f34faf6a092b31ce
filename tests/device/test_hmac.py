"""HMAC-SHA-256 against the published vectors, under the standard library's names."""

import hmac
from hashlib import sha256

from harness import cases, equal, raises, vectors

RFC4231 = vectors("rfc4231.json")
WYCHEPROOF = [
    (
        "%s: %d, %d bits of tag, %s" % (test["result"], test["tcId"], group["tagSize"], test["comment"]),
        group,
        test,
    )
    for group in vectors("wycheproof/hmac_sha256_test.json")["testGroups"]
    for test in group["tests"]
]
KEY = bytes(range(32))


@cases([("case %d" % case["case"], case) for case in RFC4231])
def test_rfc4231(case):
    mac = hmac.digest(bytes.fromhex(case["key"]), bytes.fromhex(case["msg"]), "sha256").hex()
    equal(mac, case["mac"])
    # Case 5 is printed cut to 128 bits.
    assert mac.startswith(case["rfc_output"])


@cases(WYCHEPROOF)
def test_wycheproof(group, test):
    mac = hmac.new(bytes.fromhex(test["key"]), bytes.fromhex(test["msg"]), "sha256").digest()
    # A tag of 128 bits is the first half. We make none: this is to have these vectors as well.
    tag = bytes.fromhex(test["tag"])
    equal(len(tag) * 8, group["tagSize"])
    equal(hmac.compare_digest(mac[: len(tag)], tag), test["result"] == "valid")


def test_key_of_every_length():
    # Longer than a block of 64 a key is hashed first; shorter, padded. RFC 2104, spelled out.
    for size in range(140):
        key = bytes(255 - (i & 127) for i in range(size))
        short = key if size <= 64 else sha256(key).digest()
        short += bytes(64 - len(short))
        inner = sha256(bytes(b ^ 0x36 for b in short) + b"message").digest()
        equal(hmac.digest(key, b"message", "sha256"), sha256(bytes(b ^ 0x5C for b in short) + inner).digest())


def test_message_of_every_length_and_in_pieces():
    keyed = hmac.new(KEY, digestmod="sha256")
    for size in range(140):
        message = bytes(i & 255 for i in range(size))
        whole = hmac.digest(KEY, message, "sha256")
        pieces = keyed.copy()
        for i in range(0, size, 7):
            pieces.update(message[i : i + 7])
        equal(pieces.digest(), whole)
        octets = hmac.new(KEY, b"", "sha256")
        for i in range(size):
            octets.update(message[i : i + 1])
        equal(octets.digest(), whole)


def test_names_of_the_standard_library():
    mac = hmac.new(KEY, b"abc", "sha256")
    equal((mac.digest_size, mac.block_size, mac.name), (32, 64, "hmac-sha256"))
    equal(len(mac.digest()), 32)
    equal(mac.hexdigest(), mac.digest().hex())
    equal(type(mac.hexdigest()), str)
    equal(hmac.new(KEY, msg=b"abc", digestmod=sha256).digest(), mac.digest())
    equal(hmac.digest(KEY, b"abc", digest="sha256"), mac.digest())


def test_bytearrays_and_memoryviews_are_bytes():
    mac = hmac.digest(KEY, b"abc", "sha256")
    equal(hmac.digest(bytearray(KEY), bytearray(b"abc"), "sha256"), mac)
    keyed = hmac.new(KEY, digestmod="sha256")
    keyed.update(memoryview(b"abc"))
    equal(keyed.digest(), mac)


def test_a_key_that_changes_later_changes_nothing():
    key = bytearray(KEY)
    keyed = hmac.new(key, digestmod="sha256")
    key[0] ^= 255
    keyed.update(b"abc")
    equal(keyed.digest(), hmac.digest(KEY, b"abc", "sha256"))


@cases(
    [
        ("another hash", "sha512"),
        ("one that is broken", "md5"),
        ("none", None),
        ("the standard library takes SHA-256 in capitals, we do not", "SHA256"),
    ]
)
def test_only_sha256(digestmod):
    raises(ValueError, hmac.new, KEY, b"", digestmod)
    raises(ValueError, hmac.digest, KEY, b"", digestmod)


@cases([("a str", "k" * 32), ("None", None), ("an int", 32)])
def test_key_is_bytes(key):
    raises(TypeError, hmac.new, key, b"", "sha256")


def test_asked_again_the_same():
    mac = hmac.new(KEY, b"abc", "sha256")
    first = mac.digest()
    equal(mac.digest(), first)
    equal(mac.hexdigest(), first.hex())


def test_asked_again_with_nothing_fed():
    mac = hmac.new(KEY, digestmod="sha256")
    equal(mac.digest(), mac.digest())
    equal(mac.digest(), hmac.digest(KEY, b"", "sha256"))


def test_finished_is_finished():
    # The board's hashes answer once; what is fed after that would be lost without a word.
    mac = hmac.new(KEY, b"abc", "sha256")
    mac.digest()
    raises(ValueError, mac.update, b"def")
    raises(ValueError, mac.copy)


def test_copies_share_the_key_and_nothing_else():
    keyed = hmac.new(KEY, digestmod="sha256")
    one, two = keyed.copy(), keyed.copy()
    one.update(b"one")
    two.update(b"two")
    three = keyed.copy()
    equal(one.digest(), hmac.digest(KEY, b"one", "sha256"))
    equal(two.digest(), hmac.digest(KEY, b"two", "sha256"))
    equal(three.digest(), hmac.digest(KEY, b"", "sha256"))
    equal(keyed.copy().copy().digest(), three.digest())


@cases([("something", b"abc"), ("nothing, which still begins a hash", b"")])
def test_no_copy_once_fed(data):
    mac = hmac.new(KEY, digestmod="sha256")
    mac.update(data)
    raises(ValueError, mac.copy)


EQUAL = b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@cases(
    [
        ("equal", EQUAL, EQUAL, True),
        ("empty", b"", b"", True),
        ("an octet", b"a", b"a", True),
        ("the first octet differs", b"D" + EQUAL[1:], EQUAL, False),
        ("the last octet differs", EQUAL[:-1] + b"l", EQUAL, False),
        ("all octets differ", bytes(b ^ 255 for b in EQUAL), EQUAL, False),
        ("the first bit differs", bytes([EQUAL[0] ^ 128]) + EQUAL[1:], EQUAL, False),
        ("the last bit differs", EQUAL[:-1] + bytes([EQUAL[-1] ^ 1]), EQUAL, False),
        ("shorter", EQUAL[:-1], EQUAL, False),
        ("longer", EQUAL + b"A", EQUAL, False),
        ("nothing", b"", EQUAL, False),
        ("zeros before it, which a number drops", b"\0\0" + EQUAL, EQUAL, False),
        ("zeros of two lengths, as numbers the same", bytes(3), bytes(4), False),
        ("zeros and zeros", bytes(32), bytes(32), True),
        ("zeros and a last bit", bytes(32), bytes(31) + b"\1", False),
        ("zeros and a first bit", bytes(32), b"\x80" + bytes(31), False),
        ("a leading zero on either side", b"\0" + EQUAL, b"\0" + EQUAL, True),
        ("beyond a machine word: 31 and 32 bits", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", False),
        ("64 bits", b"\xff" * 8, b"\xff" * 8, True),
        ("a bytearray is bytes", bytearray(EQUAL), EQUAL, True),
        ("strs", "abc", "abc", True),
        ("strs that differ", "abc", "abd", False),
        ("empty strs", "", "", True),
    ]
)
def test_compare_digest(a, b, expected):
    equal(hmac.compare_digest(a, b), expected)
    equal(hmac.compare_digest(b, a), expected)


def test_compare_digest_finds_every_bit():
    for bit in range(256):
        changed = bytearray(32)
        changed[bit >> 3] ^= 1 << (bit & 7)
        assert not hmac.compare_digest(bytes(changed), bytes(32)), bit
        assert hmac.compare_digest(bytes(changed), bytes(changed)), bit


@cases(
    [
        ("a str and bytes, which MicroPython would find equal", "abc", b"abc"),
        ("strs beyond ASCII, which have several spellings", "é", "é"),
        ("a str and None", "abc", None),
        ("bytes and None", b"abc", None),
        ("None and None", None, None),
        ("numbers", 5, 5),
        ("lists", ["a"], ["a"]),
    ]
)
def test_compare_digest_refuses(a, b):
    raises(TypeError, hmac.compare_digest, a, b)
    raises(TypeError, hmac.compare_digest, b, a)
