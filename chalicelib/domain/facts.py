"""What is known of one user name: a set of facts, each under the id of the event that told it.

A set knows neither order nor repeats, so late, repeated and reordered events come to the same.
`past_of` reads from it what is about one bearer of the name; what was known of a name before its
bearer took it is not. CloudTrail's times are whole seconds: within one, order follows from what the
calls mean (nobody joins before being created), and who cannot be told apart gets no cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from chalicelib.domain.account import Account, User
from chalicelib.domain.events import Cause, Change, MembershipEvent

FLAPPING_WINDOW = timedelta(days=1)
MOST_FACTS = 400
"""DynamoDB's item holds 400 KB; a fact without a cause takes 300 bytes at most."""
MOST_CAUSES = 8
"""Of older ones only the time counts: a cause may take 15 KB, whatever others write into it."""
_CLOCK_SKEW = timedelta(seconds=5)
"""CreateUser's event and the user's creation date are one instant, told by two clocks."""
_LONGEST_ID = 64
_LONGEST_NAME = 128
_FORTH_AND_BACK = 2
"""Two renames within a second that lead back to a name are one user's; of three nobody knows."""
_BY_LOOK = "look:"
_A_SECOND = timedelta(seconds=1)
"""As fine as CloudTrail tells time."""


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
_MOVES = (Kind.CREATED, Kind.JOINED, Kind.LEFT)
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
    def is_by_look(self) -> bool:
        """Whether a look found it, and no event."""
        return self.id.startswith(_BY_LOOK)


@dataclass(frozen=True, slots=True)
class Noted:
    """A finding whose user had this name at `at`, and which may be open still."""

    user_id: str
    number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class _Sight:
    """A look showed this user to bear the name."""

    at: datetime
    user_id: str


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
    return tuple(sorted(facts, key=lambda f: (_second(f.at), rank.index(f.kind), f.at, f.id)))


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


# -- who bears the name ------------------------------------------------------------------------

Read = Callable[[str], Mark]
"""Reads the mark of a name."""


def past_of(
    mark: Mark, read: Read, user: User | None = None, left: Fact | None = None
) -> tuple[Fact, ...]:
    """What is known of the name's bearer, in order, also from under the names it had before.

    `user` is the bearer as a look showed it, whose id and date of creation tell it from others.
    With `left`, a rename, it is about whoever gave the name up by it, until then.
    """
    found: list[Fact] = []
    passed: set[str] = set()
    within_a_second: list[int] = []
    is_first_bearer = had_another_name = False
    known_at: datetime | None = None
    while True:
        facts = _until(mark, left)
        if len(within_a_second) > _FORTH_AND_BACK and any(f.id in passed for f in facts):
            # names went round within a second: who had which before?
            return in_order(found[: within_a_second[0]])
        facts = tuple(f for f in facts if f.id not in passed)
        bound = _bound(facts, left, user, read, is_borne=_was_borne(mark, left))
        sights = _sights(mark, left)
        found += _own(facts, bound, user, sights)
        is_first_bearer = is_first_bearer if passed else bound is not None and facts[0] is bound
        is_anothers = bound is not None and _is_another(bound, user) and not is_first_bearer
        if left and (is_anothers or (bound is None and had_another_name)):
            if bound and any(s.user_id == user.user_id and bound.at < s.at for s in sights if user):
                return in_order(found)  # a look showed the user under the name that it gave up
            # somebody else took the name, or this user bore the old one untold: nobody can say
            left_by_it = (replace(f, cause=None) for f in found if f.kind is Kind.LEFT)
            sure = [f for f in found if _is_by_id(f, user) or (known_at and f.at > known_at)]
            return in_order({**{f.id: f for f in left_by_it}, **{f.id: f for f in sure}}.values())
        if bound is None or bound.kind is not Kind.TOOK or bound.is_by_look:
            return in_order(found)
        noted = [n.at for n in mark.noted if user and n.user_id == user.user_id]
        if not passed:  # by its present name, whatever it had before
            known_at = min((at for at in noted if at > bound.at), default=None)
        had_another_name = any(at < bound.at for at in noted)
        passed.add(bound.id)
        is_same = left is not None and left.at == bound.at
        within_a_second = [*(within_a_second if is_same else ()), len(found)]
        left, mark = bound, read(bound.name)


