"""Who bears a name: which of its facts are about one user, also under the names it had before.

What was known of a name before its bearer took it is not about the bearer, and who cannot be told
apart gets no cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.account import User
from chalicelib.domain.facts import (
    BY_LOOK,
    Fact,
    Kind,
    Mark,
    in_order,
    whole_second,
)

_CLOCK_SKEW = timedelta(seconds=5)
"""CreateUser's event and the user's creation date are one instant, told by two clocks."""
_FORTH_AND_BACK = 2
"""Two renames within a second that lead back to a name are one user's; of three nobody knows."""


@dataclass(frozen=True, slots=True)
class _Sight:
    """A look showed this user to bear the name."""

    at: datetime
    user_id: str


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
    return is_noted or (bool(before) and not before[-1].is_end)


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
        gave_up = was_anothers and any(f.is_end and f.at == left.at for f in bounds)
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
    is_old = by_look.after is not None and told.at < whole_second(by_look.after)
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
    born = whole_second(user.created_at) if user and not is_mine else None
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
    is_taken = bool(before) and not before[-1].is_end
    is_first = start is not None and whole_second(start.at) == fact.at
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
    told = f"{BY_LOOK}{user.user_id}"
    return Fact(id=told, kind=Kind.TOOK, at=at, user_id=user.user_id, name=old_name, after=after)


def _same(name: str, other: str) -> bool:
    return name.lower() == other.lower()
