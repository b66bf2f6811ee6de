"""However many findings open together, people get few mails and a digest; nobody hides in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Audience, Digest
from chalicelib.domain.findings import (
    AlertType,
    Finding,
    Reason,
    Resolution,
    Status,
    ToldHow,
    Write,
    resolve,
)
from chalicelib.domain.floods import PAUSE, TOGETHER, Flood, Limits, Moves, moves
from chalicelib.domain.severity import Severity
from chalicelib.flows.flood_book import Claim, FloodBook, FloodContentionError
from chalicelib.flows.floods import Floods
from tests.fakes import Clock, Findings, Queue, State, Topic, UnavailableError
from tests.unit.examples import ACCOUNT, FINDING, NOW

LIMIT = 10
RESOLUTION = Resolution(Reason.DELETED)


def some(count: int, severity: Severity = Severity.LOW, first: int = 0) -> list[Finding]:
    """So many findings of different users."""
    return [
        replace(
            FINDING,
            user_id=f"AIDA{number:017d}",
            user_name=f"user-{number:04d}",
            severity=severity,
            stray_since=NOW - timedelta(minutes=20),
            outbox=(),
        )
        for number in range(first, first + count)
    ]


@dataclass
class World:
    """What a flood is told by, and on which clock."""

    clock: Clock = field(default_factory=lambda: Clock(NOW))
    state: State = field(default_factory=State)
    findings: Findings = field(default_factory=Findings)
    queue: Queue = field(default_factory=Queue)
    topic: Topic = field(default_factory=Topic)
    unseen: set[str] = field(default_factory=set)
    """Ids of findings that the indexes do not show yet."""

    @property
    def asked(self) -> list[datetime]:
        """When digests were asked for."""
        return self.queue.asked

    @property
    def digests(self) -> list[Digest]:
        """What was told."""
        told = [m for m in self.topic.published if isinstance(m, Digest)]
        assert len(told) == len(self.topic.published)
        return told

    def floods(self, above: int = LIMIT, always: Severity = Severity.HIGH) -> Floods:
        """The code under test, on this world."""
        return Floods(
            limits=Limits(above, always),
            documents=self.state,
            live=self.live,
            in_crowd=self.in_crowd,
            queue=self.queue,
            topic=self.topic,
            clock=self.clock,
        )

    def live(self, account: Account) -> Iterator[Finding]:
        """The open findings that the index shows."""
        return (f for f in self.findings.live(account) if f.finding_id not in self.unseen)

    def in_crowd(self, crowd: str) -> Iterator[Finding]:
        """The findings of a crowd that the index shows."""
        return (f for f in self.findings.in_crowd(crowd) if f.finding_id not in self.unseen)

    def tell(self) -> None:
        """What a timer or a sweep does."""
        self.floods().tell(ACCOUNT)

    def open(self, finding: Finding, above: int = LIMIT) -> bool:
        """Open a finding as a check does; return whether people are told by digest alone."""
        how = self.floods(above).join(ACCOUNT, finding.severity)
        self.put(finding, how)
        return how.quiet

    def put(self, finding: Finding, how: ToldHow) -> Finding:
        """Store a finding as it opens now."""
        now, quiet = self.clock.now, how.quiet
        stored = replace(
            finding, opened_at=now, crowd=how.crowd, quiet=quiet, muted=quiet, alerted_at=now
        )
        self.findings.put(stored)
        return stored

    def settle(self, *findings: Finding) -> None:
        """Findings are resolved."""
        kept = self.findings.kept
        for finding in findings:
            over = resolve(kept[finding.finding_id], RESOLUTION, at=self.clock.now, now=NOW)
            self.findings.put(replace(over, outbox=()))

    def settle_all(self) -> None:
        """Every open finding is resolved."""
        self.settle(*[f for f in self.findings.kept.values() if f.status is Status.OPEN])

    def pass_time(self, **parts: float) -> None:
        """Let time pass."""
        self.clock.now += timedelta(**parts)


def flooded(count: int = 20, severity: Severity = Severity.LOW) -> World:
    """A world in which so many have just opened together."""
    world = World()
    for finding in some(count, severity):
        world.open(finding)
    return world


def test_a_few_are_told_one_by_one() -> None:
    """Up to the limit nothing changes: each finding has its own mail, and no digest is due."""
    world = World()
    assert [world.open(finding) for finding in some(LIMIT)] == [False] * LIMIT
    assert world.asked == []
    world.tell()
    assert world.digests == []


def test_those_above_the_limit_wait_for_one_digest() -> None:
    """2,000 at once: ten mails, one digest for the rest, asked for once and soon."""
    world = World()
    told = [world.open(finding) for finding in some(2000)]
    assert told.count(False) == LIMIT
    assert world.asked == [NOW + TOGETHER]
    world.clock.now += TOGETHER
    world.tell()
    (digest,) = world.digests
    assert (digest.open, digest.told_here_alone) == (1990, 1990)
    assert (digest.announced, digest.told_singly, digest.new, digest.strays) == (
        2000,
        10,
        2000,
        2000,
    )
    assert digest.audience is Audience.PEOPLE
    assert len(digest.worst) == 10
    assert digest.of is AlertType.OPENED


@pytest.mark.parametrize("severity", [Severity.HIGH, Severity.CRITICAL])
def test_nobody_bad_hides_behind_decoys(severity: Severity) -> None:
    """However many open with it, it is told of by itself, and the digest leads with it."""
    world = flooded(500)
    (bad,) = some(1, severity, first=9000)
    assert world.open(bad) is False
    world.clock.now += TOGETHER
    world.tell()
    (digest,) = world.digests
    assert digest.worst[0].user_name == bad.user_name
    assert (digest.severity, digest.severity_here) == (severity, Severity.LOW)
    assert (digest.open, digest.told_singly, digest.announced) == (490, 11, 501)


def test_a_flood_of_the_worst_is_told_singly_and_has_no_digest() -> None:
    """A digest that tells of nobody new would only wake people twice."""
    world = World()
    assert not any(world.open(finding) for finding in some(30, Severity.CRITICAL))
    world.pass_time(minutes=2)
    world.tell()
    assert (world.asked, world.digests) == ([], [])


@pytest.mark.parametrize("always", Severity)
def test_from_which_severity_on_is_a_choice(always: Severity) -> None:
    """What is as bad as that, or worse, is never muted; what is less bad may be."""
    world = flooded()
    for severity in Severity:
        how = world.floods(always=always).join(ACCOUNT, severity)
        assert how.quiet is (severity < always)


def test_one_that_opened_and_ended_between_digests_is_accounted_for() -> None:
    """The last digest counts every one that opened, also who was mended before any digest."""
    world = flooded(15)
    quick = some(1, first=100)[0]
    world.open(quick)
    world.settle(quick)
    world.pass_time(seconds=60)
    world.tell()
    world.settle_all()
    world.pass_time(seconds=60)
    world.tell()
    first, last = world.digests
    assert (first.announced, first.open, first.told_singly) == (16, 5, 10)
    assert (last.announced, last.open, last.told_singly, last.new) == (16, 0, 10, 0)


def test_a_flood_that_ends_before_its_first_digest_is_told_of() -> None:
    """Somebody was told of nowhere else: a digest says how many they were, and that it is over."""
    world = flooded(11)
    world.settle_all()
    world.pass_time(seconds=60)
    world.tell()
    world.tell()
    (digest,) = world.digests
    assert (digest.announced, digest.open, digest.told_singly) == (11, 0, 10)


def test_a_flood_that_goes_on_is_not_told_every_minute() -> None:
    """However long it lasts, only ten are told singly, and digests keep their distance."""
    world = World()
    for number, finding in enumerate(some(1200)):
        world.clock.now = NOW + timedelta(seconds=3 * number)
        world.open(finding)
    assert sum(not finding.quiet for finding in world.findings.kept.values()) == LIMIT
    gaps = [later - earlier for earlier, later in zip(world.asked, world.asked[1:], strict=False)]
    assert all(gap >= PAUSE - timedelta(seconds=10) for gap in gaps)
    assert world.asked[-1] > world.clock.now
    assert len(world.asked) == 5


@pytest.mark.parametrize(("seconds", "quiet"), [(60, True), (61, False)])
def test_a_minutes_calm_ends_a_crowd(seconds: int, *, quiet: bool) -> None:
    """The next stray after it gets its own mail again."""
    world = flooded()
    world.pass_time(seconds=seconds)
    assert world.open(some(1, first=99)[0]) is quiet


def test_every_quiet_finding_is_followed_by_a_digest() -> None:
    """Whoever is not told by mail is told by a digest that looks after the finding was stored."""
    world = World()
    for number, finding in enumerate(some(400)):
        world.clock.now = NOW + timedelta(seconds=number * 7 % 977)
        if world.open(finding):
            assert world.asked[-1] >= world.clock.now + timedelta(seconds=10)


def test_a_digest_without_news_is_not_sent() -> None:
    """Two timers, or a timer and a sweep, tell the same flood once."""
    world = flooded()
    world.clock.now += TOGETHER
    world.tell()
    world.tell()
    assert len(world.digests) == 1


def test_each_digest_says_what_is_new() -> None:
    """Whoever reads the second one need not compare it with the first."""
    world = flooded(20)
    world.tell()
    for finding in some(5, first=50):
        world.open(finding)
    world.tell()
    assert [(d.announced, d.new, d.open) for d in world.digests] == [(20, 20, 10), (25, 5, 15)]


def test_a_finding_that_the_index_showed_late_is_told_all_the_same() -> None:
    """The index of open findings lags by moments: what a digest missed makes another one due."""
    world = flooded()
    late_id, late = world.findings.kept.popitem()
    world.tell()
    world.findings.kept[late_id] = late
    world.tell()
    assert [digest.open for digest in world.digests] == [9, 10]


def test_what_a_sweep_has_just_opened_is_told_though_no_index_shows_it() -> None:
    """It hands over what it has in hand."""
    world = World()
    found = some(12)
    told = world.floods().join_together(ACCOUNT, [f.severity for f in found])
    in_hand = [world.put(f, how) for f, how in zip(found, told, strict=True)]
    world.unseen = {f.finding_id for f in found}
    world.floods().tell(ACCOUNT, in_hand)
    (digest,) = world.digests
    assert (digest.open, digest.told_singly, digest.strays) == (12, 0, 12)
    assert world.asked == []


def test_a_sweep_tells_of_its_worst_singly() -> None:
    """All others that it finds are in the digest, the first ones, too."""
    world = World()
    severities = [Severity.LOW] * 11 + [Severity.CRITICAL]
    told = world.floods().join_together(ACCOUNT, severities)
    assert [how.quiet for how in told] == [True] * 11 + [False]
    assert len({how.crowd for how in told}) == 1
    few = World().floods().join_together(ACCOUNT, severities[:LIMIT])
    assert not any(how.quiet for how in few)
    assert world.floods().join_together(ACCOUNT, []) == []


def test_it_is_over_once() -> None:
    """When none is left, one digest of the same id says so; then nothing more."""
    world = flooded()
    world.tell()
    world.settle_all()
    world.tell()
    world.tell()
    opened, closed = world.digests
    assert (closed.open, closed.announced, closed.told_singly) == (0, 20, 10)
    assert closed.digest_id == opened.digest_id
    assert closed.severity is opened.severity


def test_it_is_over_when_nobody_is_left_whom_it_alone_tells_of() -> None:
    """Who was told of singly has a resolve of its own."""
    world = flooded()
    world.open(some(1, Severity.CRITICAL, first=50)[0])
    world.tell()
    world.settle(*[f for f in world.findings.kept.values() if f.quiet])
    world.tell()
    assert [(d.open, d.strays) for d in world.digests] == [(10, 21), (0, 11)]


def test_a_second_flood_is_one_of_its_own() -> None:
    """Though strays of the first are left: PagerDuty opens an incident, which closes by itself."""
    world = flooded(20, Severity.MEDIUM)
    world.tell()
    world.pass_time(minutes=5)
    second = some(15, first=100)
    for finding in second:
        world.open(finding)
    world.tell()
    first_digest, second_digest = world.digests
    assert first_digest.digest_id != second_digest.digest_id
    assert (second_digest.severity, second_digest.announced) == (Severity.LOW, 15)
    world.settle(*second)
    world.tell()
    closed = world.digests[-1]
    assert (closed.digest_id, closed.open, closed.strays) == (second_digest.digest_id, 0, 20)
    assert world.floods().is_over(ACCOUNT, second_digest.digest_id)
    assert not world.floods().is_over(ACCOUNT, first_digest.digest_id)


def test_a_flood_does_not_inherit_the_severity_of_a_settled_one() -> None:
    """It is as bad as who is in it."""
    world = flooded(20, Severity.MEDIUM)
    world.tell()
    world.settle_all()
    world.tell()
    world.pass_time(days=1)
    for finding in some(12, first=100):
        world.open(finding)
    world.tell()
    assert [d.severity for d in world.digests] == [Severity.MEDIUM, Severity.MEDIUM, Severity.LOW]
    assert len({d.digest_id for d in world.digests}) == 2


def test_who_opens_after_the_end_was_told_begins_the_next_flood() -> None:
    """Though it is within a minute: what is over stays over, also in PagerDuty."""
    world = flooded()
    world.tell()
    world.settle_all()
    world.tell()
    told = [world.open(finding) for finding in some(12, first=100)]
    assert told == [False] * LIMIT + [True] * 2
    world.tell()
    ids = [digest.digest_id for digest in world.digests]
    assert ids[0] == ids[1]


def test_who_was_on_its_way_as_the_flood_ended_is_told_of_all_the_same() -> None:
    """It had joined, and opened in the very moment in which the end was told."""
    world = flooded()
    how = world.floods().join(ACCOUNT, Severity.LOW)
    world.settle_all()
    world.tell()
    world.pass_time(seconds=1)
    world.put(some(1, first=100)[0], how)
    world.tell()
    world.settle_all()
    world.tell()
    ended, late, over = world.digests
    assert (ended.open, late.open, over.open) == (0, 1, 0)
    assert late.digest_id == over.digest_id != ended.digest_id


def test_who_joins_as_the_end_is_about_to_be_told_keeps_the_flood_going() -> None:
    """The crowd changed between two looks: the end waits for the next one."""
    world = flooded()
    world.tell()
    world.settle_all()
    world.state.conflicts = 1
    world.tell()
    assert [digest.open for digest in world.digests] == [10]
    world.tell()
    assert [digest.open for digest in world.digests] == [10, 0]


@pytest.mark.parametrize("closing", [False, True])
def test_a_digest_that_could_not_be_sent_is_sent_later(*, closing: bool) -> None:
    """Killed before the publish, or refused by SNS: the next run tells it, under the same id."""
    world = flooded()
    if closing:
        world.tell()
        world.settle_all()
    world.topic.broken = 1
    with pytest.raises(UnavailableError):
        world.tell()
    world.pass_time(minutes=1)
    world.tell()
    assert [digest.open for digest in world.digests] == ([10, 0] if closing else [10])
    assert len({digest.digest_id for digest in world.digests}) == 1


def test_what_another_worker_may_still_be_telling_waits_a_minute() -> None:
    """It may be slow rather than dead: nobody gets the same digest twice for it."""
    world = flooded()
    world.topic.broken = 1
    with pytest.raises(UnavailableError):
        world.tell()
    world.pass_time(seconds=59)
    world.tell()
    assert world.digests == []
    world.pass_time(seconds=1)
    world.tell()
    assert len(world.digests) == 1


def test_only_who_is_bad_and_open_leads_a_digest() -> None:
    """Neither the first few, who were told of singly, nor who was bad and is settled."""
    world = flooded(20, Severity.MEDIUM)
    over, still = some(2, Severity.CRITICAL, first=50)
    world.open(over)
    world.open(still)
    world.settle(over)
    world.tell()
    (digest,) = world.digests
    singly = {f.user_name for f in world.findings.kept.values() if not f.quiet}
    assert {f.user_name for f in digest.worst} & singly == {still.user_name}


def test_a_crowd_that_an_earlier_version_counted_begins_anew() -> None:
    """It had no id: nobody could ever be accounted for under none."""
    world = World()
    recent = {"count": 12, "last_at": "2026-11-23T03:14:59Z", "version": 3}
    world.state.documents["crowd"] = recent
    how = world.floods().join(ACCOUNT, Severity.LOW)
    assert how.crowd
    assert not how.quiet


def test_while_one_worker_tells_another_does_not() -> None:
    """A timer and a sweep at once: one digest."""
    world = flooded()
    told: list[Any] = []
    published = world.topic.publish

    def publish(message: Any) -> None:
        told.append(message)
        if len(told) == 1:
            world.tell()
        published(message)

    world.topic.publish = publish  # type: ignore[method-assign]  # a topic that takes its time
    world.tell()
    assert len(told) == len(world.digests) == 1


@dataclass
class Busy(State):
    """A table in which others write, and whose answers get lost: the writes named by number."""

    lost: frozenset[int] = frozenset()
    writes: int = 0

    def swap_document(self, account: Account, name: str, content: Any) -> Write:
        """Write, and now and then say that it was refused all the same."""
        self.writes += 1
        done = super().swap_document(account, name, content)
        return Write.CONFLICT if self.writes in self.lost else done


@pytest.mark.parametrize("lost", range(1, 6))
def test_a_write_that_was_answered_late_is_ones_own(lost: int) -> None:
    """The SDK repeats a put whose answer was lost, and meets itself: nothing is told twice."""
    world = flooded()
    world.tell()
    world.settle_all()
    world.state = Busy(documents=world.state.documents, lost=frozenset({lost}))
    world.tell()
    if lost > 1:  # the first one ends the crowd: who meets itself there waits for the next run
        assert [digest.open for digest in world.digests] == [10, 0]
    world.pass_time(minutes=2)
    world.tell()
    assert [digest.open for digest in world.digests] == [10, 0]


def test_a_flood_is_in_the_hands_of_one_worker() -> None:
    """Whoever has read it before another took it does not get it, and leaves it as it is."""
    state = State()
    book = FloodBook(state)
    flood = Flood("x", NOW)
    book.begin(ACCOUNT, flood)
    book.begin(ACCOUNT, replace(flood, announced=9))
    taken = replace(flood, claimed_until=NOW + timedelta(minutes=1))
    assert book.claim(ACCOUNT, flood, taken) is Claim.MINE
    written = state.documents["digest"]
    later = replace(flood, claimed_until=NOW + timedelta(minutes=2))
    assert book.claim(ACCOUNT, flood, later) is Claim.ANOTHERS
    assert state.documents["digest"] == written
    assert book.floods(ACCOUNT) == (taken,)


def test_a_sweeps_flood_with_somebody_bad_in_it_is_told_to_its_end() -> None:
    """Though all of them are settled before it could be told of."""
    world = World()
    found = [*some(11), *some(1, Severity.CRITICAL, first=50)]
    told = world.floods().join_together(ACCOUNT, [f.severity for f in found])
    for finding, how in zip(found, told, strict=True):
        world.put(finding, how)
    world.settle_all()
    world.tell()
    (digest,) = world.digests
    assert (digest.announced, digest.told_singly, digest.open) == (12, 1, 0)


@pytest.mark.parametrize("conflicts", [1, 2, 5])
def test_the_end_of_a_flood_is_noted_though_others_write(conflicts: int) -> None:
    """Else it would be told again with the next sweep, and again."""
    world = flooded()
    world.tell()
    world.settle_all()
    published = world.topic.publish

    def publish(message: Any) -> None:
        world.state.conflicts = conflicts
        published(message)

    world.topic.publish = publish  # type: ignore[method-assign]  # others write meanwhile
    world.tell()
    world.pass_time(minutes=2)
    world.tell()
    assert [digest.open for digest in world.digests] == [10, 0]


def test_others_that_never_stop_writing_are_an_error() -> None:
    """Nothing is told that cannot be noted: the run fails, and comes again."""
    world = flooded()
    world.state.conflicts = 1000
    with pytest.raises(FloodContentionError):
        world.tell()
    assert world.digests == []


def test_a_flood_is_known_to_be_over() -> None:
    """Who gets a digest late can ask whether it still holds; from the closing on it does not."""
    world = World()
    floods = world.floods()
    assert floods.is_over(ACCOUNT, "any")
    for finding in some(20):
        world.open(finding)
    floods.tell(ACCOUNT)
    digest_id = world.digests[0].digest_id
    assert not floods.is_over(ACCOUNT, digest_id)
    world.settle_all()
    world.topic.broken = 1
    with pytest.raises(UnavailableError):
        floods.tell(ACCOUNT)
    assert floods.is_over(ACCOUNT, digest_id)


def test_an_end_that_was_begun_is_told_whoever_opens_meanwhile() -> None:
    """PagerDuty has it closed, perhaps: under this id nothing opens again."""
    world = flooded()
    how = world.floods().join(ACCOUNT, Severity.LOW)
    world.tell()
    world.settle_all()
    world.topic.broken = 1
    with pytest.raises(UnavailableError):
        world.tell()
    world.put(some(1, first=100)[0], how)
    world.pass_time(minutes=2)
    world.tell()
    world.tell()
    assert [digest.open for digest in world.digests] == [10, 0, 1]
    ids = [digest.digest_id for digest in world.digests]
    assert ids[0] == ids[1] != ids[2]


def test_a_flood_that_never_came_to_be_is_forgotten() -> None:
    """Its worker was killed before anybody opened; after an hour nobody waits for it any more."""
    world = World()
    world.floods().join_together(ACCOUNT, [Severity.LOW] * 11)
    world.pass_time(minutes=59)
    world.tell()
    assert world.state.documents["digest"]["floods"]
    world.pass_time(minutes=2)
    world.tell()
    assert not world.state.documents["digest"].get("floods")
    assert world.digests == []


def test_findings_of_an_earlier_version_go_on_under_their_digests_id() -> None:
    """They name no crowd; the incident that was opened for them is closed."""
    world = World()
    world.findings.put(*[replace(finding, quiet=True, muted=True) for finding in some(12)])
    world.findings.put(*some(3, first=50))
    earlier = {"id": "x", "told_at": NOW, "open": 12, "announced": 12, "severity": "HIGH"}
    world.state.documents["digest"] = earlier | {"told_at": "2026-11-23T03:00:00Z", "version": 3}
    world.tell()
    assert world.digests == []
    world.settle_all()
    world.tell()
    (over,) = world.digests
    assert (over.digest_id, over.open, over.announced) == ("x", 0, 12)


def test_a_warm_function_counts_the_next_without_reading() -> None:
    """Where another one has counted meanwhile its write is refused, and it reads."""
    world = World()
    one, other = world.floods(), world.floods()
    for each in (one, other, other, one, one):
        each.join(ACCOUNT, Severity.LOW)
    assert (world.state.documents["crowd"]["count"], world.state.reads) == (5, 3)


def test_a_flood_that_is_over_does_not_begin_anew_by_what_a_warm_function_knew() -> None:
    """It was told to be over by another one."""
    world = World()
    warm = world.floods()
    for finding in some(LIMIT + 1):
        world.put(finding, warm.join(ACCOUNT, finding.severity))
    over = world.state.documents["digest"]["floods"]
    world.settle_all()
    world.tell()
    assert (len(over), world.state.documents["digest"].get("floods")) == (1, None)
    warm.join(ACCOUNT, Severity.LOW)
    assert "floods" not in world.state.documents["digest"]


def test_a_crowd_that_cannot_be_counted_is_told_of_singly() -> None:
    """Rather a mail too many than somebody whom nobody names."""
    world = World(state=State(conflicts=100))
    assert world.floods().join(ACCOUNT, Severity.LOW) == ToldHow()


def test_zero_switches_digests_off() -> None:
    """With a limit of 0 every finding is told by itself."""
    world = World()
    assert not any(world.open(finding, above=0) for finding in some(50))
    assert world.state.documents == {}
    assert not Limits(0, Severity.HIGH).is_flood(1_000_000)


@given(st.lists(st.integers(0, 200), min_size=1, max_size=60), st.integers(1, 12))
def test_people_are_told_of_everything_and_of_little_singly(gaps: list[int], above: int) -> None:
    """In any rhythm few are told singly before a minute's calm, and a digest follows the rest."""
    world = World()
    singly = 0
    for gap, finding in zip(gaps, some(len(gaps)), strict=True):
        world.clock.now += timedelta(seconds=gap)
        singly = 0 if gap > TOGETHER.total_seconds() else singly
        quiet = world.open(finding, above)
        singly += not quiet
        assert singly <= above
        assert not quiet or world.asked[-1] > world.clock.now
    world.clock.now += PAUSE
    world.floods(above).tell(ACCOUNT)
    quiet_ids = {finding.finding_id for finding in world.findings.kept.values() if finding.quiet}
    assert sum(digest.open for digest in world.digests) == len(quiet_ids)


