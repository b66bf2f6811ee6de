"""Two workers at one finding: each alert leaves the hands of one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.account import NoSuchUser, User
from chalicelib.domain.alerts import Alert
from chalicelib.domain.facts import Mark, Noted
from chalicelib.domain.findings import (
    CLAIM,
    AlertType,
    Finding,
    sent,
)
from chalicelib.flows.commit import Commit, Life
from tests.fakes import Clock, Findings, Ledger, Queue, Topic
from tests.unit.finding_samples import BOB, OPENED, SETTINGS
from tests.unit.records import ACCOUNT, NOW

Act = Callable[[Commit, Finding], object]
MARK = Mark(account=ACCOUNT, user_name=OPENED.user_name)
NOTED = Noted(OPENED.user_id, OPENED.number, OPENED.opened_at)


@dataclass
class Race:
    """One finding in a table, and those who work on it."""

    findings: Findings
    queue: Queue = field(default_factory=Queue)
    topic: Topic = field(default_factory=Topic)

    def worker(self, now: datetime) -> Commit:
        """A worker; used twice, it is two: no two looks at its clock show the same."""
        return Commit(
            settings=SETTINGS,
            ledger=Ledger(self.findings),
            queue=self.queue,
            topic=self.topic,
            find_user=lambda _: NoSuchUser(),
            clock=Clock(now, tick=timedelta(microseconds=1)),
        )

    @property
    def stored(self) -> Finding:
        """The finding as it stands."""
        (finding,) = self.findings.kept.values()
        return finding

    @property
    def alerts(self) -> list[AlertType]:
        """What was published."""
        return [alert.type for alert in self.topic.published if isinstance(alert, Alert)]


def race_for(finding: Finding, *, answers_late: bool = False) -> Race:
    """A race for this finding."""
    findings = Findings(answers_late=answers_late)
    findings.put(finding)
    return Race(findings)


LATER = NOW + CLAIM + timedelta(hours=30)
RACES: dict[str, tuple[Finding, Act, list[AlertType]]] = {
    "an unsent alert": (
        OPENED,
        lambda w, f: w.deliver_unsent(f),
        [AlertType.OPENED],
    ),
    "a reminder": (sent(OPENED), lambda w, f: w.advance(f), [AlertType.REMINDER]),
    "an end": (
        sent(OPENED),
        lambda w, _: w.gone(MARK, NOTED),
        [AlertType.RESOLVED],
    ),
}


@pytest.mark.parametrize("kind", RACES)
def test_of_two_workers_one_sends(kind: str) -> None:
    """Overlapping sweeps and checks read the same finding: the slower one sends nothing."""
    finding, act, alerts = RACES[kind]
    race = race_for(finding)
    worker = race.worker(LATER)
    race.findings.before_update = lambda: act(worker, finding)
    act(worker, finding)
    assert race.alerts == alerts


@pytest.mark.parametrize("kind", RACES)
def test_a_write_that_was_answered_late_is_ones_own(kind: str) -> None:
    """The SDK repeats a put whose answer was lost, and the repeat fails on the first: go on."""
    finding, act, alerts = RACES[kind]
    race = race_for(finding, answers_late=True)
    act(race.worker(LATER), finding)
    assert race.alerts == alerts
    assert race.stored.outbox == ()


def test_a_finding_that_changes_while_its_alert_is_out_is_no_other_workers() -> None:
    """A rename noticed meanwhile changes the finding, not who has its alert in hand."""
    claimed = replace(OPENED, claimed_until=LATER)
    race = race_for(claimed)

    def rename() -> None:
        stored = race.stored
        race.findings.put(replace(stored, user_name="rob", version=stored.version + 1))

    race.findings.before_update = rename
    race.worker(NOW).deliver(claimed)
    assert (race.stored.outbox, race.stored.user_name) == ((), "rob")


def test_who_slipped_between_the_pages_is_not_gone() -> None:
    """A user renamed while the account is read may be on none of its pages."""
    reads: list[User | NoSuchUser] = [NoSuchUser(), BOB]
    race = race_for(sent(OPENED))
    worker = replace(race.worker(LATER), find_user=lambda _: reads.pop(0))
    assert worker.gone(MARK, NOTED) is Life.ELSEWHERE
    assert race.alerts == []


def test_who_comes_second_looks_again() -> None:
    """The worker that has the alert in hand may die with it: somebody must come back."""
    race = race_for(OPENED)
    worker = race.worker(NOW)
    worker.when_free(OPENED, lambda: worker.deliver_unsent(OPENED))
    assert (race.alerts, race.queue.asked) == ([], [OPENED.claimed_until])
