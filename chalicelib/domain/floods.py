"""Floods: who opens together, which of them people are told of singly, and how a flood goes on.

Findings that open one after another without a minute's pause are a crowd. A crowd of more than a
few is a flood: an episode with an id, a severity and an end of its own. Whoever is bad enough is
told of by itself, however large the crowd: an attacker would hide in one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum

from chalicelib.domain.account import Account
from chalicelib.domain.check_requests import LONGEST_DELAY_SECONDS
from chalicelib.domain.findings import AlertType, Finding, Status, ToldHow
from chalicelib.domain.severity import Severity
from chalicelib.times import exact

TOGETHER = timedelta(seconds=60)
"""Findings that open within so long of one another open together."""
PAUSE = timedelta(seconds=LONGEST_DELAY_SECONDS)
"""How long after one digest of a flood that goes on the next one follows, at the soonest."""
NEVER = datetime(2000, 1, 1, tzinfo=UTC)
_ALMOST = timedelta(seconds=10)
"""A digest due sooner than this may look at the table before a finding just opened is there."""
_CLAIM = timedelta(seconds=60)
"""How long a worker that tells of a flood keeps others from telling of it, too."""
_STILLBORN = timedelta(hours=1)
"""A flood of which nobody was seen for so long never came to be: its worker was killed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Above how many findings together people get a digest (0: never), and who is told always."""

    above: int
    always: Severity

    def is_flood(self, count: int) -> bool:
        """Whether so many messages at once are too many for people."""
        return 0 < self.above < count


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who has opened together so far: how many, the last one when, and when a digest is due."""

    id: str = ""
    count: int = 0
    last_at: datetime = NEVER
    due_at: datetime = NEVER
    version: int = 0


def joined(
    crowd: Crowd, account: Account, severities: Sequence[Severity], limits: Limits, now: datetime
) -> tuple[Crowd, tuple[ToldHow, ...]]:
    """The crowd with findings of these severities, and how people learn of each.

    Those that a sweep finds come in one: all of them, or none, are too many.
    """
    if not crowd.id or now - crowd.last_at > TOGETHER:
        crowd = Crowd(_episode(account, AlertType.DIGEST, now), version=crowd.version)
    crowd = replace(crowd, count=crowd.count + len(severities), last_at=now)
    flood = limits.is_flood(crowd.count)
    told = tuple(ToldHow(crowd.id, flood and each < limits.always) for each in severities)
    return crowd, told


def with_digest_due(crowd: Crowd, now: datetime) -> Crowd:
    """The crowd with a digest that is due late enough for a finding that opens now."""
    if crowd.due_at >= now + _ALMOST:
        return crowd
    return replace(crowd, due_at=max(now + TOGETHER, crowd.due_at + PAUSE))


@dataclass(frozen=True, slots=True)
class Flood:
    """A flood as it was told of last. `crowd` names its members; an earlier version's name none.

    `announced` counts all that have opened in it. `severity` is the worst of all its time,
    `severity_here` that of those which only the digest tells of. `ending` from the moment on that
    its last digest is sent; `claimed_until` keeps a second worker from telling the same.
    """

    id: str
    began: datetime
    crowd: str = ""
    of: AlertType = AlertType.OPENED
    severity: Severity = Severity.LOW
    severity_here: Severity = Severity.LOW
    announced: int = 0
    ending: bool = False
    claimed_until: datetime = NEVER


@dataclass(frozen=True, slots=True)
class Standing:
    """How a flood stands: those open whom the digest alone tells of, those told singly, and counts.

    `loud` are the open ones that are told always; `strays` counts all open findings of the account.
    """

    here: tuple[Finding, ...]
    loud: tuple[Finding, ...]
    announced: int
    told_singly: int
    strays: int
    severity: Severity
    severity_here: Severity


class Next(Enum):
    """What is to be done about a flood."""

    WAIT = "wait"
    TELL = "tell"
    END = "end"
    FORGET = "forget"


