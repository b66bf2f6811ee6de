"""Batches from the check queue: one bad message never repeats the good ones beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import repeat
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


@dataclass
class Batches:
    """Batches handled with all the time in the world, unless `time_left` says otherwise."""

    checks: Checks = field(default_factory=Checks)
    dead: DeadLetters = field(default_factory=DeadLetters)
    time_left: Iterator[float] = field(default_factory=lambda: repeat(60.0))
    failed: list[int] = field(default_factory=list)

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        """Handle one."""
        return process(
            event, self.checks, self.dead, lambda: next(self.time_left), self.failed.append
        )


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
    batches = Batches()
    assert batches(batch(*"abcdefghij")) == failures()
    assert batches.checks.done == list("abcdefghij")
    assert batches.failed == []


@pytest.mark.parametrize("place", [0, 4, 9])
def test_one_failing_message_alone_comes_again(place: int) -> None:
    """The nine others are done and deleted, wherever in the batch the bad one lies."""
    bodies = list("abcdefghij")
    bodies[place] = "failing"
    batches = Batches()
    assert batches(batch(*bodies)) == failures(place)
    assert len(batches.checks.done) == 9
    assert batches.dead.letters == []


def test_what_failed_is_counted() -> None:
    """Lambda calls such a batch a success: nothing else would tell that checks fail."""
    batches = Batches()
    batches(batch("a", "failing", "b", "failing"))
    batches(batch("a"))
    assert batches.failed == [2]


def test_out_of_time_the_rest_comes_again() -> None:
    """Killed by Lambda, what was done would come again, too, and nobody would know why."""
    left = [25.0, 24.9, 24.8]  # RESERVE_SECONDS
    batches = Batches(time_left=iter(left))
    assert batches(batch(*"abcd")) == failures(2, 3)
    assert batches.checks.done == ["a", "b"]
    assert batches.failed == [2]


def test_one_is_tried_however_little_time_there_is() -> None:
    """A slow start must not end in the dead-letter queue untried."""
    batches = Batches(time_left=repeat(0.0))
    assert batches(batch(*"ab")) == failures(1)
    assert batches.checks.done == ["a"]


def test_who_was_left_before_goes_first() -> None:
    """Nobody is left behind until the queue gives it up."""
    event = batch(*"abc")
    event["Records"][2]["attributes"]["ApproximateReceiveCount"] = "3"
    batches = Batches(time_left=repeat(0.0))
    assert batches(event) == failures(0, 1)
    assert batches.checks.done == ["c"]


def test_left_at_the_last_receive_it_says_why() -> None:
    """Nothing goes to the dead-letter queue without its reason."""
    batches = Batches(time_left=repeat(0.0))
    batches(batch(*"ab", receives=MOST_RECEIVES))
    assert batches.dead.letters == [("b", "OutOfTimeError: those before it took all the time")]


def test_a_message_that_cannot_be_read_is_set_aside_at_once() -> None:
    """No repeat can help it: it is dead-lettered with its reason, and not repeated."""
    batches = Batches()
    assert batches(batch("a", "malformed", "b")) == failures()
    assert batches.dead.letters == [("malformed", "not a check message")]
    assert batches.checks.done == ["a", "b"]


def test_the_last_failure_takes_its_reason_along() -> None:
    """SQS would dead-letter it without a word; whoever looks there wants to know why."""
    batches = Batches()
    assert batches(batch("failing", receives=MOST_RECEIVES)) == failures()
    assert batches.dead.letters == [("failing", "TimeoutError: IAM did not answer")]


def test_before_the_last_receive_it_is_tried_again() -> None:
    """Throttling and outages pass."""
    batches = Batches()
    assert batches(batch("failing", receives=MOST_RECEIVES - 1)) == failures(0)
    assert batches.dead.letters == []


@pytest.mark.parametrize("body", ["malformed", "failing"])
def test_without_a_dead_letter_queue_nothing_is_lost(body: str) -> None:
    """What could not be set aside stays in the queue: its redrive policy takes over."""
    batches = Batches(dead=DeadLetters(broken=True))
    assert batches(batch(body, receives=MOST_RECEIVES)) == failures(0)


def test_the_last_receive_is_the_queues_own() -> None:
    """The number here and in the queue's redrive policy are one."""
    queue = assemble()["Resources"]["CheckQueue"]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == MOST_RECEIVES


def test_a_record_without_attributes_is_handled() -> None:
    """A hand-made event counts as received for the first time."""
    event = {"Records": [{"messageId": "id-0", "body": "failing"}]}
    assert Batches()(event) == failures(0)
    event["Records"] = [*batch("a")["Records"], {"messageId": "id-1", "body": "b"}]
    assert Batches(time_left=repeat(0.0))(event) == failures(1)
