"""Runs files of device tests until one fails, for run.py: a process that has loaded what no mutant changes,
and forks for each file. On CPython, under the simulator's plain.py.

Reads paths of test files, a line each; answers each by a line: "" if all of its tests pass, else which one
has failed.
"""

import asyncio  # noqa: F401  loaded once for all
import hashlib  # noqa: F401
import json  # noqa: F401
import os
import shutil
import signal
import socket  # noqa: F401
import sys
import tempfile
import time
import traceback  # noqa: F401

FIRST = 60  # seconds for a file that has never passed; who runs for ever is noticed
LATE = "is still running"


def judge(path, limits):
    """Run the tests of the file `path` in a process of its own; return the id of the first that fails.

    `limits` remembers how many seconds each file may take: ten times what it took when it passed, and 10.
    """
    began = time.time()
    folder = tempfile.mkdtemp()
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        try:
            _child(path, folder, writes, limits.get(path, FIRST))
        finally:
            os._exit(1)
    os.close(writes)
    with os.fdopen(reads, encoding="utf-8", errors="replace") as pipe:
        said = pipe.read()
    _pid, status = os.waitpid(child, 0)
    shutil.rmtree(folder, ignore_errors=True)
    if status == 0:
        limits.setdefault(path, min(FIRST, 10 + int(10 * (time.time() - began))))
        return ""
    return said.replace("\n", " ") or (LATE if status == signal.SIGALRM else "has ended early")


def _child(path, folder, writes, limit):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(limit)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.chdir(folder)
    device, _, name = path.rpartition("/")
    sys.path.insert(0, device)
    import run

    try:
        tests = run.collect(__import__(name.rsplit(".", 1)[0]))
    except BaseException as error:
        os.write(writes, f"cannot be loaded: {error!r}".encode("utf-8", "replace"))
        os._exit(1)
    for test_id, function, args in tests:
        if run.run(function, args) is not None:
            os.write(writes, test_id.encode("utf-8", "replace"))
            os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    files = {}
    for line in sys.stdin:
        print(judge(line.rstrip("\n"), files), flush=True)
