"""Values in one form, however AWS and the template write them: text for numbers, no order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.policies import listed
from straywatch.doctor.intended import function_name

Value = Any
"""Text, a list or a mapping of such values; None for nothing at all."""


def plain(value: object) -> Value:
    """JSON without what is empty, its numbers and truths as text, its lists in order of content."""
    if isinstance(value, Mapping):
        parts = {str(key): plain(each) for key, each in value.items()}
        return {key: parts[key] for key in sorted(parts) if parts[key] is not None} or None
    if isinstance(value, (list, tuple)):
        return sorted(filter(None, map(plain, value)), key=written) or None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"{value:g}" if value < 1e6 else str(int(value))  # noqa: PLR2004 - 1e+06 reads badly
    return None if value is None else str(value) or None


def read(value: object) -> Value:
    """JSON that AWS keeps as text; text that is no JSON as it is."""
    try:
        return plain(json.loads(value) if isinstance(value, str) else value)
    except ValueError:
        return plain(value)


def policy(value: object) -> Value:
    """The statements of a policy document, each with its elements in one form."""
    document = json.loads(value or "{}") if isinstance(value, str) else value
    found = document.get("Statement", []) if isinstance(document, Mapping) else []
    return plain([_statement(each) for each in listed(found) if isinstance(each, Mapping)])


def policies(value: object) -> Value:
    """The statements of several policies, as they stand in a role."""
    every = value if isinstance(value, list) else []
    return plain([s for each in every for s in policy(each.get("PolicyDocument")) or []])


def key(value: object) -> Value:
    """A key by its id or alias alone, not by its ARN."""
    return plain(str(value or "").rsplit(":key/", 1)[-1])


def function(value: object) -> Value:
    """A function by its name, not by its ARN."""
    return plain(function_name(value or ""))


def functions(value: object) -> Value:
    """Several functions by their names."""
    return plain([function_name(each) for each in listed(value or [])])


def limited(value: object) -> Value:
    """Limits that are set: -1 stands for none."""
    every = value if isinstance(value, Mapping) else {}
    return plain({name: each for name, each in every.items() if str(each) != "-1"})


def lowered(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Names as CloudWatch Logs writes them, which the template begins in upper case."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: lowered(each) for key, each in value.items()}
    return [lowered(each) for each in value] if isinstance(value, list) else value


def transformations(value: object) -> Value:
    """What a metric filter counts, however it is spelt."""
    return plain(lowered(value))


def written(value: Value) -> str:
    """A value as text for people, on one line."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _statement(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without its `Sid`, which decides nothing."""
    known = {name: each for name, each in statement.items() if name != "Sid"}
    for name in ("Action", "NotAction"):
        if name in known:
            known[name] = [str(action).lower() for action in listed(known[name])]
    for name in ("Resource", "NotResource"):
        if name in known:
            known[name] = listed(known[name])
    for name in ("Principal", "NotPrincipal"):
        if name in known:
            known[name] = _principal(known[name])
    if known.get("Condition"):
        known["Condition"] = {
            operator: {key.lower(): listed(values) for key, values in keys.items()}
            for operator, keys in known["Condition"].items()
        }
    return known


def _principal(principal: object) -> object:
    """An account by its number may be written as its root, and everybody in two ways."""
    if not isinstance(principal, Mapping):
        return {"AWS": ["*"]} if principal == "*" else principal
    return {kind: [_account(each) for each in listed(some)] for kind, some in principal.items()}


def _account(name: object) -> str:
    text = str(name)
    if text.startswith("arn:") and text.endswith(":root"):
        return text.split(":")[4]
    return text
