"""What goes to the terminal: results to stdout, words about them to stderr, and nothing that could steer it.

Consoles are made when they are used, so that redirected streams and NO_COLOR are those of the moment.
"""

from __future__ import annotations

import re
from typing import NoReturn

from rich.console import Console
from rich.text import Text

# Three segments, the first of which starts with {" in base64url. A token in an error message ends in logs and
# bug reports.
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_=-]*)+")


class _Console(Console):
    """A reader that goes away is the command line's to deal with, which ends as `head` makes others end."""

    def on_broken_pipe(self) -> NoReturn:
        raise BrokenPipeError


def stdout() -> Console:
    """The console for results."""
    return _Console(soft_wrap=True, highlight=False, emoji=False, markup=False)


def stderr() -> Console:
    """The console for words to a human."""
    return _Console(stderr=True, soft_wrap=True, highlight=False, emoji=False, markup=False)


def plain(text: str) -> str:
    """The text with everything that does not print made visible.

    A token's claims, or a board's answer, must not be able to move the cursor, rename the window, or turn the
    direction of writing.
    """
    return "".join(
        c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape", "backslashreplace").decode()
        for c in text
    )


def redact(text: str) -> str:
    """The text without the tokens in it."""
    return _TOKEN.sub("(a token)", text)


def note(text: str) -> None:
    """A remark beside the result."""
    stderr().print(Text(plain(text)))


def warn(text: str) -> None:
    """Something that works but should be known."""
    stderr().print(Text.assemble(("warning: ", "bold yellow"), plain(text)))


def complain(message: str, hint: str | None = None) -> None:
    """An error: one message, and what to do about it."""
    console = stderr()
    console.print(Text.assemble(("error: ", "bold red"), redact(plain(message))))
    if hint:
        console.print(Text.assemble(("hint: ", "bold cyan"), redact(plain(hint))))
