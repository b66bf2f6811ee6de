"""What AWS does with a function's role and its failures, and the bridge has the emulator do."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from straywatch.local.emulator.process import LocalAws
from straywatch.local.emulator.session import ACCOUNT_ID, LocalSession
from tests.e2e.local_stack import PATIENCE_SECONDS

ONCE = Config(retries={"total_max_attempts": 1})
TRUST = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
LOGS = ("logs:CreateLogStream", "logs:PutLogEvents")
POLLING = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
FAILS = "def handler(event, context): raise RuntimeError('boom')"
SUCCEEDS = "def handler(event, context): print('seen by', 'the log')"
START_SECONDS = 60
"""How long a function may take: a start on a busy host outlasts the 3 s that Lambda gives."""


@dataclass(frozen=True)
class Workshop:
    """Makes queues, roles and functions that no other test uses."""

    aws: LocalAws
    session: LocalSession

    def queue(self, **attributes: str) -> tuple[str, str]:
        """Make a queue and return its URL and ARN."""
        name = f"queue-{uuid.uuid4().hex[:8]}"
        made = self.session.client("sqs").create_queue(QueueName=name, Attributes=attributes)
        return made["QueueUrl"], f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:{name}"

    def key(self, *, delegates: bool) -> str:
        """Make a key that leaves it to IAM who may use it, or that only root may use."""
        action = "kms:*" if delegates else "kms:PutKeyPolicy"
        root = {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"}
        statement = {"Effect": "Allow", "Principal": root, "Action": action, "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return str(self.session.client("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"])

    def role(self, actions: Sequence[str]) -> str:
        """Make a role that may do some things everywhere and return its ARN."""
        iam, name = self.session.client("iam"), f"role-{uuid.uuid4().hex[:8]}"
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(TRUST))
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_policy(allowed))
        return str(made["Role"]["Arn"])

    def as_role(self, actions: Sequence[str], service: str) -> Any:
        """Return a client that acts under a new role."""
        given = self.session.client("sts").assume_role(
            RoleArn=self.role(actions), RoleSessionName="test"
        )
        return self.session.client(
            service,
            config=ONCE,
            aws_access_key_id=given["Credentials"]["AccessKeyId"],
            aws_secret_access_key=given["Credentials"]["SecretAccessKey"],
            aws_session_token=given["Credentials"]["SessionToken"],
        )

    def function(self, code: str, actions: Sequence[str]) -> str:
        """Make a function under a new role and return its ARN."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.py", code)
        made = self.session.client("lambda").create_function(
            FunctionName=f"function-{uuid.uuid4().hex[:8]}",
            Runtime="python3.12",
            Handler="index.handler",
            Timeout=START_SECONDS,
            Role=self.role(actions),
            Code={"ZipFile": packed.getvalue()},
        )
        return str(made["FunctionArn"])

    def rule(self, pattern: object, target_arn: str) -> None:
        """Make a rule that invokes a function, and may."""
        events, name = self.session.client("events"), f"rule-{uuid.uuid4().hex[:8]}"
        arn = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        self.session.client("lambda").add_permission(
            FunctionName=target_arn,
            StatementId=name,
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=arn,
        )
        events.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": target_arn}])

    def messages(self, queue_url: str) -> Sequence[str]:
        """Return the bodies of what is in a queue."""
        answer = self.session.client("sqs").receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10
        )
        return [message["Body"] for message in answer.get("Messages", [])]

    def first(self, queue_url: str) -> str:
        """Wait for a first message and return its body."""
        found: list[str] = []

        def came() -> bool:
            found.extend(self.messages(queue_url))
            return bool(found)

        until(came)
        return found[0]

    def unfinished(self, queue_url: str) -> int:
        """Return how many messages of a queue wait, or are in somebody's hands."""
        read = self.session.client("sqs").get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=["All"]
        )["Attributes"]
        kinds = ("", "NotVisible")
        return sum(int(read[f"ApproximateNumberOfMessages{kind}"]) for kind in kinds)

    def denied(self, action: str) -> bool:
        """Whether anybody was denied an action since the test began."""
        return any(denial["action"] == action for denial in self.aws.control.denials())

    def log(self, function_arn: str) -> str:
        """Return what a function has written, "" if nothing was kept."""
        logs = self.session.client("logs")
        group = f"/aws/lambda/{function_arn.rsplit(':', 1)[1]}"
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return ""
        events = logs.filter_log_events(logGroupName=group)["events"]
        return "".join(event["message"] for event in events)


