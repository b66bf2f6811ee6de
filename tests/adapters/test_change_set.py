"""Change sets and stack events as CloudFormation tells them, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from straywatch.deploy.change_set import NO_WISHES, ChangeSet, Terms, create_change_set
from straywatch.deploy.stack import Absent, Stack, read_stack
from straywatch.deploy.stack_watch import pauses, watch
from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/straywatch/1"
SET = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/deploy/1"
URL = "https://bucket.s3.amazonaws.com/template.json"
THEN = datetime(2026, 1, 1, tzinfo=UTC)
DEPLOYED = Stack("straywatch", STACK, "CREATE_COMPLETE", "", frozenset(), {})


@pytest.fixture
def cloudformation() -> CloudFormationClient:
    """A client that reaches nothing."""
    return boto3.client(
        "cloudformation",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )


@pytest.fixture
def stub(cloudformation: CloudFormationClient) -> Iterator[Stubber]:
    """Answers for the client; every one of them must be asked for."""
    with Stubber(cloudformation) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def made(stub: Stubber, kind: str, **more: Any) -> None:
    """CloudFormation accepts the change set."""
    expected = {
        "StackName": "straywatch",
        "ChangeSetName": ANY,
        "ChangeSetType": kind,
        "TemplateURL": URL,
        "Parameters": [],
        "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        **more,
    }
    stub.add_response("create_change_set", {"Id": SET, "StackId": STACK}, expected)


def described(stub: Stubber, status: str, token: str | None = None, **more: Any) -> None:
    """CloudFormation tells how the change set stands."""
    expected: dict[str, Any] = {"ChangeSetName": SET, "StackName": STACK}
    if token:
        expected["NextToken"] = token
    stub.add_response("describe_change_set", {"Status": status, **more}, expected)


def change(name: str) -> dict[str, Any]:
    """One resource that is added."""
    resource = {"Action": "Add", "LogicalResourceId": name, "ResourceType": "AWS::SQS::Queue"}
    return {"Type": "Resource", "ResourceChange": resource}


def discarded(stub: Stubber, *, with_stack: bool) -> None:
    """The change set is deleted and, if it was to create its stack, the stack as well."""
    stub.add_response("delete_change_set", {}, {"ChangeSetName": SET, "StackName": STACK})
    if with_stack:
        stub.add_response("delete_stack", {}, {"StackName": STACK})


def create(
    cloudformation: CloudFormationClient,
    stack: Stack | Absent = DEPLOYED,
    terms: Terms = NO_WISHES,
) -> ChangeSet:
    """Create a change set without waiting in real time."""
    return create_change_set(cloudformation, stack, URL, [], lambda _: None, terms=terms)


def test_every_page_of_changes_is_read(cloudformation: CloudFormationClient, stub: Stubber) -> None:
    """A long list of changes is shown whole, or approval would be given blindly."""
    made(stub, "UPDATE")
    described(stub, "CREATE_IN_PROGRESS")
    described(stub, "CREATE_COMPLETE")
    described(stub, "CREATE_COMPLETE", Changes=[change("A")], NextToken="more")
    described(stub, "CREATE_COMPLETE", token="more", Changes=[change("B")])
    preview = create(cloudformation).preview
    assert [each.logical_id for each in preview.changes] == ["A", "B"]
    assert not preview.is_new


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information.",
        "No updates are to be performed.",
    ],
)
def test_nothing_to_change_is_no_failure(
    cloudformation: CloudFormationClient, stub: Stubber, reason: str
) -> None:
    """CloudFormation calls an empty change set FAILED; it is an empty preview here."""
    made(stub, "UPDATE")
    described(stub, "FAILED", StatusReason=reason)
    assert create(cloudformation).preview.is_empty


def test_a_change_of_outputs_alone_is_a_change(
    cloudformation: CloudFormationClient, stub: Stubber
) -> None:
    """CloudFormation lists resources alone; left out, a new output would be missing for ever."""
    made(stub, "UPDATE")
    described(stub, "CREATE_COMPLETE")
    described(stub, "CREATE_COMPLETE", Changes=[])
    preview = create(cloudformation).preview
    assert not preview.is_empty
    assert preview.lines() == [
        "update stack straywatch:",
        "  no resource; its outputs or tags alone",
    ]


def test_an_accounts_wishes_go_along(cloudformation: CloudFormationClient, stub: Stubber) -> None:
    """Its own role for CloudFormation, its tags on everything; without, the stack's stay."""
    role = "arn:aws:iam::123456789012:role/deploys"
    wanted = {"RoleARN": role, "Tags": [{"Key": "team", "Value": "security"}]}
    made(stub, "UPDATE", **wanted)
    described(stub, "FAILED", StatusReason="No updates are to be performed.")
    terms = Terms(role_arn=role, tags={"team": "security"})
    assert create(cloudformation, terms=terms).preview.is_empty


