"""Each incident opens once and closes once, however messages are repeated, late or out of order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.channels.interface import Relayed, from_topic
from chalicelib.channels.pager.incidents import PagerDutyEvent
from chalicelib.channels.pager.relay import Pager
from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Alert, Message, digest_of
from chalicelib.domain.findings import AlertType, Finding, NoFinding, Reason, Resolution, resolve
from straywatch.local.receivers.pagerduty import ROUTING_KEY, PagerDuty
from tests.unit.examples import ACCOUNT, EXAMPLES, FINDING, NOW, many
from tests.unit.hostile import messages
from tests.unit.sns_events import alarm_event, sns_event

OPENED = Alert(AlertType.OPENED, FINDING)
OVER = resolve(FINDING, Resolution(Reason.JOINED_GROUP, ("admins",)), at=NOW, now=NOW)
RESOLVED = Alert(AlertType.RESOLVED, OVER)
JSON = {"content-type": "application/json"}


@dataclass
class World:
    """A finding as the table has it, and PagerDuty's stand-in."""

    finding: Finding | NoFinding = FINDING
    flood_over: bool = False
    pagerduty: PagerDuty = field(default_factory=PagerDuty)
    resolved_while_sending: bool = False

    def by_id(self, finding_id: str) -> Finding | NoFinding:
        """The finding as it stands."""
        known = isinstance(self.finding, Finding) and self.finding.finding_id == finding_id
        return self.finding if known else NoFinding()

    def is_flood_over(self, _: Account, __: str) -> bool:
        """Whether the flood is over."""
        return self.flood_over

    def send(self, event: PagerDutyEvent) -> None:
        """Take an event as PagerDuty would; the world may move on meanwhile."""
        body = json.dumps(event.body(ROUTING_KEY)).encode()
        assert self.pagerduty.receive(JSON, body).status == 202, self.pagerduty.refused
        if self.resolved_while_sending:
            self.resolved_while_sending, self.finding = False, OVER
            self.page(RESOLVED)

    @property
    def pager(self) -> Pager:
        """The channel under test."""
        return Pager(findings=self, is_flood_over=self.is_flood_over, send=self.send)

    def page(self, *messages: Message) -> list[Relayed]:
        """Relay messages as SNS hands them over."""
        return from_topic(self.pager, sns_event(*messages))

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
    assert from_topic(world.pager, alarm_event()) == [Relayed.SENT]
    unknown = alarm_event(NewStateValue="INSUFFICIENT_DATA")
    assert from_topic(world.pager, unknown) == [Relayed.IGNORED]
    assert from_topic(world.pager, alarm_event(NewStateValue="OK")) == [Relayed.SENT]
    assert world.lives == [(1, 1)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_pagerduty_takes_every_page(name: str) -> None:
    """Whatever is paged keeps to PagerDuty's published schema and limits."""
    world = World(finding=NoFinding())
    world.page(EXAMPLES[name])
    assert world.pagerduty.refused == []


@settings(max_examples=60, deadline=None)
@given(messages())
def test_no_text_breaks_a_page(message: Message) -> None:
    """PagerDuty takes the event whatever names and agents hold, and links stay our own."""
    world = World(finding=NoFinding())
    world.page(message)
    assert world.pagerduty.refused == []
