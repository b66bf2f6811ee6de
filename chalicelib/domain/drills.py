"""Whether a finding is about the user of a drill, of whom the pager is not to be told.

`straywatch drill` notes the one user that it makes, for as long as it runs. A path or a name alone
mutes nobody: a stray who puts itself there is paged for like any other, and so is a drill's user
who was given credentials (docs/decisions/0011).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.severity import Severity
from chalicelib.times import parse_time

DOCUMENT = "drill"
"""The note's name in the state table: `user_arn`, `user_id` (empty until IAM told it), `until`."""
LONGEST = timedelta(hours=2)
"""A note that ends later than this from now is not followed: none can mute for long."""


def is_of_drill(note: Mapping[str, Any], finding: Mapping[str, Any], now: datetime) -> bool:
    """Whether a note is in force and about the user of a finding. A broken note mutes nobody."""
    try:
        until = parse_time(str(note["until"]))
        same = note["user_arn"] == finding["user_arn"]
        identified = note["user_id"] in ("", finding["user_id"])
        harmless = finding["severity"] == Severity.LOW.name or bool(finding["risk_unread"])
    except (KeyError, ValueError):
        return False
    return same and identified and harmless and now < until <= now + LONGEST
