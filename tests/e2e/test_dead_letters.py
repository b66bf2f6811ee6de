"""What cannot be processed: ignored with a reason where it is not ours, else kept, and never lost.

EventBridge takes no event under the name of an AWS service from anybody but AWS, nor does the
embedded one: events that only AWS could have put are handed to the function as EventBridge does,
asynchronously.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account import Account
from chalicelib.domain.check_requests import CheckRequest, Origin, encode_check
from straywatch.local.emulator.session import ACCOUNT_ID
from tests.e2e.local_stack import STACK, LocalStack
from tests.unit.records import envelope, record

FUNCTIONS = {"CreateUser": "OnMembershipLost", "DeleteUser": "OnMembershipSettled"}


def deliver(stack: LocalStack, call: str, event: Any) -> None:
    """Hand an event to the function behind the rule for `call`, as EventBridge does."""
    resource = stack.session.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId=FUNCTIONS[call]
    )
    stack.session.client("lambda").invoke(
        FunctionName=resource["StackResourceDetail"]["PhysicalResourceId"],
        InvocationType="Event",
        Payload=json.dumps(event).encode(),
    )


def letters(stack: LocalStack) -> list[dict[str, Any]]:
    """Take what lies in the dead-letter queue."""
    sqs, url = stack.session.client("sqs"), stack.outputs["DeadLetterQueueUrl"]
    taken = []
    while found := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages"):
        taken += found
        for message in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return taken


def await_letter(stack: LocalStack, text: str) -> dict[str, Any]:
    """Wait for a dead letter with a text in it."""
    found: list[dict[str, Any]] = []

    def came() -> bool:
        found.extend(each for each in letters(stack) if text in each["Body"])
        return bool(found)

    stack.until(came, f"a dead letter about {text}")
    return found[0]


@pytest.mark.parametrize("call", FUNCTIONS)
def test_ours_but_unreadable_is_kept(stack: LocalStack, call: str) -> None:
    """It failed three times, and its whole event lies in the queue, with the reason."""
    marker = stack.name("unreadable")
    broken = record(call, requestParameters=None, eventID=marker)
    deliver(stack, call, envelope(broken))
    letter = json.loads(await_letter(stack, marker)["Body"])
    assert letter["requestPayload"]["detail"]["eventID"] == marker
    assert "no request parameters" in letter["responsePayload"]["errorMessage"]


def test_what_is_no_event_is_kept(stack: LocalStack) -> None:
    """An envelope that is none, from whomever: it is for people to look at."""
    marker = stack.name("nothing")
    deliver(stack, "CreateUser", {"text": marker})
    assert json.loads(await_letter(stack, marker)["Body"])["requestPayload"] == {"text": marker}


NOT_OURS = {
    "the call failed": record("CreateUser", errorCode="AccessDenied", requestParameters=None),
    "another service's event": record(
        "CreateUser",
        eventSource="sso-directory.amazonaws.com",
        requestParameters={"userName": "HIDDEN_DUE_TO_SECURITY_REASONS"},
    ),
    "an IAM call that moves nobody in or out of a group": record("TagUser"),
}


def test_what_is_not_ours_is_ignored_with_its_reason(stack: LocalStack) -> None:
    """The log says why, nothing is queued, and nothing is dead-lettered."""
    letters(stack)
    for detail in NOT_OURS.values():
        deliver(stack, "CreateUser", envelope(detail))

    def all_told() -> bool:
        told = {line.get("reason") for line in stack.logged() if line["event"] == "event_ignored"}
        return told >= NOT_OURS.keys()

    stack.until(all_told, "the reasons in the log")
    assert letters(stack) == []


def test_a_forged_event_reaches_nobody(stack: LocalStack) -> None:
    """Whoever may put events on the bus can name any source but AWS's own."""
    user = stack.name("victim")
    detail = record("CreateUser", requestParameters={"userName": user})
    events = stack.session.client("events")
    for source in ("my.app", "iam.amazonaws.com", "aws-iam"):
        events.put_events(
            Entries=[
                {
                    "Source": source,
                    "DetailType": "AWS API Call via CloudTrail",
                    "Detail": json.dumps(detail),
                }
            ]
        )
    rules = events.list_rules(NamePrefix=STACK)["Rules"]
    patterns = [rule["EventPattern"] for rule in rules if "EventPattern" in rule]
    assert len(patterns) > 2  # those that listen for tampering are among them
    forged = json.dumps(envelope(detail, source="my.app"))
    assert not any(
        events.test_event_pattern(EventPattern=p, Event=forged)["Result"] for p in patterns
    )
    genuine = json.dumps(envelope(detail))
    assert [
        events.test_event_pattern(EventPattern=p, Event=genuine)["Result"] for p in patterns
    ].count(True) == 1
    assert [line for line in stack.logged() if line.get("user_name") == user] == []


def test_one_poisoned_message_does_not_keep_nine_good_ones(stack: LocalStack) -> None:
    """Nine alerts come; the poison lies in the dead-letter queue with its reason."""
    stack.control.plan("lose")
    users = [stack.name(f"good{number}") for number in range(9)]
    for user in users:
        stack.iam.create_user(UserName=user)
    since = datetime.now(UTC) - timedelta(seconds=1)
    account = Account("aws", ACCOUNT_ID)
    bodies = [encode_check(CheckRequest(account, user, since, Origin.EVENT)) for user in users]
    poison = stack.name("poison")
    bodies.insert(4, poison)
    stack.session.client("sqs").send_message_batch(
        QueueUrl=stack.outputs["CheckQueueUrl"],
        Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)],
    )
    letter = await_letter(stack, poison)
    assert letter["Body"] == poison
    assert "not a check message" in letter["MessageAttributes"]["reason"]["StringValue"]
    for user in users:
        stack.alert(user)
    stack.settle()
    assert letters(stack) == []
