"""Follows the users of one account through its events, and tells each stretch in no group.

What an event means for a user's grace is decided by the monitor's own marks. What live IAM would
have answered is inferred: a user seen from its creation on has the groups that the log shows; of
any other the groups before its first event are unknown, and its stretches are what they were at
most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby

from chalicelib.domain.account import Account
from chalicelib.domain.evaluation import Evaluation, evaluate
from chalicelib.domain.events import Cause, Change, MembershipEvent
from chalicelib.domain.exemptions import NotExempt
from chalicelib.domain.facts import Fact, in_order, told_by
from chalicelib.domain.past import FLAPPING_WINDOW, flaps_within_a_day, stray_since
from straywatch.replay.group_renames import GroupRename
from straywatch.replay.stretches import Ending, Stretch

FLAPPING_EPISODES = 10
"""The template's own default of FlappingEpisodes."""

_MOST_REMEMBERED = 100
"""Flapping is told at a tenth of it, and nothing else looks back past the last leaving."""
_UNKNOWN_PAST = datetime(2010, 1, 1, tzinfo=UTC)  # before IAM: no creation bounds the stretch


@dataclass
class Unknowns:
    """What the log cannot tell, and what it contradicts."""

    older_users: int = 0
    """Users whose creation the log does not show."""
    refuted: int = 0
    """Stretches left out: a later removal showed a group that the log had not."""
    gaps: int = 0
    """Events that must have happened and are not in the log."""


@dataclass
class ReplayTotals:
    """What the replay of all accounts came to, beside its stretches."""

    users: int = 0
    flapping_alerts: int = 0
    unknowns: Unknowns = field(default_factory=Unknowns)


@dataclass(slots=True)
class _User:
    name: str
    past: tuple[Fact, ...] = ()
    flapping_told_at: datetime | None = None
    user_id: str = ""
    created_at: datetime | None = None
    groups: tuple[str, ...] = ()
    since: datetime | None = None
    cause: Cause | None = None

    @property
    def is_known_whole(self) -> bool:
        return self.created_at is not None

    def learn(self, event: MembershipEvent) -> None:
        """Keep what the event tells, and what no reading needs any more no longer."""
        (_, fact), *_ = told_by(event)
        self.past = in_order((*self.past, fact))[-_MOST_REMEMBERED:]


def stretches(
    events: Iterable[MembershipEvent | GroupRename], ends: dict[str, datetime], facts: ReplayTotals
) -> Iterator[Stretch]:
    """Yield every stretch of events that come account by account, in order of time.

    `ends` tells where the log of an account id ends, if it goes on after its last event.
    """
    for account, of_account in groupby(events, key=lambda event: event.account):
        history = _History(account, facts)
        for event in of_account:
            yield from history.take(event)
        yield from history.end(ends.get(account.account_id, _UNKNOWN_PAST))


class _History:
    """One account's users as they are after the last event taken."""

    def __init__(self, account: Account, facts: ReplayTotals) -> None:
        self._account, self._facts = account, facts
        self._users: dict[str, _User] = {}
        self._now = _UNKNOWN_PAST

    def take(self, event: MembershipEvent | GroupRename) -> Iterator[Stretch]:
        """Move on to the event; yield the stretch that it ends."""
        if isinstance(event, GroupRename):
            self._now = event.at
            self._rename_group(event.old_name.lower(), event.new_name.lower())
            return
        self._now = event.cause.event_time
        match event.change:
            case Change.CREATED:
                yield from self._created(event)
            case Change.JOINED:
                yield from self._joined(event)
            case Change.LEFT:
                self._left(event)
            case Change.RENAMED:
                yield from self._renamed(event)
            case Change.DELETED:
                yield from self._deleted(event)

    def end(self, log_ends: datetime) -> Iterator[Stretch]:
        """Yield what is still going on where the log ends."""
        self._now = max(self._now, log_ends)
        for user in self._users.values():
            yield from self._over(user, Ending.LOG_ENDS)

    def _created(self, event: MembershipEvent) -> Iterator[Stretch]:
        yield from self._replaced(event.user_name)
        user = self._add(_User(event.user_name))
        user.user_id, user.created_at = event.user_id, self._now
        self._begin(user, event)

    def _joined(self, event: MembershipEvent) -> Iterator[Stretch]:
        user = self._user(event)
        group = event.cause.group_name
        yield from self._over(user, Ending.JOINED_GROUP, group)
        user.learn(event)
        user.groups = tuple({*user.groups, group.lower()})
        self._tell_flapping(user)

    def _left(self, event: MembershipEvent) -> None:
        user = self._user(event)
        group = event.cause.group_name.lower()
        if group not in user.groups:
            self._facts.unknowns.gaps += user.is_known_whole
            self._facts.unknowns.refuted += user.since is not None
        user.groups = tuple(g for g in user.groups if g != group)
        # a log tells of no exemptions: whether any user is exempt is not asked here
        evaluated = evaluate(event.user_name, user.groups, NotExempt())
        if evaluated.evaluation is Evaluation.NON_COMPLIANT:
            self._begin(user, event)
        else:
            user.learn(event)

    def _renamed(self, event: MembershipEvent) -> Iterator[Stretch]:
        user = self._user(event)
        self._users.pop(event.user_name.lower(), None)
        yield from self._replaced(event.new_name)
        user.name = event.new_name
        self._users[event.new_name.lower()] = user

    def _deleted(self, event: MembershipEvent) -> Iterator[Stretch]:
        user = self._users.pop(event.user_name.lower(), None)
        if user is None:
            return
        self._facts.unknowns.gaps += bool(user.groups)  # IAM deletes nobody who is in a group
        for stretch in self._over(user, Ending.DELETED):
            yield replace(stretch, certain=True)

    def _replaced(self, name: str) -> Iterator[Stretch]:
        """Whoever bears a name that is given to another was deleted or renamed unseen."""
        user = self._users.pop(name.lower(), None)
        if user is not None:
            self._facts.unknowns.gaps += 1
            for stretch in self._over(user, Ending.REPLACED):
                yield replace(stretch, certain=False)

    def _rename_group(self, old: str, new: str) -> None:
        for user in self._users.values():
            user.groups = tuple(new if group == old else group for group in user.groups)

    def _user(self, event: MembershipEvent) -> _User:
        known = self._users.get(event.user_name.lower())
        if known is not None:
            return known
        self._facts.unknowns.older_users += 1
        return self._add(_User(event.user_name))

    def _add(self, user: _User) -> _User:
        self._facts.users += 1
        self._users[user.name.lower()] = user
        return user

    def _begin(self, user: _User, event: MembershipEvent) -> None:
        user.learn(event)
        user.cause = event.cause
        created_at = user.created_at or _UNKNOWN_PAST
        since = stray_since(user.past, now=self._now, created_at=created_at)
        user.since = since.at

    def _over(self, user: _User, ending: Ending, group: str = "") -> Iterator[Stretch]:
        if user.since is None:
            return
        yield Stretch(
            account=self._account,
            user_name=user.name,
            user_id=user.user_id,
            since=user.since,
            until=max(self._now, user.since),
            ending=ending,
            certain=user.is_known_whole,
            cause=user.cause,
            group=group,
        )
        user.since, user.cause = None, None

    def _tell_flapping(self, user: _User) -> None:
        told_at = user.flapping_told_at
        told = told_at is not None and told_at > self._now - FLAPPING_WINDOW
        if flaps_within_a_day(user.past, self._now) >= FLAPPING_EPISODES and not told:
            self._facts.flapping_alerts += 1
            user.flapping_told_at = self._now
