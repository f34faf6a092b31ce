"""Run one device test module, on whichever runtime runs this file.

    run.py FILE [--list] [--only ID ...]

Prints one line of JSON for each test: {"id", "ok", "error", "ms"}, or only {"id"} with --list. Lines of any
other form were printed by the tests themselves. Exits with 1 when a test failed. FILE may be compiled (.mpy).
"""

import asyncio
import io
import json
import sys
import time

from harness import Cases

MICROPYTHON = sys.implementation.name == "micropython"


def collect(module):
    """All tests as (id, function, arguments), by name: MicroPython keeps no order of definition."""
    tests = []
    for name in sorted(dir(module)):
        if not name.startswith("test_"):
            continue
        function = getattr(module, name)
        if isinstance(function, Cases):
            tests.extend((f"{name}[{row[0]}]", function, row[1:]) for row in function.rows)
        else:
            tests.append((name, function, ()))
    seen = set()
    for test_id, _function, _args in tests:
        if test_id in seen:
            raise ValueError("two cases have the id " + test_id)
        seen.add(test_id)
    return tests


def run(function, args):
    """Run one test. Returns None, or the traceback as text."""
    try:
        result = function(*args)
        if hasattr(result, "send"):  # a coroutine, on both runtimes
            try:
                asyncio.run(result)
            finally:
                if MICROPYTHON:
                    asyncio.new_event_loop()  # there is one for ever: the next test's must be empty
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a SystemExit or a CancelledError that gets here is a failure as well
        return formatted(error)
    return None


def formatted(error):
    text = io.StringIO()
    if MICROPYTHON:
        sys.print_exception(error, text)
    else:
        import traceback

        traceback.print_exception(error, file=text)
    return text.getvalue()


def milliseconds():
    """A clock that only ever runs forward; the tests may set the other one."""
    if hasattr(time, "ticks_ms"):
        return time.ticks_ms()
    return int(time.monotonic() * 1000)


def main(file, *options):
    folder, _, name = file.replace("\\", "/").rpartition("/")
    sys.path.insert(0, folder or ".")
    tests = collect(__import__(name.rsplit(".", 1)[0]))
    if options and options[0] == "--list":
        for test_id, _function, _args in tests:
            print(json.dumps({"id": test_id}))
        return 0
    only = set(options[1:]) if options and options[0] == "--only" else None
    failed = 0
    for test_id, function, args in tests:
        if only is not None and test_id not in only:
            continue
        start = milliseconds()
        error = run(function, args)
        failed += error is not None
        print(json.dumps({"id": test_id, "ok": error is None, "error": error, "ms": milliseconds() - start}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
