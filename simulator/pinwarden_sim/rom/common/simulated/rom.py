"""What the chip does at power-on: mounts the flash, runs /boot.py and /main.py as they stand, and falls to
the REPL.
"""

import asyncio
import gc
import sys

from . import silicon

# Tells the host where its output ends and that of MicroPython's own REPL begins; see pinwarden_sim/uart.py.
_HANDOVER = "\0repl\0"


def run(port, die, mount, execute, names=None):
    """Start the board. It returns only when a tool may come by USB, for the runtime's own REPL.

    `port` and `die` are the link's; `mount(config, link)` mounts the flash as "/" and returns it;
    `execute(path, names)` runs a file of the flash. `names` are those that the REPL has.
    """
    from .link import Link

    link = Link(port, die)
    config = link.first()
    chip = silicon.power_on(config, link)
    link.obey = chip.obey
    chip.flash = mount(config, link)
    _attend(link)
    usb, paths = config.get("usb"), ("/boot.py", "/main.py")
    if not config.get("main", True):  # after a tool's soft reset
        paths = ("/boot.py",)
    config = None
    gc.collect()  # the firmware's memory is whole now, as a board's is
    if usb:
        for name in [name for name in names if not name.startswith("__")]:
            del names[name]
    else:
        names = {"__name__": "__main__"}
    link.interrupts = usb
    try:
        _run_files(chip, execute, names, paths)
    except KeyboardInterrupt:
        pass
    if usb:
        _hand_over(link)
        return
    print("MicroPython, simulated", chip.model)
    print('Type "help()" for more information.')
    print(">>> ")
    link.send({"e": "repl"})
    link.wait_forever()


def _run_files(chip, execute, names, paths):
    """A board runs main.py after a boot.py that failed, but not after one that asked for a restart."""
    for path in paths:
        chip.link.send({"e": "run", "path": path})
        if not _run_file(chip, execute, path, names):
            break


def _hand_over(link):
    """Leave the serial port to the runtime's own REPL."""
    while True:
        try:
            link.hold()
            break
        except KeyboardInterrupt:
            pass
    print(_HANDOVER, end="")
    link.send({"e": "repl"})
    link.busy = 0  # the REPL lets Ctrl-C in, and puts it off again, by itself


def _run_file(chip, execute, path, names):
    """Run one file. Whatever it does, the pins stay as they are. Returns whether the next may run."""
    try:
        if not _is_there(chip, path):
            return True
        execute(path, names)
    except SystemExit:
        # A soft reset, on a board: sys.exit() and machine.soft_reset() are the same exception there.
        chip.link.end({"e": "reset", "cause": silicon.SOFT_RESET})
    except BaseException as error:
        sys.print_exception(error)
        return not isinstance(error, KeyboardInterrupt)
    return True


def _is_there(chip, path):
    try:
        chip.flash.stat(path)
    except OSError:
        return False
    return True


def _attend(link):
    """Have the link served beside whatever the firmware gives to asyncio.run."""
    original = asyncio.run

    async def attended(main):
        serving = asyncio.create_task(link.serve())
        try:
            return await main
        finally:
            serving.cancel()

    asyncio.run = lambda main: original(attended(main))
