"""Puts events on a bus of EventBridge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.channels.event_bus.event import BusEvent
from chalicelib.channels.interface import NotTakenError

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


@dataclass(frozen=True, slots=True)
class PutEvents:
    """PutEvents, one event a call: the alert topic hands over one message at a time."""

    client: EventBridgeClient
    bus_arn: str

    def put(self, event: BusEvent) -> None:
        """Put an event on the bus.

        Raises what boto3 raises, and NotTakenError: EventBridge answers 200 for what it refuses.
        """
        answer = self.client.put_events(
            Entries=[
                {
                    "EventBusName": self.bus_arn,
                    "Source": event.source,
                    "DetailType": event.detail_type,
                    "Resources": list(event.resources),
                    "Detail": json.dumps(event.detail),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            why = "; ".join(
                f"{e.get('ErrorCode')}: {e.get('ErrorMessage')}" for e in answer["Entries"]
            )
            raise NotTakenError(f"the event bus refused: {why}"[:300])
