"""The commit: makes a decision so in the tables, the queue and the topic, each step repeatable.

A finding and what its mark notes of it are written at once. Of two workers one wins; the other
reads anew and decides again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from chalicelib.domain.account import Account, NoSuchUser, User, tag_of
from chalicelib.domain.alerts import Alert
from chalicelib.domain.check_requests import CheckRequest, Origin
from chalicelib.domain.decision import Decision, Row, Seen, Unread
from chalicelib.domain.facts import (
    Asked,
    Evidence,
    Fact,
    Kind,
    Mark,
    News,
    Noted,
    deleted_by,
    last_bound,
    went_on,
)
from chalicelib.domain.findings import (
    Finding,
    Reason,
    Resolution,
    Status,
    ToldHow,
    Write,
    claimed,
    held_by,
    may_send,
    moved_on,
    open_finding,
    regraded,
    renamed,
    resolve,
    sent_by,
)
from chalicelib.domain.past import begun, flaps_within_a_day
from chalicelib.domain.severity import Severity
from chalicelib.flows.inquiry import Inquiry
from chalicelib.flows.ports import Ledger, Queue, Topic
from chalicelib.flows.steps import Step
from chalicelib.log import log
from chalicelib.settings import Settings
from chalicelib.times import exact

if TYPE_CHECKING:
    from chalicelib.domain.risk import Risk

_ATTEMPTS = 6
_AT_ANY_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when those are waited for who wait for nothing but another worker: one check is enough."""
_AT_ONCE = datetime.min.replace(tzinfo=UTC)
T = TypeVar("T")


class ContentionError(Exception):
    """Others kept changing the same item; the work is to be tried again later."""


class NotYetError(Exception):
    """Nothing can be decided before `until`: it is to be decided again then."""

    def __init__(self, until: datetime | None) -> None:
        super().__init__(f"not before {until}")
        self.until = until or _AT_ONCE


def in_hand(finding: Finding) -> NotYetError:
    """Another worker is sending an alert of the finding, and must have done so then."""
    return NotYetError(finding.claimed_until)


class Next(Enum):
    """What follows from having carried out a decision."""

    DONE = "done"
    DECIDE_AGAIN = "decide again"


