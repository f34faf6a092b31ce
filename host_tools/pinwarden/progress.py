"""How far flashing or deploying has come: told to whoever wants to know, drawn as a bar for each step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pinwarden.console import stderr

# step ("Writing"), how much of it is done, how much there is of it (0: nobody knows)
Tell = Callable[[str, int, int], None]


def silent(step: str, done: int, total: int) -> None:
    """Tell nobody."""


class Display(Protocol):
    """Somebody to tell, who can be asked to be quiet while a question is on the terminal."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show how far a step is."""
        ...

    def pause(self) -> None:
        """Leave the terminal alone until the next step."""
        ...


@contextlib.contextmanager
def display() -> Iterator[Display]:
    """Show the steps on stderr: as bars, or where that is no terminal, as a line when each begins."""
    console = stderr()
    if not console.is_terminal:
        yield _Lines()
        return
    text, bar = TextColumn("{task.description:<12}"), BarColumn(40)
    drawn = Progress(text, bar, TimeElapsedColumn(), console=console)
    try:
        yield _Bars(drawn)
    finally:
        drawn.stop()


class _Bars:
    def __init__(self, drawn: Progress) -> None:
        self._drawn = drawn
        self._step: str | None = None
        self._task: TaskID | None = None

    def __call__(self, step: str, done: int, total: int) -> None:
        self._drawn.start()
        if self._task is None or step != self._step:
            self._finish()
            self._step, self._task = step, self._drawn.add_task(step, total=None)
        self._drawn.update(self._task, total=total or None, completed=done)

    def pause(self) -> None:
        self._finish()
        self._drawn.stop()

    def _finish(self) -> None:
        if self._task is not None:
            self._drawn.update(self._task, total=1, completed=1)


class _Lines:
    def __init__(self) -> None:
        self._step: str | None = None

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self._step:
            self._step = step
            stderr().print(f"{step} …")

    def pause(self) -> None:
        pass
