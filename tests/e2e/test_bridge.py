"""The bridge: IAM calls become events, and the control API steers what becomes of them."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from straywatch.local.emulator.process import LocalAws
from straywatch.local.emulator.session import ACCOUNT_ID, LocalSession
from tests.e2e.local_stack import PATIENCE_SECONDS

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_sqs import SQSClient

ONCE = Config(retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Bus:
    """A queue behind a rule for every IAM event."""

    sqs: SQSClient
    url: str

    def take(self, count: int, seconds: float = PATIENCE_SECONDS) -> Sequence[dict[str, Any]]:
        """Wait for that many events and return them; AssertionError if fewer come."""
        events: list[dict[str, Any]] = []
        deadline = time.monotonic() + seconds
        while len(events) < count:
            assert time.monotonic() < deadline, f"{len(events)} of {count} events came"
            events += self.receive(wait_seconds=1)
        return events

    def receive(self, wait_seconds: int = 0) -> Sequence[dict[str, Any]]:
        """Return what is there, or comes first within `wait_seconds`."""
        answer = self.sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
        )
        messages = answer.get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture
def session(aws: LocalAws) -> LocalSession:
    """A session as root."""
    return aws.session()


@pytest.fixture
def iam(session: LocalSession) -> IAMClient:
    """IAM as root, without retries."""
    client: IAMClient = session.client("iam", config=ONCE)
    return client


@pytest.fixture
def bus(session: LocalSession) -> Iterator[Bus]:
    """Every IAM event of this test."""
    sqs, events = session.client("sqs"), session.client("events")
    name = f"bus-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:{name}"
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.iam"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    yield Bus(sqs, url)
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)


def unique(stem: str) -> str:
    """Return a name that no other test uses."""
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def test_a_call_arrives_as_an_event(iam: IAMClient, bus: Bus) -> None:
    """CreateUser reaches a rule in CloudTrail's form, with the id of the user it made."""
    name = unique("alice")
    created = iam.create_user(UserName=name)

    (event,) = bus.take(1)

    assert (event["source"], event["region"]) == ("aws.iam", "us-east-1")
    assert event["detail-type"] == "AWS API Call via CloudTrail"
    detail = event["detail"]
    assert event["time"] == detail["eventTime"]
    assert detail["eventName"] == "CreateUser"
    assert detail["requestParameters"] == {"userName": name}
    assert detail["responseElements"]["user"]["userId"] == created["User"]["UserId"]
    assert detail["requestID"] == created["ResponseMetadata"]["RequestId"]
    assert detail["userIdentity"]["type"] == "Root"
    assert detail["sourceIPAddress"] == "127.0.0.1"
    assert "Boto3" in detail["userAgent"]


def test_every_call_about_membership_arrives(iam: IAMClient, bus: Bus) -> None:
    """All five calls that Straywatch listens to become events, a rename with both names."""
    user, group = unique("user"), unique("group")
    iam.create_user(UserName=user)
    iam.create_group(GroupName=group)
    iam.add_user_to_group(UserName=user, GroupName=group)
    iam.remove_user_from_group(UserName=user, GroupName=group)
    iam.update_user(UserName=user, NewUserName=f"{user}-b", NewPath="/x/")
    iam.delete_user(UserName=f"{user}-b")

    details = {event["detail"]["eventName"]: event["detail"] for event in bus.take(6)}

    both = {"userName": user, "groupName": group}
    assert details["AddUserToGroup"]["requestParameters"] == both
    assert details["RemoveUserFromGroup"]["requestParameters"] == both
    renamed = {"userName": user, "newUserName": f"{user}-b", "newPath": "/x/"}
    assert details["UpdateUser"]["requestParameters"] == renamed
    assert details["DeleteUser"]["requestParameters"] == {"userName": f"{user}-b"}
    silent = ("AddUserToGroup", "RemoveUserFromGroup", "UpdateUser", "DeleteUser")
    assert [details[name]["responseElements"] for name in silent] == [None] * 4


