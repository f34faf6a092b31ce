"""A folder for files of the board, and a flash that fails: for the tests of keyring.py, revocation.py and
admin.py.
"""

import json
import os

import folder_bench
import jwt
from firmware import storage
from harness import equal

FOLDER = "test_state"
SECRETS = FOLDER + "/secrets.json"
REVOCATIONS = FOLDER + "/revocations.json"


def jwk_of(kid, first=1):
    """A key called `kid`, of 32 bytes from `first` upwards."""
    return {"kty": "oct", "kid": kid, "alg": "HS256", "k": text_of(bytes(range(first, first + 32)))}


def text_of(data):
    return str(jwt.base64url.encode(data), "utf-8")


OLD, NEW, THIRD, FOURTH = jwk_of("2026-11"), jwk_of("2026-12", 33), jwk_of("c", 65), jwk_of("d", 97)
WIFI = {"ssid": "Café", "password": 'a "quoted" \\ one'}


def _restore():
    storage.open = open


in_folder = folder_bench.in_folder(FOLDER, restore=_restore)


def empty():
    folder_bench.empty(FOLDER)


def left():
    return sorted(os.listdir(FOLDER))


def put(path, value):
    """Write a value as JSON; bytes and text as they are."""
    data = value if isinstance(value, (bytes, str)) else json.dumps(value)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def put_secrets(*jwks, **members):
    put(SECRETS, dict({"wifi": WIFI, "keys": list(jwks)}, **members))


def content(path):
    with open(path, "rb") as file:
        return json.loads(file.read())


class Flash:
    """Takes so many bytes in all; then `failure` is raised, and again whatever is asked of it."""

    def __init__(self, room, failure=None):
        self.room = room
        self.failure = failure or OSError(28, "no room left")
        storage.open = self.open

    def open(self, path, mode):
        if mode == "rb":
            return open(path, mode)
        return File(self, open(path, mode))


class File:
    def __init__(self, flash, file):
        self._flash = flash
        self._file = file

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._file.close()

    def write(self, data):
        taken = min(len(data), self._flash.room)
        self._file.write(data[:taken])
        self._flash.room -= taken
        if taken < len(data):
            raise self._flash.failure
        return taken

    def flush(self):
        self._file.flush()


class PowerCut(BaseException):
    """Nothing runs after it: what would clean up does not."""


def every_cut(before, change):
    """Cut the power at each byte that `change()` writes to the file that `before()` makes, and whose path it
    returns. Yields what the board finds there at its next start.
    """
    size = 0
    while True:
        path = before()
        Flash(size, PowerCut())
        try:
            change()
        except PowerCut:
            pass
        else:
            break
        finally:
            storage.open = open
        storage.make_folder(FOLDER)  # as each start does
        equal(left(), [path[len(FOLDER) + 1 :]])
        yield storage.read(path)
        size += 1
    assert size > 50, size
