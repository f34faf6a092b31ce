"""Power-on of the simulated chip on MicroPython's unix port, as power_on.py there asks for it."""

import sys

import uos
import vfs

from . import rom
from .flash import Flash

# What is in ROM on a board and stays loaded here; the rest is loaded for a purpose, and goes again.
_RESIDENT = ("machine", "neopixel", "network", "os", "socket", "time")


def burn(image, room):
    """Move the stand-ins to `room`, the address behind the image. They have to be imported anew then."""
    import simulated
    from simulated import burn

    for name in _RESIDENT + ("simulated.link",):
        __import__(name)
    modules = [sys.modules[name] for name in sys.modules if name in _RESIDENT or name[:10] == "simulated."]
    modules.remove(burn)
    del sys.modules["simulated.burn"], simulated.burn
    simulated.kept = burn.Burner(modules, image, room).kept


def run(link, folder, disk, path, names):
    """Start the board. `link` is the descriptor of the link, `folder` the flash's, `path` that of the
    stand-ins on their `disk`; `names` are those that the REPL has.
    """

    def mount(config, link):
        flash = Flash(vfs.VfsPosix(), folder, link, config["flash"], (disk, path))
        vfs.umount("/")
        if not path:
            vfs.umount("/.rom")  # it is listed nowhere
        vfs.mount(flash, "/")
        uos.chdir("/")
        sys.path[:] = ["/.rom/common", "/.rom/micropython", "", ".frozen", "/lib"]
        # What is imported from it later is found there.
        sys.modules["simulated"].__path__ = "/.rom/common/simulated"
        del sys.argv[:]
        sys.modules.pop("code", None)
        return flash

    rom.run(open(link, "r+b"), _die, mount, execfile, names)  # noqa: F821


def _die():
    # The unix port has no kill() and no _exit(), and an exception could be caught by the firmware.
    uos.system("kill -9 $PPID")
