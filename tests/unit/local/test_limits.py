"""What SNS and SQS refuse."""

from __future__ import annotations

import json

import pytest

from straywatch.local.bridge.limits import refusal


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"Message": ""}, "Empty message"),
        ({"Message": "m", "Subject": "two\nlines"}, "Subject"),
        ({"Message": "m", "Subject": "\x1b[31m"}, "Subject"),
        ({"Message": "m", "Subject": "s" * 100}, "Subject"),
        ({"Message": "{", "MessageStructure": "json"}, "failed to parse"),
        ({"Message": "[]", "MessageStructure": "json"}, "No default entry"),
        ({"Message": '{"email": "m"}', "MessageStructure": "json"}, "No default entry"),
        ({"Message": '{"default": {}}', "MessageStructure": "json"}, "No default entry"),
    ],
)
def test_sns_refuses(parameters: dict[str, str], reason: str) -> None:
    """A message that SNS would not take on AWS is not taken here either."""
    (found,) = refusal("sns:Publish", parameters)

    assert found.code == "InvalidParameter"
    assert reason in found.message


@pytest.mark.parametrize(
    "parameters",
    [
        {"Message": "m"},
        {"Message": "m", "Subject": "s" * 99},
        {"Message": json.dumps({"default": "m"}), "MessageStructure": "json"},
    ],
)
def test_sns_takes(parameters: dict[str, str]) -> None:
    """A message within the limits passes."""
    assert refusal("sns:Publish", parameters) == []


def test_sqs_delays_end_at_fifteen_minutes() -> None:
    """900 seconds pass; 901 do not, alone or in a batch."""
    assert refusal("sqs:SendMessage", {"DelaySeconds": 900}) == []
    assert refusal("sqs:SendMessage", {"DelaySeconds": 901})
    assert refusal("sqs:SendMessage", {"Entries": [{}, {"DelaySeconds": 901}]})


def test_other_calls_pass() -> None:
    """Nothing is said of calls that have no such limits."""
    assert refusal("iam:CreateUser", {"UserName": "a"}) == []
