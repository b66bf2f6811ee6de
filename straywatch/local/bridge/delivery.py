"""The way of events to the bus, and the ways in which it may go wrong on request.

AWS delivers IAM events late, twice, out of order or not at all; tests ask for each of these.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, get_args

Event = Mapping[str, Any]
Mode = Literal["deliver", "hold", "lose"]
MODES: tuple[str, ...] = get_args(Mode)

HELD_AT_MOST = 10_000
"""Held events and journal entries beyond this push out the oldest: a local server is no archive."""


@dataclass(frozen=True)
class DeliveryPlan:
    """What becomes of the events to come.

    Each is delivered `copies` times after `delay_seconds`, or held until released, or lost.
    """

    mode: Mode = "deliver"
    delay_seconds: float = 0.0
    copies: int = 1


@dataclass
class Deliveries:
    """Hands events on as the present plan says. `later` runs a callable after some seconds."""

    put: Callable[[Event], None]
    later: Callable[[float, Callable[[], None]], object]
    new_id: Callable[[], str]
    plan: DeliveryPlan = DeliveryPlan()
    held: deque[Event] = field(default_factory=lambda: deque(maxlen=HELD_AT_MOST))

    def offer(self, event: Event) -> None:
        """Take one event on its way; `plan` says what becomes of it."""
        if self.plan.mode == "hold":
            self.held.append(event)
        elif self.plan.mode == "deliver":
            self._send(event, self.plan)

    def release(self, *, reverse: bool = False, copies: int = 1) -> int:
        """Deliver all that is held, oldest first or last, and return how many events there were."""
        events = list(self.held)
        self.held.clear()
        for event in reversed(events) if reverse else events:
            self._send(event, DeliveryPlan(copies=copies))
        return len(events)

    def reset(self) -> None:
        """Deliver again as AWS usually does, and lose what was held."""
        self.plan = DeliveryPlan()
        self.held.clear()

    def _send(self, event: Event, plan: DeliveryPlan) -> None:
        for _ in range(plan.copies):
            # Several trails record one call under one eventID, each in an envelope of its own.
            copy = {**event, "id": self.new_id()}
            if plan.delay_seconds:
                self.later(plan.delay_seconds, partial(self.put, copy))
            else:
                self.put(copy)
