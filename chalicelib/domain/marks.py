"""A mark: what events and looks have told of one user name lately, whatever their order.

Every instant only ever moves forward in time, so that repeated, late and reordered events lead to
the same mark. CloudTrail's times are whole seconds: of calls within one second the later in meaning
lends its cause (nobody leaves a group before being created), of equals the first to arrive. From
the mark follows since when a user is a stray, as far as anyone can tell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from chalicelib.domain.account import Account
from chalicelib.domain.events import Cause, Change, MembershipEvent

FLAPPING_WINDOW = timedelta(days=1)
_MOST_MOVES = 200
IAM_LAG = timedelta(seconds=3)
"""IAM is eventually consistent: a look may show what was so long ago."""
_CLOCK_SKEW = timedelta(seconds=5)
"""CreateUser's event and the user's creation date are one instant, told by two clocks."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What is known of one user name of an account.

    `left_at`: last event that took the user out of a group, or created it (`cause` is that call,
    `created_id` the id that a creation in its second told of).
    `settled_at`: last instant at which the user was known to be no stray. `joined_at`: last
    AddUserToGroup, into `joined_group`. `seen_at`: first look that found a
    stray no event had told of.
    `renamed_at`: last time a bearer gave the name up for `renamed_to`. `taken_at`: last time a user
    got the name by a rename.
    `asked_until`: when the newest check that waits out the grace from `asked_since` comes up next.
    `open_user_ids`: users who have had a finding under this name and may have it still.
    `lefts`, `joins`: when the user left and joined groups within a day of the last time it did.
    """

    account: Account
    user_name: str
    left_at: datetime | None = None
    cause: Cause | None = None
    created_id: str = ""
    joined_at: datetime | None = None
    joined_group: str = ""
    settled_at: datetime | None = None
    seen_at: datetime | None = None
    deleted_at: datetime | None = None
    renamed_at: datetime | None = None
    renamed_to: str = ""
    taken_at: datetime | None = None
    asked_since: datetime | None = None
    asked_until: datetime | None = None
    open_user_ids: tuple[str, ...] = ()
    lefts: tuple[datetime, ...] = ()
    joins: tuple[datetime, ...] = ()
    flapping_told_at: datetime | None = None
    version: int = 0


def latest(*instants: datetime | None) -> datetime | None:
    """The last of those instants that are known."""
    return max((i for i in instants if i is not None), default=None)


def is_after(instant: datetime | None, other: datetime | None) -> bool:
    """Whether `instant` is known and later than `other`, or `other` is unknown."""
    return instant is not None and (other is None or instant > other)


def is_at_least(instant: datetime | None, other: datetime) -> bool:
    """Whether `instant` is known and not before `other`."""
    return instant is not None and instant >= other


def with_event(mark: Mark, event: MembershipEvent) -> Mark:
    """The mark once `event` is known. Applying an event twice changes nothing."""
    at = event.cause.event_time
    match event.change:
        case Change.CREATED | Change.LEFT:
            return _lost(mark, at, event)
        case Change.JOINED:
            return _joined(mark, at, event.cause.group_name)
        case Change.DELETED:
            return replace(mark, deleted_at=latest(mark.deleted_at, at))
        case Change.RENAMED:
            if not is_after(at, mark.renamed_at):
                return mark
            return replace(mark, renamed_at=at, renamed_to=event.new_name)


def _lost(mark: Mark, at: datetime, event: MembershipEvent) -> Mark:
    mark = replace(mark, lefts=_recent(mark.lefts, at))
    if is_after(at, mark.left_at):
        return replace(mark, left_at=at, cause=event.cause, created_id=event.user_id)
    if at != mark.left_at:
        return mark
    left_last = event.change is Change.LEFT and creates(mark.cause)
    return replace(
        mark,
        cause=event.cause if left_last else mark.cause,
        created_id=mark.created_id or event.user_id,
    )


def _joined(mark: Mark, at: datetime, group: str) -> Mark:
    mark = replace(mark, joins=_recent(mark.joins, at))
    if not is_after(at, mark.joined_at):
        return mark
    return replace(mark, joined_at=at, joined_group=group, settled_at=latest(mark.settled_at, at))


def _recent(instants: tuple[datetime, ...], at: datetime) -> tuple[datetime, ...]:
    """The instants with `at` among them, in order: those of the last day that any is in."""
    known = sorted({*instants, at})
    return tuple(i for i in known if i > known[-1] - FLAPPING_WINDOW)[-_MOST_MOVES:]


def carried_over(old: Mark, new: Mark) -> Mark:
    """The mark of the new name after a rename: the user's past, and only its own.

    What the new name's mark holds from before the rename was about another user, and so is what
    the old name's mark holds from after it.
    """
    at = old.renamed_at
    if at is None:
        return new
    past, since = _before(old, at), left_behind(replace(new, renamed_at=at))
    left_later, joined_later = since.left_at is not None, since.joined_at is not None
    return replace(
        new,
        left_at=since.left_at or past.left_at,
        cause=(since if left_later else past).cause,
        created_id=(since if left_later else past).created_id,
        joined_at=since.joined_at or past.joined_at,
        joined_group=(since if joined_later else past).joined_group,
        settled_at=since.settled_at or past.settled_at,
        seen_at=since.seen_at or past.seen_at,
        deleted_at=new.deleted_at if is_after(new.deleted_at, at) else None,
        taken_at=latest(new.taken_at, at),
        open_user_ids=tuple(dict.fromkeys((*new.open_user_ids, *old.open_user_ids))),
        lefts=tuple(sorted({*past.lefts, *since.lefts})),
        joins=tuple(sorted({*past.joins, *since.joins})),
        flapping_told_at=old.flapping_told_at,
    )


def _before(mark: Mark, at: datetime) -> Mark:
    """What the mark holds up to `at`. Of a later bearer's time the calls' times are left out.

    Who took the name since has brought its own past along, and that alone is in the mark.
    """
    if is_after(mark.taken_at, at):
        return Mark(account=mark.account, user_name=mark.user_name)
    later = _later(mark, at)
    lefts = tuple(left for left in mark.lefts if left not in later.lefts)
    joins = tuple(joined for joined in mark.joins if joined not in later.joins)
    joined_at = latest(*joins) if later.joined_at else mark.joined_at
    return replace(
        mark,
        left_at=latest(*lefts) if later.left_at else mark.left_at,
        cause=None if later.left_at else mark.cause,
        created_id="" if later.left_at else mark.created_id,
        joined_at=joined_at,
        joined_group="" if later.joined_at else mark.joined_group,
        settled_at=joined_at if later.settled_at else mark.settled_at,
        seen_at=None if later.seen_at else mark.seen_at,
        lefts=lefts,
        joins=joins,
    )


def _later(mark: Mark, at: datetime) -> Mark:
    """What the mark holds from after `at`."""

    def kept(instant: datetime | None) -> datetime | None:
        return instant if is_after(instant, at) else None

    # times are whole seconds: who is created in the second of a rename took the name that got free
    created = mark.left_at == at and tells_a_creation(mark)
    left_at = mark.left_at if created else kept(mark.left_at)
    return replace(
        mark,
        left_at=left_at,
        cause=mark.cause if left_at else None,
        created_id=mark.created_id if left_at else "",
        joined_at=kept(mark.joined_at),
        joined_group=mark.joined_group if kept(mark.joined_at) else "",
        settled_at=kept(mark.settled_at),
        seen_at=kept(mark.seen_at),
        lefts=tuple(left for left in mark.lefts if left > at or (created and left == at)),
        joins=tuple(joined for joined in mark.joins if joined > at),
    )


def tells_a_creation(mark: Mark) -> bool:
    """Whether the user was created in the second of the mark's last leaving."""
    return mark.created_id != "" or creates(mark.cause)


