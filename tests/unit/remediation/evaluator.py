"""A small evaluator of policies, written apart from the algebra: it decides single requests."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Document = Mapping[str, Any]


def matches(pattern: str, text: str) -> bool:
    """IAM's wildcards, by way of a regular expression."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(value)  # type: ignore[call-overload] # tests pass lists


def _applies(
    statement: Mapping[str, Any], action: str, resource: str, true: frozenset[str]
) -> bool:
    if "Action" in statement:
        acts = any(matches(p.lower(), action.lower()) for p in _listed(statement["Action"]))
    else:
        acts = not any(matches(p.lower(), action.lower()) for p in _listed(statement["NotAction"]))
    if "Resource" in statement:
        lies = any(matches(p, resource) for p in _listed(statement["Resource"]))
    else:
        lies = not any(matches(p, resource) for p in _listed(statement["NotResource"]))
    wanted = {k for keys in statement.get("Condition", {}).values() for k in keys}
    return acts and lies and wanted <= true


def allowed(
    documents: Iterable[Document],
    action: str,
    resource: str,
    true: frozenset[str] = frozenset(),
    boundary: Iterable[Document] | None = None,
) -> bool:
    """Decide one request; `true` names the condition keys that hold in it."""
    identity = _decide(documents, action, resource, true)
    return identity and (boundary is None or _decide(boundary, action, resource, true))


def _decide(
    documents: Iterable[Document], action: str, resource: str, true: frozenset[str]
) -> bool:
    found = [
        statement["Effect"]
        for document in documents
        for statement in document["Statement"]
        if _applies(statement, action, resource, true)
    ]
    return "Allow" in found and "Deny" not in found
