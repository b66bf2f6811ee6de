"""Parameters in the types that AWS's own model of a call asks for.

A template writes numbers and truths as it likes, and parameters are text; boto3 takes neither for
the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from botocore.model import Shape

_WHOLE = frozenset({"integer", "long"})
_NUMBERS = frozenset({"double", "float"})


def shaped(value: Any, shape: Shape) -> Any:  # noqa: ANN401 - any JSON, of any type
    """The value as the shape has it; what the shape does not know stays for boto3 to refuse."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        members: Mapping[str, Shape] = shape.members  # type: ignore[attr-defined] # of structures
        return {k: shaped(v, members[k]) if k in members else v for k, v in value.items()}
    if kind == "map" and isinstance(value, Mapping):
        return {k: shaped(v, shape.value) for k, v in value.items()}  # type: ignore[attr-defined] # of maps
    if kind == "list" and isinstance(value, list):
        return [shaped(each, shape.member) for each in value]  # type: ignore[attr-defined] # of lists
    return _scalar(value, kind)


def _scalar(value: Any, kind: str) -> Any:  # noqa: ANN401 - any JSON, of any type
    if kind in _WHOLE and isinstance(value, (str, float)):
        return int(value)
    if kind in _NUMBERS and isinstance(value, (str, int)):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if kind == "string" and isinstance(value, bool):
        return str(value).lower()
    if kind == "string" and not isinstance(value, str):
        return json.dumps(value)
    return value
