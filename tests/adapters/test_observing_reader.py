"""Reading a deployment from its tables, queues and IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters.tables import FindingsTable, StateTable
from chalicelib.domain.facts import Kind, Mark, News
from chalicelib.domain.findings import Status
from straywatch.errors import is_sign_in
from straywatch.observing.deployment import Observed
from straywatch.observing.reader import DeploymentReader, Pace
from straywatch.observing.records import Census, Queues, SweepRecord, Unread
from tests.adapters.aws import client
from tests.adapters.stack import Stack, aws_in_memory
from tests.fakes import Clock
from tests.unit import observed_samples as samples
from tests.unit.observed_samples import ACCOUNT, OBSERVED
from tests.unit.records import NOW

KEEP = timedelta(days=2190)
MINUTE = timedelta(minutes=1)


@dataclass
class Session:
    """Hands out clients, counts what they were asked, and refuses what it is told to."""

    refused: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    def client(self, service: str, **_: Any) -> Any:
        """A client of the AWS in memory."""
        made = client(service)
        made.meta.events.register("before-parameter-build.*.*", self._count)
        return made

    def _count(self, model: Any, params: Mapping[str, Any], **_: Any) -> None:
        self.calls.append(model.name + (" by index" if "IndexName" in params else ""))
        if model.name in self.refused:
            denied = {"Error": {"Code": "AccessDenied", "Message": "not you"}}
            raise ClientError(denied, model.name)  # type: ignore[arg-type]  # enough of an answer


@pytest.fixture
def stack() -> Iterator[Stack]:
    """The deployed resources in memory."""
    with aws_in_memory() as stack:
        yield stack


def observed(stack: Stack) -> Observed:
    """The deployment as its stack would describe it."""
    return replace(
        OBSERVED,
        check_queue_url=stack.environment["CHECK_QUEUE_URL"],
        dead_letter_queue_url=stack.environment["DEAD_LETTER_QUEUE_URL"],
    )


def table() -> FindingsTable:
    """The findings table."""
    return FindingsTable(client("dynamodb"), "findings", KEEP)


def reader(stack: Stack, clock: Clock, session: Session | None = None) -> DeploymentReader:
    """A reader of everything that is in memory."""
    session = session or Session()
    return DeploymentReader(session, observed(stack), Pace(), clock)  # type: ignore[arg-type]  # enough of one


def record(sweep: SweepRecord) -> None:
    """Keep a sweep as the monitor does."""
    content = {
        name: getattr(sweep, name)
        for name in ("users", "compliant", "exempt", "strays", "opened", "gone", "missed_events")
    }
    times = {
        "started_at": sweep.started_at.isoformat(),
        "finished_at": sweep.finished_at.isoformat(),
    }
    table().record_sweep(ACCOUNT, sweep.started_at, {**content, **times})


def note(mark: Mark) -> None:
    """Store all that the mark holds."""
    blank = replace(mark, facts=())
    StateTable(client("dynamodb"), "state", samples.GRACE).note(blank, News(facts=mark.facts), NOW)


def test_everything_is_read(stack: Stack) -> None:
    """Findings, marks, sweeps, users and queues, as the monitor and IAM hold them."""
    finding = samples.finding("ann", 1, ago=60 * MINUTE)
    table().add(finding)
    mark = samples.grace_mark("bob", MINUTE)
    note(mark)
    (sweep,) = samples.sweeps(1, 100, 3)
    record(sweep)
    iam = client("iam")
    iam.create_user(UserName="stray")
    client("sqs").send_message(QueueUrl=stack.environment["DEAD_LETTER_QUEUE_URL"], MessageBody="x")

    reading = reader(stack, Clock(NOW)).read()

    assert reading.findings == (finding,)
    assert [each.user_name for each in reading.marks] == ["bob"]
    assert reading.sweeps == (sweep,)
    assert isinstance(reading.census, Census)
    assert [user.name for user in reading.census.strays] == ["stray"]
    assert reading.queues == Queues(checks=0, dead=1)


def test_a_resolved_finding_is_followed_without_a_scan(stack: Stack) -> None:
    """Between scans a finding that is open no more is read again as it ended."""
    clock = Clock(NOW)
    opened = samples.finding("ann", 1, ago=60 * MINUTE)
    table().add(opened)
    session = Session()
    following = reader(stack, clock, session)
    following.read()
    table().update(samples.resolved(opened, MINUTE))
    session.calls.clear()
    clock.advance(5)

    (found,) = following.read().findings

    assert found.status is Status.RESOLVED
    assert "GetItem" in session.calls


def test_most_readings_cost_few_calls(stack: Stack) -> None:
    """What is costly, the whole table and all users, is read every few minutes only."""
    clock, session = Clock(NOW), Session()
    following = reader(stack, clock, session)
    following.read()
    session.calls.clear()
    for _ in range(3):
        clock.advance(5)
        following.read()

    assert "GetAccountAuthorizationDetails" not in session.calls
    assert len(session.calls) <= 3 * 5


def test_users_that_cannot_be_read_are_not_none(stack: Stack) -> None:
    """Denied the users, or the queues, a reading says so and has all the rest."""
    session = Session(refused={"GetAccountAuthorizationDetails", "GetQueueAttributes"})
    table().add(samples.finding("ann", 1, ago=60 * MINUTE))

    reading = reader(stack, Clock(NOW), session).read()

    assert isinstance(reading.census, Unread)
    assert isinstance(reading.queues, Unread)
    assert "not you" in reading.queues.reason
    assert len(reading.findings) == 1


def test_an_item_that_cannot_be_read_is_named(stack: Stack) -> None:
    """A finding of a later version is missing, and said to be."""
    item = {"pk": f"{ACCOUNT.key}:AIDAX", "sk": "000001", "finding_id": "x"}
    client("dynamodb").put_item(
        TableName="findings", Item={key: {"S": value} for key, value in item.items()}
    )

    reading = reader(stack, Clock(NOW)).read()

    assert reading.unreadable == (f"{ACCOUNT.key}:AIDAX/000001",)


def test_tables_that_do_not_answer_are_an_error(stack: Stack) -> None:
    """Without the tables there is no reading at all."""
    with pytest.raises(ClientError):
        reader(stack, Clock(NOW), Session(refused={"Scan"})).read()


def test_a_refused_document_is_told_and_the_last_good_one_counts(stack: Stack) -> None:
    """As for the monitor itself: the broken document exempts nobody, the last good one does."""
    good = json.dumps({"version": 1, "exemptions": [{"name": "robot", "reason": "OPS-1"}]})
    state = StateTable(client("dynamodb"), "state", samples.GRACE)
    state.write_document(ACCOUNT, "configuration", {"good": good, "refused": "{"})
    client("ssm").put_parameter(Name="/straywatch/config", Value="{", Type="String")
    client("iam").create_user(UserName="robot")

    reading = reader(stack, Clock(NOW)).read()

    assert reading.refused
    assert isinstance(reading.census, Census)
    assert [each.user.name for each in reading.census.exempt] == ["robot"]


def test_sweeps_are_read_once(stack: Stack) -> None:
    """A second reading adds the newer sweeps to those it knows."""
    one, two, three = samples.sweeps(3, 100, 3, NOW)
    record(one)
    record(two)
    clock = Clock(NOW)
    following = reader(stack, clock)
    first = following.read()
    record(three)
    clock.advance(60)

    assert first.sweeps == (one, two)
    assert following.read().sweeps == (one, two, three)


def test_only_new_credentials_help_an_expired_session() -> None:
    """The dashboard makes a new session where signing in again helps, and only there."""
    expired = ClientError({"Error": {"Code": "ExpiredToken"}}, "Query")
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "Query")

    assert is_sign_in(expired)
    assert not is_sign_in(denied)


def test_a_finding_opened_and_resolved_between_two_readings_is_seen(stack: Stack) -> None:
    """Its mark betrays it: it shows within seconds, at the cost of one scan."""
    clock, session = Clock(NOW), Session()
    following = reader(stack, clock, session)
    following.read()
    opened = samples.finding("ann", 1, ago=60 * MINUTE)
    table().add(samples.resolved(opened, MINUTE))
    for name in ("ann", "bob"):  # bob left one group of two
        note(samples.told_of(samples.grace_mark(name, 60 * MINUTE), Kind.SETTLED, NOW))
    session.calls.clear()
    for _ in range(4):
        clock.advance(6)
        found = following.read().findings

    assert [each.user_name for each in found] == ["ann"]
    assert session.calls.count("Scan") == 1


def test_the_users_are_counted_again_when_a_finding_ends(stack: Stack) -> None:
    """Counts and findings are of one moment; without news all users are read every 5 minutes."""
    clock, session = Clock(NOW), Session()
    opened = samples.finding("ann", 1, ago=60 * MINUTE)
    table().add(opened)
    following = reader(stack, clock, session)
    following.read()
    table().update(samples.resolved(opened, MINUTE))
    session.calls.clear()
    ages = []
    for _ in range(3):
        clock.advance(6)
        census = following.read().census
        assert isinstance(census, Census)
        ages.append((clock() - census.read_at).total_seconds())

    assert ages == [0, 6, 12]
    assert session.calls.count("GetAccountAuthorizationDetails") == 1
