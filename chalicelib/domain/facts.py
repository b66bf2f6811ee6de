"""What is known of one user name: a set of facts, each under the id of the event that told it.

A set knows neither order nor repeats, so late, repeated and reordered events come to the same.
`bearer` reads from it what is about one bearer of the name, `past` what that comes to. CloudTrail's
times are whole seconds: within one, order follows from what the calls mean (nobody joins before
being created).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.account import Account
from chalicelib.domain.events import Cause, Change, MembershipEvent

MOST_FACTS = 400
"""DynamoDB's item holds 400 KB; a fact without a cause takes 300 bytes at most."""
MOST_CAUSES = 8
"""Of older ones only the time counts: a cause may take 15 KB, whatever others write into it."""
_LONGEST_ID = 64
_LONGEST_NAME = 128
BY_LOOK = "look:"


class Evidence(StrEnum):
    """What tells since when a user is a stray."""

    EVENT = "event"
    CREATION = "creation"
    EXEMPTION_ENDED = "exemption_ended"
    SIGHTING = "sighting"


@dataclass(frozen=True, slots=True)
class StraySince:
    """The start of an episode as far as it is known, and what tells it."""

    at: datetime
    evidence: Evidence


class Kind(StrEnum):
    """What happened to a name's bearer, or what a look showed it to be."""

    CREATED = "created"
    TOOK = "took"
    """A user got this name by a rename."""
    JOINED = "joined"
    LEFT = "left"
    RENAMED = "renamed"
    """The bearer gave this name up for another."""
    DELETED = "deleted"
    SETTLED = "settled"
    """A look showed no stray."""
    STRAY = "stray"
    """A look showed a stray of whom no event had told."""


