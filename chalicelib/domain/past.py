"""What one bearer's past comes to: since when it is a stray, what began that, what ended it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from chalicelib.domain.facts import (
    Evidence,
    Fact,
    Kind,
    StraySince,
    whole_second,
)

FLAPPING_WINDOW = timedelta(days=1)
_MOVES = (Kind.CREATED, Kind.JOINED, Kind.LEFT)
_A_SECOND = timedelta(seconds=1)
"""As fine as CloudTrail tells time."""


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
    is_settled = looked is not None and whole_second(looked) > start.at
    if not is_settled and in_group is None:
        return start
    in_group_at = in_group.at + _A_SECOND if in_group else None
    no_stray_at = latest(last_at(past, Kind.SETTLED), looked, in_group_at) or start.at
    return StraySince(_sighted(past, no_stray_at) or now, Evidence.SIGHTING)


def thought_stray_since(past: Sequence[Fact]) -> datetime | None:
    """Since when the bearer may be a stray, without a look; None where it was settled since."""
    told, in_group, over = begun(past), joined(past), _settled_at(past)
    if told and not in_group and (over is None or whole_second(over) <= told.at):
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
