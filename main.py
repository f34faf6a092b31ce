"""Starts the application. On any way out of it: the pins safe, the cause recorded, the board reset.

A main.py that returns or raises leaves the board at its REPL with the outputs still driven.
"""

import gc
import sys

from boot import drive_outputs_safe

_CRASH = "/state/crash.json"


def record(error):
    """Keep the cause of a crash in /state, as far as memory and flash allow."""
    import io
    import json
    import os

    text = io.StringIO()
    sys.print_exception(error, text)  # pyright: ignore[reportArgumentType]
    try:
        os.mkdir("/state")
    except OSError:
        pass  # it is there
    # Written whole, then renamed: a cut leaves the old record or the new.
    with open(_CRASH + ".new", "w") as file:
        json.dump({"error": repr(error), "trace": text.getvalue()}, file)  # pyright: ignore[reportAttributeAccessIssue]
    os.rename(_CRASH + ".new", _CRASH)


def main():
    """Run the application until something ends it."""
    error = None
    try:
        # Modules and parts stay where they are made. Collecting often meanwhile keeps them together and the
        # rest of memory whole, until app.py serves.
        gc.threshold(4096)
        from firmware import app

        app.run()
    except KeyboardInterrupt:
        # Somebody at the serial port, most often mpremote that wants to deploy: a reset would throw it out.
        print("main: stopped from the serial port; the pins are safe")
        return
    except Exception as caught:
        error = caught
    finally:
        drive_outputs_safe()
    import time

    import machine

    if error is not None:
        sys.print_exception(error)
        try:
            record(error)
        except Exception as failure:
            print("main: the cause could not be recorded:", repr(failure))
    print("main: the application has ended; resetting the board")
    # Time to press Ctrl-C: a board that resets at once again and again cannot be deployed to.
    time.sleep(2)
    machine.reset()


main()
