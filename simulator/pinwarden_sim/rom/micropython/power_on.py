"""Power-on of the simulated chip on MicroPython: power_on.py LINK-DESCRIPTOR FLASH-FOLDER ROM-FOLDER"""

import sys

import vfs

disk, path = vfs.VfsPosix(), sys.argv[3]
sys.path[:] = [path + "/common", path + "/micropython", ".frozen"]
try:
    import code  # see rom_image.py of the host
except ImportError:
    pass  # then the stand-ins come from the host's folder, and are on the heap
else:
    disk, path = code.open(), ""
    __import__("simulated.unix").unix.burn(code.start(), code.end())
    code = None

from simulated import unix  # noqa: E402

unix.run(int(sys.argv[1]), sys.argv[2], disk, path, globals())
