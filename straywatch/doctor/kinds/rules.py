"""EventBridge: what invokes the functions, with which input, and where failures go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.doctor import forms
from straywatch.doctor.intended import Intended
from straywatch.doctor.kinds.interface import Call, Kind, Look, Property
from straywatch.doctor.reading import looked
from straywatch.doctor.world import ApiResponse, Ask

_OF_RULE = ("ScheduleExpression", "EventPattern", "Description", "RoleArn")
_ENABLED = ("ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")


def _put_rule(rule: Intended, names: frozenset[str], seen: Mapping[str, Any]) -> Iterator[Call]:
    name, bus = _name(rule)
    said = rule.properties
    if names - {"Targets"}:
        # PutRule takes away whatever it is not told
        told = {key: said[key] for key in _OF_RULE if key in said}
        state = {"State": said.get("State", "ENABLED")}
        yield Call("events", "put_rule", {"Name": name, **bus, **told, **state})
    if "Targets" in names:
        yield from _put_targets(name, bus, said.get("Targets", []), seen.get("targets", {}))


def _put_targets(
    name: str, bus: Mapping[str, str], wanted: list[Any], seen: Mapping[str, Any]
) -> Iterator[Call]:
    kept = {each["Id"] for each in wanted}
    further = [each["Id"] for each in seen.get("Targets", []) if each["Id"] not in kept]
    if further:
        which = {"Rule": name, "Ids": further}
        yield Call(
            "events",
            "remove_targets",
            which | ({"EventBusName": bus["EventBusName"]} if bus else {}),
        )
    yield Call("events", "put_targets", {"Rule": name, **bus, "Targets": wanted})


def _name(rule: Intended) -> tuple[str, Mapping[str, str]]:
    """A rule's name, and its bus unless it is the default one."""
    bus = rule.properties.get("EventBusName")
    return rule.physical_id.rpartition("|")[2], {"EventBusName": bus} if bus else {}


def _read_rule(ask: Ask, rule: Intended) -> ApiResponse:
    """The rule and its targets, on its own bus: on another there is none of its name."""
    name, bus = _name(rule)
    looks = {
        "rule": Look("events", "describe_rule", {"Name": name, **bus}),
        "targets": Look("events", "list_targets_by_rule", {"Rule": name, **bus}),
    }
    return looked(ask, looks, rule)


RULE = Kind(
    word="rule",
    area="hear",
    properties={
        "EventPattern": Property("rule.EventPattern", "", form=forms.read),
        "ScheduleExpression": Property("rule.ScheduleExpression", ""),
        "State": Property("rule.State", _ENABLED),
        "Targets": Property("targets.Targets", [], may_grow=True),
    },
    put=_put_rule,
    read=_read_rule,
)
