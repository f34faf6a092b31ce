"""Pinwarden's firmware: an ESP32 whose pins obey only signed tokens."""

import sys

VERSION = "0.1.0"


def unload(*names):
    """Have modules forgotten, of this package or of /lib, and free their memory, which is short. Nothing of
    them can be called any more. Some may not be there: memory can end in the middle of loading them.
    """
    for name in names:
        module = sys.modules.pop(__name__ + "." + name, None)
        if module is not None:
            globals().pop(name, None)  # is not there yet if its loading has failed
        else:
            module = sys.modules.pop(name, None)
        if module is not None:
            # The collector takes each old word on the stack for a pointer, and one can keep a whole module.
            module.__dict__.clear()
