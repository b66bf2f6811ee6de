"""The recipes of docs/events.md: templates that deploy, bodies that are JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from hypothesis import given, settings
from ministack.services import eventbridge

from chalicelib.channels.event_bus.event import event_of
from chalicelib.channels.received import Received, received
from chalicelib.domain.alerts import Alert
from chalicelib.domain.findings import AlertType
from straywatch.deploy.template_lint import lint
from tests.unit.channels.test_event_bus import OVER, as_delivered
from tests.unit.examples import EXAMPLES, FINDING
from tests.unit.hostile import LEGAL, alerts
from tests.unit.sns_events import sns_event

RECIPES = sorted((Path(__file__).parents[2] / "docs" / "recipes").glob("*.yaml"))


def rules(recipe: Path) -> dict[str, dict[str, Any]]:
    """The rules of a recipe, by name."""
    resources = json.loads(json.dumps(cfn_yaml.load(str(recipe))))["Resources"]
    return {n: r["Properties"] for n, r in resources.items() if r["Type"] == "AWS::Events::Rule"}


def sent(recipe: Path, event: dict[str, Any]) -> list[dict[str, Any]]:
    """The bodies that a recipe makes of an event, by the emulator's EventBridge."""
    record = {
        "EventId": "1",
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Time": 0,
        "Resources": event["resources"],
        "Account": "123456789012",
        "Region": "us-east-1",
    }
    view = eventbridge._pattern_event_view(record)
    bodies = []
    for rule in rules(recipe).values():
        if eventbridge._matches_pattern_view(json.dumps(rule["EventPattern"]), view):
            transformer = dict(rule["Targets"][0]["InputTransformer"])
            template = transformer["InputTemplate"]
            transformer["InputTemplate"] = (
                template if isinstance(template, str) else template["Fn::Sub"]
            )
            bodies.append(json.loads(eventbridge._apply_input_transformer(transformer, {}, view)))
    return bodies


def event(alert: Alert, now: Any = FINDING) -> dict[str, Any]:
    """An alert as the bus has it."""
    (message,) = received(sns_event(alert))
    assert isinstance(message, Received)
    return as_delivered(event_of(message, now))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_cloudformation_takes_it(recipe: Path) -> None:
    """cfn-lint has nothing against it."""
    lint(recipe, "us-east-1")


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_finding_is_one_call_to_open_it(recipe: Path) -> None:
    """With its user and its id; and none for what was over by then, or for a test."""
    (body,) = sent(recipe, event(Alert(AlertType.OPENED, FINDING)))
    assert FINDING.user_name in json.dumps(body)
    assert FINDING.finding_id in json.dumps(body)
    assert sent(recipe, event(Alert(AlertType.OPENED, FINDING), OVER)) == []
    assert sent(recipe, event(Alert(AlertType.OPENED, FINDING, test=True))) == []
    reminder = EXAMPLES["reminder"]
    assert isinstance(reminder, Alert)
    assert sent(recipe, event(reminder)) == []


@pytest.mark.parametrize("stem", ["incident-io", "rootly"])
def test_its_end_closes_what_its_beginning_opened(stem: str) -> None:
    """By the same key."""
    (recipe,) = (path for path in RECIPES if path.stem == stem)
    key = {"incident-io": "deduplication_key", "rootly": "external_id"}[stem]
    (opened,) = sent(recipe, event(Alert(AlertType.OPENED, FINDING)))
    (ended,) = sent(recipe, event(Alert(AlertType.RESOLVED, OVER), OVER))
    assert opened[key] == ended[key] == FINDING.finding_id
    assert "resolved" in ended.values()
    assert "resolved" not in opened.values()


@settings(max_examples=30, deadline=None)
@given(alerts(LEGAL))
def test_what_others_wrote_breaks_no_body(alert: Alert) -> None:
    """Every name that IAM allows, and any actor: the body is JSON."""
    for recipe in RECIPES:
        sent(recipe, event(alert))
