"""Times as reports write them, besides ISO 8601."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.text import counted


def milliseconds(time: datetime) -> int:
    """Write a time as milliseconds since 1970."""
    return int(time.timestamp() * 1000)


def age(time: datetime, now: datetime) -> str:
    """Say how long ago `time` was, in its largest unit."""
    past = max(now - time, timedelta(0))
    if past.days:
        return counted(past.days, "day")
    hours = past.seconds // 3600
    return f"{hours} h" if hours else f"{past.seconds // 60} min"
