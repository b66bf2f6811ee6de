"""How long may pass between two runs of a schedule of EventBridge."""

from __future__ import annotations

import re
from datetime import timedelta

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\(\S+ (\S+) (\S+) (\S+) (\S+) \S+\)")
_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_EVERY = {"*", "?"}


def longest_gap(schedule: str) -> timedelta:
    """The longest time between two runs of a `rate(...)` or `cron(...)`, or a little more.

    A cron that names hours may leave a day between its runs, one that names days of the week a
    week, days of the month a month, months a year. Raises ValueError for anything else.
    """
    if rate := _RATE.fullmatch(schedule):
        return int(rate[1]) * _UNITS[rate[2]]
    cron = _CRON.fullmatch(schedule)
    if not cron:
        raise ValueError(f"no schedule of EventBridge: {schedule!r}")
    hour, day_of_month, month, day_of_week = cron.groups()
    if month not in _EVERY:
        return timedelta(days=366)
    if day_of_month not in _EVERY:
        return timedelta(days=31)
    if day_of_week not in _EVERY:
        return timedelta(days=7)
    return timedelta(hours=1) if hour in _EVERY else timedelta(days=1)