def creates(cause: Cause | None) -> bool:
    """Whether the call made the user."""
    return cause is not None and cause.event_name == "CreateUser"


def left_behind(mark: Mark) -> Mark:
    """The old name's mark after a rename: only what came later, about whoever bears it now."""
    if mark.renamed_at is None:
        return mark
    return replace(_later(mark, mark.renamed_at), open_user_ids=())


def is_given_up_since(mark: Mark, since: datetime) -> bool:
    """Whether the name's bearer at `since` goes by another name now, as far as renames tell.

    Who was renamed away and back bears the name again. What the mark still tells of `since` is
    about the next bearer.
    """
    renamed_away = is_at_least(mark.renamed_at, since) and mark.left_at != since
    return renamed_away and is_after(mark.renamed_at, mark.taken_at)


def settled(mark: Mark, at: datetime) -> Mark:
    """The mark once a look at that instant has shown the user to be no stray.

    A removal may be later than what the look showed, though its event names an earlier second.
    """
    return replace(mark, settled_at=latest(mark.settled_at, at - IAM_LAG))


def taken_over(mark: Mark, at: datetime) -> Mark:
    """The mark of a name whose bearer at `at`, as a look shows, got it by a rename nobody told of.

    What the mark holds from before is about a former bearer.
    """
    return replace(_later(mark, at), taken_at=at)


def stray_since(
    mark: Mark,
    *,
    now: datetime,
    created_at: datetime,
    user_id: str = "",
    settled_before: datetime | None = None,
    exemption_ended: datetime | None = None,
) -> StraySince:
    """Since when a user, who a look has just found to be a stray, has been one.

    `settled_before` is a further instant at which the user was known to be none (the end of its
    last finding, or a whole sweep that did not see it as a stray). An event under the name that was
    about a former bearer, by its time or by its `user_id`, tells nothing of this user. Where the
    user was no stray later than any event tells, the start is unknown: it counts from the first
    look that found it.
    """
    known = [StraySince(created_at, Evidence.CREATION)]
    if mark.left_at is not None and _is_about(mark, mark.left_at, created_at, user_id):
        known.insert(0, StraySince(max(mark.left_at, created_at), Evidence.EVENT))
    if exemption_ended is not None:
        known.append(StraySince(exemption_ended, Evidence.EXEMPTION_ENDED))
    start = max(known, key=lambda since: since.at)
    no_stray_at = latest(mark.settled_at, settled_before)
    # CloudTrail's times are whole seconds: a group that was left in the second of the look, or of
    # the event, that shows the user in one was left last
    if no_stray_at is None or no_stray_at.replace(microsecond=0) <= start.at:
        return start
    if mark.seen_at is not None and mark.seen_at > no_stray_at:
        return StraySince(mark.seen_at, Evidence.SIGHTING)
    return StraySince(now, Evidence.SIGHTING)


def _is_about(mark: Mark, left_at: datetime, created_at: datetime, user_id: str) -> bool:
    """Whether the mark's last event is about the user of this id, and not one it came after."""
    if not tells_a_creation(mark):
        return left_at >= created_at
    if mark.created_id and user_id:
        return mark.created_id == user_id
    return left_at > created_at - _CLOCK_SKEW


def flaps_within_a_day(mark: Mark, now: datetime) -> int:
    """How many times in the last day the user left a group and then joined one again."""
    moves = sorted([(at, "joins") for at in mark.joins] + [(at, "leaves") for at in mark.lefts])
    return sum(
        1
        for (_, before), (at, move) in pairwise(moves)
        if (before, move) == ("leaves", "joins") and at > now - FLAPPING_WINDOW
    )