@settings(deadline=None)
@given(st.data())
def test_each_flood_accounts_for_all_its_own_and_ends_once(data: st.DataObject) -> None:
    """Openings, ends, sweeps, timers and failures in any order: no stray is untold, none twice."""
    world = World(clock=Clock(NOW, tick=timedelta(microseconds=1)))
    for number in range(data.draw(st.integers(1, 60))):
        step = data.draw(
            st.sampled_from(["open", "open", "open", "settle", "tell", "wait", "fail"])
        )
        still = [f for f in world.findings.kept.values() if f.status is Status.OPEN]
        if step == "open":
            severity = data.draw(st.sampled_from([Severity.LOW] * 5 + [Severity.CRITICAL]))
            world.open(some(1, severity, first=number)[0], above=2)
        elif step == "settle" and still:
            world.settle(data.draw(st.sampled_from(still)))
        elif step == "wait":
            world.pass_time(seconds=data.draw(st.sampled_from([1, 30, 61, 1000])))
        elif step == "tell":
            world.tell()
        elif step == "fail":
            world.topic.broken = 1
            with suppress(UnavailableError):
                world.tell()
            world.topic.broken = 0
    world.settle_all()
    for _ in range(2):
        world.pass_time(hours=2)
        world.tell()
    ends = [digest for digest in world.digests if not digest.open]
    assert len({digest.digest_id for digest in ends}) == len(ends)
    assert {digest.digest_id for digest in ends} == {d.digest_id for d in world.digests}
    quiet = [f for f in world.findings.kept.values() if f.quiet]
    assert sum(d.announced - d.told_singly for d in ends) == len(quiet)
    assert not any(f.severity is Severity.CRITICAL for f in quiet)


