"""Which version of the firmware starts: that of /a or that of /b, as /slot.json says.

A new version is put together in the slot that is not active, and a rename makes it the active one: whenever
the power fails, a whole version starts. Without /slot.json the root is the version, which is how a plain copy
of the files lies on a board. Nothing of the firmware is imported: this has to work where that does not.

A version that `switch` has made active is on trial until it calls `confirm`: docs/decisions/updates.md.

Whatever the file says, what is there starts: a file that cannot be read, or names a folder that is gone,
would else end each start for ever.
"""

import json
import os
import sys

TRIAL_MS = 60000  # how long a version on trial may take until it is healthy
ROOT = ""  # where the board's files are; a test has them elsewhere

_FILE = "/slot.json"
_SLOTS = ("a", "b")
_CRASH = "/state/crash.json"  # main.py's
_STOPPED = "/state/stopped"  # main.py leaves it when a person ends a start from the serial port
_CRASHES = 3  # in a row, before the application is not started any more
_STARTS = 3  # of a version on trial that neither failed nor was confirmed: somebody cut the power


def state():
    """Return {"slot": "a", "b", or None for the root; "previous": the slot to go back to, or None; "trial": 0
    for a proven version, else the number of its next start; "note": why a version was rolled back, or None}.
    """
    try:
        found = _content()
        if found["slot"] in _SLOTS:
            previous, trial, note = found["previous"], found["trial"], found["note"]
            if not is_whole(found["slot"]) and not _is_there(folder(found["slot"]) + "/firmware"):
                note = "/%s holds no version" % found["slot"]
                slot = previous if previous in _SLOTS and is_whole(previous) else _found()
                return {"slot": slot, "previous": None, "trial": 0, "note": note}
            return {
                "slot": found["slot"],
                "previous": previous if previous in _SLOTS and previous != found["slot"] else None,
                "trial": trial if type(trial) is int and trial > 0 else 0,
                "note": note if type(note) is str else None,
            }
    except Exception:  # noqa: S110
        pass  # absent, or broken: what is there has to start all the same
    return {"slot": _found(), "previous": None, "trial": 0, "note": None}


def _content():
    with open(ROOT + _FILE) as file:
        return json.load(file)


def folder(slot):
    """Return the version's folder: "/a", or "" for the root."""
    return ROOT + "/" + slot if slot else ROOT


def is_whole(slot):
    """Does the slot hold a whole version? Its version.json is written last, when all else is verified."""
    return _is_there(folder(slot) + "/version.json")


def enter():
    """Make the active version's folder the working directory, and its lib the one that is imported from."""
    where = folder(state()["slot"])
    os.chdir(where or "/")
    libraries = [folder(slot) + "/lib" for slot in (None, "a", "b")]
    sys.path[:] = [where + "/lib" if entry in libraries else entry for entry in sys.path]


def switch(slot, trial=True):
    """Make `slot` the active one from the next start on, by default on trial. Raises ValueError if it holds
    no whole version, OSError.
    """
    if slot not in _SLOTS or not is_whole(slot):
        raise ValueError("slot %s holds no whole version" % slot)
    active = state()["slot"]
    _write(slot, active if active != slot else None, 1 if trial else 0)


def is_on_trial():
    """Is the active version unproven, with one to go back to? Without that there is nothing to try."""
    now = state()
    return now["trial"] > 0 and now["previous"] is not None and is_whole(now["previous"])


