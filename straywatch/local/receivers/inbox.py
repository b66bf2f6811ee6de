"""An inbox on the alert topic: what machines get (JSON) beside what a reader gets (mail, SMS)."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from straywatch.alert_path.delivered import Delivered
from straywatch.local.emulator.client import ControlClient

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

    from straywatch.local.emulator.session import LocalSession

READER = "you@example.com"
TELEPHONE = "+12025550100"  # of the numbers that are kept for stories
_FOR_PEOPLE = {"audience": ["all", "people"]}  # as the template filters their subscriptions
_LONGEST_POLL = 20  # seconds, SQS's limit for WaitTimeSeconds
_POLL_SECONDS = 1


@dataclass
class Inbox:
    """Receives every message of one topic through a queue of its own."""

    sqs: SQSClient
    queue_url: str
    control: ControlClient
    clock: Callable[[], float] = time.time
    alerts: list[Delivered] = field(default_factory=list)

    def poll(self, wait_seconds: int = _POLL_SECONDS) -> Sequence[Delivered]:
        """Return what has arrived, waiting up to `wait_seconds` (0 to 20) for a first message."""
        answer = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=min(wait_seconds, _LONGEST_POLL),
        )
        messages = answer.get("Messages", [])
        texts = _texts([*self.control.mail(), *self.control.texts()]) if messages else {}
        arrived = [_alert(message, texts, self.clock()) for message in messages]
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        self.alerts += arrived
        return arrived

    def wait(self, wanted: Callable[[Delivered], bool], seconds: float) -> Sequence[Delivered]:
        """Poll until a wanted alert is in the inbox; return all wanted ones, or none in time."""
        deadline = self.clock() + seconds
        while not (found := [alert for alert in self.alerts if wanted(alert)]):
            if self.clock() >= deadline:
                return []
            self.poll()
        return found


def open_inbox(session: LocalSession, topic_arn: str) -> Inbox:
    """Subscribe a new queue, a reader's address and telephone to a topic."""
    sqs, sns = session.client("sqs"), session.client("sns")
    queue_url = sqs.create_queue(QueueName=f"inbox-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    names = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    queue_arn = names["Attributes"]["QueueArn"]
    policy = json.dumps(_policy(queue_arn, topic_arn))
    sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn)
    for protocol, endpoint in (("email", READER), ("sms", TELEPHONE)):
        sns.subscribe(
            TopicArn=topic_arn,
            Protocol=protocol,
            Endpoint=endpoint,
            Attributes={"FilterPolicy": json.dumps(_FOR_PEOPLE)},
        )
    return Inbox(sqs, queue_url, ControlClient(session.endpoint))


def _policy(queue_arn: str, topic_arn: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _texts(mails: Sequence[dict[str, str]]) -> dict[tuple[str, str], str]:
    """What each reader got of each message, by message id and address."""
    return {(mail["message_id"], mail["to"]): mail["text"] for mail in mails}


def _alert(message: MessageTypeDef, texts: dict[tuple[str, str], str], now: float) -> Delivered:
    envelope = json.loads(message["Body"])
    message_id = envelope["MessageId"]
    raw = envelope["Message"]
    body = _json_object(raw)
    attributes = {
        name: str(attribute.get("Value", ""))
        for name, attribute in envelope.get("MessageAttributes", {}).items()
    }
    return Delivered(
        type=str(body.get("type", "")),
        subject=envelope.get("Subject", ""),
        mail=texts.get((message_id, READER), ""),
        sms=texts.get((message_id, TELEPHONE), ""),
        body=body,
        attributes=attributes,
        raw=raw,
        received_at=now,
    )


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
