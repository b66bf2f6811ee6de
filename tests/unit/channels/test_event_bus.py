"""Each change of a finding is an event that keeps to its schema, and tells what is so now."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from chalicelib.channels.event_bus.event import BusEvent
from chalicelib.channels.event_bus.relay import EventBus
from chalicelib.channels.interface import Relayed, from_topic
from chalicelib.domain.alerts import Alert, Message
from chalicelib.domain.findings import AlertType, Finding, NoFinding, Reason, Resolution, resolve
from tests.unit.alert_schema import SCHEMA as ALERT
from tests.unit.examples import EXAMPLES, FINDING, NOW
from tests.unit.hostile import messages
from tests.unit.sns_events import alarm_event, sns_event

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "event.schema.json").read_text())
REGISTRY: Registry[Any] = Registry().with_resource(
    "alert.schema.json", Resource.from_contents(ALERT)
)
VALIDATOR = Draft202012Validator(SCHEMA, registry=REGISTRY)
OVER = resolve(FINDING, Resolution(Reason.JOINED_GROUP, ("admins",)), at=NOW, now=NOW)


@dataclass
class World:
    """A finding as the table has it, and a bus."""

    finding: Finding | NoFinding = FINDING
    events: list[BusEvent] = field(default_factory=list)

    def by_id(self, _: str) -> Finding | NoFinding:
        """The finding as it stands."""
        return self.finding

    def relay(self, *found: Message) -> list[Relayed]:
        """Relay messages as SNS hands them over."""
        return from_topic(EventBus(findings=self, put=self.events.append), sns_event(*found))


def as_delivered(event: BusEvent) -> dict[str, Any]:
    """An event as a rule sees it: the parts that are ours."""
    delivered = {
        "source": event.source,
        "detail-type": event.detail_type,
        "resources": event.resources,
        "detail": event.detail,
    }
    read: dict[str, Any] = json.loads(json.dumps(delivered))
    return read


def faults(event: BusEvent) -> list[str]:
    """What the published schema has against an event."""
    return [error.message for error in VALIDATOR.iter_errors(as_delivered(event))]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_message_is_an_event_of_the_schema(name: str) -> None:
    """Every kind of message; the detail is the alert, so that one reader serves both."""
    world = World()
    assert world.relay(EXAMPLES[name]) == [Relayed.SENT]
    assert faults(world.events[0]) == []


def test_the_schema_refuses_what_is_not_an_event() -> None:
    """It reaches into the alert: an event without its finding's id is none."""
    world = World()
    world.relay(EXAMPLES["opened"])
    finding = {
        key: value for key, value in world.events[0].detail["finding"].items() if key != "id"
    }
    broken = BusEvent(
        "Straywatch Finding Opened", (), {**world.events[0].detail, "finding": finding}
    )
    assert faults(broken)


@settings(max_examples=30, deadline=None)
@given(messages())
def test_no_text_breaks_an_event(message: Message) -> None:
    """Whatever names and agents hold."""
    world = World()
    world.relay(message)
    assert faults(world.events[0]) == []


def test_a_late_event_says_that_its_finding_is_over() -> None:
    """A rule that goes by `status_now` opens no ticket for it; the change itself is told."""
    world = World()
    world.relay(Alert(AlertType.OPENED, FINDING))
    world.finding = OVER
    world.relay(Alert(AlertType.RESOLVED, OVER), Alert(AlertType.OPENED, FINDING))
    told = [(event.detail_type.split()[-1], event.detail["status_now"]) for event in world.events]
    assert told == [("Opened", "OPEN"), ("Resolved", "RESOLVED"), ("Opened", "RESOLVED")]


def test_a_finding_that_is_gone_from_the_table_is_what_its_message_says() -> None:
    """Its record has expired, or was never there: an event all the same."""
    world = World(finding=NoFinding())
    world.relay(Alert(AlertType.RESOLVED, OVER))
    assert world.events[0].detail["status_now"] == "RESOLVED"


@pytest.mark.parametrize("name", ["test", "test-opened"])
def test_a_test_is_no_change_of_a_finding(name: str) -> None:
    """Rules for real findings never see it; nor is it one that has its id by chance."""
    world = World(finding=OVER)
    world.relay(EXAMPLES[name])
    assert world.events[0].detail_type == "Straywatch Test"
    assert world.events[0].detail["status_now"] == "OPEN"


def test_every_type_of_message_has_its_detail_type() -> None:
    """A type that is new would be dead-lettered, not passed over."""
    types = {EXAMPLES[name].type for name in EXAMPLES}
    assert types == set(AlertType)


def test_alarms_are_cloudwatchs_own() -> None:
    """It puts events of its alarms on the default bus itself."""
    world = World()
    channel = EventBus(findings=world, put=world.events.append)
    assert from_topic(channel, alarm_event()) == [Relayed.IGNORED]
    assert world.events == []
