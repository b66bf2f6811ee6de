"""Look: whether the functions run, with valid settings, and may do what they must."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.settings import InvalidSettingsError, settings_from
from straywatch.doctor.drift import drifting
from straywatch.doctor.exempted import exempted
from straywatch.doctor.lines import Line, failed, passed, unread, warned
from straywatch.doctor.permissions import simulated
from straywatch.doctor.world import Gone, Unread, World


def looking(world: World) -> Iterator[Line]:
    """Judge the functions, what feeds them and what they may do."""
    yield from drifting(world, "look")
    for function in world.of_type("AWS::Lambda::Function"):
        yield from _function(world, function.logical_id, function.physical_id)
    yield exempted(world)


def _function(world: World, function: str, name: str) -> Iterator[Line]:
    check = f"function {function}"
    answer = world.ask("lambda", "get_function_configuration", FunctionName=name)
    if isinstance(answer, Unread):
        yield unread(f"{check}: state", answer.why)
        return
    if isinstance(answer, Gone):
        return  # it is named among what differs from the template
    yield _state(world, f"{check}: state", function, answer)
    yield _settings(f"{check}: settings", answer)
    yield simulated(world, function, str(answer.get("Role", "")))


def _state(world: World, check: str, function: str, answer: Mapping[str, Any]) -> Line:
    state, update = answer.get("State", "Active"), answer.get("LastUpdateStatus", "Successful")
    if state in ("Active", "Inactive") and update == "Successful":
        return passed(check, f"{state.lower()}, {answer.get('Runtime')}")
    reason = answer.get("StateReason") or answer.get("LastUpdateStatusReason") or "no reason told"
    seen = f"is {state}, last update {update}: {reason}"
    if "Pending" in state or update == "InProgress":
        return warned(check, seen, advice="wait a minute, then run the doctor again")
    advice = f"fix what the reason names, then have Lambda try again: {world.repair(function)}"
    return failed(check, seen, advice=advice)


def _settings(check: str, answer: Mapping[str, Any]) -> Line:
    try:
        settings = settings_from(answer.get("Environment", {}).get("Variables", {}))
    except InvalidSettingsError as error:
        advice = "where the stack's parameter says it, deploy with another --parameter"
        return failed(check, str(error), advice=advice)
    return passed(check, f"valid; grace period {settings.grace_period_seconds} s")