def test_the_severity_of_a_digest_never_falls() -> None:
    """Who was paged for the worst of a flood must hear that it is over."""
    world = flooded(20, Severity.MEDIUM)
    world.tell()
    world.settle_all()
    world.open(some(1, first=50)[0])
    world.tell()
    assert [(d.severity, d.severity_here) for d in world.digests] == [
        (Severity.MEDIUM, Severity.MEDIUM)
    ] * 2


ESCALATED, REMINDER = AlertType.ESCALATED, AlertType.REMINDER
MEDIUM = some(16, Severity.MEDIUM)
BAD = some(1, Severity.HIGH, first=50)
QUIET = [replace(finding, quiet=True) for finding in some(3, first=60)]
LIMITS = Limits(LIMIT, Severity.HIGH)


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ([], Moves()),
        ([(f, ESCALATED) for f in MEDIUM[:10]], Moves(singly=tuple(MEDIUM[:10]))),
        ([(f, ESCALATED) for f in MEDIUM], Moves(escalated=tuple(MEDIUM))),
        (
            [(f, ESCALATED) for f in (*MEDIUM, *BAD)],
            Moves(singly=tuple(BAD), escalated=tuple(MEDIUM)),
        ),
        ([(f, ESCALATED) for f in QUIET], Moves(singly=tuple(QUIET))),
        ([(f, REMINDER) for f in QUIET], Moves(reminded=tuple(QUIET))),
        ([(f, REMINDER) for f in MEDIUM[:10]], Moves(singly=tuple(MEDIUM[:10]))),
        (
            [(f, REMINDER) for f in (*MEDIUM[:10], *QUIET)],
            Moves(singly=tuple(MEDIUM[:10]), reminded=tuple(QUIET)),
        ),
        (
            [(f, REMINDER) for f in (*MEDIUM, *BAD)],
            Moves(singly=tuple(BAD), reminded=tuple(MEDIUM)),
        ),
        (
            [(f, ESCALATED) for f in MEDIUM[:8]] + [(f, REMINDER) for f in MEDIUM[8:]],
            Moves(singly=tuple(MEDIUM[:8]), reminded=tuple(MEDIUM[8:])),
        ),
        (
            [(f, ESCALATED) for f in QUIET] + [(f, REMINDER) for f in MEDIUM[:8]],
            Moves(singly=tuple(QUIET), reminded=tuple(MEDIUM[:8])),
        ),
    ],
)
def test_many_reminders_or_escalations_are_told_together(
    due: list[tuple[Finding, AlertType]], expected: Moves
) -> None:
    """A few singly; whoever is bad by its own risk singly always; quiet ones escalate aloud."""
    assert moves(due, LIMITS) == expected


