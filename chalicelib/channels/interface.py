"""What a channel is, and what all of them share: messages in, what became of each out.

A function that is subscribed to the alert topic calls `from_topic`; one that a queue feeds, in
between, calls `from_queue`. Both read the messages, hand them to the channel and answer Lambda.

SNS delivers at least once and in no promised order, and a failed function is run again minutes
later. So what a channel sends should follow how the finding stands now (`Findings`), not what the
message said when it was published.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from chalicelib.channels.received import (
    Alarm,
    MalformedMessageError,
    Received,
    message_of,
    received,
)
from chalicelib.domain.findings import Finding, NoFinding
from chalicelib.log import log


class Relayed(StrEnum):
    """What became of a message."""

    SENT = "sent"
    OVER = "over"
    """Nothing was opened: what the message was about is over already."""
    IGNORED = "ignored"
    """It is not for this channel."""
    REFUSED = "refused"
    """The receiver did not take it, though it may have taken others; it has to come again."""


class Channel(Protocol):
    """One way to whoever is to learn of findings."""

    def relay(self, messages: Iterable[Received | Alarm]) -> Sequence[Relayed]:
        """Bring each message to its receiver; say what became of each, in their order.

        Raises whatever kept it from doing so: then all come again, so repeats must do no harm.
        """


class Findings(Protocol):
    """Findings by the id that messages carry."""

    def by_id(self, finding_id: str) -> Finding | NoFinding:
        """The finding as it stands, read consistently."""


class NotTakenError(Exception):
    """A receiver refused a message; Lambda repeats it, and at last dead-letters it."""


def from_topic(channel: Channel, event: Mapping[str, Any]) -> list[Relayed]:
    """Relay what SNS has handed over; return what became of each message.

    Raises MalformedMessageError, NotTakenError, and what the channel raises.
    """
    became = list(channel.relay(received(event)))
    if Relayed.REFUSED in became:
        raise NotTakenError(f"refused: {became.count(Relayed.REFUSED)} of {len(became)}")
    return became


def from_queue(channel: Channel, event: Mapping[str, Any]) -> dict[str, Any]:
    """Relay a batch of a queue; name the messages that are to come again, and no others.

    Raises what the channel raises: then all come again.
    """
    again: list[str] = []
    read: dict[str, Received | Alarm] = {}
    for record in event["Records"]:
        try:
            read[record["messageId"]] = message_of(record["body"])
        except MalformedMessageError as error:
            log("message_unreadable", error=str(error))
            again.append(record["messageId"])
    became = zip(read, channel.relay(read.values()), strict=True)
    again += [message_id for message_id, relayed in became if relayed is Relayed.REFUSED]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in again]}
