"""Lambda's recursion detection: what it stops on the embedded AWS, and that checks outlast it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import pytest

from straywatch.deploy.packaging import Package
from tests.e2e.local_stack import LocalStack, local_stack

A_DAY = 86_400
ROUNDS = 16  # Lambda developer guide, "Use Lambda recursive loop detection"


@pytest.fixture(scope="module")
def patient(package: Package) -> Iterator[LocalStack]:
    """A monitor whose grace is a day: a check goes round its queue a hundred times."""
    with local_stack(package, A_DAY) as stack:
        yield stack


def checked_early(stack: LocalStack, times: int) -> None:
    """Hand the only check that waits over before its time, so often; each time it queues itself."""
    for _ in range(times):
        stack.until(lambda: stack.control.hand_over_delayed() == 1, "a check that waits")


IN_ANY_STATE = ("", "NotVisible", "Delayed")


def queued(stack: LocalStack, name: str, kinds: Sequence[str] = IN_ANY_STATE) -> int:
    """How many messages a queue holds in these states."""
    read = stack.session.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs[name], AttributeNames=["All"]
    )["Attributes"]
    return sum(int(read[f"ApproximateNumberOfMessages{kind}"]) for kind in kinds)


def test_a_check_outlasts_the_detection_of_loops(patient: LocalStack) -> None:
    """A grace of a day takes a hundred rounds: after forty the check is still on its way."""
    name = f"patient-{uuid.uuid4().hex[:8]}"
    patient.iam.create_user(UserName=name)

    checked_early(patient, 40)

    assert queued(patient, "DeadLetterQueueUrl") == 0
    patient.until(lambda: queued(patient, "CheckQueueUrl", ["Delayed"]) == 1, "the check to wait")


def test_without_leave_a_loop_ends_in_the_dead_letter_queue(patient: LocalStack) -> None:
    """A function that may not go round is stopped after sixteen rounds, as on AWS."""
    patient.session.client("sqs").purge_queue(QueueUrl=patient.outputs["CheckQueueUrl"])
    resource = patient.session.client("cloudformation").describe_stack_resource(
        StackName="straywatch", LogicalResourceId="CheckMembership"
    )
    patient.session.client("lambda").put_function_recursion_config(
        FunctionName=resource["StackResourceDetail"]["PhysicalResourceId"],
        RecursiveLoop="Terminate",
    )
    patient.iam.create_user(UserName=f"stopped-{uuid.uuid4().hex[:8]}")

    checked_early(patient, ROUNDS + 1)

    patient.until(lambda: queued(patient, "DeadLetterQueueUrl") == 1, "a dead letter")
    patient.until(lambda: queued(patient, "CheckQueueUrl") == 0, "nothing to be on its way")
