"""Graces that run: users who left their last group, or were made without one, not long ago."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.events import Cause
from chalicelib.domain.facts import Mark, begun, past_of, thought_stray_since
from chalicelib.domain.findings import Finding
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
    marks = {mark.user_name.lower(): mark for mark in reading.marks}
    found = []
    for mark in reading.marks:
        past = past_of(mark, _reader(marks, mark))
        since = thought_stray_since(past)
        if since is None or since + grace + LATEST_CHECK <= reading.read_at:
            continue
        name = mark.user_name.lower()
        looked_since = census is not None and census.read_at > since + _SETTLING
        if (looked_since and name not in strays) or _is_after(opened.get(name), since):
            continue
        event = begun(past)
        cause = event.cause if event and event.at == since else None
        found.append(Grace(mark.user_name, since, since + grace, cause))
    return tuple(sorted(found, key=lambda g: (g.due, g.user_name)))


def _reader(marks: Mapping[str, Mark], mark: Mark) -> Callable[[str], Mark]:
    """Reads the marks of names that the bearer of this one had before."""
    return lambda name: marks.get(name.lower(), Mark(account=mark.account, user_name=name))


def _last_opened(findings: tuple[Finding, ...]) -> dict[str, datetime]:
    return {finding.user_name.lower(): finding.opened_at for finding in findings}


def _is_after(instant: datetime | None, since: datetime) -> bool:
    return instant is not None and instant >= since