def judge(crash, record, bitten, by_hand):
    """Note how the last start ended, and go back to the version before if this one failed on trial. Returns
    why the application must be in safe mode, or None. Raises OSError.

    `crash` is main.py's record of crashes in a row, which `record(count, error, trace="")` replaces; `bitten`
    is whether the watchdog has ended the last start, `by_hand` whether a person has by switching it off.
    """
    count = crash["count"]
    _set_aside(_FILE, "slot")
    _set_aside(_CRASH, "count")
    now = state()
    if now["slot"] and _is_there(ROOT + _FILE) and _content()["slot"] != now["slot"]:
        print("slots:", now["note"], "- the version in", now["slot"], "starts")
        _write(now["slot"], None, 0, now["note"])
    if _was_stopped():
        bitten = False  # or by nobody's fault: the tools took their time
        begin_again()
    if not is_on_trial():
        if bitten:
            count += 1
            crash["error"] = "the watchdog bit"
            record(count, crash["error"])
        if count < _CRASHES or by_hand:
            return None
        return "%d crashes in a row; the last: %s; deploy, or switch it off and on to try once more" % (
            count,
            crash["error"],
        )
    failure = None
    if state()["trial"] == 1:  # its first start: what was before is not its fault
        if count:
            record(0, crash["error"], crash["trace"])
    elif bitten:
        failure = "not healthy within %d s of its start" % (TRIAL_MS // 1000)
    elif count:
        failure = crash["error"]
    why = begin(failure)
    if why is not None:
        print("slots: rolled back to %s: %s" % (state()["slot"], why))
        record(0, why, crash["trace"] if count else "")
    return None


def _set_aside(path, member):
    """Keep a file that cannot be used as /state/NAME.bad, where app.py finds it and /healthz warns of it. The
    first that was damaged stays there, beside it the newest.
    """
    try:
        with open(ROOT + path) as file:
            json.load(file)[member]
        return
    except OSError:
        return  # it is not there
    except (ValueError, KeyError, TypeError, IndexError, RuntimeError) as error:
        why = error
    bad = "/state/" + path.split("/")[-1] + ".bad"
    try:
        if not _is_there(ROOT + "/state"):
            os.mkdir(ROOT + "/state")
        if _is_there(ROOT + bad):
            bad += ".2"
        os.rename(ROOT + path, ROOT + bad)
        print("slots: %s cannot be used: %r; it is %s now" % (path, why, bad))
    except OSError as error:
        print("slots: %s cannot be used: %r; nor be set aside: %r" % (path, why, error))


def _is_there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def _was_stopped():
    """Did a person end the last start from the serial port? Tells it once."""
    try:
        os.remove(ROOT + _STOPPED)
        return True
    except OSError:
        return False


def begin(failure):
    """Count a start of a version on trial, or go back to the previous one: after a `failure` (how its last
    start ended; None), or too many starts. Returns why it went back, or None. Raises OSError.
    """
    now = state()
    if failure is None and now["trial"] > _STARTS:
        failure = "not healthy after %d starts" % _STARTS
    if failure is not None:
        return failure if rollback(failure) else None
    _write(now["slot"], now["previous"], now["trial"] + 1)
    return None


def begin_again():
    """The last start did not count: a person has stopped it. Raises OSError."""
    now = state()
    if now["trial"] > 1:
        _write(now["slot"], now["previous"], 1)


def confirm():
    """The active version has proved itself. Raises OSError."""
    now = state()
    if now["trial"]:
        _write(now["slot"], now["previous"], 0)


def rollback(why):
    """Make the previous version the active one again, as a proven one. Returns False if there is none. Raises
    OSError.
    """
    now = state()
    if now["previous"] is None or not is_whole(now["previous"]):
        return False
    _write(now["previous"], None, 0, "%s: %s" % (_build(now["slot"]), why))
    return True


def _build(slot):
    try:
        with open(folder(slot) + "/version.json") as file:
            return json.load(file)["build"]
    except Exception:
        return "an unknown build"


def _found():
    """Which version there is where /slot.json tells nothing: the root's, or else a slot's."""
    try:
        if "firmware" not in os.listdir(ROOT or "/"):
            for slot in _SLOTS:
                if is_whole(slot):
                    return slot
    except OSError:
        pass
    return None


def _write(slot, previous, trial, note=None):
    # Written whole, then renamed: a cut leaves the old file or the new one.
    with open(ROOT + _FILE + ".new", "w") as file:
        json.dump({"slot": slot, "previous": previous, "trial": trial, "note": note}, file)
    os.rename(ROOT + _FILE + ".new", ROOT + _FILE)
