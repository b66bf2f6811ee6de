"""What time it is at AWS, as its answers tell: the clock of this machine may be off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any


def told_time(answer: Mapping[str, Any]) -> datetime | None:
    """The time in the headers of an answer of boto3's, to the second; None where it has none."""
    text = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None


def server_time(answer: Mapping[str, Any], clock: Callable[[], datetime]) -> datetime:
    """The time at AWS when it answered, or `clock`'s where the answer does not tell."""
    return told_time(answer) or clock()
