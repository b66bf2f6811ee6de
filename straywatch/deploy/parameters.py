"""The template's parameters: which get a value of their own, and whether the template takes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from straywatch.deploy.stack import Absent, Stack
from straywatch.errors import WrongUsageError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

Declared = Mapping[str, Mapping[str, Any]]
"""The template's section `Parameters`."""


def choose_parameters(
    declared: Declared, given: Mapping[str, str], before: Stack | Absent
) -> list[ParameterTypeDef]:
    """Decide each parameter: given, as before, or (by leaving it out) the template's default.

    Raises WrongUsageError for a parameter that is not declared, has no value at all, or has one
    that CloudFormation would refuse.
    """
    unknown = sorted(set(given) - set(declared))
    if unknown:
        known = ", ".join(sorted(declared)) or "none"
        raise WrongUsageError(f"no such parameter: {', '.join(unknown)} (there are: {known})")
    previous = before.parameters if isinstance(before, Stack) else frozenset()
    chosen: list[ParameterTypeDef] = []
    for name, declaration in declared.items():
        if name in given:
            _require_allowed(name, declaration, given[name])
            chosen.append({"ParameterKey": name, "ParameterValue": given[name]})
        elif name in previous:
            chosen.append({"ParameterKey": name, "UsePreviousValue": True})
        elif "Default" not in declaration:
            raise WrongUsageError(f"parameter {name} needs a value")
    return chosen


def _require_allowed(name: str, declaration: Mapping[str, Any], value: str) -> None:
    """Check a value as CloudFormation does; of a list, each of its members."""
    of_list = declaration.get("Type") == "CommaDelimitedList"
    members = [each.strip() for each in value.split(",")] if of_list else [value]
    pattern = re.compile(str(declaration.get("AllowedPattern", ".*")), re.DOTALL)
    values = [str(each) for each in declaration.get("AllowedValues", members)]
    if not all(pattern.fullmatch(member) and member in values for member in members):
        wanted = declaration.get("ConstraintDescription", f"must be one of {', '.join(values)}")
        raise WrongUsageError(f"{name}={value!r}: {wanted}")
