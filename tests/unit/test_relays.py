"""Each incident opens once and closes once, however messages are repeated, late or out of order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.channels.pager.incidents import Page
from chalicelib.channels.received import MalformedMessageError, received
from chalicelib.channels.relays import ChatRelay, PagerRelay, Relayed, SecurityHubRelay
from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Alert, Message, digest_of
from chalicelib.domain.findings import AlertType, Finding, NoFinding, Reason, Resolution, resolve
from chalicelib.messages.body import body_of
from straywatch.local.emulator.security_hub import SecurityHub
from straywatch.local.receivers.pagerduty import ROUTING_KEY, PagerDuty
from tests.unit.examples import ACCOUNT, EXAMPLES, FINDING, NOW, many
from tests.unit.hostile import alerts, messages
from tests.unit.sns_events import alarm_event, sns_event

OPENED = Alert(AlertType.OPENED, FINDING)
OVER = resolve(FINDING, Resolution(Reason.JOINED_GROUP, ("admins",)), at=NOW, now=NOW)
RESOLVED = Alert(AlertType.RESOLVED, OVER)
JSON = {"content-type": "application/json"}


@dataclass
class World:
    """A finding as the table has it, PagerDuty and Security Hub as their stand-ins."""

    finding: Finding | NoFinding = FINDING
    flood_over: bool = False
    pagerduty: PagerDuty = field(default_factory=PagerDuty)
    hub: SecurityHub = field(default_factory=SecurityHub)
    now: datetime = NOW
    resolved_while_sending: bool = False
    imports: list[int] = field(default_factory=list)

    def by_id(self, finding_id: str) -> Finding | NoFinding:
        """The finding as it stands."""
        known = isinstance(self.finding, Finding) and self.finding.finding_id == finding_id
        return self.finding if known else NoFinding()

    def is_flood_over(self, _: Account, __: str) -> bool:
        """Whether the flood is over."""
        return self.flood_over

    def send(self, page: Page) -> None:
        """Take a page as PagerDuty would; the world may move on meanwhile."""
        body = json.dumps(page.event(ROUTING_KEY)).encode()
        assert self.pagerduty.receive(JSON, body).status == 202, self.pagerduty.refused
        if self.resolved_while_sending:
            self.resolved_while_sending, self.finding = False, OVER
            self.page(RESOLVED)

    def put(self, findings: list[dict[str, Any]]) -> dict[str, str]:
        """Take findings as Security Hub would."""
        self.imports.append(len(findings))
        body = json.dumps({"Findings": findings}).encode()
        status, answer = self.hub.answer(body, ACCOUNT.account_id)
        assert status == 200, answer
        return {each["Id"]: each["ErrorMessage"] for each in answer["FailedFindings"]}

    def page(self, *messages: Message) -> list[Relayed]:
        """Relay messages to the pager."""
        relay = PagerRelay(findings=self, is_flood_over=self.is_flood_over, pager=self)
        return relay.relay(sns_event(*messages))

    def import_(self, *messages: Message) -> None:
        """Relay messages to Security Hub, which takes them all."""
        bodies = [json.dumps(body_of(message)) for message in messages]
        assert self.import_bodies(*bodies) == {"batchItemFailures": []}

    def import_bodies(self, *bodies: str) -> dict[str, Any]:
        """Relay what lies in the queue; return which messages are to come again."""
        relay = SecurityHubRelay(
            findings=self,
            put=self.put,
            importer=ACCOUNT,
            region="us-east-1",
            clock=lambda: self.now,
        )
        records = [{"messageId": str(n), "body": body} for n, body in enumerate(bodies)]
        return relay.relay({"Records": records})

    @property
    def lives(self) -> list[tuple[int, int]]:
        """How often each incident was opened and closed."""
        return [(each.opened, each.closed) for each in self.pagerduty.incidents.values()]


def test_an_incident_opens_and_closes_with_its_finding() -> None:
    """Trigger and resolve carry the finding's id; the severity is mapped."""
    world = World()
    assert world.page(OPENED) == [Relayed.SENT]
    (incident,) = world.pagerduty.incidents.values()
    assert incident.dedup_key == FINDING.finding_id
    assert incident.severity == "error"
    world.finding = OVER
    assert world.page(RESOLVED) == [Relayed.SENT]
    assert world.lives == [(1, 1)]


def test_a_repeat_after_the_end_opens_nothing() -> None:
    """PagerDuty would open a new incident for a trigger after a resolve: none is sent."""
    world = World()
    world.page(OPENED, OPENED)
    world.finding = OVER
    world.page(RESOLVED, RESOLVED)
    assert world.page(OPENED) == [Relayed.OVER]
    assert world.lives == [(1, 1)]


def test_a_resolve_that_comes_first_leaves_nothing_open() -> None:
    """Nobody is woken for what is over: the late trigger is not sent."""
    world = World(finding=OVER)
    world.page(RESOLVED)
    assert world.page(OPENED) == [Relayed.OVER]
    assert world.lives == []


