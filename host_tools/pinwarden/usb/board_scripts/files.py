# On the board, by repl.py: files written piece by piece, each whole or not there, and read.
import os
from binascii import a2b_base64, b2a_base64, hexlify
from hashlib import sha256

_file = None  # the one that is being written


def _digest(path):
    digest, piece = sha256(), bytearray(512)
    view = memoryview(piece)
    with open(path, "rb") as file:
        while True:
            size = file.readinto(piece)
            if not size:
                return hexlify(digest.digest()).decode()
            digest.update(view[:size])


def _remove(path):
    try:
        os.remove(path)
    except OSError:
        pass


def _make_folders(path):
    at = path.find("/", 1)
    while at > 0:
        try:
            os.mkdir(path[:at])
        except OSError as error:
            if error.errno != 17:  # EEXIST
                raise
        at = path.find("/", at + 1)


# The next piece of a file, in base64. The last piece comes with the file's SHA-256, and only what has that
# takes the place of the file before.
def _put(path, text, first, digest=None):
    global _file
    try:
        if first:
            _make_folders(path)
            _file = open(path + ".new", "wb")
        data = a2b_base64(text)
        if _file.write(data) != len(data):
            raise OSError(28)  # ENOSPC
        if digest is None:
            return
        _file.close()
        if _digest(path + ".new") != digest:
            raise ValueError("damaged on its way")
        os.rename(path + ".new", path)
    except Exception:
        if _file:
            _file.close()
        _remove(path + ".new")
        raise


def _get(path):
    try:
        file = open(path, "rb")
    except OSError as error:
        if error.errno != 2:  # ENOENT
            raise
        print("-")
        return
    with file:
        while True:
            data = file.read(384)
            if not data:
                return
            print(b2a_base64(data).decode(), end="")