def test_who_is_bad_for_its_age_alone_may_be_muted() -> None:
    """A mass that has escalated to HIGH is reminded of in one digest, as before."""
    aged = [replace(f, severity=Severity.HIGH, escalated_at=NOW) for f in MEDIUM]
    worst = [replace(f, severity=Severity.CRITICAL, escalated_at=NOW) for f in BAD]
    due = [(f, REMINDER) for f in (*aged, *worst)]
    assert moves(due, LIMITS) == Moves(singly=tuple(worst), reminded=tuple(aged))
    highest = Limits(LIMIT, Severity.CRITICAL)
    critical = [replace(f, severity=Severity.CRITICAL) for f in worst]
    due = [(f, REMINDER) for f in (*aged, *critical)]
    assert moves(due, highest) == Moves(singly=tuple(critical), reminded=tuple(aged))


def test_reminders_of_many_are_one_digest_that_says_so() -> None:
    """It has an id of its own, and no end: each finding ends by itself."""
    world = World()
    world.findings.put(*MEDIUM, *some(1, first=90))
    world.floods().move(ACCOUNT, [(f, REMINDER) for f in MEDIUM])
    world.tell()
    (digest,) = world.digests
    assert (digest.of, digest.open, digest.strays) == (REMINDER, 16, 17)
    assert world.state.documents == {}


def test_an_escalation_of_many_is_an_episode_that_opens_and_ends() -> None:
    """People and pager learn that it is one; it is over when none of them is open any more."""
    world = World()
    world.findings.put(*MEDIUM, *some(1, first=90))
    sorted_out, episode = world.floods().move(ACCOUNT, [(f, ESCALATED) for f in MEDIUM])
    raised = [
        replace(f, severity=Severity.HIGH, escalated_at=NOW, escalated_in=episode, version=2)
        for f in sorted_out.escalated
    ]
    world.findings.put(*raised)
    world.floods().tell(ACCOUNT, raised)
    assert not world.floods().is_over(ACCOUNT, episode)
    world.tell()
    world.settle(*raised[1:])
    world.tell()
    world.settle(*raised[:1])
    world.tell()
    world.tell()
    told, over = world.digests
    assert {d.digest_id for d in world.digests} == {episode}
    assert (told.of, told.open, told.severity_here) == (ESCALATED, 16, Severity.HIGH)
    assert (over.of, over.open, over.announced) == (ESCALATED, 0, 16)
    assert over.severity_here is Severity.HIGH
