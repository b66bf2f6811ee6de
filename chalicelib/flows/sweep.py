"""The sweep: every user of the account from one paged snapshot, against what events have told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account, NoSuchUser, Page, User
from chalicelib.domain.alerts import missed_events_notice
from chalicelib.domain.check_requests import Origin
from chalicelib.domain.evaluation import Evaluation, evaluate
from chalicelib.domain.exemptions import Exempt, NotExempt
from chalicelib.domain.findings import Finding, Resolution, Status, moved_on, resolution_of
from chalicelib.domain.marks import Evidence, Mark, is_after, latest, settled
from chalicelib.domain.risk import Risk
from chalicelib.flows.floods import Floods
from chalicelib.flows.lifecycle import Due, Lifecycle, Step
from chalicelib.flows.ports import SweepState
from chalicelib.log import log, metrics
from chalicelib.times import exact

RESERVE_SECONDS = 45.0
"""What a sweep keeps of its time to store where it stopped: the slowest single step fits in."""
CURSOR_LASTS = timedelta(hours=6)
"""A sweep that stopped longer ago starts anew: IAM does not promise how long a marker lasts."""
_LAST, _CURSOR = "sweep", "sweep-cursor"


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a sweep saw and did; counts are of users, save for `missed_events`."""

    complete: bool
    users: int
    compliant: int
    exempt: int
    strays: int
    opened: int
    gone: int
    missed_events: int


@dataclass(frozen=True, slots=True)
class _Last:
    """When the last whole sweep began, and the first one."""

    started_at: datetime
    watching_since: datetime


@dataclass
class _Tally:
    """What one sweep has seen so far."""

    users: int = 0
    compliant: int = 0
    exempt: int = 0
    strays: int = 0


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a sweep goes on: the page, when it began, and what it had seen before that page.

    Without a marker it begins with the first page.
    """

    started_at: datetime
    marker: str = ""
    seen: tuple[str, ...] = ()
    tally: _Tally = field(default_factory=_Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One look at a whole account. Safe to run at any time, also beside another one."""

    lifecycle: Lifecycle
    floods: Floods
    state: SweepState
    pages: Callable[[str | None], Iterator[Page]]
    live: Callable[[Account], Iterator[Finding]]
    record: Callable[[Account, datetime, Mapping[str, Any]], None]
    exemption: Callable[[Account, User, datetime], Exempt | NotExempt]
    assess: Callable[[Sequence[User]], Callable[[User], Risk]]
    clock: Callable[[], datetime]
    time_left: Callable[[], float]

    def run(self, account: Account) -> SweepResult:
        """Look at every user, open what is due, close what is over, let time do its work.

        Raises what IAM, the tables, the queue or the topic raise; users that the snapshot did not
        show stay as they were. Out of time, it notes where it stopped; the next run goes on there.
        """
        started_at = self.clock()
        noted = self.state.document(account, _LAST)
        last = decode(_Last, noted) if noted else None
        cursor = self._cursor(account, started_at)
        # one whose end is still to be told may lie behind the user's next one
        found = sorted(self.live(account), key=lambda finding: finding.number)
        for finding in found:
            self.lifecycle.deliver_unsent(finding)
        live = {finding.user_id: finding for finding in found}
        missed = self._missed(live.values(), last)
        marks = self.state.marks(account)
        run = _Run(
            self, account, live, marks, last.started_at if last else None, replace(cursor.tally)
        )
        unseen = run.look(cursor)
        opened = run.open_due()
        complete = unseen is not None and opened is not None
        gone = 0
        if unseen is not None:
            gone = run.close_gone(unseen)
            run.advance()
        self.floods.tell(account, run.in_hand)
        result = SweepResult(
            complete=complete,
            **asdict(run.tally),
            opened=opened or 0,
            gone=gone,
            missed_events=missed,
        )
        self._finish(account, result, cursor.started_at, last)
        return result

    def _cursor(self, account: Account, now: datetime) -> _Cursor:
        stored = self.state.document(account, _CURSOR)
        cursor = decode(_Cursor, stored) if stored else _Cursor(now)
        if not cursor.marker or now - cursor.started_at >= CURSOR_LASTS:
            return _Cursor(now)
        log("sweep_resumed", started_at=stored["started_at"])
        return cursor

    def save_cursor(self, account: Account, cursor: _Cursor) -> None:
        """Note where the next run is to go on."""
        self.state.write_document(account, _CURSOR, encode(cursor, whole=True))

    def _missed(self, live: Iterable[Finding], last: _Last | None) -> int:
        """Count strays found since the last sweep began whose event should have come, and did not.

        Who was a stray before the first sweep is no missed event: nobody was listening then.
        """
        return sum(
            1
            for finding in live
            if last
            and finding.detected_by == "sweep"
            and finding.evidence in (Evidence.CREATION, Evidence.SIGHTING)
            and finding.opened_at >= last.started_at
            and finding.stray_since >= last.watching_since
        )

    def _finish(
        self,
        account: Account,
        result: SweepResult,
        started_at: datetime,
        last: _Last | None,
    ) -> None:
        log("sweep_done", **asdict(result))
        metrics(
            Users=result.users,
            Strays=result.strays,
            Exempt=result.exempt,
            MissedEvents=result.missed_events,
        )
        limit = self.lifecycle.settings.missed_events_alert
        if 0 < limit <= result.missed_events:
            self.lifecycle.topic.publish(missed_events_notice(account, result.missed_events))
        if result.complete:
            now_last = _Last(started_at, last.watching_since if last else started_at)
            content = asdict(result) | encode(now_last) | {"finished_at": exact(self.clock())}
            self.record(account, started_at, content)
            self.state.write_document(account, _LAST, content)
            self.save_cursor(account, _Cursor(started_at))


