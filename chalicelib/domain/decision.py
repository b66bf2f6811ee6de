"""The decision: what facts, finding and look come to. One table, for everybody who asks.

`decide` is pure. It reads from above to below: the first row that fits is the decision. The rows
that ask say what must be known first, so that AWS is asked only where it matters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from chalicelib.domain.account import InGroups, InNoGroup, Look, NoSuchUser, User
from chalicelib.domain.check_requests import Origin
from chalicelib.domain.evaluation import Evaluated, Evaluation, evaluate
from chalicelib.domain.exemptions import Exempt, NotExempt
from chalicelib.domain.facts import Evidence, Fact, Kind, Mark, StraySince, last_bound
from chalicelib.domain.findings import (
    Finding,
    NoFinding,
    Reason,
    Resolution,
    Status,
    resolution_of,
)
from chalicelib.domain.past import (
    begun,
    joined,
    last_at,
    moved_since,
    stray_since,
    thought_stray_since,
)

if TYPE_CHECKING:
    from chalicelib.domain.risk import Risk

FRESH = timedelta(seconds=5)
"""How old the look may be by which a finding is opened. Promise: seconds."""
IDS_LINGER = timedelta(minutes=15)
"""So long after a user was found nowhere, or a name changed hands, IAM may still show who was."""
EXEMPTIONS_AWAITED = timedelta(days=7)
"""An exemption that ends within so long is waited for in the queue; sweeps see to later ones."""


class Unread(Enum):
    """Nobody has asked yet."""

    UNREAD = "unread"


UNREAD: Final = Unread.UNREAD


@dataclass(frozen=True, slots=True)
class Rules:
    """How long a stray may be one, and for how long IAM may still show what was."""

    grace: timedelta
    iam_lag: timedelta


class Row(StrEnum):
    """The rows of the table. The first five ask; each other one is a decision."""

    ASK_WHO = "ask_who"
    """In a group, and a finding may be open under the name: who is it?"""
    ASK_EXEMPTION = "ask_exemption"
    """Is the user exempt?"""
    ASK_FINDING = "ask_finding"
    """What is the user's newest finding?"""
    ASK_RISK = "ask_risk"
    """The grace is over: how bad is the stray?"""
    ASK_LOOK = "ask_look"
    """All is known, and the look is too old to open a finding by, or from before the last one
    opened or ended: look again."""

    LOOK_LATER = "look_later"
    """The look contradicts news so young that IAM may still show what was before."""
    GONE = "gone"
    """Nobody bears the name, or who seems to was deleted."""
    AT_PEACE = "at_peace"
    """No stray, no open finding, and nobody expected one."""
    SETTLED = "settled"
    """No stray, no open finding, but one was expected: remember that it is over."""
    UNSURE_WHO = "unsure_who"
    """No stray, but the name changed hands lately, or its finding has another name. IAM was asked
    for the groups and for the user in two calls, which may have shown two: a sweep asks in one.
    That it was no stray is remembered."""
    CLOSE = "close"
    """No stray any more: its finding is over."""
    UNSENT = "unsent"
    """An alert of this finding is not out yet: send it, unless another worker has it in hand, and
    decide again."""
    OVER_MEANWHILE = "over_meanwhile"
    """A stray again; in between it was in a group, so that its open finding is over."""
    STILL_OPEN = "still_open"
    """A stray, and its finding is open."""
    GRACE_RUNS = "grace_runs"
    """A stray for less than the grace: wait."""
    OPEN = "open"
    """A stray for the whole grace: open a finding."""


QUESTIONS = frozenset((Row.ASK_WHO, Row.ASK_EXEMPTION, Row.ASK_FINDING, Row.ASK_RISK, Row.ASK_LOOK))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that is known when it is decided.

    The look was asked for at `looked_at`, and had answered by `shown_at`. `swept_at` is when a
    whole sweep saw the user last; `origin` is what asked for the look: a check
    that waits out the grace asks for the next one itself. `findings` were read together with the
    mark.
    """

    mark: Mark
    past: tuple[Fact, ...]
    look: Look
    looked_at: datetime
    shown_at: datetime
    origin: Origin
    who: User | NoSuchUser | Unread = UNREAD
    exemption: Exempt | NotExempt | Unread = UNREAD
    last: Finding | NoFinding | Unread = UNREAD
    risk: Risk | Unread = UNREAD
    findings: Mapping[str, Finding | NoFinding] = field(default_factory=dict)
    may_be_open: bool = False
    swept_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A row, and what goes with it.

    `since` is the start of the episode, `evaluated` what the user is. `over_at` and `resolution`
    end its finding. `check_since`: have a check wait out the grace from then. `look_at`: look again
    then.
    """

    row: Row
    evaluated: Evaluated | None = None
    since: StraySince | None = None
    resolution: Resolution | None = None
    over_at: datetime | None = None
    check_since: datetime | None = None
    look_at: datetime | None = None


