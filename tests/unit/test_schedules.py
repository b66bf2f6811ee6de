"""How long EventBridge may leave between two runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chalicelib.domain.schedules import longest_gap


@pytest.mark.parametrize(
    ("schedule", "hours"),
    [
        ("rate(1 hour)", 1),
        ("rate(5 minutes)", 1 / 12),
        ("rate(7 days)", 168),
        ("cron(0 * * * ? *)", 1),
        ("cron(0 3 * * ? *)", 24),
        ("cron(0/10 8-17 ? * MON-FRI *)", 168),
        ("cron(0 3 1 * ? *)", 744),
        ("cron(0 3 1 1 ? *)", 8784),
    ],
)
def test_the_gap_is_never_underestimated(schedule: str, hours: float) -> None:
    """Or the alarm on silence would ring between two sweeps."""
    assert longest_gap(schedule) == timedelta(hours=hours)


@pytest.mark.parametrize("schedule", ["", "rate(hour)", "cron(0 3)", "at(2026-01-01T00:00:00)"])
def test_what_is_no_schedule_is_refused(schedule: str) -> None:
    """A guess would be taken for a fact."""
    with pytest.raises(ValueError, match="no schedule"):
        longest_gap(schedule)