@dataclass(slots=True)
class _Run:
    """One run of a sweep, with what it has gathered so far."""

    sweep: Sweep
    account: Account
    live: Mapping[str, Finding]
    marks: Mapping[str, Mark]
    last_started: datetime | None
    tally: _Tally
    due: list[Due] = field(default_factory=list)
    still_open: list[Finding] = field(default_factory=list)
    in_hand: list[Finding] = field(default_factory=list)

    def look(self, cursor: _Cursor) -> frozenset[str] | None:
        """Evaluate page by page; return the open findings' users not seen, None if out of time."""
        seen = set(cursor.seen)
        marker: str | None = cursor.marker or None
        pages = self.sweep.pages(marker)
        while True:
            read_at = self.sweep.clock()
            try:
                page = next(pages)
            except Exception:
                # a marker that IAM refuses must not be tried for ever
                self.sweep.save_cursor(self.account, replace(cursor, marker=""))
                raise
            before = replace(
                cursor, marker=marker or "", seen=tuple(sorted(seen)), tally=replace(self.tally)
            )
            for user in page.users:
                if self.sweep.time_left() < RESERVE_SECONDS:
                    self.sweep.save_cursor(self.account, before)
                    return None
                self._evaluate(user, read_at)
                if user.user_id in self.live:
                    seen.add(user.user_id)
            marker = page.next_marker
            if marker is None:
                older = (f for f in self.live.values() if f.opened_at < cursor.started_at)
                return frozenset(finding.user_id for finding in older) - seen

    def _evaluate(self, user: User, read_at: datetime) -> None:
        self.tally.users += 1
        mark = self.marks.get(user.name.lower()) or Mark(account=self.account, user_name=user.name)
        exemption = self.sweep.exemption(self.account, user, read_at)
        evaluated = evaluate(user.name, user.groups, exemption)
        if evaluated.evaluation is Evaluation.NON_COMPLIANT:
            self.tally.strays += 1
            self._stray(user, mark, evaluated.exemption_ended, read_at)
            return
        if evaluated.evaluation is Evaluation.NOT_APPLICABLE:
            self.tally.exempt += 1
        else:
            self.tally.compliant += 1
        self._no_stray(user, mark, resolution_of(evaluated), read_at)

    def _no_stray(self, user: User, mark: Mark, resolution: Resolution, read_at: datetime) -> None:
        """Close what is open on the user, and remember that it was no stray where that matters."""
        if user.user_id in self.live:
            self.sweep.lifecycle.settle(mark, user.user_id, resolution, read_at)
            return
        news = latest(mark.left_at, mark.seen_at)
        if news and is_after(news, mark.settled_at) and is_after(read_at, news):
            self.sweep.lifecycle.change_mark(mark, lambda m: settled(m, read_at))

    def _stray(
        self, user: User, mark: Mark, exemption_ended: datetime | None, read_at: datetime
    ) -> None:
        finding = self.live.get(user.user_id)
        if finding and finding.status is Status.OPEN and not _has_news(finding, mark, user):
            self.still_open.append(finding)
            return
        unknown = mark.left_at is None and mark.seen_at is None
        existed = is_after(self.last_started, user.created_at)
        result = self.sweep.lifecycle.stray(
            user,
            mark,
            looked_at=read_at,
            origin=Origin.SWEEP,
            settled_before=self.last_started if unknown and existed else None,
            exemption_ended=exemption_ended,
        )
        if isinstance(result, Due):
            self.due.append(result)

    def open_due(self) -> int | None:
        """Open what is due; None if time ran out."""
        if not self.due:
            return 0
        lifecycle = self.sweep.lifecycle
        risk_of = self.sweep.assess([due.user for due in self.due])
        risks = [(due, risk_of(due.user)) for due in self.due]
        severities = [risk.severity for _, risk in risks]
        told = self.sweep.floods.join_together(self.account, severities)
        opened = 0
        for (due, risk), how in zip(risks, told, strict=True):
            if self.sweep.time_left() < RESERVE_SECONDS:
                return None
            result = lifecycle.open(due, risk, told=how)
            opened += result is not Step.WAITING
            if isinstance(result, Finding):
                self.in_hand.append(result)
        return opened

    def close_gone(self, unseen: frozenset[str]) -> int:
        """Close the findings of users whom a whole snapshot did not show, once that is certain."""
        open_unseen = [self.live[u] for u in sorted(unseen) if self.live[u].status is Status.OPEN]
        if not open_unseen:
            return 0
        # a user renamed while the snapshot was read may have slipped between its pages
        alive = {user.user_id: user for page in self.sweep.pages(None) for user in page.users}
        lifecycle = replace(
            self.sweep.lifecycle, find_user=lambda user_id: alive.get(user_id, NoSuchUser())
        )
        gone = 0
        for finding in open_unseen:
            mark = self.sweep.lifecycle.state.mark(self.account, finding.user_name)
            gone += lifecycle.gone(mark, finding.user_id, self.sweep.clock()) is Evaluation.GONE
        return gone

    def advance(self) -> None:
        """Send the reminders and escalations that are due."""
        lifecycle, now = self.sweep.lifecycle, self.sweep.clock()
        moved = [(f, moved_on(f, lifecycle.settings, now)) for f in self.still_open]
        due = [(before, after.outbox[0]) for before, after in moved if after != before]
        moves, episode = self.sweep.floods.move(self.account, due)
        for finding in moves.singly:
            lifecycle.advance(finding)
        for finding in moves.reminded:
            lifecycle.advance(finding, muted_in="")
        for finding in moves.escalated:
            self.in_hand.append(lifecycle.advance(finding, muted_in=episode))


def _has_news(finding: Finding, mark: Mark, user: User) -> bool:
    """Whether the open finding needs more than a reminder: a rename, or events since it opened."""
    return (
        finding.user_name != user.name
        or finding.user_id not in mark.open_user_ids
        or bool(finding.outbox)
        or is_after(latest(mark.left_at, mark.joined_at), finding.opened_at)
    )
