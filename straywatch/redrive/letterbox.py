"""The dead-letter queue: letters are looked at without being lost, and go only once it is safe."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.times import utc_now
from straywatch.aws.clocks import server_time
from straywatch.redrive.letters import DeadLetter, read_letter

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

HELD_SECONDS = 300
"""How long a letter in hand is hidden from others; one whose reader was killed comes back then."""

_BATCH = 10  # the most that SQS hands out, or takes back, at once
_WAIT_SECONDS = 1
"""Only a call that may wait asks all of SQS's servers, so that no letter means none is there."""

_LATE_BATCHES = 3
"""So many answers with late letters alone mean that the earlier ones are through."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """One dead-letter queue."""

    client: SQSClient
    url: str

    def letters(self, until: datetime, most: int) -> Generator[DeadLetter]:
        """Yield each letter that was there at `until`, `most` at most, each hidden for a while.

        Letters that arrive meanwhile stay for the next time, so this ends while others keep coming.
        Raises ClientError.
        """
        seen: set[str] = set()
        later: list[DeadLetter] = []
        idle = 0
        try:
            while len(seen) < most and idle < _LATE_BATCHES:
                batch = self._receive(min(_BATCH, most - len(seen)))
                if not batch:
                    return
                fresh = [read_letter(m) for m in batch if m["MessageId"] not in seen]
                due = [letter for letter in fresh if letter.sent_at <= until]
                later += [letter for letter in fresh if letter.sent_at > until]
                idle = 0 if due else idle + 1
                seen.update(letter.message_id for letter in due)
                yield from due
        finally:
            self.put_back(later)

    def put_back(self, letters: list[DeadLetter]) -> None:
        """Show letters to others again. One that is not held any more is there already."""
        for start in range(0, len(letters), _BATCH):
            self.client.change_message_visibility_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(n), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                    for n, letter in enumerate(letters[start : start + _BATCH])
                ],
            )

    def remove(self, letter: DeadLetter) -> None:
        """Delete a letter for good. Raises ClientError."""
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=letter.receipt)

    def now(self) -> datetime:
        """The end of this second by SQS's clock, which stamps letters. Raises ClientError."""
        answer = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        return server_time(answer, utc_now) + timedelta(seconds=1)

    def _receive(self, number: int) -> list[MessageTypeDef]:
        answer = self.client.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=number,
            VisibilityTimeout=HELD_SECONDS,
            WaitTimeSeconds=_WAIT_SECONDS,
            MessageAttributeNames=["All"],
            AttributeNames=["All"],
        )
        return answer.get("Messages", [])
