"""Feeds the watchdog, so that it bites when the loop is stuck; and tells when a version on trial is proven.

Once armed it cannot be disarmed, not even by a soft reset: it is armed only when the application runs. For a
version on trial main.py has armed it before, and nobody feeds it until the version is healthy.
"""

from asyncio import sleep_ms

from micropython import const

_TIMEOUT_MS = const(30000)

_FEED_MS = const(5000)
_LOOK_MS = const(250)
_STEADY_MS = const(300000)  # without a break, and what crashed before has nothing to do with now


async def watch(is_healthy, trial, forget_crashes, arm, sleep_ms=sleep_ms):
    """Feed the watchdog for ever. `is_healthy()` is whether the board serves and can be reached; `trial` the
    module slots, or None for a proven version; `arm(timeout=ms)` makes a watchdog.
    """
    dog = None if trial and trial.is_on_trial() else arm(timeout=_TIMEOUT_MS)
    steady_ms = 0
    while True:
        pause = _FEED_MS
        if not is_healthy():
            steady_ms = 0
            if trial:
                pause = _LOOK_MS
        else:
            if trial:
                _try(trial.confirm)
                trial = None
                dog = dog or arm(timeout=_TIMEOUT_MS)
            if steady_ms == _STEADY_MS:
                _try(forget_crashes)
            steady_ms += pause
        if dog:
            dog.feed()
        await sleep_ms(pause)


def _try(write):
    try:
        write()
    except (OSError, MemoryError) as error:  # neither must end what works
        print("main: the flash cannot be written:", error)
