"""Verifies one token many times, on MicroPython. Arguments: what to do, how often, the tokens' file."""

import gc
import sys
from hashlib import sha256

import jwt

what, count, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
with open(path, "rb") as file:
    secret, now, *tokens = file.read().split(b"\n")
now = int(now)
verifier = jwt.Verifier([jwt.Key(secret)], audience="door")
good, forged = tokens[:-1], tokens[-1]


def floor():
    # What HS256 cannot do without: an inner hash over the token and an outer one over a digest, pads
    # included.
    token = good[0]
    digest = sha256(token).digest()
    for _ in range(count):
        sha256(token).digest()
        sha256(token[:64] + digest).digest()


def verify():
    # More tokens than the cache remembers: each is verified as if seen for the first time.
    few = good if what == "first" else good[:1]
    size = len(few)
    for i in range(count):
        verifier.verify(few[i % size], now)


def refuse():
    for _ in range(count):
        try:
            verifier.verify(forged, now)
        except jwt.TokenError:
            continue


verifier.verify(good[0], now)
gc.collect()
{"floor": floor, "first": verify, "repeated": verify, "refused": refuse}[what]()
