"""A finding: one episode that outlasted its grace, and how its life goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

from chalicelib.domain.account import Account, User
from chalicelib.domain.evaluation import Evaluated
from chalicelib.domain.events import Cause
from chalicelib.domain.facts import Evidence, StraySince
from chalicelib.domain.severity import Severity
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.domain.risk import Risk

CLAIM = timedelta(seconds=60)
"""How long a worker that has an alert in hand keeps others from sending it, too: longer than a
check runs, shorter than a reader would wait for an alert that a killed function left unsent."""


class Status(StrEnum):
    """A finding is open until its stray is none any more."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


class Write(Enum):
    """What became of a conditional write."""

    DONE = "done"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class NoFinding:
    """The user never had a finding."""


class AlertType(StrEnum):
    """What a message says. The first four are steps in a finding's life."""

    OPENED = "opened"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    DIGEST = "digest"
    TEST = "test"
    FLAPPING = "flapping"
    HEALTH = "health"


class Reason(StrEnum):
    """Why an episode is over."""

    JOINED_GROUP = "joined_group"
    DELETED = "deleted"
    EXEMPTED = "exempted"
    ACCOUNT_LEFT = "account_left"
    """The account is watched no more: it was closed, suspended, excluded, or left."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """Why a finding is over: which groups the user joined, or what exempts it and until when.

    `cause` is the call that ended it, where an event told of that.
    """

    reason: Reason
    groups: tuple[str, ...] = ()
    exempted_by: str = ""
    exempted_until: datetime | None = None
    cause: Cause | None = None


def resolution_of(evaluated: Evaluated) -> Resolution:
    """Why a user who is COMPLIANT or NOT_APPLICABLE is no stray."""
    if exempt := evaluated.exemption:
        return Resolution(Reason.EXEMPTED, exempted_by=exempt.by, exempted_until=exempt.until)
    return Resolution(Reason.JOINED_GROUP, evaluated.groups)


@dataclass(frozen=True, slots=True)
class ToldHow:
    """How people learn of a finding that opens: by its own alert, or `quiet`, from a digest alone.

    `crowd` names those that open together with it.
    """

    crowd: str = ""
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Somebody has taken note of a finding: no reminder and no escalation follows until its end.

    It is for the `severity` that was seen: what gets worse is told of again.
    """

    by: str
    reason: str
    at: datetime
    severity: Severity
    until: datetime | None = None

    def quiets(self, finding: Finding, now: datetime) -> bool:
        """Whether nobody need be reminded of the finding."""
        return finding.severity <= self.severity and (self.until is None or now < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One episode of one user. `number` counts the user's findings from 1.

    `unread` names what of the risk could not be read. `crowd` names those that opened with it,
    `escalated_in` those that escalated with it. `quiet`: people learned of it from a digest,
    not by an alert of its own; `muted`: so it is with what the outbox holds. `outbox` holds the
    alerts that are still to be published, in order; `claimed_until` is when another worker may
    take them over. `owner` is what a tag of the user names as its owner. `acknowledged`: by whom,
    and until when nobody need be reminded. `version` guards every write.
    """

    account: Account
    user_id: str
    number: int
    user_name: str
    user_arn: str
    user_created_at: datetime
    status: Status
    severity: Severity
    risk: str = ""
    stray_since: datetime
    evidence: Evidence
    opened_at: datetime
    detected_by: str
    cause: Cause | None = None
    flaps: int = 0
    resolved_at: datetime | None = None
    resolution: Resolution | None = None
    reminders: int = 0
    alerted_at: datetime | None = None
    escalated_at: datetime | None = None
    unread: tuple[str, ...] = ()
    crowd: str = ""
    escalated_in: str = ""
    quiet: bool = False
    muted: bool = False
    outbox: tuple[AlertType, ...] = ()
    claimed_until: datetime | None = None
    owner: str = ""
    acknowledged: Acknowledgement | None = None
    version: int = 1

    @property
    def finding_id(self) -> str:
        """The finding's name for receivers, the same in every repeat of a message."""
        return f"{self.account.key}:{self.user_id}:{self.number}"


def open_finding(
    account: Account,
    user: User,
    since: StraySince,
    *,
    number: int,
    now: datetime,
    severity: Severity,
    risk: str,
    detected_by: str,
    cause: Cause | None,
    flaps: int,
    unread: tuple[str, ...] = (),
    told: ToldHow = ToldHow(),
    owner: str = "",
) -> Finding:
    """The record of an episode that has outlasted its grace, with its first alert to be sent."""
    return Finding(
        account=account,
        user_id=user.user_id,
        number=number,
        user_name=user.name,
        user_arn=user.arn,
        user_created_at=user.created_at,
        status=Status.OPEN,
        severity=severity,
        risk=risk,
        stray_since=since.at,
        evidence=since.evidence,
        opened_at=now,
        detected_by=detected_by,
        cause=cause,
        flaps=flaps,
        unread=unread,
        owner=owner,
        crowd=told.crowd,
        quiet=told.quiet,
        muted=told.quiet,
        alerted_at=now,
        outbox=(AlertType.OPENED,),
        claimed_until=now + CLAIM,
    )


def resolve(finding: Finding, resolution: Resolution, *, at: datetime, now: datetime) -> Finding:
    """The finding whose episode ended at `at`, or with its beginning if that is later.

    An unsent `opened` goes out before its `resolved`.

    A reminder or an escalation that is still unsent would only confuse; an `opened` may have been
    sent by a worker that died before it could note so, and is repeated.
    """
    unsent = tuple(a for a in finding.outbox if a is AlertType.OPENED)
    return replace(
        finding,
        status=Status.RESOLVED,
        resolved_at=max(at, finding.stray_since),
        resolution=resolution,
        muted=finding.quiet,
        outbox=(*unsent, AlertType.RESOLVED),
        claimed_until=now + CLAIM,
    )


def renamed(finding: Finding, user: User) -> Finding:
    """The finding under the user's present name."""
    return replace(finding, user_name=user.name, user_arn=user.arn)


def moved_on(
    finding: Finding, settings: Settings, now: datetime, *, muted_in: str | None = None
) -> Finding:
    """The finding with the escalation or the reminder that is due, or unchanged if none is.

    One that is told of in a digest (`muted_in`, by its id) goes to machines alone. An escalation
    that is not tells people of the finding by itself, whatever they knew of it before.
    """
    if finding.status is not Status.OPEN or finding.outbox:
        return finding
    if finding.acknowledged and finding.acknowledged.quiets(finding, now):
        return finding
    muted = muted_in is not None
    if _escalation_is_due(finding, settings, now):
        step = replace(
            finding,
            severity=Severity(min(finding.severity + 1, Severity.CRITICAL)),
            escalated_at=now,
            escalated_in=muted_in or "",
            quiet=finding.quiet and muted,
            outbox=(AlertType.ESCALATED,),
        )
    elif _reminder_is_due(finding, settings, now):
        step = replace(finding, reminders=finding.reminders + 1, outbox=(AlertType.REMINDER,))
    else:
        return finding
    return replace(step, alerted_at=now, muted=muted, claimed_until=now + CLAIM)


def is_half_graded(finding: Finding) -> bool:
    """Whether the finding was opened without knowing all of its user's risk."""
    return finding.status is Status.OPEN and bool(finding.unread)


def regraded(finding: Finding, risk: Risk) -> Finding:
    """The half graded finding by a `risk` of which more is known; unchanged if no more is.

    What was unknown counted as the worst, so that this mostly lowers the severity. One that has
    escalated stays one above its risk. Nobody is told: the next alert says what is known by then.
    """
    if not is_half_graded(finding) or not set(risk.unknown) < set(finding.unread):
        return finding
    escalated = finding.escalated_at is not None
    severity = Severity(min(risk.severity + escalated, Severity.CRITICAL))
    return replace(finding, severity=severity, risk=risk.reasons, unread=risk.unknown)


def sent(finding: Finding) -> Finding:
    """The finding once the first alert of its outbox is published."""
    outbox = finding.outbox[1:]
    return replace(finding, outbox=outbox, claimed_until=finding.claimed_until if outbox else None)


def sent_by(worker: Finding) -> Callable[[Finding], Finding]:
    """How the finding changes when a worker that read it as `worker` has sent its first alert.

    If another worker has taken the outbox over, nothing changes.
    """
    return _if_in_hand(worker, sent)


def held_by(worker: Finding, until: datetime) -> Callable[[Finding], Finding]:
    """How the finding changes when that worker keeps its alerts for later, in nobody's hands."""
    return _if_in_hand(worker, lambda finding: replace(finding, claimed_until=until))


def _if_in_hand(
    worker: Finding, change: Callable[[Finding], Finding]
) -> Callable[[Finding], Finding]:
    return lambda finding: (
        change(finding)
        if (finding.outbox, finding.claimed_until) == (worker.outbox, worker.claimed_until)
        else finding
    )


def may_send(finding: Finding, now: datetime) -> bool:
    """Whether alerts wait to be sent that no other worker has in hand."""
    return bool(finding.outbox) and (finding.claimed_until is None or finding.claimed_until <= now)


def claimed(finding: Finding, now: datetime) -> Finding:
    """The finding in the hands of a worker that takes its unsent alerts over, if it may."""
    return replace(finding, claimed_until=now + CLAIM) if may_send(finding, now) else finding


def _escalation_is_due(finding: Finding, settings: Settings, now: datetime) -> bool:
    """Counted from the opening; zero hours mean never."""
    return (
        settings.escalate_hours > 0
        and finding.escalated_at is None
        and now >= finding.opened_at + timedelta(hours=settings.escalate_hours)
    )


def _reminder_is_due(finding: Finding, settings: Settings, now: datetime) -> bool:
    """Counted from the last alert; zero hours mean never."""
    return (
        settings.reminder_hours > 0
        and finding.reminders < settings.reminders_max
        and finding.alerted_at is not None
        and now >= finding.alerted_at + timedelta(hours=settings.reminder_hours)
    )
