"""Instants, and lengths of time: as AWS writes them (ISO 8601 in UTC with a `Z`), and for people.

One rule for all that people read: an instant is `2026-11-23 03:00:00 UTC`, a length of time its two
greatest units, `3 days 4 h`, `15 min`, `40 s`; from ten days on, days alone.
"""

from datetime import UTC, datetime

_UNITS = (("day", 86_400), ("h", 3600), ("min", 60), ("s", 1))
_DAYS_ALONE = 10


def parse_time(text: str) -> datetime:
    """Read an ISO 8601 instant. Raises ValueError if it is none, or has no time zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return instant.astimezone(UTC)


def iso(instant: datetime) -> str:
    """Write an instant as `2026-11-23T03:00:00Z`, to the second, as CloudTrail does."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_now() -> datetime:
    """The clock of the deployed functions; everything else is handed one."""
    return datetime.now(UTC)


def exact(instant: datetime) -> str:
    """Write an instant to the microsecond, for the tables: sorts as text in order of time."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def in_utc(instant: datetime) -> str:
    """Write an instant for people, to the second, with its zone: `2026-11-23 03:00:00 UTC`."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def spoken(seconds: float) -> str:
    """Write a length of time for people: `412 days`, `3 days 4 h`, `15 min`, `under 1 s`, `0 s`.

    What is less than nothing is nothing.
    """
    if 0 < seconds < 1:
        return "under 1 s"
    left, parts = max(0, round(seconds)), list[str]()
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count:,} {unit}{'s' if unit == 'day' and count > 1 else ''}")
        if parts and (len(parts) > 1 or not count or (unit == "day" and count >= _DAYS_ALONE)):
            break  # the second unit stands there only if it is the next one
    return " ".join(parts) or "0 s"
