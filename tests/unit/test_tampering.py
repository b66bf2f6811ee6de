"""Whoever deletes or changes a part of the monitor is told of, by what was not tampered with."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from ministack.services import eventbridge

from chalicelib.channels.received import Alarm, message_of
from tests.unit.deployed_template import ACCOUNT, STACK_ID, DeployedTemplate, deployed
from tests.unit.tamper_records import (
    EVERYDAY,
    HERE,
    OF_THE_WATCH,
    TAMPERING,
    named,
    record,
    stack_status,
)

LONGEST_PATTERN = 2048
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""


@cache
def stack() -> DeployedTemplate:
    """The deployment, with everything off that can be off."""
    return deployed()


def rules() -> dict[str, dict[str, Any]]:
    """The rules on tampering as they are deployed, by name."""
    made = stack().of_type("AWS::Events::Rule")
    return {
        each.logical_id: dict(each.properties)
        for each in made
        if each.logical_id.startswith("Tamper")
    }


def view(event: dict[str, Any]) -> Any:
    """An event as the emulator's EventBridge matches it."""
    return eventbridge._pattern_event_view(
        {
            "EventId": event["id"],
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            "Time": 1_795_403_700,
            "Resources": event["resources"],
            "Account": event["account"],
            "Region": event["region"],
        }
    )


def told(event: dict[str, Any]) -> dict[str, str]:
    """What each topic is told of an event."""
    topics = {each.ref: each.logical_id for each in stack().of_type("AWS::SNS::Topic")}
    messages = {}
    for rule in rules().values():
        if eventbridge._matches_pattern_view(json.dumps(rule["EventPattern"]), view(event)):
            (target,) = rule["Targets"]
            transformed = eventbridge._apply_input_transformer(
                target["InputTransformer"], {}, view(event)
            )
            messages[topics[target["Arn"]]] = transformed
    return messages


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_told(name: str) -> None:
    """With the call, who made it, and the command that confirms it."""
    message = json.loads(told(TAMPERING[name])["TamperTopic"])
    assert message["straywatch"] == "tampering"
    assert message["call"] == TAMPERING[name]["detail"]["eventName"]
    assert message["by"].endswith("assumed-role/Admin/alice")
    assert message["confirm"].startswith("aws cloudtrail lookup-events --region us-east-1 ")
    assert message["confirm"].endswith("=5f1c6a52-0b5e-4c1a-9d0c-2f4bb0a1e0d7")


@pytest.mark.parametrize("name", EVERYDAY)
def test_everyday_calls_are_not(name: str) -> None:
    """Nor a deployment's forty calls, a denied attempt, or an event that somebody has made up."""
    assert told(EVERYDAY[name]) == {}


@pytest.mark.parametrize("name", OF_THE_WATCH)
def test_what_is_done_to_the_one_path_is_told_by_the_other(name: str) -> None:
    """The rule that was switched off cannot tell of it."""
    assert json.loads(told(OF_THE_WATCH[name])["HealthTopic"])["straywatch"] == "tampering"


@pytest.mark.parametrize(
    ("service", "call", "request_"),
    [
        ("events", "DisableRule", {"name": named("TamperWatch")}),
        ("sns", "DeleteTopic", {"topicArn": f"arn:aws:sns:{HERE}:{named('HealthTopic')}"}),
    ],
)
def test_the_second_path_is_watched_by_the_first(
    service: str, call: str, request_: dict[str, str]
) -> None:
    """One path is left, whichever is cut."""
    assert "TamperTopic" in told(record(service, call, request_))


@pytest.mark.parametrize("status", ["DELETE_IN_PROGRESS", "UPDATE_IN_PROGRESS"])
def test_a_change_of_the_stack_is_told_once(status: str) -> None:
    """A deployment and a deletion: when they begin, and nothing of their steps."""
    message = json.loads(told(stack_status(status))["TamperTopic"])
    assert message["straywatch"] == f"stack {status}"
    steps = ("UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "DELETE_COMPLETE")
    assert [told(stack_status(step)) for step in steps] == [{}, {}, {}]
    assert told(stack_status(status, STACK_ID.replace("straywatch", "billing"))) == {}


def test_a_first_deployment_is_not_told() -> None:
    """There is nothing yet to tamper with."""
    assert told(stack_status("CREATE_IN_PROGRESS")) == {}


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (TAMPERING["rule disabled"], "ALARM"),
        (stack_status("DELETE_IN_PROGRESS"), "ALARM"),
        (stack_status("UPDATE_IN_PROGRESS"), "CHANGED"),
    ],
)
def test_tampering_pages_and_a_deployment_does_not(event: dict[str, Any], state: str) -> None:
    """The pager's function reads what the topic says."""
    (message,) = told(event).values()
    alarm = message_of(message)
    assert isinstance(alarm, Alarm)
    assert alarm.state == state
    assert alarm.account == ACCOUNT
    assert "aws cloudtrail lookup-events" in alarm.reason


def test_no_key_and_no_function_stands_in_the_way() -> None:
    """A disabled key silences what it encrypts; a function can be changed."""
    (topic,) = (t for t in stack().of_type("AWS::SNS::Topic") if t.logical_id == "TamperTopic")
    assert "KmsMasterKeyId" not in topic.properties
    topics = {each.ref for each in stack().of_type("AWS::SNS::Topic")}
    assert {target["Arn"] for rule in rules().values() for target in rule["Targets"]} <= topics


def test_whoever_called_has_no_word_in_what_is_told() -> None:
    """No user agent and no request: those are the caller's own text."""
    for rule in rules().values():
        (target,) = rule["Targets"]
        paths = target["InputTransformer"]["InputPathsMap"].values()
        assert not [each for each in paths if "requestParameters" in each or "userAgent" in each]


def test_patterns_fit_eventbridge() -> None:
    """Also for a stage's name of two dozen letters; a longer one could not be deployed."""
    stage = "straywatch-" + "x" * 24
    for name, rule in rules().items():
        text = json.dumps(rule["EventPattern"]).replace("straywatch", stage)
        assert len(text) <= LONGEST_PATTERN, (name, len(text))
