"""Lengths of time as people write and read them."""

from __future__ import annotations

from datetime import datetime

import pytest

from chalicelib.times import in_utc, spoken
from straywatch.errors import WrongUsageError
from straywatch.terminal.durations import duration_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("900", 900), ("45s", 45), ("15m", 900), ("2h", 7200), ("7d", 604_800)],
)
def test_a_duration_is_seconds_or_has_a_unit(text: str, seconds: int) -> None:
    """Seconds need no unit; minutes, hours and days are one letter."""
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1w", "1.5h", "h", "15 m", "\u0661m", "9999999999"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    """The message shows what would be right, and says what was wrong."""
    with pytest.raises(WrongUsageError, match="15m, 2h, 7d") as refused:
        duration_seconds(text, "age")
    assert repr(text) in str(refused.value)
    assert "age" in str(refused.value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.43, "under 1 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3601, "1 h"),
        (5400, "1 h 30 min"),
        (90_000, "1 day 1 h"),
        (172_800, "2 days"),
        (9 * 86_400 + 7200, "9 days 2 h"),
        (10 * 86_400 + 7200, "10 days"),
        (1500 * 86_400, "1,500 days"),
    ],
)
def test_a_length_is_told_in_its_two_greatest_units(seconds: float, text: str) -> None:
    """People compare days and hours; the seconds of a day tell them nothing."""
    assert spoken(seconds) == text


def test_an_instant_is_told_with_its_zone() -> None:
    """Whatever the clock that it comes from shows, people read UTC, and are told so."""
    noon = datetime.fromisoformat("2026-01-31T12:00:00.9+02:00")
    assert in_utc(noon) == "2026-01-31 10:00:00 UTC"
