"""Times as reports write them, besides ISO 8601."""

from __future__ import annotations

from datetime import datetime

from chalicelib.times import spoken


def milliseconds(time: datetime) -> int:
    """Write a time as milliseconds since 1970."""
    return int(time.timestamp() * 1000)


def age(time: datetime, now: datetime) -> str:
    """Say how long ago `time` was."""
    return spoken(int((now - time).total_seconds()))