def decide(seen: Seen, now: datetime, rules: Rules) -> Decision:
    """Read the table for one user. Raises UnknownGroupsError."""
    if contradicts(seen, rules.iam_lag):
        return Decision(row=Row.LOOK_LATER, look_at=now + rules.iam_lag)
    if isinstance(seen.look, NoSuchUser) or isinstance(seen.who, NoSuchUser):
        return Decision(row=Row.GONE, evaluated=Evaluated(Evaluation.GONE))
    if isinstance(seen.who, Unread):
        if seen.may_be_open:
            return Decision(row=Row.ASK_WHO)
        # an exemption could change no more than the word in the log
        return _at_peace(seen, Evaluated(Evaluation.COMPLIANT, seen.look.groups))
    if isinstance(seen.exemption, Unread):
        return Decision(row=Row.ASK_EXEMPTION)
    evaluated = evaluate(seen.who.name, seen.look.groups, seen.exemption)
    if isinstance(seen.last, Unread) and (seen.may_be_open or _is_stray(evaluated)):
        return Decision(row=Row.ASK_FINDING, evaluated=evaluated)
    last = seen.last if isinstance(seen.last, Finding) else NoFinding()
    return _of_user(seen, evaluated, last, now=now, rules=rules)


def _of_user(
    seen: Seen, evaluated: Evaluated, last: Finding | NoFinding, *, now: datetime, rules: Rules
) -> Decision:
    """The rest of the table: what the user is, and how its newest finding stands, are known."""
    if isinstance(last, Finding) and last.outbox:
        return Decision(row=Row.UNSENT, evaluated=evaluated)
    if _is_deleted(last, now):
        return Decision(row=Row.GONE, evaluated=Evaluated(Evaluation.GONE))
    if not _is_stray(evaluated):
        return _no_stray(seen, evaluated, last, now)
    if isinstance(last, Finding) and last.status is Status.OPEN:
        return _still(seen.past, last, evaluated)
    return _stray(seen, evaluated, last, now=now, rules=rules)


def _no_stray(
    seen: Seen, evaluated: Evaluated, last: Finding | NoFinding, now: datetime
) -> Decision:
    if isinstance(last, Finding) and last.status is Status.OPEN:
        if seen.looked_at < last.opened_at:
            return Decision(row=Row.ASK_LOOK, evaluated=evaluated)
        if not _is_sure_who(seen, evaluated.groups, now):
            return Decision(row=Row.UNSURE_WHO, evaluated=evaluated)
        decision = Decision(
            row=Row.CLOSE,
            evaluated=evaluated,
            resolution=_with_cause(resolution_of(evaluated), joined(seen.past)),
            over_at=seen.looked_at,
        )
    else:
        decision = _at_peace(seen, evaluated)
    until = evaluated.exemption.until if evaluated.exemption else None
    if until is None or evaluated.groups or until - now > EXEMPTIONS_AWAITED:
        return decision
    return decision if _is_asked(seen.mark, until) else replace(decision, check_since=until)


def _is_asked(mark: Mark, since: datetime | None) -> bool:
    """Whether a check was asked for that waits from then."""
    return any(asked.since == since for asked in mark.asked)


def _is_sure_who(seen: Seen, groups: tuple[str, ...], now: datetime) -> bool:
    """Whether the user is surely the one whom IAM showed in a group."""
    lately = [f for f in _handed_over(seen) if now <= f.at + IDS_LINGER]
    if seen.origin is Origin.SWEEP or not lately:
        return True
    bound, told = last_bound(seen.mark), joined(seen.past)
    if bound and _is_anothers(bound, seen.who):
        return False
    if told and told.name.lower() in {group.lower() for group in groups}:
        return True
    return lately[-1].is_start and not groups


def _handed_over(seen: Seen) -> list[Fact]:
    """Every time that the name changed hands: who was made with it took it from nobody."""
    facts = seen.mark.facts
    made = [f for f in facts[:1] if f.kind is Kind.CREATED and not _is_anothers(f, seen.who)]
    return [f for f in facts[len(made) :] if f.is_bound]


def _is_anothers(bound: Fact, user: User | NoSuchUser | Unread) -> bool:
    """Whether somebody else is known to have got the name."""
    is_told = bound.is_start and bound.user_id != ""
    return is_told and not (isinstance(user, User) and user.user_id == bound.user_id)


def _at_peace(seen: Seen, evaluated: Evaluated) -> Decision:
    known = last_at(seen.past, Kind.CREATED, Kind.JOINED, Kind.LEFT, Kind.SETTLED)
    # a check may have waited for what no event tells: an exemption's end
    awaited = (a.since for a in seen.mark.asked if known is None or known < a.since)
    begins = (thought_stray_since(seen.past), *awaited)
    is_news = any(begin < seen.looked_at for begin in begins if begin)
    return Decision(row=Row.SETTLED if is_news else Row.AT_PEACE, evaluated=evaluated)