def _policy(statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def until(happened: Callable[[], object]) -> None:
    """Poll until something is so; AssertionError if it never is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def workshop(aws: LocalAws) -> Workshop:
    """A workshop in the worker's emulator, with nothing denied so far."""
    aws.control.forget_calls()
    return Workshop(aws, aws.session())


def failing_target(workshop: Workshop, actions: Sequence[str]) -> tuple[str, str]:
    """Invoke, through a rule, a function that fails; return its ARN and its failures' queue."""
    failures_url, failures_arn = workshop.queue()
    function = workshop.function(FAILS, actions)
    workshop.session.client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=2,
        DestinationConfig={"OnFailure": {"Destination": failures_arn}},
    )
    source = f"test.{uuid.uuid4().hex}"
    workshop.rule({"source": [source]}, function)
    workshop.session.client("events").put_events(
        Entries=[{"Source": source, "DetailType": "d", "Detail": '{"a": 1}'}]
    )
    return function, failures_url


def test_a_failed_event_is_tried_three_times_and_then_kept(workshop: Workshop) -> None:
    """Rule -> function retries twice, then the event goes to the on-failure destination."""
    function, failures_url = failing_target(workshop, (*LOGS, "sqs:SendMessage"))

    failure = workshop.first(failures_url)

    assert json.loads(failure)["requestPayload"]["detail"] == {"a": 1}
    assert workshop.log(function).count("RuntimeError: boom") == 3


def test_the_destination_asks_the_role(workshop: Workshop) -> None:
    """Without sqs:SendMessage the failed event is lost, as on AWS, and the denial is told."""
    _, failures_url = failing_target(workshop, LOGS)

    until(lambda: workshop.denied("sqs:SendMessage"))

    assert workshop.messages(failures_url) == []


@pytest.mark.parametrize("missing", POLLING)
def test_the_poller_asks_the_role(workshop: Workshop, missing: str) -> None:
    """A queue is not read for a function whose role lacks any of the three actions."""
    url, arn = workshop.queue()
    actions = [action for action in (*LOGS, *POLLING) if action != missing]
    function = workshop.function(SUCCEEDS, actions)
    workshop.session.client("sqs").send_message(QueueUrl=url, MessageBody="m")

    workshop.session.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=arn
    )
    until(lambda: workshop.denied(missing))

    assert workshop.messages(url) == ["m"]


def test_the_poller_reads_for_a_role_that_may(workshop: Workshop) -> None:
    """With all of them the message is handed over and gone."""
    url, arn = workshop.queue()
    function = workshop.function(SUCCEEDS, (*LOGS, *POLLING))
    workshop.session.client("sqs").send_message(QueueUrl=url, MessageBody="m")

    workshop.session.client("lambda").create_event_source_mapping(
        FunctionName=function, EventSourceArn=arn
    )
    until(lambda: "seen by the log" in workshop.log(function))
    until(lambda: workshop.unfinished(url) == 0)


@pytest.mark.parametrize("missing", LOGS)
def test_the_log_asks_the_role(workshop: Workshop, missing: str) -> None:
    """A function that may not write its log runs, and leaves none."""
    function = workshop.function(SUCCEEDS, [action for action in LOGS if action != missing])

    workshop.session.client("lambda").invoke(FunctionName=function, Payload=b"{}")

    assert workshop.denied(missing)
    assert workshop.log(function) == ""


