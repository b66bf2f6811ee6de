"""Whether a subscription's filter policy lets a message through, as Amazon SNS decides it.

https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html. An operator that
is not known here is said to be so, and never guessed at.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

_RESERVED = frozenset(
    {
        "anything-but",
        "cidr",
        "equals-ignore-case",
        "exists",
        "numeric",
        "prefix",
        "suffix",
        "wildcard",
    }
)


class UnknownRuleError(Exception):
    """A rule that this version does not know: whether it lets a message through is not known."""


def stopped_by(policy: Mapping[str, Any], attributes: Mapping[str, str]) -> list[str]:
    """Name the attributes whose rules stop a message; none means that it passes.

    Raises UnknownRuleError.
    """
    stopping = []
    for name, rules in policy.items():
        if name == "$or" and _is_or(rules):
            if not any(stopped_by(each, attributes) == [] for each in rules):
                stopping.append(" or ".join(sorted({key for each in rules for key in each})))
        elif not _passes(rules, name, attributes):
            stopping.append(name)
    return stopping


def _is_or(rules: object) -> bool:
    """SNS takes `$or` for an operator only if it holds two objects or more of attribute names."""
    return (
        isinstance(rules, list)
        and len(rules) > 1
        and all(isinstance(each, dict) and not _RESERVED & each.keys() for each in rules)
    )


def _passes(rules: object, name: str, attributes: Mapping[str, str]) -> bool:
    if not isinstance(rules, list):
        raise UnknownRuleError(f"the rule on {name} is no list")
    fitting = [_fits(rule, name, attributes) for rule in rules]  # all: one unknown spoils the rest
    return any(fitting)


def _fits(rule: object, name: str, attributes: Mapping[str, str]) -> bool:
    value = attributes.get(name)
    if isinstance(rule, dict) and rule.keys() == {"exists"}:
        # "exists": false only matches if at least one attribute is present
        return (value is not None) if rule["exists"] else (value is None and bool(attributes))
    if isinstance(rule, str):
        return value == rule
    if isinstance(rule, bool | int | float) or rule is None:
        return False  # numbers and the like match other types of attributes than ours
    if not isinstance(rule, dict) or len(rule) != 1:
        raise UnknownRuleError(f"a rule on {name} is not known: {rule!r}"[:200])
    ((operator, operand),) = rule.items()
    return value is not None and _operator(operator, operand, value)


def _operator(operator: str, operand: Any, value: str) -> bool:  # noqa: ANN401 - JSON
    match operator:
        case "anything-but":
            return not _is_named(operand, value)
        case "prefix":
            return value.startswith(operand)
        case "suffix":
            return value.endswith(operand)
        case "equals-ignore-case":
            return value.casefold() == str(operand).casefold()
        case "wildcard":
            pattern = ".*".join(map(re.escape, str(operand).split("*")))
            return re.fullmatch(pattern, value, re.DOTALL) is not None
        case "numeric":
            return False  # it matches attributes of type Number, and ours are all of type String
        case "cidr":
            return _is_in_network(operand, value)
        case _:
            raise UnknownRuleError(f"the operator {operator} is not known")


def _is_named(operand: Any, value: str) -> bool:  # noqa: ANN401 - JSON
    if isinstance(operand, dict):
        ((operator, inner),) = operand.items()
        return _operator(operator, inner, value)
    return value in (operand if isinstance(operand, list) else [operand])


def _is_in_network(network: str, value: str) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
