"""Starts the application. On any way out of it: the pins safe, the cause recorded, the board reset.

A main.py that returns or raises leaves the board at its REPL with the outputs still driven. Which version of
the application starts, and what becomes of one that fails, is told by slots.py.
"""

import gc
import json
import os
import sys

import machine

# boot.py has run in this very namespace, if nothing went wrong: a second copy would only take memory.
drive_outputs_safe = globals().get("drive_outputs_safe") or __import__("boot").drive_outputs_safe

_CRASH = "/state/crash.json"
_STOPPED = "/state/stopped"  # is there from a Ctrl-C to the next start; slots.py takes it away
_MANY = 99  # is not counted any further
_USB_MS = 600000  # what the USB tools may take until the watchdog bites


def crashes():
    """Return {"count": how many in a row, "error", "trace": of the last one}."""
    try:
        with open(_CRASH) as file:
            found = json.load(file)
        if type(found["count"]) is int:
            return {"count": found["count"], "error": found.get("error"), "trace": found.get("trace", "")}
    except Exception:  # noqa: S110
        pass  # there was none, or nobody can tell any more
    return {"count": 0, "error": None, "trace": ""}


def record(count, error, trace=""):
    """Keep the cause of a crash, as far as memory and flash allow."""
    try:
        keep(_CRASH, json.dumps({"count": count, "error": error, "trace": trace}))
    except Exception as failure:
        print("main: the crash could not be recorded:", repr(failure))


def keep(path, text):
    """Write a file of /state. Raises OSError."""
    try:
        os.mkdir("/state")
    except OSError:
        pass  # it is there
    # Written whole, then renamed: a cut leaves the old file or the new one.
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def start():
    """Enter the version that starts. Returns why the application must be in safe mode, or None. For a version
    on trial slots.py stays in memory.
    """
    import slots

    problem = None
    cause = machine.reset_cause()
    slot = slots.state()["slot"]
    try:
        problem = slots.judge(crashes(), record, cause == machine.WDT_RESET, cause == machine.PWRON_RESET)
        if slots.state()["slot"] != slot:
            drive_outputs_safe()  # boot.py has gone by the other version's settings
        elif slots.is_on_trial():
            machine.WDT(timeout=slots.TRIAL_MS)  # which nobody feeds until the version is healthy
    except OSError as error:  # the flash is full, or worn out: no reason to start nothing
        print("main: the start could not be counted:", error)
    slots.enter()
    if not slots.state()["trial"]:
        # The collector takes each old word on the stack for a pointer, and one is enough to keep a module.
        del sys.modules["slots"]
        slots.__dict__.clear()
        gc.collect()
    return problem


def main():
    """Run the application until something ends it."""
    error = RuntimeError("the application has ended")
    try:
        # Modules and parts stay where they are made. Collecting often meanwhile keeps them together and the
        # rest of memory whole, until app.py serves.
        gc.threshold(4096)
        problem = start()
        from firmware import app

        app.run(problem)
    except Exception as caught:
        error = caught
    finally:
        make_safe()
    import time

    sys.print_exception(error)
    record(min(crashes()["count"] + 1, _MANY), repr(error), trace_of(error))
    print("main: the application has ended; resetting the board")
    # Time to press Ctrl-C: a board that resets at once again and again cannot be deployed to.
    time.sleep(2)
    machine.reset()


def make_safe():
    """Drive the outputs of the version that runs to their safe level: its folder is the working directory.

    It may be memory that has run out: there is none to ask slots.py.
    """
    drive_outputs_safe(os.getcwd().rstrip("/") + "/settings.json")


def trace_of(error):
    """Return where an exception was raised, as text; "" if memory does not allow it."""
    import io

    try:
        text = io.StringIO()
        sys.print_exception(error, text)  # pyright: ignore[reportArgumentType]
        return text.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    except MemoryError:
        return ""


def stop():
    """Leave the board to whoever is at the serial port, most often mpremote that wants to deploy: a reset
    would throw it out.
    """
    make_safe()
    here = os.getcwd()
    os.chdir("/")  # where slots.py is
    import slots

    os.chdir(here)
    armed = slots.is_on_trial() or "firmware.watchdog" in sys.modules
    if armed:
        machine.WDT(timeout=_USB_MS)  # it cannot be disarmed
    try:
        keep(_STOPPED, "")
    except OSError:
        pass  # no room; the watchdog's bite will count as a crash
    print("main: stopped from the serial port; the pins are safe")
    if armed:
        print("main: the watchdog resets the board in %d minutes" % (_USB_MS // 60000))
    os.chdir("/")


try:
    main()
except KeyboardInterrupt:
    while True:
        try:
            stop()
            break
        except KeyboardInterrupt:
            pass  # some tools send more than one Ctrl-C