def test_a_refused_first_deployment_leaves_no_empty_stack(
    cloudformation: CloudFormationClient, stub: Stubber
) -> None:
    """What CloudFormation refuses is said with its reason, and nothing is left in the way."""
    made(stub, "CREATE")
    described(stub, "FAILED", StatusReason="Template error:\n bad")
    discarded(stub, with_stack=True)
    with pytest.raises(StraywatchError, match="refuses the change set: Template error: bad"):
        create(cloudformation, Absent("straywatch"))


def test_a_declined_update_leaves_the_stack(
    cloudformation: CloudFormationClient, stub: Stubber
) -> None:
    """Discarding an update's change set never touches the stack."""
    made(stub, "UPDATE")
    described(stub, "CREATE_COMPLETE")
    described(stub, "CREATE_COMPLETE", Changes=[change("A")])
    discarded(stub, with_stack=False)
    create(cloudformation).discard()


def test_an_interrupt_while_waiting_cleans_up(
    cloudformation: CloudFormationClient, stub: Stubber
) -> None:
    """Ctrl-C at the wrong moment leaves no stack in REVIEW_IN_PROGRESS."""

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    made(stub, "CREATE")
    described(stub, "CREATE_PENDING")
    discarded(stub, with_stack=True)
    with pytest.raises(KeyboardInterrupt):
        create_change_set(cloudformation, Absent("straywatch"), URL, [], interrupt)


def event(number: int, name: str, status: str, reason: str = "") -> dict[str, Any]:
    """A stack event; the stack's own events bear the name `straywatch`."""
    return {
        "StackId": STACK,
        "StackName": "straywatch",
        "EventId": str(number),
        "LogicalResourceId": name,
        "PhysicalResourceId": STACK if name == "straywatch" else name.lower(),
        "ResourceType": "AWS::X::Y",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "Timestamp": THEN,
    }


def events(stub: Stubber, *found: dict[str, Any], **more: str) -> None:
    """CloudFormation tells events, newest first."""
    answer = {"StackEvents": list(found), **({"NextToken": more["next_page"]} if more else {})}
    stub.add_response("describe_stack_events", answer, None)


def test_only_what_happens_from_now_on_is_told(
    cloudformation: CloudFormationClient, stub: Stubber
) -> None:
    """Old events, and an old end among them, are never taken for the new operation's."""
    old = event(1, "straywatch", "UPDATE_COMPLETE")
    events(stub, old)
    events(stub, old)
    events(stub, event(2, "straywatch", "UPDATE_IN_PROGRESS"), old)
    third, fourth = event(3, "Queue", "UPDATE_COMPLETE"), event(4, "straywatch", "UPDATE_COMPLETE")
    events(stub, fourth, next_page="2")
    events(stub, third, event(2, "straywatch", "UPDATE_IN_PROGRESS"), old)
    told: list[str] = []
    assert (
        watch(cloudformation, STACK, told.append, lambda _: None).until_done() == "UPDATE_COMPLETE"
    )
    assert told == [
        "UPDATE_IN_PROGRESS   straywatch (AWS::X::Y)",
        "UPDATE_COMPLETE      Queue (AWS::X::Y)",
        "UPDATE_COMPLETE      straywatch (AWS::X::Y)",
    ]


def test_the_first_failure_is_the_cause(
    cloudformation: CloudFormationClient, stub: Stubber
) -> None:
    """Later failures are mostly cancellations; the first one is what must be mended."""
    events(stub)
    events(
        stub,
        event(4, "straywatch", "ROLLBACK_COMPLETE"),
        event(3, "Later", "CREATE_FAILED", "Resource creation cancelled"),
        event(2, "First", "CREATE_FAILED", "Access\ndenied"),
        event(1, "straywatch", "CREATE_IN_PROGRESS"),
    )
    watched = watch(cloudformation, STACK, lambda _: None, lambda _: None)
    assert watched.until_done() == "ROLLBACK_COMPLETE"
    assert watched.first_failure == "First (AWS::X::Y): Access denied"


def test_waiting_ends_after_an_hour() -> None:
    """Looks come quickly at first, then every five seconds, for an hour."""
    waits = list(pauses())
    assert waits[0] < 1
    assert max(waits) == 5
    assert 3600 <= sum(waits) < 3610


def test_a_stack_that_is_not_there_is_absent(
    cloudformation: CloudFormationClient, stub: Stubber
) -> None:
    """CloudFormation says so in words only."""
    stub.add_client_error(
        "describe_stacks", "ValidationError", "Stack with id straywatch does not exist"
    )
    assert read_stack(cloudformation, "straywatch") == Absent("straywatch")


def test_a_stack_that_cannot_be_read_is_never_absent(
    cloudformation: CloudFormationClient, stub: Stubber
) -> None:
    """A denied read is an error, not a reason to create a second stack."""
    stub.add_client_error("describe_stacks", "AccessDenied", "no")
    with pytest.raises(cloudformation.exceptions.ClientError, match="AccessDenied"):
        read_stack(cloudformation, "straywatch")