def _until(mark: Mark, left: Fact | None) -> tuple[Fact, ...]:
    """The facts until the bearer gave the name up, by a rename that is not among them."""
    if left is None:
        return mark.facts
    return tuple(f for f in mark.facts if f.at <= left.at and f.id != left.id)


def _was_borne(mark: Mark, left: Fact | None) -> bool:
    """Whether somebody surely bore the name before the second in which it was given up."""
    if left is None:
        return True
    before = [f for f in mark.facts if f.at < left.at]
    is_noted = any(n.at < left.at for n in mark.noted)
    return is_noted or (bool(before) and before[-1].kind not in _ENDS)


def _bound(
    facts: Sequence[Fact], left: Fact | None, user: User | None, read: Read, *, is_borne: bool
) -> Fact | None:
    """The last time that the name changed hands before the bearer left it, if any is told of."""
    bounds = [f for f in facts if f.is_bound]
    if left is not None:
        same = [f for f in bounds if f.at == left.at and f.is_start]
        same = [f for f in same if not _is_another(f, user)]
        mine = [f for f in same if _is_by_id(f, user)]
        earlier = [f for f in bounds if f.at < left.at]
        was_anothers = bool(earlier) and earlier[-1].is_start and _is_another(earlier[-1], user)
        gave_up = was_anothers and any(f.kind in _ENDS and f.at == left.at for f in bounds)
        if mine or (same and (gave_up or not is_borne)):
            return (mine or same)[0]  # the name was taken and given up within the second
        bounds = earlier
    if not bounds:
        return None
    *earlier, last = bounds
    if last.is_by_look and earlier and _leads_back(earlier[-1], last, read):
        return earlier[-1]  # its event came after all
    return next((f for f in bounds if f.at == last.at and _is_by_id(f, user)), last)


def _leads_back(told: Fact, by_look: Fact, read: Read, passed: tuple[str, ...] = ()) -> bool:
    """Whether told renames explain what the look found: from the name that it knew, to this one."""
    is_old = by_look.after is not None and told.at < _second(by_look.after)
    if told.kind is not Kind.TOOK or is_old or told.id in passed:
        return False
    if _same(told.name, by_look.name):
        return True
    starts = [f for f in read(told.name).facts if f.is_start and f.at <= told.at]
    before = [f for f in starts if f.at < told.at]
    # in the second in which it was given up, the name may have been taken before that, or after
    maybe = [*before[-1:], *(f for f in starts if f.at == told.at)]
    return any(_leads_back(f, by_look, read, (*passed, told.id)) for f in maybe)


def _is_by_id(fact: Fact, user: User | None) -> bool:
    """Whether the fact names the user's id."""
    return user is not None and fact.user_id == user.user_id


def _is_another(start: Fact, user: User | None) -> bool:
    """Whether it was somebody else who got the name, so that the user came by it untold."""
    if user is None:
        return False
    if start.user_id:
        return start.user_id != user.user_id
    return start.at <= user.created_at - _CLOCK_SKEW


def _own(
    facts: Sequence[Fact], bound: Fact | None, user: User | None, sights: Sequence[_Sight]
) -> Iterator[Fact]:
    """Those of the facts that are about the bearer.

    What tells an id is about whom it names. All else is about who had the name then: the bearer
    from `bound` on, and from its own creation until the name next changed hands.
    """
    is_mine = bound is not None and bound.is_start and not _is_another(bound, user)
    user_id = user.user_id if user else bound.user_id if bound and is_mine else ""
    born = _second(user.created_at) if user and not is_mine else None
    is_alone = _is_alone(facts, bound, born)
    start, is_held, is_told = None, bound is None, False
    for fact in facts:
        if fact.is_by_look and fact is not bound:
            continue  # told since
        is_named = user_id != "" and fact.user_id == user_id
        if fact.is_bound:
            is_told = is_named or (is_mine and fact is bound)
            start, is_held = fact, is_told or fact is bound
            yield from [fact] if is_told else []
        elif fact.user_id and user_id:
            yield from [fact] if is_named else []
        elif not is_held or (born is not None and fact.at < born):
            continue
        elif is_told or start is None or start.at < fact.at:
            before, after = _seen_around(fact, facts, start, sights)
            is_known = before == user_id != ""
            is_sure = is_told or is_known or (is_alone and fact.at != born)
            is_doubted = user_id != "" and not {before, after} <= {"", user_id}
            yield from _as_sure_as_it_is(fact, facts, start, is_sure=is_sure, is_doubted=is_doubted)


