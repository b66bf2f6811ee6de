"""The way of events to the bus."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from straywatch.local.bridge.delivery import Deliveries, DeliveryPlan


class Bus:
    """Takes events, and runs what was put off when told to."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.put_off: list[tuple[float, Callable[[], None]]] = []

    def later(self, seconds: float, work: Callable[[], None]) -> None:
        """Put work off."""
        self.put_off.append((seconds, work))

    @property
    def payloads(self) -> list[str]:
        """What arrived, without its envelopes."""
        return [event["detail"] for event in self.events]


@pytest.fixture
def bus() -> Bus:
    """A bus that nothing has reached."""
    return Bus()


@pytest.fixture
def deliveries(bus: Bus) -> Deliveries:
    """Deliveries to that bus."""
    numbers = count()
    return Deliveries(put=bus.events.append, later=bus.later, new_id=lambda: f"id-{next(numbers)}")


def offer(deliveries: Deliveries, *details: str) -> None:
    """Send one event for each detail on its way."""
    for detail in details:
        deliveries.offer({"id": "", "detail": detail})


def test_events_are_delivered_at_once_and_once(bus: Bus, deliveries: Deliveries) -> None:
    """Nothing ordered: each event arrives once, in order."""
    offer(deliveries, "a", "b")

    assert bus.payloads == ["a", "b"]
    assert not deliveries.held


def test_copies_have_envelopes_of_their_own(bus: Bus, deliveries: Deliveries) -> None:
    """An event recorded by two trails arrives twice, as the same detail under two ids."""
    deliveries.plan = DeliveryPlan(copies=2)

    offer(deliveries, "a")

    assert bus.payloads == ["a", "a"]
    assert bus.events[0]["id"] != bus.events[1]["id"]


def test_delayed_events_come_later(bus: Bus, deliveries: Deliveries) -> None:
    """A delay puts delivery off by that many seconds."""
    deliveries.plan = DeliveryPlan(delay_seconds=1.5)

    offer(deliveries, "a")

    assert bus.payloads == []
    ((seconds, deliver),) = bus.put_off
    deliver()
    assert seconds == 1.5
    assert bus.payloads == ["a"]


def test_held_events_wait_for_their_release(bus: Bus, deliveries: Deliveries) -> None:
    """What is held arrives when released, oldest first or last, as often as asked."""
    deliveries.plan = DeliveryPlan(mode="hold")
    offer(deliveries, "a", "b")

    assert bus.payloads == []
    assert deliveries.release(reverse=True, copies=2) == 2
    assert bus.payloads == ["b", "b", "a", "a"]
    assert deliveries.release() == 0


def test_lost_events_never_arrive(bus: Bus, deliveries: Deliveries) -> None:
    """A lost event is neither delivered nor held, and a reset brings none back."""
    deliveries.plan = DeliveryPlan(mode="lose")

    offer(deliveries, "a")
    deliveries.reset()
    offer(deliveries, "b")

    assert bus.payloads == ["b"]
