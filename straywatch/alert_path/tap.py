"""A tap on a topic: a queue of one's own that gets every message, as machines get it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from straywatch.aws.sessions import RETRIES

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_LONGEST_POLL = 20  # seconds, SQS's limit for WaitTimeSeconds


@dataclass(frozen=True)
class Tapped:
    """One message of the topic; `body` is {} where its JSON could not be read."""

    message_id: str
    subject: str
    raw: str
    body: dict[str, Any]
    attributes: dict[str, str]


@dataclass(frozen=True)
class Tap:
    """A queue that is subscribed to one topic."""

    sqs: SQSClient
    sns: SNSClient
    queue_url: str
    queue_arn: str
    subscription_arn: str

    def poll(self, wait_seconds: int) -> Sequence[Tapped]:
        """Take what has arrived, waiting up to `wait_seconds` (0 to 20) for a first message."""
        answer = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=min(wait_seconds, _LONGEST_POLL),
        )
        messages = answer.get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return [_tapped(message) for message in messages]

    def close(self) -> None:
        """Take the tap off again. Raises ClientError for anything but that it is gone already."""
        with suppress(self.sns.exceptions.NotFoundException):
            self.sns.unsubscribe(SubscriptionArn=self.subscription_arn)
        with suppress(self.sqs.exceptions.QueueDoesNotExist):
            self.sqs.delete_queue(QueueUrl=self.queue_url)


def open_tap(session: boto3.Session, topic_arn: str, name: str) -> Tap:
    """Subscribe a new queue of this name to a topic; it is gone again if that fails."""
    sqs, sns = session.client("sqs", config=RETRIES), session.client("sns", config=RETRIES)
    queue_url = sqs.create_queue(QueueName=name)["QueueUrl"]
    try:
        names = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
        queue_arn = names["Attributes"]["QueueArn"]
        policy = json.dumps(_policy(queue_arn, topic_arn))
        sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": policy})
        subscribed = sns.subscribe(
            TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn, ReturnSubscriptionArn=True
        )
    except ClientError:
        sqs.delete_queue(QueueUrl=queue_url)
        raise
    return Tap(sqs, sns, queue_url, queue_arn, subscribed["SubscriptionArn"])


def _policy(queue_arn: str, topic_arn: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _tapped(message: MessageTypeDef) -> Tapped:
    envelope = json.loads(message["Body"])
    attributes = envelope.get("MessageAttributes", {}).items()
    raw = envelope["Message"]
    return Tapped(
        message_id=envelope["MessageId"],
        subject=envelope.get("Subject", ""),
        raw=raw,
        body=_json_object(raw),
        attributes={name: str(each.get("Value", "")) for name, each in attributes},
    )


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
