"""The sum in a file that the board keeps: flash that loses a bit must not lose a revocation.

It is the last member of the file's JSON object, 16 hex digits: the start of the SHA-256 of all that stands
before it. It keeps nobody out who can write the flash. Loaded where a file is read or written, and unloaded.
"""

from binascii import hexlify
from hashlib import sha256

_SUM = b', "sum": "%s"}'


def sealed(pieces):
    """Yield the pieces (bytes) of a JSON object that has members, with its sum."""
    digest = sha256()
    held = b""
    for piece in pieces:
        digest.update(held)
        yield held
        held = piece
    held = held[:-1]  # without the brace
    digest.update(held)
    yield held
    yield _SUM % hexlify(digest.digest()[:8])


def check(data, content):
    """Take the sum out of `content`, a dict, which `data` was parsed to. Raises ValueError if it is another;
    what an earlier version has written has none.
    """
    told = content.pop("sum", None)
    if told is not None:
        end = data.rfind(b', "sum": ')
        if data[end:] != _SUM % hexlify(sha256(memoryview(data)[:end]).digest()[:8]):
            raise ValueError("its sum is another")
