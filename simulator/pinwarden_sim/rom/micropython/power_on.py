"""Power-on of the simulated chip on MicroPython: power_on.py LINK-DESCRIPTOR FLASH-FOLDER ROM-FOLDER"""

import sys

import uos
import vfs

descriptor, flash_folder, rom_folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
sys.path[:] = [rom_folder + "/common", rom_folder + "/micropython", ".frozen"]


def die():
    # The unix port has no kill() and no _exit(), and an exception could be caught by the firmware.
    __import__("uos").system("kill -9 $PPID")


def mount(config, link):
    from simulated.flash import Flash

    flash = Flash(vfs.VfsPosix(), flash_folder, link, config["flash"], rom_folder)
    vfs.umount("/")
    vfs.mount(flash, "/")
    uos.chdir("/")
    sys.path[:] = ["/.rom/common", "/.rom/micropython", "", ".frozen", "/lib"]
    # What is imported from it later is found there.
    __import__("simulated").__path__ = "/.rom/common/simulated"
    del sys.argv[:]
    return flash


from simulated import rom  # noqa: E402

rom.run(open(descriptor, "r+b"), die, mount, execfile, globals())  # noqa: F821
