"""`straywatch drill` on the embedded AWS: proven where all is well, and what is broken is named."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.times import utc_now
from straywatch.cli import run
from straywatch.deploy.deployment import deploy
from straywatch.deploy.packaging import Package
from straywatch.drill.volunteer import PATH, PREFIX
from straywatch.local.emulator.process import running_emulator
from straywatch.local.receivers.channels import Channels, open_channels
from straywatch.local.receivers.inbox import READER, open_inbox
from tests.e2e.local_stack import GRACE_SECONDS, STACK, LocalStack
from tests.e2e.test_operator import Said

WORDS = ("--yes", "--format", "json")
_SECONDS = {"event": "2"}
"""How long a leg is waited for that is broken; those before any other need time to end well."""
Drill = Callable[..., Said]


@pytest.fixture(scope="module")
def watched(package: Package) -> Iterator[tuple[LocalStack, Channels]]:
    """A deployment with mail and a pager that is called for whatever is found, and no telephone."""
    with running_emulator(retry_seconds=0.2) as aws, open_channels(aws.session()) as channels:
        session = aws.session()
        paging = {k: v for k, v in channels.parameters.items() if k.startswith("PagerDuty")}
        outputs = deploy(
            session,
            package,
            STACK,
            {"GracePeriodSeconds": str(GRACE_SECONDS), "AlertEmail": READER, **paging},
            progress=lambda _: None,
            approve=lambda _: True,
            sleep=lambda _: time.sleep(0.1),
        )
        inbox = open_inbox(session, outputs["AlertTopicArn"])
        stack = LocalStack(aws, session, outputs, inbox, GRACE_SECONDS)
        for each in subscribed(stack):
            if each["Protocol"] == "sms":
                inbox.tap.sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
        yield stack, channels


@pytest.fixture
def stack(watched: tuple[LocalStack, Channels]) -> LocalStack:
    """That deployment."""
    return watched[0]


@pytest.fixture
def drill(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Drill:
    """Run `straywatch drill` against the deployment."""
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)

    def start(*arguments: str) -> Said:
        code = run(["drill", *arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return start


def subscribed(stack: LocalStack) -> list[Any]:
    """The subscriptions of the alert topic."""
    sns = stack.session.client("sns")
    found = sns.list_subscriptions_by_topic(TopicArn=stack.outputs["AlertTopicArn"])
    return list(found["Subscriptions"])


def left_behind(stack: LocalStack) -> list[str]:
    """What is left of drills: users, queues and subscriptions."""
    users = [u["UserName"] for u in stack.iam.list_users(PathPrefix=PATH)["Users"]]
    urls = stack.session.client("sqs").list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])
    ears = [each["Endpoint"] for each in subscribed(stack) if PREFIX in each["Endpoint"]]
    return [*users, *urls, *ears]


def physical_id(stack: LocalStack, logical_id: str) -> str:
    """A resource's name in AWS."""
    found = stack.session.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId=logical_id
    )
    return str(found["StackResourceDetail"]["PhysicalResourceId"])


def resources(stack: LocalStack, kind: str, prefix: str) -> list[str]:
    """The names of the stack's resources of a type whose logical ids begin so."""
    cloudformation = stack.session.client("cloudformation")
    found = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    return [
        each["PhysicalResourceId"]
        for each in found
        if each["ResourceType"] == kind and each["LogicalResourceId"].startswith(prefix)
    ]


def broken_at(said: Said) -> tuple[str, str]:
    """The leg that is broken, and all that is told of why."""
    assert said.code == 1, said
    told = said.told
    return told["legs"][-1]["name"], "\n".join([told["legs"][-1]["broken"], *told["causes"]])


