"""Where the embedded AWS is as strict as AWS, and its emulator by itself would not be."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from straywatch.local.emulator.process import LocalAws
from tests.aws_model import unchecked
from tests.e2e.local_stack import LocalStack

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_sqs import SQSClient

ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})
PATIENCE_SECONDS = 20.0


@pytest.fixture
def iam(aws: LocalAws) -> IAMClient:
    """IAM as root, each call made once."""
    client: IAMClient = aws.session().client("iam", config=ONCE)
    return client


def unique(stem: str) -> str:
    """A name that no other test uses."""
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def code_of(call: Callable[[], object]) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


def test_what_the_model_forbids_is_refused(aws: LocalAws) -> None:
    """Lengths, ranges and patterns of AWS's own models, in both protocols."""
    iam, ssm = (unchecked(aws.session().client(name)) for name in ("iam", "ssm"))
    assert code_of(lambda: iam.create_user(UserName="x" * 65)) == "ValidationError"
    assert code_of(lambda: iam.list_users(MaxItems=1001)) == "ValidationError"
    assert code_of(lambda: iam.list_users(PathPrefix="ward")) == "ValidationError"
    assert code_of(lambda: ssm.get_parameter(Name="/x" * 1025)) == "ValidationException"


def test_delays_and_subjects_have_limits(aws: LocalAws) -> None:
    """SQS delays for 900 s at most; a subject has less than 100 characters, and no controls."""
    sqs, sns = aws.session().client("sqs"), unchecked(aws.session().client("sns"))
    url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]

    late = code_of(lambda: sqs.send_message(QueueUrl=url, MessageBody="x", DelaySeconds=901))

    assert late == "InvalidParameterValue"
    for subject in ("x" * 100, "two\nlines"):
        publish = partial(sns.publish, TopicArn=topic, Message="x", Subject=subject)
        assert code_of(publish) == "InvalidParameter"


def test_a_key_or_an_attached_policy_keeps_a_user(iam: IAMClient) -> None:
    """Neither keys nor attached policies go with a user that is deleted."""
    name = unique("user")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    assert code_of(lambda: iam.delete_user(UserName=name)) == "DeleteConflict"
    iam.delete_access_key(UserName=name, AccessKeyId=key)
    policy = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    iam.attach_user_policy(UserName=name, PolicyArn=policy)
    assert code_of(lambda: iam.delete_user(UserName=name)) == "DeleteConflict"


def test_lists_come_in_pages(iam: IAMClient) -> None:
    """No page holds more than was asked for; each but the last says that there are more."""
    path = f"/{unique('paged')}/"
    names = [f"{path[1:-1]}-{number}" for number in range(5)]
    for name in names:
        iam.create_user(UserName=name, Path=path)

    paginator = iam.get_paginator("list_users")
    pages = list(paginator.paginate(PathPrefix=path, PaginationConfig={"PageSize": 2}))

    assert [len(page["Users"]) for page in pages] == [2, 2, 1]
    assert [page["IsTruncated"] for page in pages] == [True, True, False]
    assert [user["UserName"] for page in pages for user in page["Users"]] == names
    assert code_of(lambda: iam.list_users(Marker="of my own")) == "ValidationError"


def test_pages_may_be_short_and_empty(aws: LocalAws, iam: IAMClient) -> None:
    """On order a page holds fewer than asked for, the first none, and yet there are more."""
    name, groups = unique("user"), sorted(unique("group") for _ in range(3))
    iam.create_user(UserName=name)
    for group in groups:
        iam.create_group(GroupName=group)
        iam.add_user_to_group(UserName=name, GroupName=group)
    aws.control.page_iam(most=2, empty_first=True)

    first = iam.list_groups_for_user(UserName=name)
    pages = list(iam.get_paginator("list_groups_for_user").paginate(UserName=name))
    details = list(iam.get_paginator("get_account_authorization_details").paginate(Filter=["User"]))

    assert (first["Groups"], first["IsTruncated"]) == ([], True)
    assert sorted(g["GroupName"] for page in pages for g in page["Groups"]) == groups
    assert [len(page["Groups"]) for page in pages] == [0, 2, 1]
    assert details[0]["UserDetailList"] == []
    listed = [user["UserName"] for page in details for user in page["UserDetailList"]]
    assert listed.count(name) == 1
    assert max(len(page["UserDetailList"]) for page in details) <= 2


def test_calls_are_throttled_by_a_bucket(aws: LocalAws, iam: IAMClient) -> None:
    """On order: a burst passes, the next call does not, one a second does again."""
    aws.control.throttle("iam:List*", rate=1, burst=3)

    for _ in range(3):
        iam.list_users()
    assert code_of(iam.list_users) == "Throttling"
    iam.list_groups()  # each API has a bucket of its own
    time.sleep(1.1)
    iam.list_users()