def _stray(
    seen: Seen, evaluated: Evaluated, last: Finding | NoFinding, *, now: datetime, rules: Rules
) -> Decision:
    """In no group, not exempt, and no finding is open."""
    resolved_at = last.resolved_at if isinstance(last, Finding) else None
    since = stray_since(
        seen.past,
        now=seen.shown_at,
        created_at=_created_at(seen.who),
        settled_before=resolved_at and resolved_at - rules.iam_lag,
        swept_at=seen.swept_at,
        exemption_ended=evaluated.exemption_ended,
        was_awaited=_is_asked(seen.mark, evaluated.exemption_ended),
    )
    if max(seen.looked_at, since.at) < since.at + rules.grace:
        check = None if _is_awaited(seen, since) else since.at
        return Decision(row=Row.GRACE_RUNS, evaluated=evaluated, since=since, check_since=check)
    if isinstance(seen.risk, Unread):
        row = Row.ASK_RISK
    elif now - seen.looked_at > FRESH or (resolved_at and seen.looked_at < resolved_at):
        row = Row.ASK_LOOK
    else:
        row = Row.OPEN
    return Decision(row=row, evaluated=evaluated, since=since)


def _still(past: tuple[Fact, ...], finding: Finding, evaluated: Evaluated) -> Decision:
    """A stray with an open finding: the same episode, or one after it."""
    moved_at = moved_since(past, finding.opened_at)
    if moved_at is None:
        since = StraySince(finding.stray_since, finding.evidence)
        return Decision(row=Row.STILL_OPEN, evaluated=evaluated, since=since)
    in_group, left = joined(past), begun(past)
    group = in_group.name if in_group else left.name if left else ""
    resolution = Resolution(Reason.JOINED_GROUP, (group,) if group else ())
    resolution = _with_cause(resolution, in_group)
    return Decision(
        row=Row.OVER_MEANWHILE, evaluated=evaluated, resolution=resolution, over_at=moved_at
    )


def _with_cause(resolution: Resolution, told: Fact | None) -> Resolution:
    """The resolution with the call that ended it, if the joining that was told of is the one."""
    groups = {group.lower() for group in resolution.groups}
    if resolution.reason is not Reason.JOINED_GROUP or told is None:
        return resolution
    return replace(resolution, cause=told.cause) if told.name.lower() in groups else resolution


def _is_awaited(seen: Seen, since: StraySince) -> bool:
    """Whether a check that waits out this grace is on its way, other than the one that asks."""
    if seen.origin is Origin.EVENT:
        return False
    seen_at = max((f.at for f in seen.past if f.kind is Kind.STRAY), default=None)
    told = begun(seen.past) if since.evidence is Evidence.EVENT else None
    if told:
        # its check comes under the name that it was told of, or by a told rename under this one
        here = (*seen.mark.facts, *(f for f in seen.past if f.kind is Kind.TOOK))
        is_here = any(fact.id == told.id or fact.kind is Kind.TOOK for fact in here)
        return is_here or _is_asked(seen.mark, since.at)
    return seen_at is not None and seen_at >= since.at


def contradicts(seen: Seen, lag: timedelta) -> bool:
    """Whether the look contradicts news that was younger than IAM's lag when it was taken.

    A user just created may not be visible yet, one just removed may still show its group, one just
    added none, and a name that just changed hands may show who had it before.
    """
    bound = last_bound(seen.mark)
    started = bound if bound and bound.is_start else None
    is_named = isinstance(seen.who, User)
    is_other = started is not None and is_named and _is_anothers(started, seen.who)
    is_other = is_other or _is_told_deleted(seen.mark, seen.who)
    told = joined(seen.past)
    match seen.look:
        case NoSuchUser():
            news = started
        case InGroups(groups):
            shown = {group.lower() for group in groups}
            news = _against_groups(seen, shown, None if is_named else started)
            news = None if told and told.name.lower() in shown else news
        case InNoGroup():
            news = told or (None if started else bound)
    against = (news, started if is_other else None)
    return any(fact is not None and seen.looked_at < fact.at + lag for fact in against)


def _is_told_deleted(mark: Mark, user: User | NoSuchUser | Unread) -> bool:
    """Whether it was told that the user was made, and then that who had the name was deleted."""
    bounds = [fact for fact in mark.facts if fact.is_bound]
    return isinstance(user, User) and any(
        made.user_id == user.user_id and end.kind is Kind.DELETED for made, end in pairwise(bounds)
    )


def _is_deleted(last: Finding | NoFinding, now: datetime) -> bool:
    """Whether the user was found nowhere lately, so that whatever shows it is out of date."""
    if isinstance(last, NoFinding) or last.resolution is None or last.resolved_at is None:
        return False
    return last.resolution.reason is Reason.DELETED and now < last.resolved_at + IDS_LINGER


def _against_groups(seen: Seen, shown: set[str], started: Fact | None) -> Fact | None:
    """The news that speaks against the user's being in these groups."""
    last = begun(seen.past)
    is_left = last is not None and last.kind is Kind.LEFT and last.name.lower() in shown
    return last if is_left else started


def _created_at(user: User | NoSuchUser | Unread) -> datetime:
    if not isinstance(user, User):
        raise TypeError(user)  # decide asks who it is before all else
    return user.created_at


def _is_stray(evaluated: Evaluated) -> bool:
    return evaluated.evaluation is Evaluation.NON_COMPLIANT
