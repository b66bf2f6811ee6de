"""Security Hub's copy follows the finding, and nothing it refuses is lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from chalicelib.channels.interface import from_queue
from chalicelib.channels.security_hub.relay import SecurityHub
from chalicelib.domain.alerts import Alert, Message
from chalicelib.domain.findings import AlertType, Finding, NoFinding, Reason, Resolution, resolve
from chalicelib.messages.body import body_of
from straywatch.local.emulator.security_hub import SecurityHub as Hub
from tests.unit.examples import ACCOUNT, EXAMPLES, FINDING, NOW, many
from tests.unit.hostile import alerts

OPENED = Alert(AlertType.OPENED, FINDING)
OVER = resolve(FINDING, Resolution(Reason.JOINED_GROUP, ("admins",)), at=NOW, now=NOW)
RESOLVED = Alert(AlertType.RESOLVED, OVER)


@dataclass
class World:
    """A finding as the table has it, and Security Hub's stand-in."""

    finding: Finding | NoFinding = FINDING
    hub: Hub = field(default_factory=Hub)
    now: datetime = NOW
    imports: list[int] = field(default_factory=list)

    def by_id(self, finding_id: str) -> Finding | NoFinding:
        """The finding as it stands."""
        known = isinstance(self.finding, Finding) and self.finding.finding_id == finding_id
        return self.finding if known else NoFinding()

    def put(self, findings: list[dict[str, Any]]) -> dict[str, str]:
        """Take findings as Security Hub would."""
        self.imports.append(len(findings))
        body = json.dumps({"Findings": findings}).encode()
        status, answer = self.hub.answer(body, ACCOUNT.account_id)
        assert status == 200, answer
        return {each["Id"]: each["ErrorMessage"] for each in answer["FailedFindings"]}

    def import_(self, *messages: Message) -> None:
        """Relay messages to Security Hub, which takes them all."""
        bodies = [json.dumps(body_of(message)) for message in messages]
        assert self.import_bodies(*bodies) == {"batchItemFailures": []}

    def import_bodies(self, *bodies: str) -> dict[str, Any]:
        """Relay what lies in the queue; return which messages are to come again."""
        channel = SecurityHub(
            findings=self,
            put=self.put,
            importer=ACCOUNT,
            region="us-east-1",
            clock=lambda: self.now,
        )
        records = [{"messageId": str(n), "body": body} for n, body in enumerate(bodies)]
        return from_queue(channel, {"Records": records})


def test_security_hub_follows_the_finding() -> None:
    """One id through its life: FAILED and active, then PASSED and archived."""
    world = World()
    world.import_(OPENED)
    (first,) = world.hub.findings.values()
    world.finding, world.now = OVER, NOW + timedelta(minutes=25)
    world.import_(RESOLVED)
    (last,) = world.hub.findings.values()
    assert (first["Compliance"]["Status"], first["RecordState"]) == ("FAILED", "ACTIVE")
    assert (last["Compliance"]["Status"], last["RecordState"]) == ("PASSED", "ARCHIVED")
    assert first["Id"] == last["Id"] == FINDING.finding_id


def test_security_hub_is_not_set_back_by_a_late_message() -> None:
    """A repeat of `opened` after the end imports how the finding stands, not what it says."""
    world = World(finding=OVER)
    world.import_(RESOLVED)
    world.now += timedelta(minutes=5)
    world.import_(OPENED)
    (finding,) = world.hub.findings.values()
    assert finding["RecordState"] == "ARCHIVED"


@pytest.mark.parametrize("name", EXAMPLES)
def test_security_hub_takes_every_finding(name: str) -> None:
    """What is imported passes botocore's model; what is about no finding is not imported."""
    world = World(finding=NoFinding())
    world.import_(EXAMPLES[name])
    assert len(world.hub.findings) == isinstance(EXAMPLES[name], Alert)


def test_a_batch_is_one_call_with_each_finding_once() -> None:
    """A flood comes by hundreds; of several messages on one finding its state is imported once."""
    world = World()
    flood = [Alert(AlertType.OPENED, finding) for finding in many(40)]
    world.import_(*flood, OPENED, RESOLVED, OPENED)
    assert world.imports == [41]


def test_a_refused_finding_repeats_no_other() -> None:
    """Only the message of a finding that Security Hub refused, or that is none, comes again."""
    world = World(finding=NoFinding())
    foreign = json.dumps(body_of(OPENED)).replace('"id": "aws:', '"id": "' + "x" * 600)
    answer = world.import_bodies(foreign, "no JSON", json.dumps(body_of(EXAMPLES["opened-china"])))
    failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
    assert failed == {"0", "1"}
    assert len(world.hub.findings) == 1


def test_a_test_alert_is_archived_at_once() -> None:
    """A test shows that the way is open, and leaves nothing to be done in Security Hub."""
    world = World()
    world.import_(EXAMPLES["test-opened"])
    (finding,) = world.hub.findings.values()
    assert finding["RecordState"] == "ARCHIVED"
    assert finding["Severity"]["Label"] == "INFORMATIONAL"
    assert finding["Title"].startswith("[TEST] ")


def test_a_test_alert_tells_of_itself_alone() -> None:
    """A finding that has the test's id by chance is not what it is about."""
    world = World(finding=OVER)
    world.import_(EXAMPLES["test-opened"])
    (finding,) = world.hub.findings.values()
    assert finding["Description"].startswith("The user has been in no group since 20")
    assert finding["RecordState"] == "ARCHIVED"


@settings(max_examples=60, deadline=None)
@given(alerts())
def test_no_text_breaks_an_import(alert: Alert) -> None:
    """Security Hub takes the finding whatever names and risks hold, within its limits."""
    world = World(finding=NoFinding())
    world.import_(alert)
    assert len(world.hub.findings) == 1
