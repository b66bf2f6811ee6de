"""However many findings open together, people get a few mails and one digest; nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.alerts import Audience, Digest
from chalicelib.domain.findings import Finding, Reason, Resolution, resolve
from chalicelib.domain.severity import Severity
from chalicelib.flows.floods import PAUSE, TOGETHER, Floods
from tests.fakes import Clock, Findings, Queue, State, Topic, UnavailableError
from tests.unit.examples import ACCOUNT, NOW, many

LIMIT = 10


@dataclass
class World:
    """What a flood is told by, and on which clock."""

    clock: Clock = field(default_factory=lambda: Clock(NOW))
    state: State = field(default_factory=State)
    findings: Findings = field(default_factory=Findings)
    queue: Queue = field(default_factory=Queue)
    topic: Topic = field(default_factory=Topic)

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

    def floods(self, above: int = LIMIT) -> Floods:
        """The code under test, on this world."""
        return Floods(
            above=above,
            documents=self.state,
            live=self.findings.live,
            queue=self.queue,
            topic=self.topic,
            clock=self.clock,
        )

    def open(self, finding: Finding, above: int = LIMIT) -> bool:
        """Open a finding as a check does; return whether people are told by digest."""
        quiet = self.floods(above).joins(ACCOUNT)
        now = self.clock.now
        self.findings.put(replace(finding, opened_at=now, quiet=quiet, muted=quiet, alerted_at=now))
        return quiet

    def settle_all(self) -> None:
        """Every finding is resolved."""
        resolution = Resolution(Reason.DELETED)
        now, kept = self.clock.now, self.findings.kept.values()
        self.findings.put(*[resolve(f, resolution, at=now, now=now) for f in kept])


def test_a_few_are_told_one_by_one() -> None:
    """Up to the limit nothing changes: each finding has its own mail, and no digest is due."""
    world = World()
    assert [world.open(finding) for finding in many(LIMIT)] == [False] * LIMIT
    assert world.asked == []


def test_those_above_the_limit_wait_for_one_digest() -> None:
    """2,000 at once: ten mails, one digest for the rest, asked for once and soon."""
    world = World()
    told = [world.open(finding) for finding in many(2000)]
    assert told.count(False) == LIMIT
    assert world.asked == [NOW + TOGETHER]
    world.clock.now += TOGETHER
    world.floods().tell(ACCOUNT)
    (digest,) = world.digests
    assert (digest.open, digest.told_here_alone) == (1990, 1990)
    assert digest.audience is Audience.PEOPLE
    assert len(digest.worst) == 10
    assert digest.worst[0].severity is max(
        f.severity for f in world.findings.kept.values() if f.quiet
    )


def test_a_flood_that_goes_on_is_not_told_every_minute() -> None:
    """However long it lasts, only ten are told singly, and digests keep their distance."""
    world = World()
    for number, finding in enumerate(many(1200)):
        world.clock.now = NOW + timedelta(seconds=3 * number)
        world.open(finding)
    assert sum(not finding.quiet for finding in world.findings.kept.values()) == LIMIT
    gaps = [later - earlier for earlier, later in zip(world.asked, world.asked[1:], strict=False)]
    assert all(gap >= PAUSE - timedelta(seconds=10) for gap in gaps)
    assert world.asked[-1] > world.clock.now


def test_a_finding_after_a_calm_is_told_by_itself() -> None:
    """The next stray, hours later, gets its own mail again."""
    world = World()
    for finding in many(20):
        world.open(finding)
    world.clock.now += timedelta(hours=2)
    assert world.open(many(21)[-1]) is False


def test_every_quiet_finding_is_followed_by_a_digest() -> None:
    """Whoever is not told by mail is told by a digest that looks after the finding was stored."""
    world = World()
    for number, finding in enumerate(many(400)):
        world.clock.now = NOW + timedelta(seconds=number * 7 % 977)
        if world.open(finding):
            assert world.asked[-1] >= world.clock.now + timedelta(seconds=10)


def test_a_digest_without_news_is_not_sent() -> None:
    """Two timers, or a timer and a sweep, tell the same flood once."""
    world = World()
    for finding in many(20):
        world.open(finding)
    world.clock.now += TOGETHER
    world.floods().tell(ACCOUNT)
    world.floods().tell(ACCOUNT)
    assert len(world.digests) == 1


def test_a_finding_that_the_index_showed_late_is_told_all_the_same() -> None:
    """The index of open findings lags by moments: what a digest missed makes another one due."""
    world = World()
    for finding in many(20):
        world.open(finding)
    late_id, late = world.findings.kept.popitem()
    world.clock.now += TOGETHER
    world.floods().tell(ACCOUNT)
    world.findings.kept[late_id] = late
    world.floods().tell(ACCOUNT)
    assert [digest.open for digest in world.digests] == [9, 10]


def test_it_is_over_once() -> None:
    """When none is left, one digest of the same id says so; then nothing more."""
    world = World()
    for finding in many(20):
        world.open(finding)
    world.floods().tell(ACCOUNT)
    world.settle_all()
    world.floods().tell(ACCOUNT)
    world.floods().tell(ACCOUNT)
    opened, closed = world.digests
    assert (closed.open, closed.announced) == (0, 10)
    assert closed.digest_id == opened.digest_id
    assert closed.severity is opened.severity


def test_the_next_flood_has_an_id_of_its_own() -> None:
    """PagerDuty and chat keep floods apart by the digest's id."""
    world = World()
    for finding in many(20):
        world.open(finding)
    world.floods().tell(ACCOUNT)
    world.settle_all()
    world.floods().tell(ACCOUNT)
    world.clock.now += timedelta(days=1)
    for finding in many(20):
        world.open(finding)
    world.floods().tell(ACCOUNT)
    assert len({digest.digest_id for digest in world.digests}) == 2