def _sights(mark: Mark, left: Fact | None) -> tuple[_Sight, ...]:
    """Whom looks showed to bear the name until it was given up, in order of time."""
    found = [_Sight(noted.at, noted.user_id) for noted in mark.noted]
    # a stray since its creation, or an exemption's end, was seen under the name at some time after
    looks = (f for f in mark.facts if f.kind is Kind.SETTLED or (f.kind is Kind.STRAY and f.after))
    found += [_Sight(f.at, f.user_id) for f in looks if f.user_id]
    found = [sight for sight in found if left is None or sight.at < left.at]
    return tuple(sorted(found, key=lambda sight: sight.at))


def _seen_around(
    fact: Fact, facts: Sequence[Fact], start: Fact | None, sights: Sequence[_Sight]
) -> tuple[str, str]:
    """Whom the last look before the fact and the first one after it showed; empty for nobody.

    Only those count between which the name did not change hands, as far as events tell.
    """
    end = next((f for f in facts if f.is_bound and f.at > fact.at), None)
    before = [s for s in sights if s.at < fact.at and (start is None or start.at < s.at)]
    after = [s for s in sights if s.at >= fact.at and (end is None or s.at < end.at)]
    return before[-1].user_id if before else "", after[0].user_id if after else ""


def _is_alone(facts: Sequence[Fact], bound: Fact | None, born: datetime | None) -> bool:
    """Whether the name has had no other bearer, or none since it was given up before `born`."""
    if bound is not None and (bound.is_start or born is None or born < bound.at):
        return False
    since = facts if bound is None else facts[facts.index(bound) + 1 :]
    return born is None or all(fact.at >= born for fact in since)


def _as_sure_as_it_is(
    fact: Fact, facts: Sequence[Fact], start: Fact | None, *, is_sure: bool, is_doubted: bool
) -> Iterator[Fact]:
    """A move, as far as it is the bearer's: where it may be another's, a leaving without its cause.

    In a second in which the name changed hands, a joining that may be another's does not count;
    next to a look that showed another it `is_doubted`, and has no cause either.
    """
    before = [f for f in facts if f.at < fact.at]
    is_taken = bool(before) and before[-1].kind not in _ENDS
    is_first = start is not None and _second(start.at) == fact.at
    is_shared = (is_first and is_taken) or any(
        f.is_bound and f is not start and f.at == fact.at for f in facts
    )
    if is_doubted or (fact.kind is Kind.LEFT and (is_first or is_shared or not is_sure)):
        yield replace(fact, cause=None)
    elif fact.kind is not Kind.JOINED or not is_shared:
        yield fact


def taken_by_look(user: User, old_name: str, at: datetime, after: datetime) -> Fact:
    """What a look found out and no event had told: the user has got the name by a rename.

    It bore the old one at `after` still.
    """
    told = f"{_BY_LOOK}{user.user_id}"
    return Fact(id=told, kind=Kind.TOOK, at=at, user_id=user.user_id, name=old_name, after=after)


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
    return next((f for f in mark.facts if f.kind in _ENDS and f.at >= at), None)


def is_given_up(mark: Mark, since: datetime) -> bool:
    """Whether nobody bears the name any more, as far as renames tell of the time from `since`."""
    last = last_bound(mark)
    return last is not None and last.kind is Kind.RENAMED and last.at >= since


# -- what a past comes to ----------------------------------------------------------------------


def begun(past: Sequence[Fact]) -> Fact | None:
    """The last event that may have begun an episode: a leaving, or else the creation."""
    return next((f for f in reversed(past) if f.kind in (Kind.CREATED, Kind.LEFT)), None)


