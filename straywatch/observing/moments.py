"""Instants as people read them in the watch; on the page `words.js` writes them the same way."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(instant: datetime, now: datetime | None = None) -> str:
    """`14:03:22 UTC` if it is of the same day in UTC as `now`, else `2026-11-29 14:03 UTC`."""
    at = instant.astimezone(UTC)
    if now is not None and at.date() == now.astimezone(UTC).date():
        return f"{at:%H:%M:%S} UTC"
    return f"{at:%Y-%m-%d %H:%M} UTC"