def test_a_sound_deployment_is_proven(
    watched: tuple[LocalStack, Channels], drill: Drill, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each leg is timed; nothing is left but a record, which the report shows; nobody is paged."""
    stack, channels = watched
    ended = drill("--yes", "--format", "json", "--patience", "60")

    assert ended.code == 0, ended
    assert ended.told["proven"]
    assert [leg["name"] for leg in ended.told["legs"]] == [
        "event",
        "check",
        "alert",
        "audience",
        "resolve",
    ]
    assert left_behind(stack) == []
    assert dict(channels.pager.incidents) == {}
    mails = [m for m in stack.control.mail() if ended.told["user_name"] in m["text"]]
    assert len(mails) == 2
    today, tomorrow = utc_now().date(), utc_now().date() + timedelta(days=1)
    assert (
        run(["report", "--from", f"{today}", "--to", f"{tomorrow}", "--format", "json"]) == 3
    )  # unwatched before it was deployed
    drills = json.loads(capsys.readouterr().out)["drills"]
    assert [each["user_id"] for each in drills if each["proven"]] == [ended.told["user_id"]]


def test_a_stray_in_the_drills_path_is_paged_for(watched: tuple[LocalStack, Channels]) -> None:
    """The path and the form of the name mute nobody."""
    stack, channels = watched
    name = f"{PREFIX}0123456789abcdef"
    stack.iam.create_user(UserName=name, Path=PATH)
    finding_id = stack.alert(name).body["finding"]["id"]
    stack.until(lambda: finding_id in channels.pager.incidents, "a page")
    stack.iam.delete_user(UserName=name)
    stack.alert(name, "resolved")


def test_what_an_earlier_drill_left_is_removed(stack: LocalStack, drill: Drill) -> None:
    """A user of ours and a queue; a user of another name in the path is not ours."""
    old, other = f"{PREFIX}00000000deadbeef", "somebody-else"
    for name in (old, other):
        stack.iam.create_user(UserName=name, Path=PATH)
    stack.session.client("sqs").create_queue(QueueName=old)

    ended = drill("--yes", "--patience", "60")

    assert ended.code == 0, ended
    assert f"removes the user {old}" in ended.err
    assert left_behind(stack) == [other]
    stack.iam.delete_user(UserName=other)


def test_without_a_yes_nothing_happens(stack: LocalStack, drill: Drill) -> None:
    """It says what it would do, asks, and takes silence for a no."""
    ended = drill()
    assert ended.code == 3
    assert "makes an IAM user without credentials" in ended.err
    assert "pagers are not called" in ended.err
    assert left_behind(stack) == []


def test_a_stopped_drill_leaves_nothing(stack: LocalStack) -> None:
    """Ctrl-C in the middle: the user and the queue are gone, and it says that nothing is proven."""
    words = [sys.executable, "-m", "straywatch", "drill", "--yes"]
    stack.control.plan("lose")
    try:
        with subprocess.Popen(
            words,
            env={"PATH": os.environ["PATH"], **stack.aws.environment()},
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            stack.until(lambda: len(left_behind(stack)) == 3, "a drill under way")
            running.send_signal(signal.SIGINT)
            _, told = running.communicate(timeout=60)
    finally:
        stack.control.reset()
    assert running.returncode == 3
    assert "nothing of it is left" in told
    assert left_behind(stack) == []


@contextmanager
def rule_disabled(stack: LocalStack) -> Iterator[None]:
    """The rule that hears of new users is switched off."""
    events = stack.session.client("events")
    (rule,) = resources(stack, "AWS::Events::Rule", "OnMembershipLost")
    events.disable_rule(Name=rule.rsplit("|", 1)[-1])
    yield
    events.enable_rule(Name=rule.rsplit("|", 1)[-1])


@contextmanager
def function_refuses_rule(stack: LocalStack) -> Iterator[None]:
    """The function's policy does not let the rule invoke it."""
    functions, name = stack.session.client("lambda"), physical_id(stack, "OnMembershipLost")
    statements = json.loads(functions.get_policy(FunctionName=name)["Policy"])["Statement"]
    for each in statements:
        functions.remove_permission(FunctionName=name, StatementId=each["Sid"])
    yield
    for each in statements:
        functions.add_permission(
            FunctionName=name,
            StatementId=each["Sid"],
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=each["Condition"]["ArnLike"]["AWS:SourceArn"],
        )


@contextmanager
def mapping_disabled(stack: LocalStack) -> Iterator[None]:
    """Lambda does not take checks from their queue."""
    functions = stack.session.client("lambda")
    (uuid,) = resources(stack, "AWS::Lambda::EventSourceMapping", "CheckMembership")
    functions.update_event_source_mapping(UUID=uuid, Enabled=False)
    yield
    functions.update_event_source_mapping(UUID=uuid, Enabled=True)


@contextmanager
def looks_denied(stack: LocalStack) -> Iterator[None]:
    """The check may not ask for a user's groups."""
    with stack.without("check_membership", "iam:ListGroupsForUser"):
        yield


@contextmanager
def topic_closed(stack: LocalStack) -> Iterator[None]:
    """The topic's policy denies publishing."""
    sns, arn = stack.session.client("sns"), stack.outputs["AlertTopicArn"]
    before = sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
    policy = json.loads(before)
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": arn}
    policy["Statement"].append(deny)
    change = {"TopicArn": arn, "AttributeName": "Policy"}
    sns.set_topic_attributes(**change, AttributeValue=json.dumps(policy))
    yield
    sns.set_topic_attributes(**change, AttributeValue=before)


@contextmanager
def nobody_subscribed(stack: LocalStack) -> Iterator[None]:
    """Everybody has left the topic."""
    sns = stack.session.client("sns")
    gone = subscribed(stack)
    kept = [
        sns.get_subscription_attributes(SubscriptionArn=each["SubscriptionArn"])["Attributes"]
        for each in gone
    ]
    for each in gone:
        sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    yield
    for each, told in zip(gone, kept, strict=True):
        policy = {"FilterPolicy": told["FilterPolicy"]} if told.get("FilterPolicy") else {}
        sns.subscribe(
            TopicArn=stack.outputs["AlertTopicArn"],
            Protocol=each["Protocol"],
            Endpoint=each["Endpoint"],
            Attributes=policy,
        )


@contextmanager
def ends_unheard(stack: LocalStack) -> Iterator[None]:
    """The rule that hears of deletions is switched off."""
    events = stack.session.client("events")
    (rule,) = resources(stack, "AWS::Events::Rule", "OnMembershipSettled")
    events.disable_rule(Name=rule.rsplit("|", 1)[-1])
    yield
    events.enable_rule(Name=rule.rsplit("|", 1)[-1])


@pytest.mark.parametrize(
    ("broken", "leg", "said"),
    [
        (rule_disabled, "event", "rule OnMembershipLostOnMembershipLostEvent: State is DISABLED"),
        (function_refuses_rule, "event", "dead-lettered: delivery of CreateUser"),
        (
            mapping_disabled,
            "check",
            "event source CheckMembershipCheckMembershipSqsEventSource: State is ",
        ),
        (looks_denied, "check", "iam:ListGroupsForUser"),
        (topic_closed, "alert", "could not be published"),
        (nobody_subscribed, "audience", "nobody is subscribed"),
        (
            ends_unheard,
            "resolve",
            "rule OnMembershipSettledOnMembershipSettledEvent: State is DISABLED",
        ),
    ],
)
def test_what_is_broken_is_named(
    stack: LocalStack,
    drill: Drill,
    broken: Callable[[LocalStack], Any],
    leg: str,
    said: str,
) -> None:
    """The leg, and what broke it; and nothing of the drill is left."""
    with broken(stack):
        ended = drill(*WORDS, "--patience", _SECONDS.get(leg, "10"))

    assert broken_at(ended)[0] == leg, ended
    told = broken_at(ended)[1]
    assert said in told
    assert "mend: \n" not in f"{told}\n"
    assert left_behind(stack) == []
    stack.session.client("sqs").purge_queue(QueueUrl=stack.outputs["CheckQueueUrl"])
    stack.session.client("sqs").purge_queue(QueueUrl=stack.outputs["DeadLetterQueueUrl"])
