"""The check queue: requests wait there, for as long as the grace takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.domain.check_requests import (
    CheckRequest,
    DigestRequest,
    delay_seconds,
    encode_check,
)
from chalicelib.text import ascii_only

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LONGEST_REASON = 1024


@dataclass(frozen=True, slots=True)
class CheckQueue:
    """Sends to SQS, and sets aside what cannot be processed together with the reason."""

    client: Callable[[], SQSClient]
    queue_url: str
    dead_letter_queue_url: str
    is_shared: bool = False
    """Whether many accounts wait in it: each is a group then, and SQS lets no noisy one hold up the
    others. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html"""

    def send(self, request: CheckRequest | DigestRequest, due: datetime, now: datetime) -> datetime:
        """Queue the request until `due`, or for the 15 minutes SQS can hold it back.

        Returns when SQS is to hand it over.
        """
        delay = delay_seconds(due, now)
        handed_over_at = now + timedelta(seconds=delay)
        if isinstance(request, CheckRequest):
            request = replace(request, due=handed_over_at)
        group: Any = {"MessageGroupId": request.account.key} if self.is_shared else {}
        self.client().send_message(
            QueueUrl=self.queue_url, MessageBody=encode_check(request), DelaySeconds=delay, **group
        )
        return handed_over_at

    def set_aside(self, body: str, reason: str) -> None:
        """Move a message that no repeat can help to the dead-letter queue, saying why."""
        self.client().send_message(
            QueueUrl=self.dead_letter_queue_url,
            MessageBody=body,
            MessageAttributes={
                "reason": {
                    "DataType": "String",
                    "StringValue": ascii_only(reason)[:_LONGEST_REASON] or "unknown",
                }
            },
        )

    def wake_dead_letters(self) -> None:
        """Ask the dead-letter queue for something, so that SQS goes on to tell CloudWatch of it.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html
        """
        self.client().get_queue_attributes(
            QueueUrl=self.dead_letter_queue_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
