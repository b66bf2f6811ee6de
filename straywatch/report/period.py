"""The period of a report: whole days in UTC, or exact times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chalicelib.times import parse_time
from straywatch.errors import WrongUsageError

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_IAM_BEGAN = datetime(2010, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Period:
    """From `begin` to just before `end`; the words are those of the caller."""

    begin: datetime
    end: datetime
    from_text: str
    to_text: str


def period(from_text: str, to_text: str) -> Period:
    """Read `2026-01-01` and `2026-03-31`, both days whole, or times with their offset.

    Raises WrongUsageError.
    """
    begin = _instant(from_text, "--from")
    end = _instant(to_text, "--to")
    if _DAY.fullmatch(to_text):
        try:
            end += timedelta(days=1)
        except OverflowError as error:
            raise WrongUsageError(f"--to {to_text} is the end of the calendar") from error
    if begin < _IAM_BEGAN:
        raise WrongUsageError(f"--from {from_text} is before IAM began, in 2010")
    if begin >= end:
        raise WrongUsageError(f"--from {from_text} is not before --to {to_text}")
    return Period(begin, end, from_text, to_text)


def begun(chosen: Period, now: datetime) -> Period:
    """The period, if there is anything to tell of it. Raises WrongUsageError."""
    if chosen.begin >= now:
        raise WrongUsageError(
            f"--from {chosen.from_text} has not begun: there is nothing to report of it yet"
        )
    return chosen


def _instant(text: str, option: str) -> datetime:
    try:
        if _DAY.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        return parse_time(text)
    except (ValueError, OverflowError) as error:
        raise WrongUsageError(
            f"{option} {text!r} is neither a day (2026-01-31) nor a time with its offset"
        ) from error