def joined(past: Sequence[Fact]) -> Fact | None:
    """The last joining, if the bearer has not left a group since, as far as events tell."""
    moves = [f for f in past if f.kind in (Kind.JOINED, Kind.LEFT)]
    return moves[-1] if moves and moves[-1].kind is Kind.JOINED else None


def latest(*instants: datetime | None) -> datetime | None:
    """The last of those instants that are known."""
    return max((i for i in instants if i is not None), default=None)


def last_at(past: Sequence[Fact], *kinds: Kind) -> datetime | None:
    """When the last fact of these kinds was; None where there is none."""
    return latest(*(f.at for f in past if f.kind in kinds))


def stray_since(
    past: Sequence[Fact],
    *,
    now: datetime,
    created_at: datetime,
    settled_before: datetime | None = None,
    swept_at: datetime | None = None,
    exemption_ended: datetime | None = None,
    was_awaited: bool = False,
) -> StraySince:
    """Since when a user, who a look has found by `now` to be a stray, has been one.

    `settled_before` is a further instant at which the user was known to be none (the end of its
    last finding), `swept_at` a whole sweep: a stray of whom no event told it would have noted. An
    exemption's end `was_awaited` if a look showed the exempt user in no group, whatever had been
    told of one before.
    Where the user was no stray later than any event tells, the start is unknown: it counts from the
    first look that found it.
    """
    known = [StraySince(created_at, Evidence.CREATION)]
    if event := begun(past):
        known.insert(0, StraySince(max(event.at, created_at), Evidence.EVENT))
    if exemption_ended is not None:
        known.append(StraySince(exemption_ended, Evidence.EXEMPTION_ENDED))
    start = max(known, key=lambda since: since.at)
    in_group = joined(past)
    if in_group and was_awaited and in_group.at < start.at:
        in_group = None
    is_noted = start.evidence is Evidence.EVENT or any(f.kind is Kind.STRAY for f in past)
    looked = latest(_settled_at(past), settled_before, None if is_noted else swept_at)
    # CloudTrail's times are whole seconds: a group that was left in the second of the look that
    # shows the user in it was left last
    is_settled = looked is not None and _second(looked) > start.at
    if not is_settled and in_group is None:
        return start
    in_group_at = in_group.at + _A_SECOND if in_group else None
    no_stray_at = latest(last_at(past, Kind.SETTLED), looked, in_group_at) or start.at
    return StraySince(_sighted(past, no_stray_at) or now, Evidence.SIGHTING)


def thought_stray_since(past: Sequence[Fact]) -> datetime | None:
    """Since when the bearer may be a stray, without a look; None where it was settled since."""
    told, in_group, over = begun(past), joined(past), _settled_at(past)
    if told and not in_group and (over is None or _second(over) <= told.at):
        return told.at
    in_group_at = in_group.at + _A_SECOND if in_group else None
    return _sighted(past, latest(last_at(past, Kind.SETTLED), in_group_at))


def _sighted(past: Sequence[Fact], after: datetime | None) -> datetime | None:
    """When a look first found a stray, surely later than `after`."""
    found = (f for f in past if f.kind is Kind.STRAY and (after is None or f.earliest > after))
    return next((f.at for f in found), None)


def _settled_at(past: Sequence[Fact]) -> datetime | None:
    """The last instant at which a look surely showed no stray."""
    return latest(*(f.earliest for f in past if f.kind is Kind.SETTLED))


def moved_since(past: Sequence[Fact], at: datetime) -> datetime | None:
    """When the bearer last joined or left a group after `at`, which ended an episode.

    A move without a cause may have been another's.
    """
    moves = (f for f in past if f.kind in (Kind.JOINED, Kind.LEFT) and f.cause)
    return latest(*(f.at for f in moves if f.at > at))


def flaps_within_a_day(past: Iterable[Fact], now: datetime) -> int:
    """How many times in the last day the user left a group and then joined one again."""
    moves = sorted((f.at, f.kind is not Kind.JOINED) for f in past if f.kind in _MOVES)
    return sum(
        before_left and not left and at > now - FLAPPING_WINDOW
        for (_, before_left), (at, left) in pairwise(moves)
    )


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def _same(name: str, other: str) -> bool:
    return name.lower() == other.lower()
