"""A short run of the fuzzing: the whole corpus and some thousand inputs made of it, on both runtimes, which
say the same of each. `make fuzz` looks for new ones.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import testbed
from pinwarden_sim import runtimes

HERE = Path(__file__).parent
COUNT = 600  # inputs for each target


def said(runtime: str, seed: int) -> list[str]:
    argv, environment = runtimes.command(
        runtime, HERE / "mutate.py", str(HERE / "corpus"), str(COUNT), str(seed), heapsize="4M"
    )
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=80, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_promise_is_broken_and_both_runtimes_say_the_same(seed: int) -> None:
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    ours = said("cpython", seed)
    assert said("micropython", seed) == ours
    # It is worth comparing: of each target some inputs were taken, and some refused.
    for target in (folder.name for folder in (HERE / "corpus").iterdir()):
        assert len({line for line in ours if line.startswith(target)}) > 1, target
