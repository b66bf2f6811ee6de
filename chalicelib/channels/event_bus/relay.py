"""Puts an event on a bus for each message, so that others can act on it without code of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from chalicelib.channels.event_bus.event import BusEvent, event_of
from chalicelib.channels.interface import Findings, Relayed
from chalicelib.channels.received import Alarm, Received
from chalicelib.domain.findings import NoFinding


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBusSettings:
    """Where events go."""

    finding_event_bus_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBus:
    """A bus of EventBridge. `put` takes an event, or raises what EventBridge refuses."""

    findings: Findings
    put: Callable[[BusEvent], None]

    def relay(self, messages: Iterable[Received | Alarm]) -> Sequence[Relayed]:
        """Put an event for each message.

        Each change is told, also one that is over by now: who only wants what still stands goes
        by `status_now`, since a message may come minutes after the one that closes its finding.
        """
        return [self._put(message) for message in messages]

    def _put(self, message: Received | Alarm) -> Relayed:
        if isinstance(message, Alarm):
            return Relayed.IGNORED  # CloudWatch puts events of its alarms on the default bus itself
        found = message.body["finding"]
        now = self.findings.by_id(found["id"]) if found else NoFinding()
        self.put(event_of(message, NoFinding() if message.is_test else now))
        return Relayed.SENT
