"""`python kill_at.py N ARGUMENT…`: pinwarden, killed (SIGKILL) before its N-th step that leaves a trace.

A step is a file opened for writing, a rename, a removal, a new folder, or a connection. Whatever it does in
between leaves none, so between them these are all the states in which a kill can leave things.
"""

import os
import signal
import sys

STEPS = {"os.rename", "os.remove", "os.mkdir", "socket.connect"}


def main() -> None:
    """Run the command line that follows N."""
    left = int(sys.argv[1])

    def count(event: str, args: tuple) -> None:
        nonlocal left
        writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if event in STEPS or writes:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    from pinwarden import call, cli  # noqa: F401  # what importing writes is no step
    from pinwarden.admin import link_http, rotation  # noqa: F401  # what importing writes is no step

    del sys.argv[:2]
    sys.argv.insert(0, "pinwarden")
    sys.addaudithook(count)
    cli.main()


if __name__ == "__main__":
    main()
