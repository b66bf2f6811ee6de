"""SNS's publish, as strict about a message as SNS is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.clients import Call, refusal
from tests.simulation.kernel import SimulationError

_LARGEST = 262_144
_LONGEST_SUBJECT = 99


class SimulatedSns:
    """Hands each message it accepts on to `deliver`, as its JSON subscribers get it."""

    def __init__(self, deliver: Callable[[Mapping[str, Any], Call], None]) -> None:
        self._deliver = deliver

    def answer(self, operation: str, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """Publish, or refuse."""
        if operation != "publish":
            raise SimulationError(f"SNS's {operation} is not simulated")
        subject, message = request["Subject"], request["Message"]
        sound = subject.isascii() and subject.isprintable() and len(subject) <= _LONGEST_SUBJECT
        if not sound or len(message.encode()) > _LARGEST:
            raise refusal("InvalidParameter", operation)
        forms = json.loads(message)
        self._deliver(json.loads(forms["default"]), call)
        return {"MessageId": "1"}
