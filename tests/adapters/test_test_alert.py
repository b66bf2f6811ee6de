"""`straywatch test-alert`: the real publish, and the truth about every subscription."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from jsonschema import Draft202012Validator
from moto import mock_aws

from chalicelib.domain.findings import AlertType
from chalicelib.domain.severity import Severity
from chalicelib.messages.body import body_of
from chalicelib.messages.subject import subject
from straywatch.alert_path.sample_alerts import sample
from straywatch.cli import run
from tests.unit.alert_schema import SCHEMA
from tests.unit.examples import ACCOUNT, NOW

TEMPLATE = {
    "Resources": {
        "AlertTopic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "alerts"}},
        "HealthTopic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "health"}},
        "Inbox": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "inbox"}},
        "Critical": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "critical"}},
    },
    "Outputs": {
        "AlertTopicArn": {"Value": {"Ref": "AlertTopic"}},
        "HealthTopicArn": {"Value": {"Ref": "HealthTopic"}},
    },
}


@pytest.fixture
def topic_arn(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A stack with a topic that one queue gets everything from, in an account of moto's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with mock_aws():
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(StackName="straywatch", TemplateBody=json.dumps(TEMPLATE))
        outputs = cloudformation.describe_stacks(StackName="straywatch")["Stacks"][0]["Outputs"]
        arn = next(o["OutputValue"] for o in outputs if o["OutputKey"] == "AlertTopicArn")
        inbox = "arn:aws:sqs:us-east-1:123456789012:inbox"
        boto3.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=inbox)
        yield arn


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the command printed for machines."""
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def standings(found: dict[str, Any]) -> dict[str, str]:
    """What becomes of the alert, by endpoint."""
    return {each["endpoint"].split(":")[-1]: each["standing"] for each in found["subscriptions"]}


def test_sends_the_alert_and_says_who_gets_it(
    topic_arn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message is on the topic, marked as a test, and its subscriber is named."""
    assert topic_arn
    assert run(["test-alert", "--format", "json"]) == 0
    assert standings(told(capsys)) == {"inbox": "gets it"}
    sqs = boto3.client("sqs")
    queue_url = sqs.get_queue_url(QueueName="inbox")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=queue_url)["Messages"]
    envelope = json.loads(message["Body"])
    assert envelope["Subject"].startswith("[TEST] [HIGH] ")
    assert json.loads(envelope["Message"])["test"] is True


def test_names_who_is_filtered_out(topic_arn: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Type and severity of the test decide, as they would for a real alert."""
    boto3.client("sns").subscribe(
        TopicArn=topic_arn,
        Protocol="sqs",
        Endpoint="arn:aws:sqs:us-east-1:123456789012:critical",
        Attributes={"FilterPolicy": json.dumps({"severity": ["CRITICAL"], "type": ["opened"]})},
    )
    assert run(["test-alert", "--format", "json", "--severity", "low"]) == 0
    assert standings(told(capsys)) == {"inbox": "gets it", "critical": "filtered out"}
    arguments = ["test-alert", "--format", "json", "--type", "opened", "--severity", "CRITICAL"]
    assert run(arguments) == 0
    assert standings(told(capsys))["critical"] == "gets it"


def test_nobody_is_a_problem(topic_arn: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An alert that reaches nobody is exit code 1, in words."""
    sns = boto3.client("sns")
    for each in sns.list_subscriptions_by_topic(TopicArn=topic_arn)["Subscriptions"]:
        sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    assert run(["test-alert"]) == 1
    assert "nobody gets this alert" in capsys.readouterr().out


def test_without_a_stack_it_says_so(topic_arn: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One line, and exit code 3: nothing was sent."""
    assert topic_arn
    assert run(["test-alert", "--stage", "other"]) == 3
    assert "there is no stack straywatch-other" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--type", "alarm"], ["--severity", "worst"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A type or a severity that there is not: exit code 2."""
    assert run(["test-alert", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("alert_type", AlertType)
@pytest.mark.parametrize("severity", Severity)
def test_every_sample_is_marked_and_valid(alert_type: AlertType, severity: Severity) -> None:
    """Whatever it looks like, a test says that it is one, in its subject and in its body."""
    message = sample(alert_type, severity, ACCOUNT, NOW)
    body = json.loads(json.dumps(body_of(message)))
    assert list(Draft202012Validator(SCHEMA).iter_errors(body)) == []
    assert body["test"] is True
    assert body["type"] == alert_type
    assert subject(message).startswith("[TEST] ")
