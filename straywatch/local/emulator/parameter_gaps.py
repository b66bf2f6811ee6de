"""What Systems Manager refuses of a parameter and the emulator takes: tiers and types.

A standard parameter holds 4 KB, an advanced one 8; none goes back from advanced to standard, and
none changes its type (Systems Manager user guide, "Managing parameter tiers").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ssm

_LARGEST = {"Standard": 4096, "Advanced": 8192}


_NO_WAY_BACK = (
    "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from "
    "the advanced-parameter tier to the standard-parameter tier."
)


def install() -> None:
    """Refuse before the emulator stores."""
    put = ssm._put_parameter

    def put_as_aws(data: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the emulator's answer
        refused = _refusal(data, ssm._parameters.get(data.get("Name")) or {})
        return error_response_json(*refused, 400) if refused else put(data)

    ssm._put_parameter = put_as_aws


def _refusal(data: Mapping[str, Any], existing: Mapping[str, Any]) -> tuple[str, str] | tuple[()]:
    if not data.get("Overwrite") and existing:
        return ()  # the emulator says that it exists
    if existing and data.get("Type", existing["Type"]) != existing["Type"]:
        return (
            "HierarchyTypeMismatch",
            "Parameter Store doesn't support changing a parameter type in a hierarchy.",
        )
    asked = data.get("Tier")
    if asked == "Standard" and existing.get("Tier") == "Advanced":
        return "ValidationException", _NO_WAY_BACK
    value = str(data.get("Value", ""))
    tier = asked or ssm._default_tier(data, value, existing)
    largest = _LARGEST.get(tier, _LARGEST["Advanced"])
    if len(value.encode()) > largest:
        return (
            "ValidationException",
            f"{tier} tier parameters support a maximum parameter value of {largest} characters.",
        )
    return ()