def test_iam_lags_behind(aws: LocalAws, iam: IAMClient) -> None:
    """On order a read shows what was so a while ago; a write meets the present."""
    old, new, group = unique("old"), unique("new"), unique("group")
    iam.create_group(GroupName=group)
    iam.create_user(UserName=old)
    aws.control.lag_iam(2.0)
    iam.add_user_to_group(UserName=old, GroupName=group)
    iam.create_user(UserName=new)

    assert iam.list_groups_for_user(UserName=old)["Groups"] == []
    assert code_of(lambda: iam.get_user(UserName=new)) == "NoSuchEntity"
    assert code_of(lambda: iam.create_user(UserName=new)) == "EntityAlreadyExists"
    time.sleep(2.1)
    assert iam.get_user(UserName=new)["User"]["UserName"] == new
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName=old)["Groups"]] == [group]


def test_a_parameter_has_a_tier_and_a_type(aws: LocalAws) -> None:
    """4 KB are standard; none goes back from advanced; none changes its type."""
    ssm, name = aws.session().client("ssm"), f"/{unique('parameter')}"
    put: Callable[..., Any] = lambda **more: ssm.put_parameter(Name=name, **more)  # noqa: E731

    too_much = code_of(lambda: put(Value="x" * 4097, Type="String"))
    put(Value="x" * 4097, Type="String", Tier="Advanced")
    lowered = code_of(lambda: put(Value="x", Type="String", Tier="Standard", Overwrite=True))
    retyped = code_of(lambda: put(Value="x", Type="StringList", Overwrite=True))
    put(Value="x", Overwrite=True)

    assert (too_much, lowered, retyped) == (
        "ValidationException",
        "ValidationException",
        "HierarchyTypeMismatch",
    )
    kept = ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}]
    )["Parameters"][0]
    assert (kept["Tier"], kept["Type"]) == ("Advanced", "String")


@pytest.fixture
def rule(aws: LocalAws) -> Iterator[tuple[SQSClient, str, str]]:
    """A rule on deletions of users, whose target, a function, is not there; and its letters."""
    session, name = aws.session(), unique("rule")
    sqs, events = session.client("sqs"), session.client("events")
    pattern = {"source": ["aws.iam"], "detail": {"eventName": ["DeleteUser"]}}
    arn = events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    target = {
        "Id": "lost",
        "Arn": "arn:aws:lambda:us-east-1:000000000000:function:nowhere",
        "DeadLetterConfig": {"Arn": queue},
    }
    events.put_targets(Rule=name, Targets=[target])
    yield sqs, url, arn
    events.remove_targets(Rule=name, Ids=["lost"])
    events.delete_rule(Name=name)


def policy_for(queue_url: str, rule_arn: str) -> str:
    """Let one rule send to a queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": f"arn:aws:sqs:us-east-1:000000000000:{queue_url.rsplit('/', 1)[-1]}",
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_what_a_rule_cannot_deliver_is_a_dead_letter(
    iam: IAMClient, rule: tuple[SQSClient, str, str]
) -> None:
    """The event goes to the target's queue, saying why; not before the queue's policy lets it."""
    sqs, url, arn = rule
    for policy in ("", policy_for(url, f"{arn}-other"), policy_for(url, arn)):
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        name = unique("gone")
        iam.create_user(UserName=name)
        iam.delete_user(UserName=name)

    letters = sqs.receive_message(
        QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )["Messages"]

    told = [json.loads(letter["Body"])["detail"]["requestParameters"] for letter in letters]
    assert told == [{"userName": name}]
    assert letters[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "RESOURCE_NOT_FOUND"


def test_a_rule_needs_the_functions_leave(stack: LocalStack) -> None:
    """Without the permission that the template gives, the event is not heard, and is kept."""
    session = stack.session
    function = session.client("cloudformation").describe_stack_resource(
        StackName="straywatch", LogicalResourceId="OnMembershipLost"
    )["StackResourceDetail"]["PhysicalResourceId"]
    functions, sqs = session.client("lambda"), session.client("sqs")
    policy = json.loads(functions.get_policy(FunctionName=function)["Policy"])
    statements = policy["Statement"]
    for each in statements:
        functions.remove_permission(FunctionName=function, StatementId=each["Sid"])
    name = unique("unheard")
    try:
        stack.iam.create_user(UserName=name)
        letter = sqs.receive_message(
            QueueUrl=stack.outputs["DeadLetterQueueUrl"],
            WaitTimeSeconds=10,
            MessageAttributeNames=["All"],
        )["Messages"][0]
    finally:
        for each in statements:
            functions.add_permission(
                FunctionName=function,
                StatementId=each["Sid"],
                Action="lambda:InvokeFunction",
                Principal="events.amazonaws.com",
                SourceArn=each["Condition"]["ArnLike"]["AWS:SourceArn"],
            )
    sqs.delete_message(
        QueueUrl=stack.outputs["DeadLetterQueueUrl"], ReceiptHandle=letter["ReceiptHandle"]
    )
    stack.iam.delete_user(UserName=name)
    assert json.loads(letter["Body"])["detail"]["requestParameters"]["userName"] == name
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"