_STARTS = (Kind.CREATED, Kind.TOOK)
_ENDS = (Kind.RENAMED, Kind.DELETED)
_KIND_OF = {
    Change.CREATED: Kind.CREATED,
    Change.LEFT: Kind.LEFT,
    Change.JOINED: Kind.JOINED,
    Change.DELETED: Kind.DELETED,
    Change.RENAMED: Kind.RENAMED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing told of a name's bearer. `name` is the group, or the other name of a rename.

    `user_id` is empty unless it was told; `cause` is the call that may have made a stray, or ended
    one. What a look showed was so some time from `after` to `at`.
    """

    id: str
    kind: Kind
    at: datetime
    user_id: str = ""
    name: str = ""
    cause: Cause | None = None
    after: datetime | None = None

    @property
    def earliest(self) -> datetime:
        """The first moment of which it may tell."""
        return self.after or self.at

    @property
    def is_bound(self) -> bool:
        """Whether the name changed hands."""
        return self.kind in (*_STARTS, *_ENDS)

    @property
    def is_start(self) -> bool:
        """Whether a user got the name."""
        return self.kind in _STARTS

    @property
    def is_end(self) -> bool:
        """Whether the bearer gave the name up."""
        return self.kind in _ENDS

    @property
    def is_by_look(self) -> bool:
        """Whether a look found it, and no event."""
        return self.id.startswith(BY_LOOK)


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding whose user had this name at `at`, and which may be open still."""

    user_id: str
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """A check on its way that waits out the grace from `since`, and comes up next at `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """All facts about one user name of an account, and what the monitor has begun about it."""

    account: Account
    user_name: str
    facts: tuple[Fact, ...] = ()
    noted: tuple[Noted, ...] = ()
    asked: tuple[Asked, ...] = ()
    flapping_told_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is to be added to a mark, and what goes: ids of facts, users whose finding is over."""

    facts: tuple[Fact, ...] = ()
    noted: tuple[Noted, ...] = ()
    asked: tuple[Asked, ...] = ()
    flapping_told_at: datetime | None = None
    forgotten: tuple[str, ...] = ()
    over: tuple[str, ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether there is anything to write."""
        return self != News()


def with_news(mark: Mark, news: News) -> Mark:
    """The mark as the table has it once the news is written."""
    facts = {f.id: f for f in mark.facts if f.id not in news.forgotten}
    noted = {n.user_id: n for n in mark.noted if n.user_id not in news.over}
    asked = {a.since: a for a in mark.asked}
    return replace(
        mark,
        facts=in_order({**facts, **{f.id: f for f in news.facts}}.values()),
        noted=tuple({**noted, **{n.user_id: n for n in news.noted}}.values()),
        asked=tuple({**asked, **{a.since: a for a in news.asked}}.values()),
        flapping_told_at=news.flapping_told_at or mark.flapping_told_at,
        version=mark.version + 1,
    )


def told_by(event: MembershipEvent) -> tuple[tuple[str, Fact], ...]:
    """What the event tells, and of which name. Of a rename the new name comes first."""
    cause, kind = event.cause, _KIND_OF[event.change]
    other = event.new_name or cause.group_name
    told_by_it = cause.event_id[:_LONGEST_ID] or other[:_LONGEST_NAME]  # eventVersion 1.0: no ids
    fact = Fact(
        id=f"{cause.event_time:%Y%m%dT%H%M%S}:{kind}:{told_by_it}",
        kind=kind,
        at=cause.event_time,
        user_id=event.user_id,
        name=other[:_LONGEST_NAME],
        cause=None if kind is Kind.RENAMED else cause,
    )
    if kind is not Kind.RENAMED:
        return ((event.user_name, fact),)
    took = replace(fact, kind=Kind.TOOK, name=event.user_name)
    return ((event.new_name, took), (event.user_name, fact))


def in_order(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """By time; within a second a name is given up before it is taken, joined before left."""
    rank = (Kind.RENAMED, Kind.DELETED, *_STARTS, Kind.JOINED, Kind.LEFT, Kind.SETTLED, Kind.STRAY)
    return tuple(sorted(facts, key=lambda f: (whole_second(f.at), rank.index(f.kind), f.at, f.id)))


def surplus(mark: Mark) -> News:
    """What no reading needs any more, once there is too much: the oldest facts, and old causes."""
    too_many = len(mark.facts) > MOST_FACTS
    kept = mark.facts[-MOST_FACTS * 3 // 4 :] if too_many else mark.facts
    causes = [fact for fact in kept if fact.cause]
    if not too_many and len(causes) <= 2 * MOST_CAUSES:
        return News()
    thinner = tuple(replace(fact, cause=None) for fact in causes[:-MOST_CAUSES])
    forgotten = mark.facts[: len(mark.facts) - len(kept)]
    return News(facts=thinner, forgotten=tuple(fact.id for fact in forgotten))


def last_bound(mark: Mark) -> Fact | None:
    """The last time that the name changed hands, as far as events tell."""
    return next((f for f in reversed(mark.facts) if f.is_bound and not f.is_by_look), None)


def went_on(mark: Mark, at: datetime) -> Fact | None:
    """The rename by which whoever bore the name at `at` gave it up; None where none is told."""
    end = _end_after(mark, at)
    return end if end and end.kind is Kind.RENAMED else None


def deleted_by(mark: Mark, at: datetime) -> Cause | None:
    """The call that deleted whoever bore the name at `at`; None where none is told."""
    end = _end_after(mark, at)
    return end.cause if end and end.kind is Kind.DELETED else None


def _end_after(mark: Mark, at: datetime) -> Fact | None:
    return next((f for f in mark.facts if f.is_end and f.at >= at), None)


def is_given_up(mark: Mark, since: datetime) -> bool:
    """Whether nobody bears the name any more, as far as renames tell of the time from `since`."""
    last = last_bound(mark)
    return last is not None and last.kind is Kind.RENAMED and last.at >= since


def whole_second(instant: datetime) -> datetime:
    """As fine as CloudTrail tells time."""
    return instant.replace(microsecond=0)