def test_a_failed_call_arrives_with_its_error(iam: IAMClient, bus: Bus) -> None:
    """A refusal is an event, too, with errorCode."""
    with pytest.raises(ClientError):
        iam.delete_user(UserName=unique("nobody"))

    (event,) = bus.take(1)

    assert event["detail"]["errorCode"] == "NoSuchEntityException"


def test_a_denied_call_names_the_user_and_hides_its_parameters(
    iam: IAMClient, aws: LocalAws, bus: Bus
) -> None:
    """A user without permission is recorded as IAMUser, with requestParameters null."""
    name = unique("mallory")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    mallory = aws.session(key["AccessKeyId"], key["SecretAccessKey"]).client("iam")

    with pytest.raises(ClientError):
        mallory.create_user(UserName=unique("victim"))

    denied = bus.take(3)[-1]["detail"]
    assert denied["errorCode"] == "AccessDenied"
    assert denied["requestParameters"] is None
    assert denied["userIdentity"]["type"] == "IAMUser"
    assert denied["userIdentity"]["userName"] == name
    assert denied["userIdentity"]["accessKeyId"] == key["AccessKeyId"]


def test_a_role_session_is_recorded_with_its_issuer(
    iam: IAMClient, session: LocalSession, aws: LocalAws
) -> None:
    """A call through AssumeRole names the session and the role behind it."""
    role = unique("admin")
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    made = iam.create_role(
        RoleName=role,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]
    iam.put_role_policy(
        RoleName=role,
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [everything]}),
    )
    given = session.client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="ann")
    credentials = given["Credentials"]
    as_role = session.client(
        "iam",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )

    as_role.create_user(UserName=unique("user"))

    identity = aws.control.records()[-1]["userIdentity"]
    assert identity["type"] == "AssumedRole"
    assert identity["arn"] == f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/{role}/ann"
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == made["Arn"]
    assert identity["sessionContext"]["sessionIssuer"]["principalId"] == made["RoleId"]


def test_reads_are_recorded_but_reach_no_rule(iam: IAMClient, aws: LocalAws, bus: Bus) -> None:
    """As on AWS by default, reads stand in the trail and not on the bus."""
    iam.list_users()
    iam.create_user(UserName=unique("user"))

    events = bus.take(1)

    assert [event["detail"]["eventName"] for event in events] == ["CreateUser"]
    assert [record["eventName"] for record in aws.control.records()][-2:] == [
        "ListUsers",
        "CreateUser",
    ]


def test_a_stranger_leaves_no_record(iam: IAMClient, aws: LocalAws) -> None:
    """A call with an unknown key or a wrong signature is refused, and nobody's trail has it."""
    name = unique("user")
    iam.create_user(UserName=name)
    key_id = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    before = len(aws.control.records())
    for stranger in (aws.session("AKIAUNKNOWN", "x"), aws.session(key_id, "wrong")):
        with pytest.raises(ClientError):
            stranger.client("iam").create_user(UserName=unique("user"))

    assert len(aws.control.records()) == before


def test_events_may_be_held_reversed_doubled_and_lost(
    iam: IAMClient, aws: LocalAws, bus: Bus
) -> None:
    """Tests can bring about every disorder that AWS allows itself."""
    first, second, third = unique("first"), unique("second"), unique("third")
    aws.control.plan("hold")
    iam.create_user(UserName=first)
    iam.create_user(UserName=second)
    assert len(aws.control.held()) == 2
    assert bus.receive() == []

    assert aws.control.release(reverse=True) == 2
    aws.control.plan("lose")
    iam.create_user(UserName=unique("lost"))
    aws.control.plan(copies=2)
    iam.create_user(UserName=third)

    events = bus.take(4)
    names = [event["detail"]["requestParameters"]["userName"] for event in events]
    assert names == [second, first, third, third]
    assert events[2]["detail"]["eventID"] == events[3]["detail"]["eventID"]
    assert events[2]["id"] != events[3]["id"]


