"""HMAC-SHA-256 (RFC 2104, FIPS 198-1) with the names of the standard library's `hmac`, which the board lacks.

Making the two key pads costs more than the MAC of a short message. `new(key)` makes them once; `copy()` of
such an empty object shares them, so that a message costs two hashes and little else:

    keyed = hmac.new(key, digestmod="sha256")
    mac = keyed.copy(); mac.update(message); mac.digest()
"""

from hashlib import sha256

_BLOCK = 64


class HMAC:
    """A message authentication code in the making. Use `new`."""

    digest_size = 32
    block_size = _BLOCK
    name = "hmac-sha256"

    # Until there is one; here, since a copy is made for each message.
    _hash = None
    _digest = None

    def __init__(self, inner_pad, outer_pad):
        self._inner_pad = inner_pad
        self._outer_pad = outer_pad

    def copy(self):
        """Return an HMAC under the same key; raise ValueError once data was fed (the ESP32's hashes cannot be
        copied).
        """
        if self._hash:
            raise ValueError("copy an HMAC before it is fed: a hash in progress cannot be copied here")
        return HMAC(self._inner_pad, self._outer_pad)

    def update(self, data):
        """Feed bytes."""
        if self._digest:
            raise ValueError("this HMAC is finished: copy() the keyed one for each message")
        if self._hash is None:
            self._hash = sha256(self._inner_pad)
        self._hash.update(data)

    def digest(self):
        """Return the code, 32 bytes; asked again, the same."""
        if self._digest is None:
            if self._hash is None:
                self._hash = sha256(self._inner_pad)
            outer = sha256(self._outer_pad)
            outer.update(self._hash.digest())
            # The ESP32's digest() answers once only.
            self._digest = outer.digest()
        return self._digest

    def hexdigest(self):
        """Return the code as 64 hexadecimal digits, a str."""
        return self.digest().hex()


def new(key, msg=None, digestmod="sha256"):
    """Return an HMAC under `key` (bytes of any length), fed with `msg` if given.

    `digestmod` is there for the standard library's callers: ValueError for anything but SHA-256.
    """
    if digestmod != "sha256" and digestmod is not sha256:
        raise ValueError("digestmod: only sha256")
    if len(key) > _BLOCK:
        key = sha256(key).digest()
    # As one integer each: a loop over the octets takes ten times as long, and signed requests bring keys.
    padded = int.from_bytes(key + bytes(_BLOCK - len(key)), "big")
    made = HMAC(_xor(padded, b"\x36"), _xor(padded, b"\x5c"))
    if msg:
        made.update(msg)
    return made


def _xor(padded, octet):
    return (padded ^ int.from_bytes(octet * _BLOCK, "big")).to_bytes(_BLOCK, "big")


def digest(key, msg, digest="sha256"):
    """Return HMAC-SHA-256 of `msg` under `key` in one call, 32 bytes."""
    return new(key, msg, digest).digest()


def compare_digest(a, b):
    """Tell whether two bytes or two ASCII strs are equal, in a time that depends on their lengths, not on
    where they differ.

    `==` stops at the first difference: an attacker who can time it finds a code octet by octet. Here both are
    read whole, into integers, and combined whole. (A loop over the octets costs the board six times as much.)
    Raises TypeError for a str beside bytes, as the standard library does.
    """
    if isinstance(a, str):
        a = _ascii(a)
        b = _ascii(b)
    elif isinstance(b, str):
        raise TypeError("two bytes or two strs")
    if len(a) != len(b):
        return False
    # Big integers drop their leading zeros one by one, and so tell how long the equal beginning was. With a 1
    # on top of the difference there are none to drop; the subtraction borrows from that 1 only if the
    # difference is zero.
    return (int.from_bytes(b"\x01" + a, "big") ^ int.from_bytes(b, "big")) - 1 >> 8 * len(a) == 0


def _ascii(text):
    if not isinstance(text, str):
        raise TypeError("two bytes or two strs")
    data = text.encode()
    if len(data) != len(text):
        raise TypeError("a str of ASCII only")
    return data
