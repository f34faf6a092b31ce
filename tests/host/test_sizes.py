"""One way of telling sizes, for every command."""

import pytest

from pinwarden.sizes import size


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (0, "0 octets"),
        (999, "999 octets"),
        (1000, "1.0 kB"),
        (4100, "4.1 kB"),
        (999_949, "999.9 kB"),
        (1_500_000, "1.5 MB"),
        (16_000_000_000, "16.0 GB"),
    ],
)
def test_says_it_as_people_do(octets: int, told: str) -> None:
    assert size(octets) == told
