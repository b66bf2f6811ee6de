"""A bus of EventBridge with a rule that keeps all of Straywatch's events in a queue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from straywatch.local.emulator.session import LocalSession

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_NAME = "findings"


@dataclass(frozen=True)
class Bus:
    """A bus, and what it has heard."""

    arn: str
    queue_url: str
    sqs: SQSClient
    _heard: list[dict[str, Any]] = field(default_factory=list)

    def events(self) -> Sequence[dict[str, Any]]:
        """Every event so far, in the order of their coming."""
        while messages := self.sqs.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10
        ).get("Messages"):
            for message in messages:
                self._heard.append(json.loads(message["Body"]))
                self.sqs.delete_message(
                    QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return list(self._heard)


def open_bus(session: LocalSession) -> Bus:
    """Make the bus, the rule and the queue."""
    events, sqs = session.client("events"), session.client("sqs")
    bus_arn = events.create_event_bus(Name=_NAME)["EventBusArn"]
    queue_url = sqs.create_queue(QueueName=_NAME)["QueueUrl"]
    read = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    pattern = json.dumps({"source": ["straywatch"]})
    events.put_rule(Name=_NAME, EventBusName=_NAME, EventPattern=pattern)
    target = {"Id": "queue", "Arn": read["Attributes"]["QueueArn"]}
    events.put_targets(Rule=_NAME, EventBusName=_NAME, Targets=[target])
    return Bus(bus_arn, queue_url, sqs)