def test_a_finding_that_ends_while_it_is_paged_is_closed() -> None:
    """Its resolve may overtake the trigger: after sending, the finding is looked at again."""
    world = World(resolved_while_sending=True)
    world.page(OPENED)
    assert world.lives == [(1, 1)]


@given(st.permutations(["opened", "opened", "escalated", "end", "resolved", "resolved"]))
def test_in_any_order_an_incident_opens_and_closes_at_most_once(steps: list[str]) -> None:
    """The table knows the end before any `resolved` is published; all else may come as it likes."""
    world = World()
    ended = False
    late = []
    messages = {"opened": OPENED, "resolved": RESOLVED}
    messages["escalated"] = Alert(AlertType.ESCALATED, FINDING)
    for step in steps:
        if step == "end":
            ended, world.finding = True, OVER
        elif step == "resolved" and not ended:
            late.append(step)
        else:
            world.page(messages[step])
    for step in late:
        world.page(messages[step])
    assert world.lives in ([], [(1, 1)])


def test_an_escalation_adds_to_its_incident() -> None:
    """It opens no second incident, and raises the severity of the one there is."""
    world = World()
    world.page(OPENED, EXAMPLES["escalated"])
    assert world.lives == [(1, 0)]
    (incident,) = world.pagerduty.incidents.values()
    assert incident.severity == "critical"


@pytest.mark.parametrize("name", ["reminder", "flapping"])
def test_who_is_on_call_is_not_reminded(name: str) -> None:
    """PagerDuty reminds by itself, as its own escalation policy says."""
    world = World()
    assert world.page(EXAMPLES[name]) == [Relayed.IGNORED]
    assert world.pagerduty.requests == 0


def test_a_flood_is_one_incident_that_closes() -> None:
    """The digest opens it, the digest that says it is over closes it, a late one opens nothing."""
    world = World()
    world.page(EXAMPLES["digest"], EXAMPLES["digest"])
    world.flood_over = True
    world.page(EXAMPLES["digest-settled"])
    assert world.page(EXAMPLES["digest"]) == [Relayed.OVER]
    assert world.lives == [(1, 1)]


def test_a_digest_of_reminders_pages_nobody() -> None:
    """Each of its findings has an incident of its own."""
    reminded = [replace(finding, quiet=False) for finding in many(20)]
    digest = digest_of(ACCOUNT, reminded, digest_id="x", at=NOW)
    world = World()
    assert world.page(digest) == [Relayed.IGNORED]


def test_an_alarm_opens_and_closes_its_own_incident() -> None:
    """The monitor's own alarms page, too: they come without message attributes."""
    world = World()
    relay = PagerRelay(findings=world, is_flood_over=world.is_flood_over, pager=world)
    assert relay.relay(alarm_event()) == [Relayed.SENT]
    assert relay.relay(alarm_event(NewStateValue="INSUFFICIENT_DATA")) == [Relayed.IGNORED]
    assert relay.relay(alarm_event(NewStateValue="OK")) == [Relayed.SENT]
    assert world.lives == [(1, 1)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_pagerduty_takes_every_page(name: str) -> None:
    """Whatever is paged keeps to PagerDuty's published schema and limits."""
    world = World(finding=NoFinding())
    world.page(EXAMPLES[name])
    assert world.pagerduty.refused == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_chat_gets_a_card_for_every_message(name: str) -> None:
    """Every message of ours has a card; alarms are rendered by Amazon Q itself."""
    cards: list[Mapping[str, Any]] = []
    assert ChatRelay(cards.append).relay(sns_event(EXAMPLES[name])) == [Relayed.SENT]
    assert ChatRelay(cards.append).relay(alarm_event()) == [Relayed.IGNORED]
    assert len(cards) == 1


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


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": [{}]},
        {"Records": [{"Sns": {"Message": "not JSON"}}]},
        {"Records": [{"Sns": {"Message": "[]"}}]},
        {"Records": [{"Sns": {"Message": '{"schema": "straywatch.alert/2"}'}}]},
        {"Records": [{"Sns": {"Message": '{"schema": "straywatch.alert/1"}'}}]},
    ],
)
def test_what_cannot_be_read_is_refused(event: dict[str, Any]) -> None:
    """It fails, so that Lambda dead-letters it; it is never passed over."""
    with pytest.raises(MalformedMessageError):
        list(received(event))


@settings(max_examples=60, deadline=None)
@given(messages())
def test_no_text_breaks_a_page(message: Message) -> None:
    """PagerDuty takes the event whatever names and agents hold, and links stay our own."""
    world = World(finding=NoFinding())
    world.page(message)
    assert world.pagerduty.refused == []


@settings(max_examples=60, deadline=None)
@given(alerts())
def test_no_text_breaks_an_import(alert: Alert) -> None:
    """Security Hub takes the finding whatever names and risks hold, within its limits."""
    world = World(finding=NoFinding())
    world.import_(alert)
    assert len(world.hub.findings) == 1
