"""The check queue on an AWS in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from chalicelib.adapters.check_queue import CheckQueue
from chalicelib.domain.check_requests import CheckRequest, Origin, decode_check, encode_check
from tests.adapters.aws import client
from tests.unit.records import ACCOUNT, NOW, at

REQUEST = CheckRequest(ACCOUNT, "bob", at(-60), Origin.EVENT)


@pytest.fixture
def queue() -> Iterator[CheckQueue]:
    """A check queue and its dead-letter queue."""
    with mock_aws():
        sqs = client("sqs")
        checks = sqs.create_queue(QueueName="checks")["QueueUrl"]
        dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
        yield CheckQueue(lambda: sqs, checks, dead)


def only(queue: CheckQueue, url: str) -> Any:
    """The one message of a queue."""
    answer = queue.client().receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    (message,) = answer["Messages"]
    return message


def test_what_is_sent_can_be_read(queue: CheckQueue) -> None:
    """A check that is due comes out at once, as it went in, and tells when it was to come."""
    assert queue.send(REQUEST, NOW, NOW) == NOW
    assert decode_check(only(queue, queue.queue_url)["Body"]) == replace(REQUEST, due=NOW)


@pytest.mark.parametrize(
    ("due", "delay"), [(at(0), 0), (at(-5), 0), (at(7), 7), (at(900), 900), (at(10**5), 900)]
)
def test_it_waits_in_the_queue(due: datetime, delay: int) -> None:
    """SQS holds it back for what is left of the grace, and 15 minutes at most."""
    sqs = client("sqs")
    body = encode_check(replace(REQUEST, due=at(delay)))
    expected = {"QueueUrl": "checks", "MessageBody": body, "DelaySeconds": delay}
    with Stubber(sqs) as stub:
        stub.add_response("send_message", {"MessageId": "1", "MD5OfMessageBody": "x"}, expected)
        assert CheckQueue(lambda: sqs, "checks", "dead").send(REQUEST, due, NOW) == at(delay)


def test_checks_of_many_accounts_wait_in_groups() -> None:
    """A storm in one of them holds up nobody else's."""
    sqs = client("sqs")
    body = encode_check(replace(REQUEST, due=NOW))
    expected = {"QueueUrl": "checks", "MessageBody": body, "DelaySeconds": 0}
    expected["MessageGroupId"] = ACCOUNT.key
    with Stubber(sqs) as stub:
        stub.add_response("send_message", {"MessageId": "1", "MD5OfMessageBody": "x"}, expected)
        CheckQueue(lambda: sqs, "checks", "dead", is_shared=True).send(REQUEST, NOW, NOW)
        stub.assert_no_pending_responses()


def test_what_is_set_aside_says_why(queue: CheckQueue) -> None:
    """The body as it was, so that it can be run again, and the reason beside it."""
    queue.set_aside('{"version": 2}', "check message of version 2")
    message = only(queue, queue.dead_letter_queue_url)
    assert message["Body"] == '{"version": 2}'
    reason = message["MessageAttributes"]["reason"]
    assert (reason["DataType"], reason["StringValue"]) == ("String", "check message of version 2")


@pytest.mark.parametrize(
    ("reason", "told"),
    [("", "unknown"), ("x" * 5000, "x" * 1024), ("a\x00b\ud800\uffff\n", "a?b???")],
)
def test_any_reason_fits(queue: CheckQueue, reason: str, told: str) -> None:
    """SQS refuses empty attributes and control characters; a reason may quote any text."""
    queue.set_aside("{}", reason)
    message = only(queue, queue.dead_letter_queue_url)
    assert message["MessageAttributes"]["reason"]["StringValue"] == told
