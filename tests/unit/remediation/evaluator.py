"""A small evaluator of policies, written apart from the algebra: it decides single requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.unit.remediation.conditions import NEVER, Context, filled, hold, like

Document = Mapping[str, Any]


def matches(pattern: str, text: str) -> bool:
    """IAM's wildcards, by way of a regular expression."""
    return like(pattern, text)


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


def decided(
    documents: Iterable[Document],
    action: str,
    resource: str,
    context: Context,
    boundary: Iterable[Document] | None = None,
) -> bool:
    """Decide one request whole: the values of its context, variables, and the boundary."""
    given = _verdict(documents, action, resource, context)
    return given and (boundary is None or _verdict(boundary, action, resource, context))


def _verdict(documents: Iterable[Document], action: str, resource: str, context: Context) -> bool:
    found = {
        statement["Effect"]
        for document in documents
        for statement in _listed_statements(document)
        if _covers(statement, action, resource, context, document.get("Version", "2008-10-17"))
    }
    return found == {"Allow"}


def _listed_statements(document: Document) -> list[Mapping[str, Any]]:
    statements = document["Statement"]
    return [statements] if isinstance(statements, Mapping) else list(statements)


def _covers(
    statement: Mapping[str, Any], action: str, resource: str, context: Context, version: str
) -> bool:
    named = _listed(statement.get("Action", statement.get("NotAction")))
    acts = any(like(p.lower(), action.lower()) for p in named)
    if acts != ("Action" in statement):
        return False
    places = _listed(statement.get("Resource", statement.get("NotResource")))
    patterns = [filled(place, context, version) for place in places]
    if "NotResource" in statement and any(NEVER in pattern for pattern in patterns):
        return False  # the User Guide: a variable without value may make the statement invalid
    lies = any(like(pattern, resource) for pattern in patterns)
    if lies != ("Resource" in statement):
        return False
    return hold(statement.get("Condition", {}), context, version)