def standing_of(
    flood: Flood, members: Iterable[Finding], live: Iterable[Finding], limits: Limits
) -> Standing:
    """Count a flood's members, some of which are over by now, among the account's live findings."""
    # of two that show the same finding, the index may lag behind
    found = {f.finding_id: f for f in sorted(members, key=lambda finding: finding.version)}
    here = [f for f in found.values() if flood.of is AlertType.ESCALATED or f.quiet]
    singly = [f for f in found.values() if f not in here]
    return Standing(
        here=tuple(f for f in here if _is_open(f)),
        loud=tuple(f for f in singly if _is_open(f) and is_loud(f, limits)),
        announced=max(flood.announced, len(found)),
        told_singly=len(singly),
        strays=sum(map(_is_open, live)),
        severity=max([flood.severity, *(f.severity for f in found.values())]),
        severity_here=max([flood.severity_here, *(f.severity for f in here)]),
    )


def next_step(flood: Flood, standing: Standing, now: datetime) -> Next:
    """Tell of a flood that has news; end one of which nobody is left; forget one that never was."""
    if now < flood.claimed_until:
        return Next.WAIT  # another worker is telling of it
    if flood.ending:
        return Next.END  # whoever said so may have been killed before it could note it
    if not standing.here:
        if standing.announced:
            return Next.END
        return Next.FORGET if now - flood.began > _STILLBORN else Next.WAIT
    return Next.TELL if standing.announced > flood.announced else Next.WAIT


def being_told(flood: Flood, standing: Standing, now: datetime, *, ending: bool) -> Flood:
    """The flood while a worker is about to tell how it stands."""
    return replace(
        flood,
        severity=standing.severity,
        severity_here=standing.severity_here,
        ending=ending,
        claimed_until=now + _CLAIM,
    )


def told(flood: Flood, standing: Standing) -> Flood:
    """The flood once it has been told how it stands."""
    return replace(flood, announced=standing.announced, claimed_until=NEVER)


@dataclass(frozen=True, slots=True)
class Moves:
    """Findings whose reminder or escalation is due, by how people learn of it."""

    singly: tuple[Finding, ...] = ()
    reminded: tuple[Finding, ...] = ()
    escalated: tuple[Finding, ...] = ()


def moves(due: Iterable[tuple[Finding, AlertType]], limits: Limits) -> Moves:
    """Sort what is due. Who is told always stays out of digests, as long as it was told singly.

    An escalation of a finding that only a digest told of is told by itself, unless there are many.
    """
    due = tuple(due)
    escalated = [finding for finding, step in due if step is AlertType.ESCALATED]
    singly = [finding for finding, step in due if step is AlertType.ESCALATED or not finding.quiet]
    many = {
        AlertType.ESCALATED: limits.is_flood(len(escalated)),
        AlertType.REMINDER: limits.is_flood(len(singly)),
    }
    sorted_out: dict[AlertType | None, list[Finding]] = {step: [] for step in (None, *many)}
    for finding, step in due:
        quiet = finding.quiet and step is AlertType.REMINDER
        muted = quiet or (many[step] and not is_loud(finding, limits))
        sorted_out[step if muted else None].append(finding)
    return Moves(
        singly=tuple(sorted_out[None]),
        reminded=tuple(sorted_out[AlertType.REMINDER]),
        escalated=tuple(sorted_out[AlertType.ESCALATED]),
    )


def is_loud(finding: Finding, limits: Limits) -> bool:
    """Whether a finding is bad enough to be told of always: by its own risk, not for its age."""
    by_age = finding.escalated_at is not None and finding.severity < Severity.CRITICAL
    return finding.severity - by_age >= limits.always


def escalation(account: Account, now: datetime) -> Flood:
    """The episode of many findings that escalate at once."""
    flood_id = _episode(account, AlertType.ESCALATED, now)
    return Flood(flood_id, now, flood_id, AlertType.ESCALATED)


def adopting(account: Account, crowd: str, now: datetime) -> Flood:
    """A flood for findings of a crowd whose own flood was told to be over as they opened."""
    return Flood(f"{_episode(account, AlertType.DIGEST, now)}:late", now, crowd)


def reminder_id(account: Account, now: datetime) -> str:
    """The id of a digest of reminders."""
    return _episode(account, AlertType.REMINDER, now)


def _episode(account: Account, kind: AlertType, now: datetime) -> str:
    return f"{account.key}:{kind}:{exact(now)}"


def _is_open(finding: Finding) -> bool:
    return finding.status is Status.OPEN
