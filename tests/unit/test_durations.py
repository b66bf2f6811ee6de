"""Lengths of time as people write and read them."""

from __future__ import annotations

import pytest

from straywatch.errors import WrongUsageError
from straywatch.terminal.durations import duration_seconds, spoken


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
    [(0, "0s"), (59.6, "1m"), (61, "1m 1s"), (3601, "1h"), (90_000, "1d 1h"), (172_800, "2d")],
)
def test_a_length_is_told_in_its_two_greatest_units(seconds: float, text: str) -> None:
    """People compare days and hours; the seconds of a day tell them nothing."""
    assert spoken(seconds) == text