@pytest.mark.parametrize("missing", ["kms:GenerateDataKey", "kms:Decrypt"])
def test_an_encrypted_queue_asks_for_its_key(workshop: Workshop, missing: str) -> None:
    """To send to a queue under a customer key one needs the key's two actions as well."""
    url, _ = workshop.queue(KmsMasterKeyId=workshop.key(delegates=True))
    keys = {"kms:GenerateDataKey", "kms:Decrypt"}
    lacking = workshop.as_role(["sqs:SendMessage", *(keys - {missing})], "sqs")
    complete = workshop.as_role(["sqs:SendMessage", *keys], "sqs")

    with pytest.raises(ClientError) as refused:
        lacking.send_message(QueueUrl=url, MessageBody="m")
    complete.send_message(QueueUrl=url, MessageBody="m")

    assert f"not authorized to perform: {missing}" in refused.value.response["Error"]["Message"]
    assert workshop.denied(missing)


def test_an_encrypted_topic_asks_for_its_key(workshop: Workshop) -> None:
    """To publish to a topic under a customer key one needs the key, too."""
    key = workshop.key(delegates=True)
    sns = workshop.session.client("sns")
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex}", Attributes={"KmsMasterKeyId": key})
    publish = {"TopicArn": topic["TopicArn"], "Message": "m"}

    with pytest.raises(ClientError) as refused:
        workshop.as_role(["sns:Publish"], "sns").publish(**publish)
    complete = workshop.as_role(["sns:Publish", "kms:GenerateDataKey", "kms:Decrypt"], "sns")

    assert refused.value.response["Error"]["Code"] == "KMSAccessDenied"
    assert complete.publish(**publish)["MessageId"]


def test_a_key_policy_has_the_last_word(workshop: Workshop) -> None:
    """A key whose policy does not leave it to IAM refuses whoever has every permission."""
    url, _ = workshop.queue(KmsMasterKeyId=workshop.key(delegates=False))

    with pytest.raises(ClientError) as refused:
        workshop.as_role(["*"], "sqs").send_message(QueueUrl=url, MessageBody="m")

    assert refused.value.response["Error"]["Code"] == "KMS.AccessDeniedException"


def test_a_batch_needs_the_permission_of_the_single_call(workshop: Workshop) -> None:
    """AWS knows no sqs:SendMessageBatch: sqs:SendMessage covers both."""
    url, _ = workshop.queue()
    entries = [{"Id": "1", "MessageBody": "m"}]

    sent = workshop.as_role(["sqs:SendMessage"], "sqs").send_message_batch(
        QueueUrl=url, Entries=entries
    )

    assert [entry["Id"] for entry in sent["Successful"]] == ["1"]


def test_sns_and_sqs_refuse_what_they_refuse_on_aws(workshop: Workshop) -> None:
    """A subject with a line break and a delay over 15 minutes fail here, too."""
    url, _ = workshop.queue()
    topic = workshop.session.client("sns").create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]

    with pytest.raises(ClientError) as subject:
        workshop.session.client("sns").publish(TopicArn=topic, Message="m", Subject="a\nb")
    with pytest.raises(ClientError) as delay:
        workshop.session.client("sqs").send_message(QueueUrl=url, MessageBody="m", DelaySeconds=901)

    assert subject.value.response["Error"]["Code"] == "InvalidParameter"
    assert delay.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_a_condition_may_join_a_list(workshop: Workshop) -> None:
    """An empty list of subnets is no VPC, here as on AWS; one of two is one."""
    joined: dict[str, Any] = {"Fn::Join": ["", {"Ref": "Subnets"}]}
    template = {
        "Parameters": {"Subnets": {"Type": "CommaDelimitedList", "Default": ""}},
        "Conditions": {"HasVpc": {"Fn::Not": [{"Fn::Equals": [joined, ""]}]}},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {"Vpc": {"Value": {"Fn::If": ["HasVpc", "yes", "no"]}}},
    }

    assert made(workshop, template, "") == {"Vpc": "no"}
    assert made(workshop, template, "subnet-1,subnet-2") == {"Vpc": "yes"}


def made(workshop: Workshop, template: dict[str, Any], subnets: str) -> dict[str, str]:
    """The outputs of a stack of this template."""
    stacks, name = workshop.session.client("cloudformation"), f"s-{uuid.uuid4().hex[:8]}"
    given = [{"ParameterKey": "Subnets", "ParameterValue": subnets}]
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=given)
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
