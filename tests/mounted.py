"""A file system's image, mounted by real MicroPython as a board mounts its flash."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import testbed
from pinwarden_sim import runtimes

# What a board does with its partition, on one in RAM: mount it, list it, and write to it.
MOUNT = """
import hashlib, json, os, sys, vfs
class Flash:
    def __init__(self, path):
        with open(path, "rb") as file: self.data = bytearray(file.read())
    def readblocks(self, n, buf, off=0):
        buf[:] = self.data[n * 4096 + off : n * 4096 + off + len(buf)]
    def writeblocks(self, n, buf, off=None):
        if off is None:
            self.ioctl(6, n); off = 0
        start = n * 4096 + off
        assert self.data[start : start + len(buf)] == b"\\xff" * len(buf)  # flash is not written over
        self.data[start : start + len(buf)] = buf
    def ioctl(self, op, arg):
        if op == 4: return len(self.data) // 4096
        if op == 5: return 4096
        if op == 6:
            self.data[arg * 4096 : (arg + 1) * 4096] = b"\\xff" * 4096
            return 0
flash = Flash(sys.argv[1])
vfs.mount(flash, "/flash")  # as MicroPython's _boot.py does: it finds out by itself what is on it
found = {}
def walk(folder):
    for entry in os.ilistdir(folder):
        path = folder + "/" + entry[0]
        if entry[1] == 0x4000: walk(path)
        else:
            with open(path, "rb") as file: found[path[6:]] = hashlib.sha256(file.read()).digest().hex()
walk("/flash")
os.mkdir("/flash/state")
with open("/flash/state/mark", "w") as file: file.write("here")
os.rename("/flash/state/mark", "/flash/state/clock")
vfs.umount("/flash")
vfs.mount(flash, "/again")
with open("/again/state/clock") as file: found["state"] = file.read()
found["free"] = os.statvfs("/again")[3] * 4096
print(json.dumps(found))
"""


def mount(image: bytes, folder: Path) -> dict:
    """What is in an image: path -> SHA-256 of each file; "state": what was written and read; "free" octets.

    Skips the test where there is no MicroPython.
    """
    if "micropython" not in runtimes.available():
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    (folder / "vfs.bin").write_bytes(image)
    (folder / "mount.py").write_text(MOUNT)
    command = [str(runtimes.micropython()), "-X", "heapsize=32M", str(folder / "mount.py")]
    done = subprocess.run([*command, str(folder / "vfs.bin")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)