def test_reminders_of_many_are_told_together_until_they_are_over() -> None:
    """A muted reminder puts a finding in the digests, which end when it does."""
    world = World()
    reminded = [replace(finding, quiet=False, muted=True) for finding in many(12)]
    world.findings.put(*reminded)
    world.floods().tell(ACCOUNT, reminded)
    world.floods().tell(ACCOUNT)
    world.settle_all()
    world.floods().tell(ACCOUNT)
    assert [(d.open, d.told_here_alone) for d in world.digests] == [(12, 0), (0, 0)]


@pytest.mark.parametrize("closing", [False, True])
def test_a_digest_that_could_not_be_sent_is_sent_later(*, closing: bool) -> None:
    """Killed before the publish, or refused by SNS: the next run tells it, under the same id."""
    world = World()
    for finding in many(20):
        world.open(finding)
    if closing:
        world.floods().tell(ACCOUNT)
        world.settle_all()
    world.topic.broken = 1
    with pytest.raises(UnavailableError):
        world.floods().tell(ACCOUNT)
    world.clock.now += timedelta(minutes=1)
    world.floods().tell(ACCOUNT)
    assert [digest.open for digest in world.digests] == ([10, 0] if closing else [10])
    assert len({digest.digest_id for digest in world.digests}) == 1


def test_a_flood_is_known_to_be_over() -> None:
    """Who gets a digest late can ask whether it still holds; from the closing on it does not."""
    world = World()
    floods = world.floods()
    assert floods.is_over(ACCOUNT, "any")
    for finding in many(20):
        world.open(finding)
    floods.tell(ACCOUNT)
    digest_id = world.digests[0].digest_id
    assert not floods.is_over(ACCOUNT, digest_id)
    world.settle_all()
    world.topic.broken = 1
    with pytest.raises(UnavailableError):
        floods.tell(ACCOUNT)
    assert floods.is_over(ACCOUNT, digest_id)


def test_many_workers_at_once_are_a_flood() -> None:
    """If others keep changing the count, there are many: the finding goes to machines, and on."""
    world = World(state=State(conflicts=100))
    assert world.floods().joins(ACCOUNT) is True


def test_zero_switches_digests_off() -> None:
    """With a limit of 0 every finding is told by itself."""
    world = World()
    assert not any(world.open(finding, above=0) for finding in many(50))
    assert world.state.documents == {}
    assert not world.floods(above=0).is_flood(1_000_000)


@given(st.lists(st.integers(0, 200), min_size=1, max_size=60), st.integers(1, 12))
def test_people_are_told_of_everything_and_of_little_singly(gaps: list[int], above: int) -> None:
    """In any rhythm few are told singly before a minute's calm, and a digest follows the rest."""
    world = World()
    singly = 0
    for gap, finding in zip(gaps, many(len(gaps)), strict=True):
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


def test_the_severity_of_a_digest_never_falls() -> None:
    """Who was paged for the worst of a flood must hear that it is over."""
    world = World()
    for finding in many(20):
        world.open(replace(finding, severity=Severity.CRITICAL))
    world.floods().tell(ACCOUNT)
    kept = world.findings.kept.values()
    world.findings.put(*[replace(f, severity=Severity.LOW) for f in kept])
    world.clock.now += timedelta(minutes=2)
    extra = many(30)[29]
    world.findings.put(replace(extra, severity=Severity.LOW, opened_at=world.clock.now))
    world.floods().tell(ACCOUNT)
    assert [digest.severity for digest in world.digests] == [Severity.CRITICAL] * 2
