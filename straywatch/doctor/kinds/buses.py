"""EventBridge: the hub's bus, who may put events on it, and under which key it keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.doctor import forms
from straywatch.doctor.intended import POLICY, Intended
from straywatch.doctor.kinds.interface import Call, Kind, Look, Property
from straywatch.doctor.world import Ask

_KEY = "KmsKeyIdentifier"


def _put_bus(bus: Intended, names: frozenset[str], _seen: Mapping[str, Any]) -> Iterator[Call]:
    if POLICY in names:  # a whole document takes the place of the one that is there
        document = json.dumps(bus.properties[POLICY])
        told = {"EventBusName": bus.physical_id, POLICY: document}
        yield Call("events", "put_permission", told)
    if _KEY in names:  # none is told: the bus is back under AWS's own
        yield Call("events", "update_event_bus", {"Name": bus.physical_id})


def _create_bus(_ask: Ask, bus: Intended) -> Iterator[Call]:
    yield Call("events", "create_event_bus", {"Name": bus.physical_id})


BUS = Kind(
    word="event bus",
    area="hear",
    looks={"bus": Look("events", "describe_event_bus", {"Name": "{id}"})},
    properties={
        _KEY: Property(f"bus.{_KEY}", "", form=forms.key),
        POLICY: Property("bus.Policy", {}, form=forms.policy, may_grow=True),
    },
    put=_put_bus,
    creates=_create_bus,
)
