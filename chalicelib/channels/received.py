"""What a function subscribed to the alert topic receives: a message of ours, or an alarm."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.account import Account, account_of_arn
from chalicelib.domain.severity import Severity
from chalicelib.messages.body import SCHEMA
from chalicelib.times import parse_time


class MalformedMessageError(Exception):
    """A message that is neither ours nor an alarm's; trying again cannot help."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message of ours: the JSON body that docs/alert.schema.json describes."""

    body: Mapping[str, Any]
    subject: str

    @property
    def type(self) -> str:
        """The message's type."""
        return str(self.body["type"])

    @property
    def about(self) -> Mapping[str, Any]:
        """The finding, the digest or the notice that the message is about."""
        return self.body["finding"] or self.body.get("digest") or self.body["notice"]  # type: ignore[no-any-return]  # JSON

    @property
    def account(self) -> Account:
        """The account that the message is about."""
        return Account(self.about["partition"], self.about["account_id"])

    @property
    def severity(self) -> Severity:
        """How bad it is; of a digest, how bad what nothing else tells of."""
        return Severity[self.about.get("severity_here", self.about["severity"])]

    @property
    def is_test(self) -> bool:
        """Whether nothing is the matter."""
        return bool(self.body["test"])


UNTOLD = datetime.max.replace(tzinfo=UTC)
"""When an alarm changed whose message does not say so."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch alarm's change of state, and when it was; or tampering, which stays `ALARM`."""

    arn: str
    name: str
    state: str
    description: str
    reason: str
    changed_at: datetime = UNTOLD

    @property
    def account(self) -> Account:
        """The account that the alarm is in."""
        return account_of_arn(self.arn)


def received(event: Mapping[str, Any]) -> Iterator[Received | Alarm]:
    """Read the records of an SNS event. Raises MalformedMessageError."""
    try:
        notifications = [record["Sns"] for record in event["Records"]]
        texts = [(str(n["Message"]), str(n.get("Subject") or "")) for n in notifications]
    except (KeyError, TypeError, AttributeError) as error:
        raise MalformedMessageError(f"not an SNS event: {error!r}"[:300]) from error
    for text, subject in texts:
        yield message_of(text, subject)


DEPLOYED = "CHANGED"
"""The state of a deployment, which is no alarm's."""
_BY_DEPLOYING = ("stack UPDATE_IN_PROGRESS", "stack IMPORT_IN_PROGRESS")


def _tampering(body: Mapping[str, Any]) -> Alarm:
    """What the rules of .chalice/template/tampering.yaml tell. Raises KeyError for anything else.

    A deployment is told, too: its state is no alarm's, so that it wakes nobody.
    """
    what = str(body["straywatch"])
    made = f"{body.get('by') or 'somebody'} from {body.get('from') or 'an address not told'}"
    return Alarm(
        arn=f"arn:{body['partition']}:straywatch::{body['account']}:tampering/{body['stack']}/{body['event_id']}",
        name=f"{body['stack']}: {body['call']} of {body['service']}",
        state=DEPLOYED if what in _BY_DEPLOYING else "ALARM",
        description="somebody changes or deletes a part of Straywatch, or a trail",
        reason=f"{made} at {body['at']}: {body['confirm']}",
    )


def message_of(text: str, subject: str = "") -> Received | Alarm:
    """Read one message of the topic. Raises MalformedMessageError."""
    try:
        body = json.loads(text)
        if "AlarmArn" in body:
            return _alarm(body)
        if "straywatch" in body:
            return _tampering(body)
        if body["schema"] != SCHEMA:
            raise MalformedMessageError(f"a message of schema {body['schema']!r}"[:300])
        message = Received(body, subject)
        known = (message.type, message.account, message.severity, message.is_test)
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        raise MalformedMessageError(f"not a message of ours: {error!r}"[:300]) from error
    del known
    return message


def _alarm(body: Mapping[str, Any]) -> Alarm:
    """CloudWatch's own message, as it writes it to SNS."""
    changed_at = body.get("StateChangeTime")
    alarm = Alarm(
        arn=str(body["AlarmArn"]),
        name=str(body["AlarmName"]),
        state=str(body["NewStateValue"]),
        description=str(body.get("AlarmDescription") or ""),
        reason=str(body.get("NewStateReason") or ""),
        changed_at=parse_time(changed_at) if changed_at else UNTOLD,
    )
    _ = alarm.account  # an ARN that names none is no alarm's
    return alarm
