"""One board for each runtime, for all requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import testbed
from pinwarden_sim import Board, runtimes

# Every kind and every limit. Two of the kinds' GPIOs are other pins' here.
PINS = {**testbed.PINS, **testbed.KINDS, "door": {**testbed.KINDS["door"], "gpio": 4}}
del PINS["gate"]


@pytest.fixture(scope="package", params=runtimes.RUNTIMES)
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    """A started board with the test device."""
    if not testbed.have(request.param):
        pytest.skip(testbed.WITHOUT_MICROPYTHON)
    flash = tmp_path_factory.mktemp("board") / "flash"
    with testbed.device(flash, request.param, http={"strangers": 6000}, pins=PINS) as started:
        yield started
