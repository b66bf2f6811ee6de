"""Runs a dead letter again: a check goes back to its queue, an event to its function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from straywatch.redrive.letters import DeadLetter, LetterKind

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

_GONE = frozenset({"ResourceNotFoundException", "InvalidRequestContentException", "NotFound"})
_TOO_LARGE = frozenset({"RequestTooLargeException", "InvalidMessageContents"})


@dataclass(frozen=True, slots=True)
class Redriven:
    """The letter's work is under way again."""


@dataclass(frozen=True, slots=True)
class Left:
    """The letter stays where it is, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Inspected:
    """The letter was looked at; nothing else was asked for."""


Result = Redriven | Left | Inspected


@dataclass(frozen=True, slots=True)
class Redrive:
    """Sends letters where they were going.

    `functions` are the stack's own, by name; `queues` the addresses of its queues, by name.
    """

    sqs: SQSClient
    sns: SNSClient
    functions_client: LambdaClient
    check_queue_url: str
    functions: frozenset[str]
    import_queue_url: str = ""
    sweep_queue_url: str = ""
    queues: Mapping[str, str] = field(default_factory=dict)

    def again(self, letter: DeadLetter) -> Result:
        """Start the letter's work once more, which the monitor takes repeats of.

        Raises ClientError where AWS refuses for a reason that is not the letter's own.
        """
        try:
            match letter.kind:
                case LetterKind.CHECK | LetterKind.IMPORT | LetterKind.SWEEP:
                    return self._send(letter)
                case LetterKind.INVOCATION | LetterKind.DELIVERY:
                    return self._invoke(letter, letter.function)
                case LetterKind.NOTIFICATION:
                    asked = self.sns.get_subscription_attributes(SubscriptionArn=letter.function)
                    return self._invoke(letter, asked["Attributes"].get("Endpoint", ""))
                case LetterKind.UNREADABLE:
                    return Left("it cannot be read; --discard removes it")
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _GONE | _TOO_LARGE:
                return Left(f"refused: {code}")
            raise

    def _send(self, letter: DeadLetter) -> Result:
        """Back to the queue that it died in; where SQS does not tell that, to that of its kind."""
        own = {
            LetterKind.CHECK: self.check_queue_url,
            LetterKind.IMPORT: self.import_queue_url,
            LetterKind.SWEEP: self.sweep_queue_url,
        }
        url = self.queues.get(letter.queue) or own[letter.kind]
        if not url and letter.kind is LetterKind.SWEEP:
            return Left("no organization is watched any more: deploy with OrganizationId=")
        if not url:
            return Left("Security Hub is switched off: deploy with SecurityHubEnabled=yes")
        self.sqs.send_message(QueueUrl=url, MessageBody=letter.payload)
        return Redriven()

    def _invoke(self, letter: DeadLetter, function: str) -> Result:
        name = function_name(function)
        if name not in self.functions:
            return Left(f"it is for {name or 'no function'}, which is none of this deployment's")
        self.functions_client.invoke(
            FunctionName=name, InvocationType="Event", Payload=letter.payload.encode()
        )
        return Redriven()


def function_name(arn: str) -> str:
    """The function's name from an ARN with or without a version, or from a name."""
    parts = arn.split(":")
    return parts[6] if len(parts) > 6 else parts[0]  # noqa: PLR2004 - arn:aws:lambda:R:A:function:N
