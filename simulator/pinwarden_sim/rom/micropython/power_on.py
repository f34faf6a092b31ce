"""Power-on of the simulated chip on MicroPython: power_on.py LINK-DESCRIPTOR FLASH-FOLDER ROM-FOLDER"""

import sys

import uos
import vfs

link, folder, disk = int(sys.argv[1]), sys.argv[2], (vfs.VfsPosix(), sys.argv[3])
sys.path[:] = [sys.argv[3] + "/common", sys.argv[3] + "/micropython", ".frozen"]
try:
    import code  # see rom_image.py of the host
except ImportError:
    pass  # then the stand-ins come from the host's folder, and are on the heap
else:
    disk = (code.open(), "")
    vfs.mount(disk[0], "/.rom")
    sys.path[:] = ["/.rom/common", "/.rom/micropython", ".frozen"]
    code = None


def die():
    # The unix port has no kill() and no _exit(), and an exception could be caught by the firmware.
    __import__("uos").system("kill -9 $PPID")


def mount(config, link):
    from simulated.flash import Flash

    flash = Flash(vfs.VfsPosix(), folder, link, config["flash"], disk)
    vfs.umount("/")
    if not disk[1]:
        vfs.umount("/.rom")  # it is listed nowhere
    vfs.mount(flash, "/")
    uos.chdir("/")
    sys.path[:] = ["/.rom/common", "/.rom/micropython", "", ".frozen", "/lib"]
    # What is imported from it later is found there.
    __import__("simulated").__path__ = "/.rom/common/simulated"
    del sys.argv[:]
    sys.modules.pop("code", None)
    return flash


from simulated import rom  # noqa: E402

rom.run(open(link, "r+b"), die, mount, execfile, globals())  # noqa: F821
