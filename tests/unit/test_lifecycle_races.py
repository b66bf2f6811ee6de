"""Two workers at one finding: each alert leaves the hands of one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.account import Account, NoSuchUser
from chalicelib.domain.alerts import Alert, Message
from chalicelib.domain.check_requests import CheckRequest, DigestRequest
from chalicelib.domain.findings import (
    CLAIM,
    AlertType,
    Finding,
    NoFinding,
    Reason,
    Resolution,
    Write,
    sent,
)
from chalicelib.domain.marks import Mark
from chalicelib.flows.lifecycle import Lifecycle
from tests.unit.records import NOW
from tests.unit.test_findings import OPENED, SETTINGS

Act = Callable[[Lifecycle, Finding], object]
JOINED = Resolution(Reason.JOINED_GROUP, ("nurses",))


@dataclass
class Table:
    """One finding. `before_update` lets another worker go first, once."""

    stored: Finding
    before_update: Callable[[], object] | None = None
    answers_late: bool = False

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The finding."""
        del account, user_id
        return self.stored

    def add(self, finding: Finding) -> Write:
        """Nobody opens a finding here."""
        raise AssertionError(finding)

    def update(self, finding: Finding) -> Write:
        """Store it if nobody else has meanwhile."""
        act, self.before_update = self.before_update, None
        if act:
            act()
        if finding.version != self.stored.version:
            return Write.CONFLICT
        self.stored = replace(finding, version=finding.version + 1)
        return Write.CONFLICT if self.answers_late else Write.DONE


@dataclass
class Rest:
    """Marks, queue and topic."""

    alerts: list[AlertType] = field(default_factory=list)
    asked: list[datetime] = field(default_factory=list)

    def mark(self, account: Account, user_name: str) -> Mark:
        """Nothing is known."""
        return Mark(account=account, user_name=user_name)

    def write(self, mark: Mark) -> Write:
        """Nobody writes a mark here."""
        raise AssertionError(mark)

    def send(self, request: CheckRequest | DigestRequest, due: datetime, now: datetime) -> datetime:
        """Remember for when it was."""
        del request, now
        self.asked.append(due)
        return due

    def publish(self, message: Message) -> None:
        """Remember the alert."""
        assert isinstance(message, Alert)
        self.alerts.append(message.type)


def clock(start: datetime) -> Iterator[datetime]:
    """Two looks at it never show the same."""
    while True:
        yield start
        start += timedelta(microseconds=1)


def workers(table: Table, rest: Rest, now: datetime) -> Lifecycle:
    """A worker; used twice, it is two."""
    ticks = clock(now)
    return Lifecycle(
        settings=SETTINGS,
        findings=table,
        state=rest,
        queue=rest,
        topic=rest,
        find_user=lambda _: NoSuchUser(),
        clock=lambda: next(ticks),
    )


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
        lambda w, f: w.close(f, JOINED, at=LATER),
        [AlertType.RESOLVED],
    ),
}


@pytest.mark.parametrize("race", RACES)
def test_of_two_workers_one_sends(race: str) -> None:
    """Overlapping sweeps and checks read the same finding: the slower one sends nothing."""
    finding, act, alerts = RACES[race]
    table, rest = Table(finding), Rest()
    worker = workers(table, rest, LATER)
    table.before_update = lambda: act(worker, finding)
    act(worker, finding)
    assert rest.alerts == alerts


@pytest.mark.parametrize("race", RACES)
def test_a_write_that_was_answered_late_is_ones_own(race: str) -> None:
    """The SDK repeats a put whose answer was lost, and the repeat fails on the first: go on."""
    finding, act, alerts = RACES[race]
    table, rest = Table(finding, answers_late=True), Rest()
    act(workers(table, rest, LATER), finding)
    assert rest.alerts == alerts
    assert table.stored.outbox == ()


def test_a_finding_that_changes_while_its_alert_is_out_is_no_other_workers() -> None:
    """A rename noticed meanwhile changes the finding, not who has its alert in hand."""
    claimed = replace(OPENED, claimed_until=LATER)
    table, rest = Table(claimed), Rest()
    worker = workers(table, rest, NOW)

    def rename() -> None:
        table.stored = replace(table.stored, user_name="rob", version=table.stored.version + 1)

    table.before_update = rename
    worker.deliver(claimed)
    assert (table.stored.outbox, table.stored.user_name) == ((), "rob")


def test_who_comes_second_looks_again() -> None:
    """The worker that has the alert in hand may die with it: somebody must come back."""
    table, rest = Table(OPENED), Rest()
    workers(table, rest, NOW).deliver_unsent(OPENED)
    assert (rest.alerts, rest.asked) == ([], [OPENED.claimed_until])
