"""A stray's episode, as its mark and its finding tell of it: since when, and whether it is over."""

from __future__ import annotations

from datetime import datetime

from chalicelib.domain.account import InGroups, InNoGroup, Look, NoSuchUser, User
from chalicelib.domain.findings import Finding, NoFinding, Reason, Resolution, may_send
from chalicelib.domain.marks import (
    IAM_LAG,
    Mark,
    is_after,
    latest,
    taken_over,
    tells_a_creation,
)


def is_too_fresh(look: Look, mark: Mark, now: datetime) -> bool:
    """Whether the look contradicts an event that is only seconds old.

    A user just created may not be visible yet, one just removed may still show its group, one
    just added none. Who was created in the second of a deletion took the name that got free.
    """
    match look:
        case InGroups():
            contradicted = mark.left_at if is_after(mark.left_at, mark.joined_at) else None
        case NoSuchUser():
            anew = mark.left_at == mark.deleted_at and tells_a_creation(mark)
            is_made = anew or is_after(mark.left_at, mark.deleted_at)
            contradicted = mark.left_at if is_made else None
        case InNoGroup():
            settled_at = latest(mark.joined_at, mark.deleted_at)
            contradicted = settled_at if is_after(settled_at, mark.left_at) else None
    return contradicted is not None and now < contradicted + IAM_LAG


def about(mark: Mark, user: User, finding: Finding, looked_at: datetime) -> Mark:
    """The mark of the stray's name, as far as it is about the stray, whose finding is open.

    If the user got the name by a rename since the finding opened, and no event told of it, what
    the mark holds is about somebody else.
    """
    opened_at = finding.opened_at
    is_renamed = finding.user_name.lower() != user.name.lower()
    unseen = is_renamed and not is_after(mark.taken_at or opened_at, opened_at)
    return taken_over(mark, looked_at) if unseen else mark


def over_since(finding: Finding, mark: Mark, now: datetime) -> datetime | None:
    """When events say that the open finding's episode ended; None if they do not.

    Nor is it over while another worker has its alert in hand.
    """
    ended_at = latest(mark.joined_at, mark.left_at)
    in_hand = finding.outbox and not may_send(finding, now)
    return ended_at if not in_hand and is_after(ended_at, finding.opened_at) else None


def joined_meanwhile(mark: Mark) -> Resolution:
    """Events tell that the user was in a group after all, if only for a while."""
    by_joining = is_after(mark.joined_at, mark.left_at)
    group = mark.joined_group if by_joining or not mark.cause else mark.cause.group_name
    return Resolution(Reason.JOINED_GROUP, (group,) if group else ())


def settled_by(last: Finding | NoFinding) -> datetime | None:
    """The last instant at which the end of the user's last finding shows that it was no stray."""
    resolved_at = last.resolved_at if isinstance(last, Finding) else None
    return resolved_at and resolved_at - IAM_LAG
