"""Graces that run: users who left their last group, or were made without one, not long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.events import Cause
from chalicelib.domain.findings import Finding
from chalicelib.domain.marks import Mark, latest
from straywatch.observing.records import Census, Reading

LATEST_CHECK = timedelta(minutes=10)
"""How long after its grace a check is called late rather than forgotten: a mark may outlive its
user where the event that deleted it was lost, and the next sweep clears such up."""
_SETTLING = timedelta(seconds=2)
"""A user made a moment ago may not be listed yet, nor a group left a moment ago."""


@dataclass(frozen=True, slots=True)
class Grace:
    """One grace that runs, or whose check is awaited. `cause` is unknown if a sweep began it."""

    user_name: str
    since: datetime
    due: datetime
    cause: Cause | None


def running_graces(reading: Reading, grace: timedelta) -> tuple[Grace, ...]:
    """Those that run at the time of reading, the next to end first.

    A user who left one group of several has one, too, until a look shows that it is in another;
    a census after the event is such a look.
    """
    opened = _last_opened(reading.findings)
    census = reading.census if isinstance(reading.census, Census) else None
    strays = {user.name.lower() for user in census.strays} if census else set()
    found = []
    for mark in reading.marks:
        since = _stray_since(mark)
        if since is None or since + grace + LATEST_CHECK <= reading.read_at:
            continue
        name = mark.user_name.lower()
        looked_since = census is not None and census.read_at > since + _SETTLING
        if (looked_since and name not in strays) or _is_after(opened.get(name), since):
            continue
        cause = mark.cause if since == mark.left_at else None
        found.append(Grace(mark.user_name, since, since + grace, cause))
    return tuple(sorted(found, key=lambda g: (g.due, g.user_name)))


def _stray_since(mark: Mark) -> datetime | None:
    since = latest(mark.left_at, mark.seen_at)
    over = latest(mark.settled_at, mark.joined_at, mark.deleted_at, mark.renamed_at)
    if since is None or _is_over(mark, since, over):
        return None
    return since


def _is_over(mark: Mark, since: datetime, over: datetime | None) -> bool:
    """CloudTrail tells whole seconds: within one, a new user joins last, an old one leaves last."""
    if over is None or over < since:
        return False
    created = mark.cause is not None and mark.cause.event_name == "CreateUser"
    return over > since or created


def _last_opened(findings: tuple[Finding, ...]) -> dict[str, datetime]:
    return {finding.user_name.lower(): finding.opened_at for finding in findings}


def _is_after(instant: datetime | None, since: datetime) -> bool:
    return instant is not None and instant >= since
