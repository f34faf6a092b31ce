"""On MicroPython: the audit's files on a real LittleFS, whose power goes at each operation on it in turn.

No device test, for CPython has no LittleFS: tests/end_to_end/test_audit.py runs it. Prints one line of JSON:
{"cuts", "kept": how many of five new records were there after a cut, each number once, "erased": blocks for
each write}.
"""

import json
import os

import audit_bench as bench
import vfs
from littlefs_cuts import BLOCK, BLOCKS, Flash, mount

WRITES = 112


class Counting(Flash):
    erased = 0

    def ioctl(self, operation, argument):
        if operation == 6:
            Counting.erased += 1
        return Flash.ioctl(self, operation, argument)


def write(count, refused=()):
    bench.write(bench.audit_of(*[("set", "relay", True)] * count, refused=refused))


data = bytearray(BLOCK * BLOCKS)
vfs.VfsLfs2.mkfs(Flash(data))
vfs.umount("/")
vfs.mount(vfs.VfsLfs2(Counting(data)), "/")
os.mkdir("/state")
bench.FOLDER = "/state/audit"
for _ in range(WRITES):
    write(1)
erased = Counting.erased

cuts = 0
kept = set()
for _ in range(4):  # the ring turns at one of them
    before = bench.whole()
    at = 0
    while True:
        at += 1
        copy = bytearray(data)
        flash = mount(copy)
        flash.left = at
        try:
            write(5)
            through = True
        except OSError:
            through = False
        mount(copy)
        found = bench.whole()
        first = before[-1]["n"] + 1
        new = [record["n"] for record in found if record["n"] >= first]
        assert new == list(range(first, first + len(new))), new
        assert "torn" not in [record["what"] for record in found]
        kept.add(len(new))
        if through:
            break
        cuts += 1
    data = copy
print(json.dumps({"cuts": cuts, "kept": sorted(kept), "erased": erased / WRITES}))
