"""Lengths and moments of time, as people write and read them."""

import pytest

from pinwarden import duration

NOW = 1795000000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("90m", 5400),
        ("12h", 43200),
        ("30d", 2592000),
        ("2w", 1209600),
        (" 1d ", 86400),
        ("007s", 7),
    ],
)
def test_reads_a_length(text: str, seconds: int) -> None:
    assert duration.parse(text) == seconds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a length of time"),
        ("30", "no unit"),
        ("d", "not a length of time"),
        ("3x", "the unit 'x'"),
        ("3D", "the unit 'D'"),  # M would be minutes or months
        ("-3d", "not a length of time"),
        ("1.5h", "not a length of time"),
        ("1h30m", "not a length of time"),
        ("٣d", "not a length of time"),  # a digit to str.isdigit, but not to us
        ("0s", "no time at all"),
        ("101w000", "not a length of time"),
        ("9999d9", "not a length of time"),
        ("36501d", "more than a hundred years"),
        ("9" * 5000 + "d", "more than a hundred years"),  # int() of it would raise
    ],
)
def test_says_what_is_wrong_with_a_length(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        duration.parse(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2h", NOW + 7200),
        ("2026-12-24T18:00+01:00", 1798131600),
        ("2026-12-24T17:00Z", 1798131600),
        ("2026-12-24 17:00:00+00:00", 1798131600),
    ],
)
def test_reads_a_moment(text: str, moment: int) -> None:
    assert duration.parse_moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01", "24.12.2026", "", "2026-12-24T25:00"])
def test_says_what_a_moment_is(text: str) -> None:
    with pytest.raises(ValueError, match="not a moment; write"):
        duration.parse_moment(text, NOW)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1, "1 second"),
        (60, "1 minute"),
        (90, "1 minute 30 seconds"),
        (5400, "1 hour 30 minutes"),
        (7776000, "90 days"),
        (86401, "1 day 1 second"),
        (90061, "1 day 1 hour 1 minute 1 second"),  # exact is better than short
    ],
)
def test_spells_exactly(seconds: int, text: str) -> None:
    assert duration.spell(seconds) == text


@pytest.mark.parametrize(
    ("distance", "text"),
    [
        (0, "now"),
        (1, "in 1 second"),
        (-90, "90 seconds ago"),
        (3600, "in 60 minutes"),
        (7200, "in 2 hours"),
        (-86400 * 3, "3 days ago"),
        (30 * 86400 - 2, "in 30 days"),  # as a fresh token has it
        (47 * 3600, "in 47 hours"),  # not "1 day"
    ],
)
def test_tells_the_distance(distance: int, text: str) -> None:
    assert duration.ago(NOW + distance, NOW) == text


def test_a_moment_outside_the_calendar_stays_a_number() -> None:
    assert duration.local(2**53 - 1) == str(2**53 - 1)
