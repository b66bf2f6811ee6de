"""The form of a plan file (JSON Schema) and the limits that IAM sets to what stands in it."""

from __future__ import annotations

from typing import Any

from straywatch.remediation.planning.plan import SCHEMA
from straywatch.remediation.reading.quotas import GROUP_NAME_LENGTH, PATH_LENGTH

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT, "uniqueItems": True}
_ARN = {"type": "string", "pattern": r"^arn:[a-z0-9-]+:iam::(aws|\d{12}):policy/.+\Z"}
_NAME = {"type": "string", "pattern": rf"^[A-Za-z0-9_+=,.@-]{{1,{GROUP_NAME_LENGTH}}}\Z"}
_PATH = {"type": "string", "pattern": r"^(/|/[\x21-\x7e]+/)\Z", "maxLength": PATH_LENGTH}
_DOCUMENT = {"type": "object", "required": ["Statement"]}
_INLINE = {
    "type": "object",
    "propertyNames": _NAME,
    "additionalProperties": _DOCUMENT,
}


def _record(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def _many(record: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": record}


_GROUP = _record(
    {"name": _NAME, "create": {"type": "boolean"}},
    {
        "path": _PATH,
        "attach": {"type": "array", "items": _ARN, "uniqueItems": True},
        "inline": _INLINE,
        "why": _TEXT,
    },
)
_USER = _record(
    {"name": _TEXT, "id": _TEXT, "join": {"type": "array", "items": _NAME, "uniqueItems": True}},
    {"detach": _TEXTS, "delete_inline": _TEXTS, "stays": _TEXTS, "gains": _TEXTS, "why": _TEXT},
)
_PROPOSAL = _record(
    {"name": _TEXT, "id": _TEXT, "proposal": {"enum": ["delete", "exempt"]}}, {"why": _TEXT}
)
PLAN_SCHEMA: dict[str, Any] = _record(
    {
        "schema": {"const": SCHEMA},
        "account": _record({"id": {"type": "string", "pattern": r"^\d{12}\Z"}, "partition": _TEXT}),
        "scope": {"enum": ["strays", "direct"]},
        "max_gain": {"type": "integer", "minimum": 0},
        "groups": _many(_GROUP),
        "users": _many(_USER),
        "before": _TEXT,
    },
    {
        "objective": _TEXT,
        "at_least": {"type": "integer", "minimum": 0},
        "proposals": _many(_PROPOSAL),
        "notes": _TEXTS,
    },
)