class Life(Enum):
    """Whether the user of a finding is anywhere in the account."""

    ELSEWHERE = "elsewhere"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class _Stored:
    """A finding as it is in the table now, and whether this worker has just made it so."""

    finding: Finding
    by_me: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """Carries decisions out. `joins` tells whether a finding that opens is told of in a digest."""

    settings: Settings
    ledger: Ledger
    queue: Queue
    topic: Topic
    find_user: Callable[[str], User | NoSuchUser]
    clock: Callable[[], datetime]
    owner_tag: str = ""
    """The tag of a user that names its owner; empty for none."""
    held_until: Callable[[], datetime] = lambda: _AT_ONCE
    """When what is to be told now may be told: later than now while alerts are paused."""

    def conclude(
        self, seen: Seen, inquiry: Inquiry, tell_how: Callable[[Account, Severity], ToldHow]
    ) -> tuple[Decision, Seen]:
        """Decide, and make it so; decide again whenever others were faster.

        Raises ContentionError, and NotYetError. `tell_how` says how people learn of a finding of a
        severity that opens now.
        """
        told = ToldHow()
        for _ in range(_ATTEMPTS):
            seen, decision = inquiry.conclude(seen)
            if decision.row is Row.OPEN and not told.crowd and not isinstance(seen.risk, Unread):
                told = tell_how(seen.mark.account, seen.risk.severity)
            if self._carry_out(decision, seen, told) is Next.DONE:
                return decision, seen
            seen = inquiry.again(seen)
        raise ContentionError(f"what is known of {seen.mark.user_name!r} kept changing")

    def _carry_out(self, decision: Decision, seen: Seen, told: ToldHow) -> Next:
        last = seen.last if isinstance(seen.last, Finding) else None
        match decision.row:
            case Row.OPEN:
                return self._open(decision, seen, told)
            case Row.CLOSE | Row.OVER_MEANWHILE if last:
                return self._close(decision, seen, last)
            case Row.STILL_OPEN if last:
                return self._keep(seen, last)
            case Row.UNSENT if last:
                self.deliver_unsent(last)
                return Next.DECIDE_AGAIN
            case Row.LOOK_LATER if seen.origin is Origin.SWEEP:
                self.ask_again(seen.mark.account, seen.mark.user_name, decision.look_at)
            case Row.GRACE_RUNS:
                self._await(decision, seen)
            case Row.UNSURE_WHO:
                self._note(seen.mark, News(facts=(self._settled(seen),)))
            case Row.SETTLED | Row.AT_PEACE:
                self._await(decision, seen)
                self._note(seen.mark, self._at_peace(decision, seen))
            case _:
                pass  # nobody is there, or the look proves nothing
        return Next.DONE

    # -- findings ------------------------------------------------------------------------------

    def _open(self, decision: Decision, seen: Seen, told: ToldHow) -> Next:
        """Store the finding with its alert, unless news came since the mark was read; tell it."""
        user, since, risk = seen.who, decision.since, seen.risk
        if not isinstance(user, User) or since is None or isinstance(risk, Unread):
            raise TypeError(decision)
        now, cause = self.clock(), begun(seen.past)
        finding = open_finding(
            seen.mark.account,
            user,
            since,
            number=seen.last.number + 1 if isinstance(seen.last, Finding) else 1,
            now=now,
            severity=risk.severity,
            risk=risk.reasons,
            unread=risk.unknown,
            detected_by="sweep" if seen.origin is Origin.SWEEP else "event",
            cause=cause.cause if cause and since.evidence is Evidence.EVENT else None,
            flaps=flaps_within_a_day(seen.past, seen.looked_at),
            told=told,
            owner=tag_of(user, self.owner_tag),
        )
        noted = News(noted=(Noted(user.user_id, finding.number, seen.looked_at),))
        written = self.ledger.add(finding, seen.mark, noted, now)
        if written is Write.CONFLICT and not self._is_stored(finding):
            return Next.DECIDE_AGAIN
        log("finding_opened", finding_id=finding.finding_id, user_name=finding.user_name)
        self.deliver(finding)
        return Next.DONE

    def _close(self, decision: Decision, seen: Seen, last: Finding) -> Next:
        if decision.resolution is None or decision.over_at is None:
            raise TypeError(decision)
        now = self.clock()
        over = resolve(last, decision.resolution, at=decision.over_at, now=now)
        news = self._at_peace(decision, seen) if decision.row is Row.CLOSE else News()
        news = replace(news, over=_noted(seen.mark, last.user_id))
        written = self.ledger.update(over, seen.mark, news)
        over = replace(over, version=last.version + 1)
        if written is Write.CONFLICT and not self._is_stored(over):
            return Next.DECIDE_AGAIN
        log("finding_resolved", finding_id=over.finding_id, reason=decision.resolution.reason)
        self.deliver(over)
        if decision.row is Row.OVER_MEANWHILE:
            return Next.DECIDE_AGAIN
        self._await(decision, seen)
        return Next.DONE

    def _keep(self, seen: Seen, last: Finding) -> Next:
        """The finding goes by its user's present name, and that name's mark notes it."""
        user = seen.who
        if not isinstance(user, User):
            raise TypeError(user)
        took = tuple(f for f in seen.mark.facts if f.is_by_look and f.at == seen.looked_at)
        is_noted = bool(_noted(seen.mark, last.user_id))
        noted = () if is_noted else (Noted(last.user_id, last.number, seen.looked_at),)
        news = News(facts=took, noted=noted)
        if last.user_name != user.name:
            written = self.ledger.update(renamed(last, user), seen.mark, news)
            return Next.DONE if written is Write.DONE else Next.DECIDE_AGAIN
        self._note(seen.mark, news)
        return Next.DONE

    def part_with_others(self, seen: Seen) -> None:
        """See to findings noted under the name whose users do not bear it any more."""
        user_id = _id_of(seen)
        for noted in seen.mark.noted:
            # who gave the name up by a rename is looked at under the new one: its event asked
            is_renamed = went_on(seen.mark, noted.at.replace(microsecond=0)) is not None
            if noted.user_id != user_id and not is_renamed:
                self.gone(seen.mark, noted)

    def gone(self, mark: Mark, noted: Noted) -> Life:
        """Who has a finding does not bear the name any more: close it, if nobody has the id."""
        account, now = mark.account, self.clock()
        elsewhere = self.find_user(noted.user_id)
        if isinstance(elsewhere, NoSuchUser):  # one renamed meanwhile slips between the pages
            elsewhere = self.find_user(noted.user_id)
        if isinstance(elsewhere, NoSuchUser):
            self._require_shown(mark, now)
            self._close_gone(mark, noted.user_id)
            return Life.NOWHERE
        log("user_lives_under_another_name", user_id=noted.user_id)
        self.ask_again(account, elsewhere.name)
        if elsewhere.name.lower() != mark.user_name.lower():
            there = Mark(account=account, user_name=elsewhere.name)
            self.ledger.note(there, News(noted=(replace(noted, at=now),)), now)
            # whom a look showed here is still known, lest others have done what it did
            shown = _look(Kind.STRAY, noted.at, noted.user_id, noted.at)
            over = _noted(mark, noted.user_id)
            self._note(mark, News(facts=(shown,) if over else (), over=over))
        return Life.ELSEWHERE

    def _require_shown(self, mark: Mark, now: datetime) -> None:
        """Raise NotYetError while IAM may not show yet who has just given the name up."""
        bound = last_bound(mark)
        if bound is not None and bound.kind is not Kind.DELETED:
            shown_at = bound.at + timedelta(seconds=1) + self.settings.iam_lag
            if now < shown_at:
                raise NotYetError(shown_at)

    def _close_gone(self, mark: Mark, user_id: str) -> None:
        finding = self.ledger.latest(mark.account, user_id)
        now = self.clock()
        if isinstance(finding, Finding) and finding.outbox and not may_send(finding, now):
            raise in_hand(finding)
        if isinstance(finding, Finding) and finding.status is Status.OPEN:
            by = deleted_by(mark, finding.opened_at.replace(microsecond=0))
            self._end(finding, Resolution(Reason.DELETED, cause=by), now)
        elif isinstance(finding, Finding):
            self.deliver_unsent(finding)
        self.forget(mark, user_id)

    def leave(self, finding: Finding) -> None:
        """Close a finding whose account is watched no more, and tell so."""
        with suppress(NotYetError):  # another worker has closed it, and is telling so
            self._end(finding, Resolution(Reason.ACCOUNT_LEFT), self.clock())

    def _end(self, finding: Finding, resolution: Resolution, now: datetime) -> None:
        stored = self._store(finding, lambda f: _resolved(f, resolution, now))
        log("finding_resolved", finding_id=finding.finding_id, reason=resolution.reason)
        self._deliver_own(stored)

    def forget(self, mark: Mark, user_id: str) -> None:
        """The finding is nothing that this name need know of any more."""
        self._note(mark, News(over=_noted(mark, user_id)))

    def grade_again(self, finding: Finding, risk: Risk) -> Finding:
        """Store the grade by a risk of which more is known than when the finding opened."""
        return self._store(finding, lambda f: regraded(f, risk)).finding

    def advance(self, finding: Finding, *, muted_in: str | None = None) -> Finding:
        """Let time do its work on an open finding: what falls due is stored, then sent.

        `muted_in` is the digest that tells people of it, if one does.
        """
        now = self.clock()
        stored = self._store(finding, lambda f: moved_on(f, self.settings, now, muted_in=muted_in))
        self._deliver_own(stored)
        return stored.finding

    # -- alerts --------------------------------------------------------------------------------

    def deliver_unsent(self, finding: Finding) -> None:
        """Send what a killed function left unsent. Raises NotYetError if a living one has it."""
        now = self.clock()
        if not finding.outbox:
            return
        stored = self._store(finding, lambda f: claimed(f, now))
        if stored.by_me:
            self.deliver(stored.finding)
        elif stored.finding.outbox:
            raise in_hand(stored.finding)

    def deliver(self, finding: Finding) -> None:
        """Publish the outbox in order, noting each alert once it is out.

        While alerts are paused it stays as it is, in nobody's hands until the pause is over.
        """
        if finding.outbox and (until := self.held_until()) > self.clock():
            log("alert_held", finding_id=finding.finding_id, until=exact(until))
            held = self._store(finding, held_by(finding, until)).finding
            self.look_when_free(held.account, held.user_name, in_hand(held))
            return
        while finding.outbox:
            alert_type = finding.outbox[0]
            self.topic.publish(Alert(alert_type, finding))
            log("alert_published", type=alert_type, finding_id=finding.finding_id)
            stored = self._store(finding, sent_by(finding))
            if not stored.by_me:
                log("outbox_taken_over", finding_id=finding.finding_id)
                return
            finding = stored.finding

    def _deliver_own(self, stored: _Stored) -> None:
        """Send what this worker has put into the outbox; what another one has is in its hands."""
        if stored.by_me:
            self.deliver(stored.finding)
        else:
            self.deliver_unsent(stored.finding)

    def _store(self, finding: Finding, change: Callable[[Finding], Finding]) -> _Stored:
        for _ in range(_ATTEMPTS):
            changed = change(finding)
            if changed == finding:
                return _Stored(finding, by_me=False)
            written = replace(changed, version=changed.version + 1)
            if self.ledger.update(changed) is Write.DONE or self._is_stored(written):
                return _Stored(written, by_me=True)
            current = self.ledger.latest(finding.account, finding.user_id)
            if not isinstance(current, Finding) or current.number != finding.number:
                break
            finding = current
        raise ContentionError(f"the finding {finding.finding_id} kept changing")

    def _is_stored(self, finding: Finding) -> bool:
        """A put that was answered too late is repeated by the SDK, and meets itself."""
        return self.ledger.latest(finding.account, finding.user_id) == finding

    def when_free(self, finding: Finding, step: Callable[[], T]) -> T | None:
        """Take the step; if another worker has the finding in hand, ask for a look after that."""
        try:
            return step()
        except NotYetError as busy:
            self.look_when_free(finding.account, finding.user_name, busy)
            return None

    def look_when_free(self, account: Account, user_name: str, busy: NotYetError) -> None:
        """Have the user looked at once the other worker must be done."""
        mark = self.ledger.mark(account, user_name)
        self.come_back(
            CheckRequest(account, user_name, busy.until, Origin.SETTLED), busy.until, mark
        )

    # -- what is to come -----------------------------------------------------------------------

    def ask(self, request: CheckRequest) -> Asked:
        """Have the check made once the grace is over; return when its message is handed over."""
        until = self.queue.send(request, request.since + self.settings.grace, self.clock())
        return Asked(request.since, until)

    def come_back(self, request: CheckRequest, at: datetime, mark: Mark) -> Step:
        """Have the very same check made later, unless a newer copy of it is on its way.

        SQS may hand a message over twice, and if every copy came back, their number would double
        with each step of a long grace, or of a time in which no alert can be sent.
        """
        key = _AT_ANY_TIME if request.origin is Origin.SETTLED else request.since
        now = self.clock()
        until = next((asked.until for asked in mark.asked if asked.since == key), None)
        if until and until > (request.due or now):
            return Step.MERGED
        asked = Asked(key, self.queue.send(request, at, now))
        self.ledger.note(mark, News(asked=(asked,)), now)
        return Step.WAITING

    def ask_again(
        self,
        account: Account,
        user_name: str,
        due: datetime | None = None,
        findings: tuple[str, ...] = (),
    ) -> None:
        """Have the user looked at again, at once or when `due`."""
        now = self.clock()
        due = due or now
        request = CheckRequest(account, user_name, due, Origin.SETTLED, findings=findings)
        self.queue.send(request, due, now)

    def _await(self, decision: Decision, seen: Seen) -> None:
        """Have a check wait, where one is needed, and note what only this look may know of it.

        The notes see to it that the check comes to the same start, and that it is asked for once.
        """
        since = decision.check_since
        if since is None:
            return
        origin = Origin.SWEEP if seen.origin is Origin.SWEEP else Origin.EVENT
        asked = self.ask(CheckRequest(seen.mark.account, seen.mark.user_name, since, origin))
        user_id = _id_of(seen)
        facts: tuple[Fact, ...] = ()
        if decision.since and decision.since.evidence is not Evidence.EVENT:
            seen_from = seen.looked_at - self.settings.iam_lag
            is_sighting = decision.since.evidence is Evidence.SIGHTING
            facts = (_look(Kind.STRAY, since, user_id, seen_from if is_sighting else None),)
            if seen.swept_at:
                facts += (_look(Kind.SETTLED, seen.swept_at, user_id),)
        if facts or not decision.since or seen.origin is Origin.SWEEP:
            self._note(seen.mark, News(facts=facts, asked=(asked,)))

    def _at_peace(self, decision: Decision, seen: Seen) -> News:
        """A look found no stray: that is remembered where events had told otherwise."""
        user_id, at = _id_of(seen), seen.looked_at
        older = (f for f in seen.mark.facts if f.kind in (Kind.SETTLED, Kind.STRAY) and f.at < at)
        if decision.row is Row.AT_PEACE:
            return News(over=_noted(seen.mark, user_id))
        return News(
            facts=(self._settled(seen),),
            forgotten=tuple(f.id for f in older if f.user_id == user_id),
            over=_noted(seen.mark, user_id),
        )

    def _settled(self, seen: Seen) -> Fact:
        """What IAM showed was so some time within its lag."""
        at = seen.looked_at
        return _look(Kind.SETTLED, at, _id_of(seen), at - self.settings.iam_lag)

    def _note(self, mark: Mark, news: News) -> None:
        if news.is_any:
            self.ledger.note(mark, news, self.clock())


def _id_of(seen: Seen) -> str:
    return seen.who.user_id if isinstance(seen.who, User) else ""


def _look(kind: Kind, at: datetime, user_id: str, after: datetime | None = None) -> Fact:
    told = f"{kind}@{at.isoformat()}:{user_id}"
    return Fact(id=told, kind=kind, at=at, user_id=user_id, after=after)


def _noted(mark: Mark, user_id: str) -> tuple[str, ...]:
    return tuple(noted.user_id for noted in mark.noted if noted.user_id == user_id)


def _resolved(finding: Finding, resolution: Resolution, now: datetime) -> Finding:
    if finding.status is Status.RESOLVED:
        return finding
    return resolve(finding, resolution, at=now, now=now)
