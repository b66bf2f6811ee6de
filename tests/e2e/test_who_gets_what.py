"""The table of docs/channels.md, played: who gets how many messages in each case.

The packaged application, with every channel on. Sweeps find the strays, since no event tells of
them: so each case takes seconds, and no timer of one reaches into the next.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from chalicelib.adapters.tables import FindingsTable
from chalicelib.domain.account import Account
from chalicelib.domain.findings import Status
from straywatch.deploy.deployment import deploy
from straywatch.deploy.packaging import SOURCES, Package
from straywatch.local.emulator.process import running_emulator
from straywatch.local.receivers.channels import PHONE, Channels, open_channels
from straywatch.local.receivers.inbox import READER, open_inbox
from straywatch.local.receivers.pagerduty import Trouble
from tests.e2e.local_stack import STACK, LocalStack

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

GRACE_SECONDS = 3
GROUP = "ward"
ACCOUNT = Account("aws", "000000000000")
CHOSEN = {
    "GracePeriodSeconds": str(GRACE_SECONDS),
    "AlertEmail": READER,
    "DigestAbove": "10",
    "AlwaysTellSeverity": "HIGH",
    "MissedEventsAlert": "0",
    "FlappingEpisodes": "2",
}
PAGING = {"PagerDutySeverities": "HIGH,CRITICAL"}
_READS, _ADMINISTERS = (
    json.dumps({"Version": "2012-10-17", "Statement": [each]})
    for each in (
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
    )
)
POLICIES = {"MEDIUM": _READS, "HIGH": _ADMINISTERS, "CRITICAL": _ADMINISTERS}


@dataclass(frozen=True)
class Counts:
    """What has come so far, channel by channel."""

    mails: int
    texts: int
    cards: int
    incidents: int
    imports: int

    def __sub__(self, other: Counts) -> Counts:
        """What has come since."""
        return Counts(*(a - b for a, b in zip(self.all, other.all, strict=True)))

    @property
    def all(self) -> tuple[int, ...]:
        """The numbers in the order of the table."""
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True)
class Hospital:
    """A deployed monitor with every channel on, and what happens to its users."""

    stack: LocalStack
    channels: Channels

    @property
    def counts(self) -> Counts:
        """What has come in all."""
        control, pager = self.stack.control, self.channels.pager
        return Counts(
            mails=len(control.mail()),
            texts=sum(text["to"] == PHONE for text in control.texts()),
            cards=len(self.channels.chat.kept),
            incidents=sum(each.opened for each in list(pager.incidents.values())),
            imports=len(control.security_hub()),
        )

    def strays(self, count: int, severity: str = "LOW") -> list[str]:
        """Make users in no group, of whom no event tells, and let their grace pass."""
        names = [self.stack.name(severity.lower()) for _ in range(count)]
        with self.unheard():
            for name in names:
                self.make(name, severity)
        time.sleep(GRACE_SECONDS + 0.1)  # their grace: nothing tells of its end
        return names

    def make(self, name: str, severity: str) -> None:
        """Make a user of a severity; it is in no group."""
        iam = self.stack.iam
        iam.create_user(UserName=name)
        if severity in POLICIES:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=POLICIES[severity])
        if severity == "CRITICAL":
            iam.create_access_key(UserName=name)

    def mend(self, names: Sequence[str]) -> None:
        """Put users into a group; the sweep learns of it."""
        with self.unheard():
            for name in names:
                self.stack.iam.add_user_to_group(GroupName=GROUP, UserName=name)
        self.sweep()

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """No event arrives."""
        self.stack.control.plan("lose")
        try:
            yield
        finally:
            self.stack.control.reset()

    def sweep(self) -> None:
        """Look at the whole account now."""
        client = self.stack.session.client("lambda")
        answer = client.invoke(FunctionName=self.stack.outputs["SweepFunctionName"], Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()

    def calm(self) -> None:
        """As after a minute without an opening: who opens now is of no crowd that there was."""
        client: DynamoDBClient = self.stack.session.client("dynamodb")
        key = {"pk": {"S": ACCOUNT.key}, "sk": {"S": "crowd"}}
        client.delete_item(TableName=self.stack.outputs["StateTableName"], Key=key)

    def age(self, hours: int) -> None:
        """Let hours pass for the findings that are open."""
        client: DynamoDBClient = self.stack.session.client("dynamodb")
        name = self.stack.outputs["FindingsTableName"]
        table = FindingsTable(client, name, timedelta(days=1))
        ago = timedelta(hours=hours)
        for finding in table.live(ACCOUNT):
            assert finding.alerted_at
            aged = replace(
                finding, opened_at=finding.opened_at - ago, alerted_at=finding.alerted_at - ago
            )
            table.update(aged)

    def open_findings(self) -> int:
        """How many findings are open."""
        client: DynamoDBClient = self.stack.session.client("dynamodb")
        table = FindingsTable(client, self.stack.outputs["FindingsTableName"], timedelta(days=1))
        return sum(finding.status is Status.OPEN for finding in table.live(ACCOUNT))

    def publish_alarm(self, state: str, minute: int) -> None:
        """Publish an alarm as CloudWatch does."""
        topic = self.stack.outputs["HealthTopicArn"]
        alarm = {
            "AlarmName": "DeadLetterAlarm",
            "AlarmArn": f"{topic.replace(':sns:', ':cloudwatch:')}:alarm:DeadLetterAlarm",
            "NewStateValue": state,
            "NewStateReason": "1 > 0",
            "StateChangeTime": f"2026-11-23T03:{minute:02d}:00.000+0000",
        }
        sns = self.stack.session.client("sns")
        sns.publish(TopicArn=topic, Subject=state, Message=json.dumps(alarm))


@pytest.fixture(scope="module")
def hospital(package: Package) -> Iterator[Hospital]:
    """One stack for this module."""
    with running_emulator(retry_seconds=0.2) as aws:
        session = aws.session()
        with open_channels(session) as channels:
            outputs = deploy(
                session,
                package,
                STACK,
                {**CHOSEN, **channels.parameters, **PAGING},
                progress=lambda _: None,
                approve=lambda _: True,
                sleep=lambda _: time.sleep(0.1),
            )
            channels.subscribe(outputs)
            inbox = open_inbox(session, outputs["AlertTopicArn"])
            stack = LocalStack(aws, session, outputs, inbox, GRACE_SECONDS)
            stack.iam.create_group(GroupName=GROUP)
            yield Hospital(stack, channels)


def _one(severity: str) -> Callable[[Hospital], None]:
    def play(hospital: Hospital) -> None:
        names = hospital.strays(1, severity)
        hospital.sweep()
        hospital.mend(names)

    return play


def _by_a_sweep(hospital: Hospital) -> None:
    names = hospital.strays(15)
    hospital.sweep()
    hospital.mend(names)


def _with_a_critical(hospital: Hospital) -> None:
    names = hospital.strays(15) + hospital.strays(1, "CRITICAL")
    hospital.sweep()
    hospital.mend(names)


def _a_second_flood(hospital: Hospital) -> None:
    first = hospital.strays(15)
    hospital.sweep()
    hospital.calm()
    second = hospital.strays(15, "MEDIUM")
    hospital.sweep()
    hospital.mend(first + second)


def _aging(hours: int) -> Callable[[Hospital], None]:
    def play(hospital: Hospital) -> None:
        names = hospital.strays(16, "MEDIUM")
        hospital.sweep()
        hospital.age(hours)
        hospital.sweep()
        hospital.mend(names)

    return play


def _told_singly(hospital: Hospital) -> None:
    first = hospital.strays(8)
    hospital.sweep()
    hospital.calm()
    second = hospital.strays(8)
    hospital.sweep()
    hospital.mend(first + second)


def _flapping(hospital: Hospital) -> None:
    iam, name = hospital.stack.iam, hospital.stack.name("flapper")
    iam.create_user(UserName=name)
    for _ in range(2):
        _pass_a_second()
        iam.add_user_to_group(GroupName=GROUP, UserName=name)
        _pass_a_second()
        iam.remove_user_from_group(GroupName=GROUP, UserName=name)
    _pass_a_second()
    iam.add_user_to_group(GroupName=GROUP, UserName=name)


def _pass_a_second() -> None:
    """Wait for the next second: CloudTrail tells times no finer."""
    second = int(time.time())
    while int(time.time()) == second:
        time.sleep(0.02)


def _alarm(hospital: Hospital) -> None:
    before = hospital.counts.incidents
    hospital.publish_alarm("ALARM", 1)
    hospital.stack.until(lambda: hospital.counts.incidents > before, "the alarm's incident")
    hospital.publish_alarm("OK", 2)


def _by_events(hospital: Hospital) -> None:
    names = [hospital.stack.name("flood") for _ in range(15)]
    for name in names:
        hospital.make(name, "LOW")
    hospital.stack.until(lambda: hospital.open_findings() == 15, "15 open findings")
    hospital.sweep()
    hospital.mend(names)


PLAYS: dict[str, Callable[[Hospital], None]] = {
    "one LOW or MEDIUM finding": _one("MEDIUM"),
    "one HIGH or CRITICAL finding": _one("CRITICAL"),
    "15 LOW by a sweep": _by_a_sweep,
    "15 LOW and one CRITICAL by a sweep": _with_a_critical,
    "a second flood in the first: 15 LOW, then 15 MEDIUM, by sweeps": _a_second_flood,
    "16 MEDIUM of a flood escalate together": _aging(73),
    "16 MEDIUM of a flood are reminded of together": _aging(25),
    "16 findings told singly, which end together": _told_singly,
    "a user who flaps": _flapping,
    "an alarm, and its end": _alarm,
    # last: the timer of its digest would reach into what comes within a minute
    "15 LOW by events": _by_events,
}
_ROW = re.compile(r"^\| ([^|]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
ROWS = {
    case: Counts(*map(int, numbers))
    for case, *numbers in _ROW.findall((SOURCES / "docs" / "channels.md").read_text())
}


def _await(hospital: Hospital, before: Counts, expected: Counts, case: str) -> None:
    """Wait until everything has come that should, and see that nothing else has."""

    def came() -> bool:
        since = (hospital.counts - before).all
        settled = not any(i.is_open for i in list(hospital.channels.pager.incidents.values()))
        return settled and all(a >= b for a, b in zip(since, expected.all, strict=True))

    try:
        hospital.stack.until(came, case)
    finally:
        assert hospital.counts - before == expected


def test_the_table_and_the_plays_are_of_the_same_cases() -> None:
    """Whoever adds a row adds its play."""
    assert sorted(ROWS) == sorted(PLAYS)


@pytest.mark.parametrize("case", PLAYS)
def test_each_channel_gets_what_the_table_says(hospital: Hospital, case: str) -> None:
    """From the first message to the last; every incident that opened has closed by then."""
    hospital.calm()
    before = hospital.counts
    PLAYS[case](hospital)
    _await(hospital, before, ROWS[case], case)
    lives = [(i.opened, i.closed) for i in hospital.channels.pager.incidents.values()]
    assert set(lives) <= {(1, 1)}


ANSWERS = {
    "refused": Trouble(400),
    "limited": Trouble(429, headers={"Retry-After": "1"}),
    "broken": Trouble(503),
    "broken, and yet taken": Trouble(500, accepted=True),
    "slow": Trouble(delay=1.0),
    "silent": Trouble(delay=6.0),
    "lying": Trouble(200, said=b"<html>Welcome</html>"),
    "moved": Trouble(302, headers={"Location": "http://127.0.0.1:9/"}),
}


def test_whatever_pagerduty_answers_each_incident_opens_and_closes_once(
    hospital: Hospital,
) -> None:
    """Refused, limited, broken, slow, silent or lied to: Lambda comes again until it is taken."""
    hospital.calm()
    pager = hospital.channels.pager
    before = len(pager.incidents)
    names = hospital.strays(len(ANSWERS), "CRITICAL")
    pager.troubles.extend(ANSWERS.values())
    hospital.sweep()
    hospital.stack.until(lambda: len(pager.incidents) == before + len(names), "every incident")
    # a trigger given up as silent is still taken late: after its end it would open anew
    hospital.stack.until(lambda: pager.answered == pager.requests, "every late answer")
    pager.troubles.extend(ANSWERS.values())
    hospital.mend(names)
    mine = list(itertools.islice(pager.incidents.values(), before, None))
    hospital.stack.until(lambda: not any(each.is_open for each in mine), "every end")
    assert [(each.opened, each.closed) for each in mine] == [(1, 1)] * len(names)
