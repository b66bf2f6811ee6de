"""Instants as AWS writes them: ISO 8601 in UTC with a `Z`, compared as aware datetimes."""

from datetime import UTC, datetime


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
