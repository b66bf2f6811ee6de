"""The sweep: every user of the account from one paged snapshot, against what events have told.

The snapshot says whom there may be something to do for. What is done rests on the user's mark and
finding as they are read then, and a finding is opened by a look that is seconds old alone: by one
of its own, or, where there are many, by pages of a second snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property, partial
from itertools import chain

from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account, InGroups, InNoGroup, Look, NoSuchUser, Page, User
from chalicelib.domain.alerts import missed_events_notice
from chalicelib.domain.check_requests import Origin
from chalicelib.domain.decision import FRESH, Decision, Row, Seen, decide
from chalicelib.domain.evaluation import Evaluation, UnknownGroupsError
from chalicelib.domain.facts import Evidence, Fact, Kind, Mark, Noted, in_order
from chalicelib.domain.findings import Finding, NoFinding, Status, ToldHow, is_half_graded, moved_on
from chalicelib.domain.risk import Risk
from chalicelib.flows.commit import Commit, Life, NotYetError
from chalicelib.flows.floods import Floods
from chalicelib.flows.inquiry import AT_ONCE, CACHED_FOR, Inquiry
from chalicelib.flows.ports import LiveFindings, SweepState
from chalicelib.log import log, metrics
from chalicelib.times import exact

_SINGLY = ToldHow()
RESERVE_SECONDS = 45.0
"""What a sweep keeps of its time to store where it stopped: the slowest single step fits in."""
CURSOR_LASTS = timedelta(hours=6)
"""A sweep that stopped longer ago starts anew: IAM does not promise how long a marker lasts."""
SMALL_PAGE = 50
"""Of so many users findings are opened in seconds, so that the page is still a fresh look."""
LARGE_PAGE = 1000
FEW = 10
"""So many findings are opened while the page that showed them is still fresh, or by looks."""
_INDEX_LAGS = timedelta(minutes=1)
"""A finding that was opened so shortly before may not be in the index of live ones yet."""
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
    """When the last whole sweep began, the first one, and the last that was done in one run.

    Between two runs names change: who moved to a page that was read already was not shown.
    """

    started_at: datetime
    watching_since: datetime
    unbroken_at: datetime | None = None


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


class _End(Enum):
    """How a part of a sweep ended."""

    DONE = "done"
    OUT_OF_TIME = "out of time"


@dataclass(frozen=True, slots=True)
class _Read:
    """When a page was asked for, and when it was there."""

    asked_at: datetime
    shown_at: datetime


@dataclass(frozen=True, slots=True)
class _Due:
    """A stray whose grace seems to be over, and where a sweep finds it again."""

    user: User
    seen: Seen
    page: _Cursor


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One look at a whole account. Safe to run at any time, also beside another one."""

    commit: Commit
    inquiry: Inquiry
    floods: Floods
    state: SweepState
    findings: LiveFindings
    pages: Callable[[str | None, int], Iterator[Page]]
    assess: Callable[[Sequence[User]], Callable[[User], Risk]]
    clock: Callable[[], datetime]
    time_left: Callable[[], float]
    sleep: Callable[[float], None]

    def run(self, account: Account) -> SweepResult:
        """Look at every user, open what is due, close what is over, let time do its work.

        Raises what IAM, the tables, the queue or the topic raise; users that the snapshot did not
        show stay as they were. Out of time, it notes where it stopped; the next run goes on there.
        """
        noted = self.state.document(account, _LAST)
        last = decode(_Last, noted) if noted else None
        cursor = self._cursor(account, self.clock())
        # one whose end is still to be told may lie behind the user's next one
        found = sorted(self.findings.live(account), key=lambda finding: finding.number)
        for finding in found:
            self.commit.when_free(finding, partial(self.commit.deliver_unsent, finding))
        live = {finding.user_id: finding for finding in found}
        run = _Run(self, account, _Bulk(self.state.marks(account), live), last, cursor)
        looked = run.look(cursor)
        opened = run.open_due()
        is_whole = looked is _End.DONE
        is_held = self.commit.held_until() > self.clock()
        gone = run.close_gone() if is_whole else 0
        if is_whole:
            run.grade_again()
            if not is_held:
                run.advance()
            run.forget()
        if not is_held:
            self.floods.tell(account, run.in_hand)
        result = SweepResult(
            complete=is_whole and opened is _End.DONE,
            **asdict(run.tally),
            opened=run.opened,
            gone=gone,
            missed_events=_missed(live.values(), last),
        )
        self._finish(account, result, run, last)
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

    def _finish(self, account: Account, result: SweepResult, run: _Run, last: _Last | None) -> None:
        log("sweep_done", **asdict(result))
        metrics(
            self.commit.settings.stack_name,
            Users=result.users,
            Strays=result.strays,
            Exempt=result.exempt,
            MissedEvents=result.missed_events,
        )
        limit = self.commit.settings.missed_events_alert
        if 0 < limit <= result.missed_events:
            self.commit.topic.publish(missed_events_notice(account, result.missed_events))
        started_at = run.cursor.started_at
        if result.complete:
            first = last.watching_since if last else started_at
            earlier = last.unbroken_at if last else None
            now_last = _Last(started_at, first, earlier if run.cursor.marker else started_at)
            content = asdict(result) | encode(now_last) | {"finished_at": exact(self.clock())}
            self.findings.record_sweep(account, started_at, content)
            self.state.write_document(account, _LAST, content)
        self.save_cursor(account, run.stopped_at or _Cursor(started_at))


