"""Modules that are loaded for a moment only: memory is short."""

import sys


def unload(*names):
    """Have modules forgotten, ours or those of /lib, and free their memory. Nothing of them can be called any
    more. Some may not be there: memory can end in the middle of loading them.
    """
    package = __name__[: __name__.rfind(".")]
    for name in names:
        module = sys.modules.pop(package + "." + name, None)
        if module is not None:
            sys.modules[package].__dict__.pop(name, None)  # is not there yet if its loading has failed
        else:
            module = sys.modules.pop(name, None)
        if module is not None:
            # The collector takes each old word on the stack for a pointer, and one can keep a whole module.
            module.__dict__.clear()
