"""What a look at a user means for its findings: opened, kept, closed, and each alert sent once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from chalicelib.domain.account import Account, NoSuchUser, User
from chalicelib.domain.alerts import Alert
from chalicelib.domain.check_requests import CheckRequest, Origin
from chalicelib.domain.episodes import about, joined_meanwhile, over_since, settled_by
from chalicelib.domain.evaluation import Evaluation
from chalicelib.domain.findings import (
    Finding,
    NoFinding,
    Reason,
    Resolution,
    Status,
    ToldHow,
    Write,
    claimed,
    may_send,
    moved_on,
    open_finding,
    renamed,
    resolve,
    sent_by,
)
from chalicelib.domain.marks import (
    Evidence,
    Mark,
    StraySince,
    flaps_within_a_day,
    is_after,
    is_at_least,
    latest,
    settled,
    stray_since,
)
from chalicelib.flows.ports import Findings, Marks, Queue, Topic
from chalicelib.log import log
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.domain.risk import Risk

_ATTEMPTS = 6


class ContentionError(Exception):
    """Others kept changing the same item; the work is to be tried again later."""


class Step(StrEnum):
    """What became of an event or a check that came to no evaluation, as the log names it."""

    IGNORED = "ignored"
    MERGED = "merged"
    SUPERSEDED = "superseded"
    WAITING = "waiting"
    NOTED = "noted"
    OVERTAKEN = "overtaken"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Due:
    """A stray whose grace is over and whose finding is still to be opened."""

    user: User
    mark: Mark
    since: StraySince
    number: int
    looked_at: datetime
    origin: Origin


@dataclass(frozen=True, slots=True)
class _Stored:
    """A finding as it is in the table now, and whether this worker has just made it so."""

    finding: Finding
    by_me: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """The steps from an evaluation to the tables and the topic, each safe to repeat."""

    settings: Settings
    findings: Findings
    state: Marks
    queue: Queue
    topic: Topic
    find_user: Callable[[str], User | NoSuchUser]
    clock: Callable[[], datetime]

    def change_mark(self, mark: Mark, change: Callable[[Mark], Mark]) -> Mark:
        """Apply `change` to the mark and store it. Raises ContentionError when others win."""
        for _ in range(_ATTEMPTS):
            changed = change(mark)
            if changed == mark:
                return mark
            if self.state.write(changed) is Write.DONE:
                return replace(changed, version=changed.version + 1)
            mark = self.state.mark(mark.account, mark.user_name)
        raise ContentionError(f"the mark of {mark.user_name!r} kept changing")

    def stray(
        self,
        user: User,
        mark: Mark,
        *,
        looked_at: datetime,
        origin: Origin,
        settled_before: datetime | None = None,
        exemption_ended: datetime | None = None,
    ) -> Due | Evaluation | Step:
        """A look found the user in no group and not exempt: wait out its grace.

        Returns Due once the grace is over and no finding is open yet: hand it to `open`.
        """
        finding = self.findings.latest(mark.account, user.user_id)
        if isinstance(finding, Finding) and finding.status is Status.OPEN:
            known = finding
            mark = self.change_mark(mark, lambda m: about(m, user, known, looked_at))
            ended_at = over_since(finding, mark, self.clock())
            if ended_at is None:
                return self._still_open(finding, user, mark)
            finding = self.close(finding, joined_meanwhile(mark), at=ended_at)
        number = 1
        if isinstance(finding, Finding):
            self.deliver_unsent(finding)
            number = finding.number + 1
        settled_before = latest(settled_before, settled_by(finding))
        since = stray_since(
            mark,
            now=looked_at,
            created_at=user.created_at,
            user_id=user.user_id,
            settled_before=settled_before,
            exemption_ended=exemption_ended,
        )
        if self.clock() < since.at + self.settings.grace:
            self._wait(user, mark, since, origin, settled_before)
            return Step.WAITING
        return Due(user, mark, since, number, looked_at, origin)

    def open(self, due: Due, risk: Risk, *, told: ToldHow) -> Finding | Evaluation | Step:
        """Open the finding and announce it, unless news since the look make it doubtful.

        Returns the finding, or why none was opened.

        The mark comes first, so that a later event knows whom to close. `told` is how people learn
        of it: what a digest tells of is announced to machines alone.
        """
        user_id = due.user.user_id
        mark = self.change_mark(due.mark, lambda m: _with(m, user_id))
        if is_after(latest(mark.joined_at, mark.deleted_at), due.looked_at):
            self.ask_again(mark.account, mark.user_name)
            return Step.WAITING
        by_event = due.since.evidence is Evidence.EVENT
        finding = open_finding(
            mark.account,
            due.user,
            due.since,
            number=due.number,
            now=self.clock(),
            severity=risk.severity,
            risk=risk.reasons,
            unread=risk.unknown,
            detected_by="sweep" if due.origin is Origin.SWEEP else "event",
            cause=mark.cause if by_event else None,
            flaps=flaps_within_a_day(mark, due.looked_at),
            told=told,
        )
        if self.findings.add(finding) is Write.CONFLICT and not self._is_mine(finding):
            log("finding_already_open", finding_id=finding.finding_id)
            return Evaluation.NON_COMPLIANT
        log("finding_opened", finding_id=finding.finding_id, user_name=finding.user_name)
        self.deliver(finding)
        after = self.state.mark(mark.account, mark.user_name)
        if is_after(latest(after.joined_at, after.deleted_at), due.looked_at):
            self.ask_again(mark.account, mark.user_name)
        return finding

    def _wait(
        self,
        user: User,
        mark: Mark,
        since: StraySince,
        origin: Origin,
        settled_before: datetime | None,
    ) -> None:
        """Look again when the grace is over, unless a check that will is under way already.

        The mark keeps what only this look may know (a whole sweep before it saw no stray), so that
        the check comes to the same start.
        """
        asked = since.evidence is Evidence.EVENT or is_at_least(mark.seen_at, since.at)
        if origin is Origin.EVENT or not asked:
            cause = mark.cause if since.evidence is Evidence.EVENT else None
            request = CheckRequest(mark.account, user.name, since.at, origin, cause)
            self.ask(request)
        if since.evidence is not Evidence.EVENT and not is_at_least(mark.seen_at, since.at):
            self.change_mark(
                mark,
                lambda m: replace(
                    m, seen_at=since.at, settled_at=latest(m.settled_at, settled_before)
                ),
            )

    def _is_mine(self, finding: Finding) -> bool:
        """A put that was answered too late is repeated by the SDK, and meets itself."""
        return self.findings.latest(finding.account, finding.user_id) == finding

    def _still_open(self, finding: Finding, user: User, mark: Mark) -> Evaluation:
        if finding.user_name != user.name:
            finding = self._store(finding, lambda f: renamed(f, user)).finding
        if finding.user_id not in mark.open_user_ids:
            self.change_mark(mark, lambda m: _with(m, finding.user_id))
        self.deliver_unsent(finding)
        return Evaluation.NON_COMPLIANT

    def gone(self, mark: Mark, user_id: str, at: datetime) -> Evaluation | Step:
        """No user bears the name any more: close the finding, if the id is nowhere else either."""
        elsewhere = self.find_user(user_id)
        if isinstance(elsewhere, NoSuchUser):
            # the mark is not settled: another user may bear the name by now, and be a stray
            if self._is_closed(mark, user_id, Resolution(Reason.DELETED), at):
                self.change_mark(mark, lambda m: _without(m, user_id))
            return Evaluation.GONE
        log("user_lives_under_another_name", user_id=user_id)
        self.ask_again(mark.account, elsewhere.name)
        self.change_mark(
            self.state.mark(mark.account, elsewhere.name),
            lambda m: _with(m, user_id),
        )
        self.change_mark(mark, lambda m: _without(m, user_id))
        return Step.SUPERSEDED

    def settle(self, mark: Mark, user_id: str, resolution: Resolution, at: datetime) -> None:
        """A look at `at` found the user to be no stray: whatever was open on it is over.

        `user_id` is empty where nothing can be open under the name.
        """
        if not user_id or self._is_closed(mark, user_id, resolution, at):
            self.change_mark(mark, lambda m: _without(settled(m, at), user_id))

    def _is_closed(self, mark: Mark, user_id: str, resolution: Resolution, at: datetime) -> bool:
        """Close what is open on the user; False if another worker has its alert in hand."""
        finding = self.findings.latest(mark.account, user_id)
        if isinstance(finding, NoFinding):
            return True
        if finding.outbox and not may_send(finding, self.clock()):
            self.ask_again(mark.account, mark.user_name, finding.claimed_until)
            return False
        if finding.status is Status.OPEN:
            self.close(finding, resolution, at=at)
        else:
            self.deliver_unsent(finding)
        return True

    def close(self, finding: Finding, resolution: Resolution, *, at: datetime) -> Finding:
        """Resolve the finding and say so; returns it as it is then."""
        now = self.clock()

        def resolved(current: Finding) -> Finding:
            if current.status is Status.RESOLVED:
                return current
            return resolve(current, resolution, at=at, now=now)

        stored = self._store(finding, resolved)
        log("finding_resolved", finding_id=finding.finding_id, reason=resolution.reason)
        self._deliver_own(stored)
        return stored.finding

    def advance(self, finding: Finding, *, muted_in: str | None = None) -> Finding:
        """Let time do its work on an open finding: what falls due is stored, then sent.

        `muted_in` is the digest that tells people of it, if one does.
        """
        now = self.clock()
        stored = self._store(finding, lambda f: moved_on(f, self.settings, now, muted_in=muted_in))
        self._deliver_own(stored)
        return stored.finding

    def _store(self, finding: Finding, change: Callable[[Finding], Finding]) -> _Stored:
        for _ in range(_ATTEMPTS):
            changed = change(finding)
            if changed == finding:
                return _Stored(finding, by_me=False)
            written = replace(changed, version=changed.version + 1)
            if self.findings.update(changed) is Write.DONE:
                return _Stored(written, by_me=True)
            current = self.findings.latest(finding.account, finding.user_id)
            if current == written:  # as in _is_mine
                return _Stored(written, by_me=True)
            if not isinstance(current, Finding) or current.number != finding.number:
                break
            finding = current
        raise ContentionError(f"the finding {finding.finding_id} kept changing")

    def _deliver_own(self, stored: _Stored) -> None:
        """Send what this worker has put into the outbox; what another one has is in its hands."""
        if stored.by_me:
            self.deliver(stored.finding)
        else:
            self.deliver_unsent(stored.finding)

    def deliver_unsent(self, finding: Finding) -> None:
        """Send what a killed function left unsent; what a living one has in hand, look at later."""
        now = self.clock()
        if not finding.outbox:
            return
        stored = self._store(finding, lambda f: claimed(f, now))
        if stored.by_me:
            self.deliver(stored.finding)
        elif stored.finding.outbox:
            self.ask_again(finding.account, finding.user_name, stored.finding.claimed_until)

    def deliver(self, finding: Finding) -> None:
        """Publish the outbox in order, noting each alert once it is out."""
        while finding.outbox:
            alert_type = finding.outbox[0]
            self.topic.publish(Alert(alert_type, finding))
            log("alert_published", type=alert_type, finding_id=finding.finding_id)
            stored = self._store(finding, sent_by(finding))
            if not stored.by_me:
                log("outbox_taken_over", finding_id=finding.finding_id)
                return
            finding = stored.finding

    def ask(self, request: CheckRequest) -> datetime:
        """Have the check made once the grace is over; return when its message is handed over."""
        return self.queue.send(request, request.since + self.settings.grace, self.clock())

    def ask_again(self, account: Account, user_name: str, due: datetime | None = None) -> None:
        """Have the user looked at again, at once or when `due`."""
        now = self.clock()
        due = due or now
        self.queue.send(CheckRequest(account, user_name, due, Origin.SETTLED), due, now)


def _with(mark: Mark, user_id: str) -> Mark:
    return replace(mark, open_user_ids=tuple(dict.fromkeys((*mark.open_user_ids, user_id))))


def _without(mark: Mark, user_id: str) -> Mark:
    return replace(mark, open_user_ids=tuple(u for u in mark.open_user_ids if u != user_id))
