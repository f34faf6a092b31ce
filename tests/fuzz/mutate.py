"""Puts the corpus, and so many inputs made of it, to the targets, on the runtime that runs this:

    mutate.py FOLDER COUNT SEED

Prints for each input its target and what was said of it, so that the runtimes can be compared. Ends at the
first finding, with the input in hexadecimal digits.
"""

import os
import sys

from targets import TARGETS

BITS = (
    b"\r\n", b"\r", b"\n", b"\0", b" ", b"\t", b":", b";", b",", b".", b"=", b'"', b"\\", b"{", b"}", b"[",
    b"]", b"-", b"_", b"+", b"/", b"0", b"9", b"1e9", b"-1", b"\xff", b"\xc3\xa9", b"\xed\xa0\x80", b"%00",
    b"\\u0000", b"Content-Length: 3\r\n", b"Host: x\r\n", b"HTTP/1.1", b"null", b"true", b'"a":1,', b"alg",
    b"nonce", b"pw=",
)  # fmt: skip


class Chance:
    """Numbers that are the same on every runtime."""

    def __init__(self, seed):
        self._state = seed

    def below(self, limit):
        self._state = (self._state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self._state >> 8) % limit


def mutated(members, chance):
    """One input: a member, changed at one to three places."""
    data = members[chance.below(len(members))]
    for _ in range(1 + chance.below(3)):
        at = chance.below(len(data) + 1)
        kind = chance.below(5)
        if kind == 0:
            data = data[:at] + BITS[chance.below(len(BITS))] + data[at:]
        elif kind == 1:
            data = data[:at] + data[at + 1 + chance.below(4) :]
        elif kind == 2 and at < len(data):
            data = data[:at] + bytes([data[at] ^ (1 << chance.below(8))]) + data[at + 1 :]
        elif kind == 3:
            other = members[chance.below(len(members))]
            data = data[:at] + other[chance.below(len(other) + 1) :]
        else:
            end = at + chance.below(12)
            data = data[:end] + data[at:]
    return data[:6000]


def main(folder, count, seed):
    for name in sorted(TARGETS):
        place = folder + "/" + name
        members = []
        for member in sorted(os.listdir(place)):
            with open(place + "/" + member, "rb") as file:
                members.append(file.read())
        chance = Chance(seed)
        for number in range(len(members) + count):
            data = members[number] if number < len(members) else mutated(members, chance)
            try:
                print(name, TARGETS[name](data))
            except Exception:
                print("a finding:", name, data.hex())
                raise


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
