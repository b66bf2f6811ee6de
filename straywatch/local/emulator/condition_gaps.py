"""What the emulator's CloudFormation leaves out of a template's conditions: `Fn::Join`.

It would compare the expression itself, so that a condition on an empty list of subnets held.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers, stacks

_JOIN = "Fn::Join"

Parameters = Mapping[str, Mapping[str, Any]]


def install() -> None:
    """Join what conditions join before they are evaluated, wherever the emulator evaluates them."""
    evaluate = engine._evaluate_conditions

    def evaluate_joined(template: Mapping[str, Any], params: Parameters) -> Mapping[str, bool]:
        conditions = _joined(template.get("Conditions", {}), params)
        told: Mapping[str, bool] = evaluate({**template, "Conditions": conditions}, params)
        return told

    for place in (engine, changesets, handlers, stacks):
        place._evaluate_conditions = evaluate_joined


def _joined(value: Any, params: Parameters) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_joined(each, params) for each in value]
    if not isinstance(value, Mapping):
        return value
    if _JOIN in value:
        delimiter, items = value[_JOIN]
        return delimiter.join(_items(items, params))
    return {name: _joined(each, params) for name, each in value.items()}


def _items(items: Any, params: Parameters) -> list[str]:  # noqa: ANN401 - any JSON
    """A list parameter is kept as one string; so is each other parameter that is joined."""
    if isinstance(items, list):
        return [text for each in items for text in _items(each, params)]
    if isinstance(items, Mapping):
        return [each.strip() for each in str(params[items["Ref"]]["Value"]).split(",")]
    return [str(items)]
