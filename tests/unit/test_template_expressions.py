"""A template's expressions come to what CloudFormation makes of them, or are said not to."""

from __future__ import annotations

from typing import Any

import pytest

from straywatch.deploy.remaking import without
from straywatch.doctor.expressions import UnknownExpressionError, expressions
from straywatch.doctor.intended import Unknown, intended

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Mail": {"Type": "String", "Default": ""},
        "Levels": {"Type": "CommaDelimitedList", "Default": "HIGH, LOW"},
        "Days": {"Type": "Number", "Default": 30},
    },
    "Conditions": {
        "HasMail": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Mail"}, ""]}]},
        "Month": {"Fn::Equals": [{"Ref": "Days"}, 30]},
        "Both": {"Fn::And": [{"Condition": "HasMail"}, {"Condition": "Month"}]},
        "Any": {"Fn::Or": [{"Condition": "HasMail"}, {"Condition": "Month"}]},
    },
    "Mappings": {"Homes": {"aws": {"region": "us-east-1"}}},
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": {"Ref": "Days"}}},
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Condition": "HasMail",
            "Properties": {"DisplayName": {"Fn::If": ["Month", {"Ref": "AWS::NoValue"}, "x"]}},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"Path": {"Fn::If": ["HasMail", "/a/", "/"]}},
        },
        "Odd": {"Type": "Custom::Thing", "Properties": {"Size": {"Fn::GetAtt": ["Queue", "Size"]}}},
    },
}
PSEUDO = {
    "AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012",
    "AWS::StackName": "straywatch",
}  # fmt: skip
IDS = {
    "Queue": "https://sqs.us-east-1.amazonaws.com/123456789012/waiting",
    "Odd": "odd",
    "Role": "worker",
}
ARN = "arn:aws:sqs:us-east-1:123456789012:waiting"
GIVEN = expressions(TEMPLATE, PSEUDO, {"Mail": "a@example.com"}, IDS)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Ref": "Mail"}, "a@example.com"),
        ({"Ref": "Days"}, "30"),
        ({"Ref": "Levels"}, ["HIGH", "LOW"]),
        ({"Ref": "Queue"}, IDS["Queue"]),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, ARN),
        ({"Fn::GetAtt": ["Role", "Arn"]}, "arn:aws:iam::123456789012:role/a/worker"),
        ({"Fn::GetAtt": "Queue.QueueName"}, "waiting"),
        ({"Fn::Sub": "${Queue.Arn}/${AWS::Region}/${!literal}"}, f"{ARN}/us-east-1/${{literal}}"),
        ({"Fn::Sub": ["${own}-${Mail}", {"own": {"Ref": "Days"}}]}, "30-a@example.com"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Days"}]]}, "a-30"),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::If": ["HasMail", [1], [2]]}, [1]),
        ({"Fn::If": ["Both", "yes", "no"]}, "yes"),
        ({"Fn::If": ["Any", "yes", "no"]}, "yes"),
        ({"Fn::FindInMap": ["Homes", {"Ref": "AWS::Partition"}, "region"]}, "us-east-1"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": [1, {"Ref": "AWS::NoValue"}]}, {"b": [1]}),
        ({"Condition": {"StringEquals": {"a": "b"}}, "Ref": "no function beside another"},
         {"Condition": {"StringEquals": {"a": "b"}}, "Ref": "no function beside another"}),
    ],
)  # fmt: skip
def test_an_expression_comes_to_its_value(expression: Any, value: Any) -> None:
    """As the CloudFormation user guide has it."""
    assert GIVEN.of(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        {"Ref": "Nobody"},
        {"Ref": "Topic"},
        {"Fn::GetAtt": ["Queue", "Size"]},
        {"Fn::ImportValue": "x"},
        {"Fn::If": ["NoSuch", 1, 2]},
    ],
)
def test_what_cannot_be_told_is_said_to_be_so(expression: Any) -> None:
    """It is never taken for a value."""
    with pytest.raises(UnknownExpressionError):
        GIVEN.of(expression)


def test_a_condition_decides_what_there_should_be() -> None:
    """And a property that cannot be told leaves the others to be compared."""
    off = expressions(TEMPLATE, PSEUDO, {}, IDS)
    assert [each.logical_id for each in intended(TEMPLATE, off)] == ["Queue", "Role", "Odd"]
    assert [each.logical_id for each in intended(TEMPLATE, GIVEN)] == [
        "Queue",
        "Topic",
        "Role",
        "Odd",
    ]
    assert intended(TEMPLATE, GIVEN)[1].properties == {}
    odd = intended(TEMPLATE, off)[2]
    assert odd.properties == {"Size": Unknown("Queue.Size cannot be told from outside")}


def test_what_is_made_anew_leaves_the_template_alone() -> None:
    """Nobody waits for it any more; all else stays."""
    template = {
        "Resources": {
            "Gone": {"Type": "A"},
            "Kept": {"Type": "B", "DependsOn": ["Gone", "Other"]},
            "Other": {"Type": "C", "DependsOn": "Gone"},
        }
    }
    assert without(template, ["Gone"]) == {
        "Resources": {
            "Kept": {"Type": "B", "DependsOn": ["Other"]},
            "Other": {"Type": "C", "DependsOn": []},
        }
    }