@dataclass(frozen=True)
class _Bulk:
    """All marks and live findings, as they were when the sweep began: a memory to glance at."""

    marks: Mapping[str, Mark]
    live: Mapping[str, Finding]

    @cached_property
    def _naming(self) -> Mapping[str, Mapping[str, Mark]]:
        """The marks that tell the id of a user, by that id."""
        found: dict[str, dict[str, Mark]] = {}
        for name, mark in self.marks.items():
            for user_id in {f.user_id for f in mark.facts if f.user_id and not f.is_by_look}:
                found.setdefault(user_id, {})[name] = mark
        return found

    def elsewhere(self, user: User) -> Iterator[Fact]:
        """What tells the user's id under other names, though no event led from them.

        The creation tells nothing of one who has moved under that name since, or whose heir has.
        """
        for name, mark in self._naming.get(user.user_id, {}).items():
            if name == user.name.lower():
                continue
            moves = [f.at for f in mark.facts if f.kind in (Kind.JOINED, Kind.LEFT)]
            for fact in mark.facts:
                is_told = fact.user_id == user.user_id and not fact.is_by_look
                if is_told and not (fact.kind is Kind.CREATED and moves and moves[-1] >= fact.at):
                    yield fact

    def mark(self, account: Account, user_name: str) -> Mark:
        """What was known of the name."""
        blank = Mark(account=account, user_name=user_name)
        return self.marks.get(user_name.lower(), blank)

    def of_user(self, user_id: str) -> Finding | NoFinding:
        """The user's finding that was open, or unsent."""
        return self.live.get(user_id, NoFinding())

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The same: of findings that are over a glance need not know."""
        del account
        return self.of_user(user_id)

    def read(
        self, account: Account, user_name: str, finding_ids: tuple[str, ...]
    ) -> tuple[Mark, Mapping[str, Finding | NoFinding]]:
        """The mark alone."""
        del finding_ids
        return self.mark(account, user_name), {}


@dataclass(slots=True)
class _Run:
    """One run of a sweep, with what it has gathered so far. `stopped_at`: where it must go on."""

    sweep: Sweep
    account: Account
    bulk: _Bulk
    last: _Last | None
    cursor: _Cursor
    tally: _Tally = field(init=False)
    seen: set[str] = field(init=False)
    due: dict[str, _Due] = field(default_factory=dict)
    still_open: dict[str, Finding] = field(init=False)
    in_hand: list[Finding] = field(default_factory=list)
    opened: int = 0
    looked_until: datetime = field(init=False)
    stopped_at: _Cursor | None = None

    def __post_init__(self) -> None:
        self.tally = replace(self.cursor.tally)
        self.seen = set(self.cursor.seen)
        live = (self.bulk.live[user_id] for user_id in self.seen & self.bulk.live.keys())
        self.still_open = {f.user_id: f for f in live if f.status is Status.OPEN}

    # -- the snapshot --------------------------------------------------------------------------

    def look(self, cursor: _Cursor) -> _End:
        """Evaluate page by page, and do what needs no second look."""
        marker: str | None = cursor.marker or None
        pages = self.sweep.pages(marker, LARGE_PAGE)
        age = AT_ONCE  # a configuration put in force before the sweep counts for it
        while True:
            asked_at = self.sweep.clock()
            try:
                page = next(pages)
            except Exception:
                # a marker that IAM refuses must not be tried for ever
                self.sweep.save_cursor(self.account, replace(cursor, marker=""))
                raise
            read = _Read(asked_at, self.sweep.clock())
            here = replace(
                cursor,
                marker=marker or "",
                seen=tuple(sorted(self.seen)),
                tally=replace(self.tally),
            )
            for user in page.users:
                if self.sweep.time_left() < RESERVE_SECONDS:
                    self.stopped_at = here
                    return _End.OUT_OF_TIME
                self._evaluate(user, read, age, here)
                age = CACHED_FOR
            marker = page.next_marker
            if marker is None:
                self.looked_until = read.shown_at
                return _End.DONE

    def _evaluate(self, user: User, read: _Read, age: timedelta, page: _Cursor) -> None:
        self.tally.users += 1
        seen = self._seen(user, read, age)
        rules = self.sweep.inquiry.rules
        decision = decide(seen, self.sweep.clock(), rules)
        evaluation = decision.evaluated.evaluation if decision.evaluated else None
        self._count(evaluation or self._without_doubt(seen))
        if user.user_id in self.bulk.live:
            self.seen.add(user.user_id)
        for known in (self.due, self.still_open):
            known.pop(user.user_id, None)  # who is renamed meanwhile is shown twice: this is newer
        if decision.row is Row.ASK_RISK:
            self.due[user.user_id] = _Due(user, seen, page)
        elif decision.row is Row.STILL_OPEN and self._is_known(user):
            self.still_open[user.user_id] = self.bulk.live[user.user_id]
        elif _leads_to_something(decision, seen.look):
            self._conclude(seen)

    def _seen(self, user: User, read: _Read, age: timedelta) -> Seen:
        """What the snapshot shows, with what the bulk of marks and live findings tells."""
        last = self.bulk.of_user(user.user_id)
        number = last.number if isinstance(last, Finding) else 1
        seen = Seen(
            mark=self.bulk.mark(self.account, user.name),
            past=(),
            look=look_of(user),
            looked_at=read.asked_at,
            shown_at=read.shown_at,
            origin=Origin.SWEEP,
            exemption=self.sweep.inquiry.exemption(self.account, user, read.shown_at, age),
            findings={self._id(user, number): last},
        )
        return self._of(seen, user, replace(self.sweep.inquiry, memory=self.bulk))

    def _id(self, user: User, number: int) -> str:
        return f"{self.account.key}:{user.user_id}:{number}"

    def _of(self, seen: Seen, user: User, inquiry: Inquiry) -> Seen:
        """With what is known of the user's id, under whatever name."""
        seen = inquiry.of(seen, user)
        known = {(f.id, f.kind): f for f in (*self.bulk.elsewhere(user), *seen.past)}
        seen = replace(seen, past=in_order(known.values()))
        return replace(seen, swept_at=self._swept_at(user))

    def _swept_at(self, user: User) -> datetime | None:
        """What the last sweep in one run showed was so then, if the user was there already."""
        if self.last is None or self.last.unbroken_at is None:
            return None
        shown_at = self.last.unbroken_at - self.sweep.inquiry.rules.iam_lag
        return shown_at if shown_at > user.created_at else None

    def _without_doubt(self, seen: Seen) -> Evaluation:
        """What the snapshot shows, where it is not acted on for being at odds with the news."""
        in_groups = isinstance(seen.look, InGroups)
        return Evaluation.COMPLIANT if in_groups else Evaluation.NON_COMPLIANT

    def _count(self, evaluation: Evaluation) -> None:
        self.tally.compliant += evaluation is Evaluation.COMPLIANT
        self.tally.exempt += evaluation is Evaluation.NOT_APPLICABLE
        self.tally.strays += evaluation is Evaluation.NON_COMPLIANT

    def _is_known(self, user: User) -> bool:
        """Whether the mark and the finding know the user by its present name."""
        finding = self.bulk.live[user.user_id]
        noted = {noted.user_id for noted in self.bulk.mark(self.account, user.name).noted}
        return finding.user_name == user.name and user.user_id in noted

    def _conclude(self, seen: Seen, told: ToldHow = _SINGLY) -> Row:
        """Decide by the user's mark and finding as they are now, and make it so."""
        inquiry, user = self.sweep.inquiry, seen.who
        if not isinstance(user, User):
            raise TypeError(user)
        mark, findings = inquiry.memory.read(self.account, user.name, tuple(seen.findings))
        now_known = self._of(replace(seen, mark=mark, findings=findings), user, inquiry)
        planned = seen.risk.severity if isinstance(seen.risk, Risk) else None
        try:
            decision, after = self.sweep.commit.conclude(
                now_known, inquiry, lambda _, severity: told if severity is planned else _SINGLY
            )
        except NotYetError as busy:
            self.sweep.commit.look_when_free(self.account, user.name, busy)
            return Row.UNSENT
        if decision.row is Row.STILL_OPEN and isinstance(after.last, Finding):
            self.still_open[user.user_id] = after.last
        return decision.row

    # -- what is due ---------------------------------------------------------------------------

    def open_due(self) -> _End:
        """Open what is due, by looks that are seconds old."""
        if not self.due:
            return _End.DONE
        waiting = dict(self.due)
        risk_of = self.sweep.assess([due.user for due in waiting.values()])
        risks = {user_id: risk_of(due.user) for user_id, due in waiting.items()}
        severities = [risk.severity for risk in risks.values()]
        how = self.sweep.floods.join_together(self.account, severities)
        told = dict(zip(risks, how, strict=True))
        for seen in self._fresh(waiting):
            if self.sweep.time_left() < RESERVE_SECONDS:
                self.stopped_at = min(
                    (due.page for due in waiting.values()), key=lambda page: page.tally.users
                )
                return _End.OUT_OF_TIME
            user = seen.who
            if isinstance(user, User):
                waiting.pop(user.user_id)
                self._open(replace(seen, risk=risks[user.user_id]), told[user.user_id])
        return _End.DONE

    def _fresh(self, waiting: Mapping[str, _Due]) -> Iterator[Seen]:
        """Those who wait, each with its look: a new one if that takes fewer calls in all."""
        if len(waiting) <= max(FEW, self.tally.users // SMALL_PAGE // 2):
            yield from [due.seen for due in waiting.values()]
            return
        pages = self.sweep.pages(None, SMALL_PAGE)
        while True:
            asked_at = self.sweep.clock()
            page = next(pages, Page((), None))
            read = _Read(asked_at, self.sweep.clock())
            for user in page.users:
                if user.user_id in waiting:
                    yield self._seen(user, read, FRESH)
            if page.next_marker is None:
                return

    def _open(self, seen: Seen, told: ToldHow) -> None:
        if self._conclude(seen, told) is not Row.OPEN:
            return
        self.opened += 1
        user = seen.who
        if told.quiet and isinstance(user, User):
            found = self.sweep.commit.ledger.latest(self.account, user.user_id)
            self.in_hand += [found] if isinstance(found, Finding) else []

    # -- after a whole snapshot ----------------------------------------------------------------

    def close_gone(self) -> int:
        """Close the findings of users whom a whole snapshot did not show, once that is certain."""
        older = [
            finding
            for user_id, finding in sorted(self.bulk.live.items())
            if user_id not in self.seen
            and finding.status is Status.OPEN
            and finding.opened_at < self.cursor.started_at
        ]
        if not older:
            return 0
        # who was renamed while the snapshot was read, or just before, may have slipped between its
        # pages, but not between those of another one that shows nothing from before its end
        waits = self.looked_until + self.sweep.inquiry.rules.iam_lag - self.sweep.clock()
        seconds = max(0.0, waits.total_seconds())
        if seconds > self.sweep.time_left() - RESERVE_SECONDS:
            return 0  # the next sweep sees to them
        self.sweep.sleep(seconds)
        alive = {user.user_id: user for user in self._all_users()}
        commit = replace(
            self.sweep.commit, find_user=lambda user_id: alive.get(user_id, NoSuchUser())
        )
        return sum(self._gone(commit, finding) for finding in older)

    def _gone(self, commit: Commit, finding: Finding) -> bool:
        mark, noted = self._known_of(finding)
        life = commit.when_free(finding, partial(commit.gone, mark, noted))
        return life is Life.NOWHERE

    def _known_of(self, finding: Finding) -> tuple[Mark, Noted]:
        mark = self.sweep.commit.ledger.mark(self.account, finding.user_name)
        return mark, Noted(finding.user_id, finding.number, finding.opened_at)

    def grade_again(self) -> None:
        """Grade again what was opened without knowing all: what comes next tells the new grade."""
        dark = {user_id for user_id, f in self.still_open.items() if is_half_graded(f)}
        if not dark:
            return
        users = [user for user in self._all_users() if user.user_id in dark]
        risk_of = self.sweep.assess(users)
        for user in users:
            if self.sweep.time_left() >= RESERVE_SECONDS:
                finding = self.still_open[user.user_id]
                graded = self.sweep.commit.grade_again(finding, risk_of(user))
                self.still_open[user.user_id] = graded

    def _all_users(self) -> Iterator[User]:
        """Every user, from one more snapshot: an earlier run may have seen them."""
        pages = self.sweep.pages(None, LARGE_PAGE)
        return chain.from_iterable(page.users for page in pages)

    def advance(self) -> None:
        """Send the reminders and escalations that are due."""
        commit, now = self.sweep.commit, self.sweep.clock()
        moved = [(f, moved_on(f, commit.settings, now)) for f in self.still_open.values()]
        due = [(before, after.outbox[0]) for before, after in moved if after != before]
        moves, episode = self.sweep.floods.move(self.account, due)
        for finding in moves.singly:
            commit.when_free(finding, partial(commit.advance, finding))
        for finding in moves.reminded:
            commit.when_free(finding, partial(commit.advance, finding, muted_in=""))
        for finding in moves.escalated:
            moved_by = partial(commit.advance, finding, muted_in=episode)
            self.in_hand.append(commit.when_free(finding, moved_by) or finding)

    def forget(self) -> None:
        """Have marks let go of findings that are over, so that they may expire."""
        before = self.cursor.started_at - _INDEX_LAGS
        for mark in self.bulk.marks.values():
            for noted in mark.noted:
                if noted.user_id not in self.bulk.live and noted.at < before:
                    self.sweep.commit.forget(mark, noted.user_id)


def look_of(user: User) -> Look:
    """What a snapshot shows of the user. Raises UnknownGroupsError."""
    if user.groups is None:
        raise UnknownGroupsError(f"IAM did not tell the groups of {user.name}")
    return InGroups(user.groups) if user.groups else InNoGroup(user)


def _leads_to_something(decision: Decision, look: Look) -> bool:
    """Whether there is anything to do.

    A group that contradicts the event of a leaving is seen to by that event's own check.
    """
    if decision.row in (Row.GRACE_RUNS, Row.AT_PEACE):
        return decision.check_since is not None
    return decision.row is not Row.LOOK_LATER or isinstance(look, InNoGroup)


def _missed(live: Iterable[Finding], last: _Last | None) -> int:
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
