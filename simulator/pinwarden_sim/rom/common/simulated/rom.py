"""What the chip does at power-on: mounts the flash, runs /boot.py and /main.py as they stand, and falls to
the REPL.
"""

import asyncio
import sys

from . import silicon


def run(port, die, mount, execute):
    """Start the board and never return.

    `port` and `die` are the link's; `mount(config, link)` mounts the flash as "/" and returns it;
    `execute(path, names)` runs a file of the flash.
    """
    from .link import Link

    link = Link(port, die)
    config = link.first()
    chip = silicon.power_on(config, link)
    link.obey = chip.obey
    chip.flash = mount(config, link)
    _attend(link)
    names = {"__name__": "__main__"}
    # A board runs main.py after a boot.py that failed, but not after one that asked for a restart.
    for path in ("/boot.py", "/main.py"):
        link.send({"e": "run", "path": path})
        if not _run_file(chip, execute, path, names):
            break
    print("MicroPython, simulated", chip.model)
    print('Type "help()" for more information.')
    print(">>> ")
    link.send({"e": "repl"})
    link.wait_forever()


def _run_file(chip, execute, path, names):
    """Run one file. Whatever it does, the pins stay as they are. Returns whether the next may run."""
    try:
        chip.flash.stat(path)
    except OSError:
        return True
    try:
        execute(path, names)
    except SystemExit:
        # A soft reset, on a board: sys.exit() and machine.soft_reset() are the same exception there.
        chip.link.end({"e": "reset", "cause": silicon.SOFT_RESET})
    except BaseException as error:
        sys.print_exception(error)
        return not isinstance(error, KeyboardInterrupt)
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
