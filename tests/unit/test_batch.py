"""Batches from the check queue: one bad message never repeats the good ones beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.domain.check_requests import MalformedCheckError
from chalicelib.flows.batch import MOST_RECEIVES, process
from straywatch.deploy.template import assemble


@dataclass
class DeadLetters:
    """A dead-letter queue that remembers, or is out of order."""

    broken: bool = False
    letters: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, body: str, reason: str) -> None:
        """Take a message."""
        if self.broken:
            raise ConnectionError("no queue")
        self.letters.append((body, reason))


@dataclass
class Checks:
    """Checks that go well, but for bodies that say otherwise."""

    done: list[str] = field(default_factory=list)

    def __call__(self, body: str) -> None:
        """Check one."""
        if body == "malformed":
            raise MalformedCheckError("not a check message")
        if body == "failing":
            raise TimeoutError("IAM did not answer")
        self.done.append(body)


def batch(*bodies: str, receives: int = 1) -> dict[str, Any]:
    """An event as Lambda's poller hands it over; ids are the places in it."""
    return {
        "Records": [
            {
                "messageId": f"id-{place}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": str(receives)},
                "eventSource": "aws:sqs",
            }
            for place, body in enumerate(bodies)
        ]
    }


def failures(*places: int) -> dict[str, Any]:
    """The partial batch response that names these."""
    return {"batchItemFailures": [{"itemIdentifier": f"id-{place}"} for place in places]}


def test_ten_good_messages_are_done() -> None:
    """Nothing comes again."""
    checks = Checks()
    assert process(batch(*"abcdefghij"), checks, DeadLetters()) == failures()
    assert checks.done == list("abcdefghij")


@pytest.mark.parametrize("place", [0, 4, 9])
def test_one_failing_message_alone_comes_again(place: int) -> None:
    """The nine others are done and deleted, wherever in the batch the bad one lies."""
    bodies = list("abcdefghij")
    bodies[place] = "failing"
    checks, dead = Checks(), DeadLetters()
    assert process(batch(*bodies), checks, dead) == failures(place)
    assert len(checks.done) == 9
    assert dead.letters == []


def test_a_message_that_cannot_be_read_is_set_aside_at_once() -> None:
    """No repeat can help it: it is dead-lettered with its reason, and not repeated."""
    checks, dead = Checks(), DeadLetters()
    assert process(batch("a", "malformed", "b"), checks, dead) == failures()
    assert dead.letters == [("malformed", "not a check message")]
    assert checks.done == ["a", "b"]


def test_the_last_failure_takes_its_reason_along() -> None:
    """SQS would dead-letter it without a word; whoever looks there wants to know why."""
    dead = DeadLetters()
    assert process(batch("failing", receives=MOST_RECEIVES), Checks(), dead) == failures()
    assert dead.letters == [("failing", "TimeoutError: IAM did not answer")]


def test_before_the_last_receive_it_is_tried_again() -> None:
    """Throttling and outages pass."""
    dead = DeadLetters()
    assert process(batch("failing", receives=MOST_RECEIVES - 1), Checks(), dead) == failures(0)
    assert dead.letters == []


@pytest.mark.parametrize("body", ["malformed", "failing"])
def test_without_a_dead_letter_queue_nothing_is_lost(body: str) -> None:
    """What could not be set aside stays in the queue: its redrive policy takes over."""
    event = batch(body, receives=MOST_RECEIVES)
    assert process(event, Checks(), DeadLetters(broken=True)) == failures(0)


def test_the_last_receive_is_the_queues_own() -> None:
    """The number here and in the queue's redrive policy are one."""
    queue = assemble()["Resources"]["CheckQueue"]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MOST_RECEIVES


def test_a_record_without_attributes_is_handled() -> None:
    """A hand-made event counts as received for the first time."""
    event = {"Records": [{"messageId": "id-0", "body": "failing"}]}
    assert process(event, Checks(), DeadLetters()) == failures(0)
