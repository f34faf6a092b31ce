"""The board whose memory is measured: real MicroPython, as deployed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.heap import HEAP

import testbed
from pinwarden_sim import Board


@pytest.fixture
def pins() -> dict:
    return testbed.PINS


@pytest.fixture
def board(tmp_path: Path, pins: dict) -> Iterator[Board]:
    """Everything on that can be: more names, origins, an issuer, the request log."""
    if not testbed.have("micropython"):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    testbed.install(
        tmp_path / "flash",
        "micropython",
        hosts=["door.lan", "door.example"],
        origins=["https://panel.example"],
        issuer="home",
        log="requests",
        pins=pins,
        http={"strangers": 6000},  # limited, but to more than a test asks
    )
    with Board(tmp_path / "flash", "micropython", heapsize=HEAP, clock=int(time.time())) as made:
        yield made.start()
