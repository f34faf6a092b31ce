"""On MicroPython: slots.py on a real LittleFS, whose power goes at each operation on the flash in turn.

No device test, for CPython has no LittleFS: tests/end_to_end/test_start_power.py runs it. The argument is the
folder of slots.py. Prints one line of JSON for each case: {"case", "cuts", "states"}, where "states" are
those that were found after a cut, each once.
"""

import json
import os
import sys

import vfs

BLOCK = 4096  # bytes, as an ESP32's flash has them
BLOCKS = 32


class Flash:
    """A block device in memory. With `left` operations to go its power fails: what is being written then is
    written by half, and nothing after it.
    """

    def __init__(self, data):
        self.data = data
        self.left = None

    def readblocks(self, number, buffer, offset=0):
        at = number * BLOCK + offset
        buffer[:] = self.data[at : at + len(buffer)]

    def writeblocks(self, number, buffer, offset=0):
        self._write(number * BLOCK + offset, buffer)

    def ioctl(self, operation, argument):
        if operation == 4:  # how many blocks there are
            return BLOCKS
        if operation == 5:  # their size
            return BLOCK
        if operation == 6:  # erase one
            self._write(argument * BLOCK, b"\xff" * BLOCK)
        return 0

    def _write(self, at, data):
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                half = len(data) // 2 if self.left == 0 else 0
                self.data[at : at + half] = data[:half]
                raise OSError(5)
        self.data[at : at + len(data)] = data


def mount(data):
    flash = Flash(data)
    vfs.umount("/")
    vfs.mount(vfs.VfsLfs2(flash), "/")
    return flash


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def prepared(slot, previous, trial):
    """A flash with two versions, of which this slot is the active one."""
    data = bytearray(BLOCK * BLOCKS)
    vfs.VfsLfs2.mkfs(Flash(data))
    mount(data)
    for folder in ("/a", "/b"):
        os.mkdir(folder)
        write(folder + "/version.json", json.dumps({"build": "build of " + folder}))
        os.mkdir(folder + "/firmware")
        write(folder + "/firmware/__init__.py", "NAME = %r" % folder)
        os.mkdir(folder + "/lib")
        write(folder + "/lib/library.py", "NAME = %r" % folder)
    write("/secrets.json", "the secrets")
    slots._write(slot, previous, trial)
    vfs.umount("/")
    vfs.mount(vfs.VfsPosix(), "/")
    return data


def cut_everywhere(data, act):
    """Do it with the power going at the first operation, the second, … until it comes through. Returns how
    often it was cut, and the states found afterwards.
    """
    states = []
    cuts = 0
    while True:
        copy = bytearray(data)
        flash = mount(copy)
        flash.left = cuts + 1
        try:
            act()
            through = True
        except OSError:
            through = False
        mount(copy)
        state = slots.state()
        if state not in states:
            states.append(state)
        with open("/secrets.json") as file:
            assert file.read() == "the secrets"
        check_entry(state["slot"])
        if through:
            return cuts, states
        cuts += 1


def check_entry(slot):
    """What starts imports its own files, by the working directory and by the path."""
    for name in ("firmware", "library"):
        sys.modules.pop(name, None)
    slots.enter()
    import firmware
    import library

    assert firmware.NAME == library.NAME == "/" + slot
    os.chdir("/")


CASES = {
    "switch": (("a", None, 0), lambda: slots.switch("b")),
    "begin": (("b", "a", 1), lambda: slots.begin(None)),
    "confirm": (("b", "a", 2), lambda: slots.confirm()),
    "rollback": (("b", "a", 2), lambda: slots.rollback("a fault")),
}

if __name__ == "__main__":
    sys.path[:] = [sys.argv[1], "", "/lib"]
    import slots

    for case in sorted(CASES):
        start, act = CASES[case]
        cuts, states = cut_everywhere(prepared(*start), act)
        print(json.dumps({"case": case, "cuts": cuts, "states": states}))
