"""A message as an event of EventBridge, which docs/event.schema.json describes.

The detail is the message's JSON body with one field more: what the finding is now. Rules can go by
every field of it; https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.channels.received import Received
from chalicelib.domain.findings import Finding, NoFinding

SOURCE = "straywatch"
_TEST = "Straywatch Test"
_DETAIL_TYPES = {
    "opened": "Straywatch Finding Opened",
    "reminder": "Straywatch Finding Reminder",
    "escalated": "Straywatch Finding Escalated",
    "resolved": "Straywatch Finding Resolved",
    "digest": "Straywatch Digest",
    "flapping": "Straywatch Notice",
    "health": "Straywatch Notice",
    "test": _TEST,
}


@dataclass(frozen=True, slots=True)
class BusEvent:
    """What is put on the bus."""

    detail_type: str
    resources: tuple[str, ...]
    detail: Mapping[str, Any]
    source: str = SOURCE


def event_of(message: Received, now: Finding | NoFinding) -> BusEvent:
    """The event that stands for a message; `now` is the finding as it stands.

    A test has a detail type of its own, whatever it looks like: a rule for real ones never sees it.
    Raises KeyError for a type of message that is not known here.
    """
    finding = message.body["finding"]
    told = finding["status"] if finding else None
    return BusEvent(
        detail_type=_TEST if message.is_test else _DETAIL_TYPES[message.type],
        resources=(finding["user_arn"],) if finding else (),
        detail={**message.body, "status_now": now.status if isinstance(now, Finding) else told},
    )
