"""The sweep queue: one message for each account, ten to a call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from chalicelib.domain.sweep_requests import SweepRequest, encode_sweep

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
_MOST_AT_ONCE = 10


class UnsentError(Exception):
    """SQS did not take some messages of a batch."""


@dataclass(frozen=True, slots=True)
class SweepQueue:
    """Asks for sweeps."""

    client: SQSClient
    queue_url: str

    def send(self, requests: Iterable[SweepRequest]) -> int:
        """Queue them all; return how many. Raises UnsentError, and what SQS raises.

        Asked for twice is swept once: whoever calls may try again.
        """
        sent, waiting = 0, iter(requests)
        while batch := list(islice(waiting, _MOST_AT_ONCE)):
            answer = self.client.send_message_batch(
                QueueUrl=self.queue_url,
                Entries=[
                    {"Id": str(place), "MessageBody": encode_sweep(request)}
                    for place, request in enumerate(batch)
                ],
            )
            if failed := answer.get("Failed"):
                raise UnsentError(f"{len(failed)} of {len(batch)}: {failed[0].get('Message', '')}")
            sent += len(batch)
        return sent
