"""Graces that run: users who left their last group, or were made without one, not long ago."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.domain.account import User
from chalicelib.domain.bearer import past_of
from chalicelib.domain.events import Cause
from chalicelib.domain.facts import Fact, Mark
from chalicelib.domain.past import begun, thought_stray_since
from straywatch.observing.records import Census, Reading

LATEST_CHECK = timedelta(minutes=10)
"""How long after its grace a check is called late rather than forgotten: a mark may outlive its
user where the event that deleted it was lost, and the next sweep clears such up."""
SETTLING = timedelta(seconds=2)
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
    census = reading.census if isinstance(reading.census, Census) else None
    strays = {user.name.lower(): user for user in census.strays} if census else {}
    opened = {
        key: f.opened_at for f in reading.findings for key in (f.user_id, f.user_name.lower())
    }
    marks = by_name(reading.marks)
    found = []
    for name, mark in marks.items():
        user = strays.get(name)
        past = past_in(marks, mark, user)
        since = thought_stray_since(past)
        if since is None or since + grace + LATEST_CHECK <= reading.read_at:
            continue
        looked_since = census is not None and census.read_at > since + SETTLING
        told = any(opened[who] >= since for who in _bearer(name, past, user) if who in opened)
        if told or (looked_since and user is None):
            continue
        event = begun(past)
        cause = event.cause if event and event.at == since else None
        found.append(Grace(mark.user_name, since, since + grace, cause))
    return tuple(sorted(found, key=lambda g: (g.due, g.user_name)))


def by_name(marks: Iterable[Mark]) -> Mapping[str, Mark]:
    """Marks under their names, which compare case-insensitively."""
    return {mark.user_name.lower(): mark for mark in marks}


def past_in(marks: Mapping[str, Mark], mark: Mark, user: User | None = None) -> tuple[Fact, ...]:
    """What marks that were read together tell of the name's bearer, as the monitor takes it."""
    return past_of(
        mark,
        lambda name: marks.get(name.lower(), Mark(account=mark.account, user_name=name)),
        user,
    )


def _bearer(name: str, past: Sequence[Fact], user: User | None) -> Iterable[str]:
    """Under what a finding about the bearer stands: its id where one is known, else its name."""
    ids = {user.user_id} if user else {fact.user_id for fact in past if fact.user_id}
    return ids or {name}