def test_events_may_come_late_and_still_tell_their_time(
    iam: IAMClient, aws: LocalAws, bus: Bus
) -> None:
    """A delayed event carries the time of its call."""
    aws.control.plan(delay_seconds=1.2)
    iam.create_user(UserName=unique("user"))
    called_at = aws.control.records()[-1]["eventTime"]

    (event,) = bus.take(1)

    assert event["time"] == event["detail"]["eventTime"] == called_at


def test_calls_are_counted_by_caller(iam: IAMClient, aws: LocalAws) -> None:
    """The counter tells which action was called how often by whom."""
    aws.control.forget_calls()
    iam.list_users()
    iam.list_users()

    assert aws.control.calls() == [
        {"action": "iam:ListUsers", "caller_arn": f"arn:aws:iam::{ACCOUNT_ID}:root", "count": 2}
    ]


def test_calls_fail_when_ordered_to(
    iam: IAMClient, session: LocalSession, aws: LocalAws, bus: Bus
) -> None:
    """An ordered failure meets that many calls, in each service's own form, and is recorded."""
    aws.control.fail("iam:CreateUser", "Throttling", times=2)
    aws.control.fail("dynamodb:ListTables", "ThrottlingException")
    aws.control.fail("iam:ListUsers", "AccessDenied", status=403, caller="somebody-else")
    name = unique("user")
    for _ in range(2):
        with pytest.raises(ClientError) as throttled:
            iam.create_user(UserName=name)
        assert throttled.value.response["Error"]["Code"] == "Throttling"
    with pytest.raises(ClientError) as other:
        session.client("dynamodb", config=ONCE).list_tables()
    assert other.value.response["Error"]["Code"] == "ThrottlingException"

    iam.create_user(UserName=name)
    iam.list_users()

    codes = [event["detail"].get("errorCode") for event in bus.take(3)]
    assert codes == ["Throttling", "Throttling", None]


def test_mail_is_what_an_email_subscriber_would_read(session: LocalSession, aws: LocalAws) -> None:
    """Each mail subscriber gets the text for `email`, under the subject."""
    sns = session.client("sns")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="reader@example.com")
    message = json.dumps({"default": "d", "email": "dear reader", "sqs": "{}"})

    sent = sns.publish(TopicArn=topic, Subject="hello", Message=message, MessageStructure="json")

    assert [mail for mail in aws.control.mail() if mail["topic_arn"] == topic] == [
        {
            "to": "reader@example.com",
            "protocol": "email",
            "subject": "hello",
            "text": "dear reader",
            "topic_arn": topic,
            "message_id": sent["MessageId"],
        }
    ]


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}], ids=str
)
def test_the_control_api_serves_no_web_page(aws: LocalAws, headers: dict[str, str]) -> None:
    """A browser that visits a hostile page is no way to the control API."""
    request = urllib.request.Request(  # noqa: S310 - the emulator's own address
        f"{aws.endpoint}/_straywatch/records", headers=headers
    )

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=PATIENCE_SECONDS)  # noqa: S310 - likewise

    assert refused.value.code == 403


@pytest.mark.parametrize(
    ("resource", "order"),
    [
        ("events", b'{"mode": "explode"}'),
        ("events", b'{"delay_seconds": "soon"}'),
        ("events", b"[]"),
        ("events", b"{"),
        ("faults", b'{"colour": "red"}'),
    ],
)
def test_orders_that_make_no_sense_are_refused(aws: LocalAws, resource: str, order: bytes) -> None:
    """A misspelt order is an error, never silently nothing."""
    request = urllib.request.Request(  # noqa: S310 - the emulator's own address
        f"{aws.endpoint}/_straywatch/{resource}", data=order, method="POST"
    )

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=PATIENCE_SECONDS)  # noqa: S310 - likewise

    assert refused.value.code == 400
