"""How a process is measured from outside: instructions (callgrind), system calls (strace), CPU time (the
kernel).

Instructions are the figure to compare: they are the same in each run, whatever else the machine does.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

Work = Callable[[subprocess.Popen[bytes]], None]


class Failed(Exception):
    """The measured process did not do its work; the text is what it printed."""


def have(tool: str) -> bool:
    """Tell whether the command `tool` is installed; its Debian package has the same name."""
    return shutil.which(tool) is not None


def instructions(argv: Sequence[str], environment: dict[str, str], work: Work | None = None) -> int:
    """The instructions that the process executes in all."""
    report = _run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *argv], environment, work
    )
    found = re.search(r"Collected : (\d+)", report)
    if not found:
        raise Failed(report)
    return int(found[1])


def system_calls(argv: Sequence[str], environment: dict[str, str], work: Work | None = None) -> int:
    """The system calls that the process makes in all."""
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "calls"
        _run(["strace", "-f", "-c", "-U", "calls", "-o", str(table), *argv], environment, work)
        return sum(int(line) for line in table.read_text().split() if line.isdigit()) // 2


def cpu_seconds(argv: Sequence[str], environment: dict[str, str], work: Work | None = None) -> float:
    """User and system time of the process, in seconds."""
    before = os.times()
    _run(argv, environment, work)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def _run(argv: Sequence[str], environment: dict[str, str], work: Work | None) -> str:
    """Run the process, let `work` use it, and return what it printed."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            if work is not None:
                work(process)
            process.wait(timeout=120)
        except BaseException:
            process.kill()
            process.wait()
            raise
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode != 0:
        raise Failed(text)
    return text
