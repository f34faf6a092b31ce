"""Power-on of the simulated chip on CPython: power_on.py LINK-DESCRIPTOR FLASH-FOLDER ROM-FOLDER"""

import os
import socket
import sys

import as_micropython
import folder

descriptor, flash_folder, rom_folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Port:
    """The inherited socket as a MicroPython stream."""

    def __init__(self, descriptor):
        self.socket = socket.socket(fileno=descriptor)
        self.fileno = self.socket.fileno

    def read(self, size):
        try:
            return self.socket.recv(size)
        except BlockingIOError:
            return None

    def write(self, data):
        try:
            return self.socket.send(data)
        except BlockingIOError:
            return None


def die():
    os._exit(0)


def mount(config, link):
    from simulated.flash import Flash

    flash = Flash(folder.Disk(), flash_folder, link, config["flash"])
    os.chdir(flash_folder)
    folder.install(flash)
    return flash


def execute(path, names):
    with open(path) as file:
        exec(compile(file.read(), path, "exec"), names)  # noqa: S102


port = Port(descriptor)
as_micropython.install(
    [f"{rom_folder}/common", f"{rom_folder}/cpython", *folder.imported(flash_folder)], hide=flash_folder
)
folder.import_as_board(flash_folder)
del sys.argv[1:]

from simulated import rom  # noqa: E402

rom.run(port, die, mount, execute)
