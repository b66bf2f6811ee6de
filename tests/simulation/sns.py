"""SNS's publish, as strict about a message as SNS is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulation.clients import Call, refusal
from tests.simulation.kernel import SimulationError

_LARGEST = 262_144
_LONGEST_SUBJECT = 99


@dataclass(frozen=True, slots=True)
class Notification:
    """A message as a subscriber gets it."""

    subject: str
    text: str
    attributes: Mapping[str, str]


Deliver = Callable[[Notification, Call], None]


class SimulatedSns:
    """Hands each message it accepts on to `deliver`, or a topic's own, as JSON subscribers get it.

    The alert topic alone tells mail from the rest.
    """

    def __init__(self, deliver: Deliver, others: Mapping[str, Deliver] | None = None) -> None:
        self._deliver = deliver
        self._others = others or {}

    def answer(self, operation: str, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """Publish, or refuse."""
        if operation != "publish":
            raise SimulationError(f"SNS's {operation} is not simulated")
        subject, message = request.get("Subject", "-"), request["Message"]
        sound = subject.isascii() and subject.isprintable() and len(subject) <= _LONGEST_SUBJECT
        if not sound or len(message.encode()) > _LARGEST:
            raise refusal("InvalidParameter", operation)
        if request["TopicArn"] in self._others:
            self._others[request["TopicArn"]](Notification(subject, message, {}), call)
            return {"MessageId": "1"}
        told = {n: a["StringValue"] for n, a in request["MessageAttributes"].items()}
        self._deliver(Notification(subject, json.loads(message)["default"], told), call)
        return {"MessageId": "1"}
