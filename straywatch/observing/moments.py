"""Instants as people read them in the watch; on the page `words.js` writes them the same way."""

from __future__ import annotations

from datetime import datetime

from chalicelib.times import in_utc

_DAY = len("2026-11-23 ")


def moment(instant: datetime, now: datetime) -> str:
    """As everywhere, `2026-11-23 03:00:00 UTC`; the time alone if it is of the day of `now`."""
    told = in_utc(instant)
    return told[_DAY:] if told[:_DAY] == in_utc(now)[:_DAY] else told
