"""What becomes of a file of /state that cannot be used: it is kept for whoever looks into it, and told of.

Loaded only where that happens. slots.py does the same for the files that are read before any version starts.
"""

import os

from .storage import is_there


def set_aside(path, why, log=print):
    """Rename a file to PATH.bad, and tell it; `why` is what the reader found. Never raises.

    The first that was damaged stays: it may be the only copy of what got lost. Of later ones the newest is
    kept, as PATH.bad.2.
    """
    bad = path + ".bad"
    older = ""
    if is_there(bad):
        bad += ".2"
        if is_there(bad):
            older = ", in the place of an older one"
    try:
        os.rename(path, bad)
    except OSError as error:  # the flash is past helping: it is the same at the next start
        log("%s cannot be used: %r; nor be set aside: %r" % (path, why, error))
    else:
        log("%s cannot be used: %r; it is %s now%s" % (path, why, bad, older))
