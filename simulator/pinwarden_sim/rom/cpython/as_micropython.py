"""Makes this CPython process look like MicroPython to the firmware: modules, functions and asyncio's
extensions.

Only ever in a process of the simulated board or of a device test: it replaces modules of the standard
library. What the library itself needs of the real ones is imported here first, so that it keeps them.
"""

import asyncio
import builtins
import gc
import importlib.util
import os
import socket
import sys
import traceback

import streams
import tasks
import utime  # the standard library's own `time` has to be imported before its stand-in is

# CPython's memory is no board's. The firmware may compute with a plausible figure; nothing measures
# anything by it.
FREE_MEMORY = 128 * 1024  # bytes
REPLACED = ("time", "socket")
_ROM = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def install(path, hide=""):
    """Put the folders of `path` in front of sys.path, and MicroPython's modules and functions in their
    places.

    `hide` is a folder that tracebacks leave away: where the board's root lies on the host.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [*path, *(entry for entry in sys.path if entry not in (here, *path))]
    if here not in sys.path:
        sys.path.append(here)
    _forget_shadowed(path)
    _install_functions(hide)
    tasks.install(asyncio)
    streams.install(asyncio)
    # The u-names are MicroPython's for "the built-in one, whatever stands on the path"; the stand-ins build
    # on them.
    sys.modules.update(utime=utime, usocket=socket, uos=os)
    for name in REPLACED:
        _replace(name, path)


def print_exception(error, file, hide):
    """MicroPython's sys.print_exception: no source lines, and board paths (`/main.py`) as the board names
    them.
    """
    print("Traceback (most recent call last):", file=file)
    for frame in traceback.extract_tb(error.__traceback__):
        name = frame.filename.removeprefix(hide)
        if not name.startswith((_ROM, "<frozen")):
            print(f'  File "{name}", line {frame.lineno}, in {frame.name}', file=file)
    name = type(error).__name__
    print(f"{name}: {error}" if str(error) else f"{name}: ", file=file, flush=True)


def _install_functions(hide):
    sys.print_exception = lambda error, file=None: print_exception(error, file or sys.stdout, hide)
    gc.mem_free = lambda: FREE_MEMORY
    gc.mem_alloc = lambda: 0
    gc.threshold = lambda amount=-1: -1
    # Viper's pointer types appear in signatures, which CPython evaluates.
    builtins.ptr8 = builtins.ptr16 = builtins.ptr32 = lambda buffer: buffer
    builtins.uint = int


def _forget_shadowed(path):
    """Drop what CPython has imported under a name that a folder of `path` offers (`hmac`): the next import
    finds ours.
    """
    for folder in path:
        for entry in os.listdir(folder) if os.path.isdir(folder) else ():
            name = entry.removesuffix(".py")
            if name not in REPLACED and entry.endswith(".py") and not _is_ours(sys.modules.get(name), path):
                sys.modules.pop(name, None)


def _is_ours(module, path):
    file = getattr(module, "__file__", None)
    return file is not None and os.path.dirname(file) in path


def _replace(name, path):
    """Put the stand-in for the module `name` in place of CPython's own, which is long imported."""
    for folder in path:
        file = os.path.join(folder, name + ".py")
        if os.path.isfile(file):
            spec = importlib.util.spec_from_file_location(name, file)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            sys.modules[name] = module
            return
