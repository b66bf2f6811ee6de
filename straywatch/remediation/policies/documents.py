"""Policy documents taken apart into grants that compare equal when they mean the same, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from chalicelib.domain.policies import DocumentError, choice, effect_of, listed, statements

CURRENT_VERSION = "2012-10-17"
LITERAL_VERSION = "2008-10-17"
"""The version in which `${...}` is plain text; also what a document without a version means.
Source: IAM User Guide, "IAM JSON policy elements: Version"."""

_ELEMENTS = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)

Condition = tuple[tuple[str, str, tuple[str, ...]], ...]


class Patterns(NamedTuple):
    """Wildcard patterns: what matches any of them or, negated, what matches none."""

    patterns: tuple[str, ...]
    negated: bool = False


class Grant(NamedTuple):
    """The smallest part of a policy: one action on one resource under one condition.

    Negated elements cannot be split and keep all their patterns. `literal` tells that `${...}`
    is plain text here. `effect` is Allow, Deny, or Opaque for a policy that could not be read.
    """

    effect: str
    actions: Patterns
    resources: Patterns
    condition: Condition = ()
    literal: bool = False

    def __str__(self) -> str:
        return " ".join(
            part
            for part in (
                self.effect.lower(),
                _shown(self.actions),
                "on " + _shown(self.resources),
                "if " + json.dumps(_condition_block(self.condition)) if self.condition else "",
            )
            if part
        )


def canonical(document: object) -> str:
    """The document as JSON text that does not depend on the order of its keys."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: object) -> str:
    """A short name for the content of a JSON value: the first 16 hexadecimal digits of SHA-256."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def size(document: object) -> int:
    """The characters that count towards IAM's size quotas, which leave white space out.

    Source: IAM User Guide, "IAM and AWS STS quotas", character limits.
    """
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return len("".join(text.split()))


def opaque(name: str) -> frozenset[Grant]:
    """Stand in for a policy whose document cannot be read: equal to itself alone."""
    return frozenset({Grant("Opaque", Patterns((name,)), Patterns(()))})


def grants(document: Mapping[str, Any]) -> frozenset[Grant]:
    """Take a document apart. Raises DocumentError if it is not what IAM documents."""
    return _grants(json.dumps(document))


@lru_cache(maxsize=65536)
def _grants(text: str) -> frozenset[Grant]:
    """Remember what a document says: thousands of users hold the same ones."""
    document = json.loads(text)
    found: set[Grant] = set()
    for statement in _statements(document):
        found.update(_statement_grants(statement, document.get("Version", LITERAL_VERSION)))
    return frozenset(found)


def readable_grants(document: Mapping[str, Any]) -> frozenset[Grant]:
    """Take a document apart; one that cannot be understood is opaque, never empty."""
    try:
        return grants(document)
    except DocumentError:
        return opaque(f"document {digest(document)}")


def spellings(document: Mapping[str, Any]) -> dict[str, str]:
    """How the document itself spells each action, by its lower-case form."""
    found: dict[str, str] = {}
    for statement in _statements(document):
        for action in choice(statement, "Action").texts:
            lower = _pattern(action.lower())
            found[lower] = min(found.get(lower, action), _pattern(action))
    return found


def compose(parts: Iterable[Grant], spelling: Mapping[str, str]) -> list[dict[str, Any]]:
    """Write grants as documents: at most one for each meaning of `${...}`. Opaque ones cannot be.

    Raises DocumentError for opaque grants.
    """
    by_version: dict[str, list[Grant]] = {}
    for grant in sorted(parts):
        if grant.effect == "Opaque":
            raise DocumentError(f"{grant.actions.patterns[0]} cannot be written as a document")
        version = LITERAL_VERSION if grant.literal else CURRENT_VERSION
        by_version.setdefault(version, []).append(grant)
    return [
        {"Version": version, "Statement": _compose_statements(members, spelling)}
        for version, members in sorted(by_version.items(), reverse=True)
    ]


def _compose_statements(parts: list[Grant], spelling: Mapping[str, str]) -> list[dict[str, Any]]:
    resources: dict[tuple[str, Condition, Patterns], set[Patterns]] = {}
    for grant in parts:
        key = (grant.effect, grant.condition, grant.actions)
        resources.setdefault(key, set()).add(grant.resources)
    actions: dict[tuple[str, Condition, tuple[Patterns, ...]], list[Patterns]] = {}
    for (effect, condition, action), found in resources.items():
        for where in _together(found):
            actions.setdefault((effect, condition, where), []).append(action)
    statements = [
        _compose_statement(effect, condition, what, where, spelling)
        for (effect, condition, where), every in actions.items()
        for what in _together(every)
    ]
    return sorted(statements, key=canonical)


def _together(elements: Iterable[Patterns]) -> list[tuple[Patterns, ...]]:
    """What one statement can list: all plain patterns at once, each negated list by itself."""
    ordered = sorted(elements)
    plain = tuple(element for element in ordered if not element.negated)
    return ([plain] if plain else []) + [(element,) for element in ordered if element.negated]


def _compose_statement(
    effect: str,
    condition: Condition,
    actions: tuple[Patterns, ...],
    resources: tuple[Patterns, ...],
    spelling: Mapping[str, str],
) -> dict[str, Any]:
    shown = sorted({spelling.get(p, p) for a in actions for p in a.patterns})
    where = sorted({p for r in resources for p in r.patterns})
    statement: dict[str, Any] = {"Effect": effect}
    statement["NotAction" if actions[0].negated else "Action"] = shown
    statement["NotResource" if resources[0].negated else "Resource"] = where
    if condition:
        statement["Condition"] = _condition_block(condition)
    return statement


def _condition_block(condition: Condition) -> dict[str, dict[str, list[str]]]:
    block: dict[str, dict[str, list[str]]] = {}
    for operator, key, values in condition:
        block.setdefault(operator, {})[key] = list(values)
    return block


def _statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = statements(document)
    if not all(isinstance(statement, Mapping) for statement in found):
        raise DocumentError("Statement must be an object or a list of objects")
    return found


def _statement_grants(statement: Mapping[str, Any], version: str) -> Iterable[Grant]:
    unknown = set(statement) - _ELEMENTS
    if unknown:
        raise DocumentError(f"unknown element {min(unknown)!r}")
    effect = effect_of(statement)
    condition = _condition(statement.get("Condition", {}))
    literal = version != CURRENT_VERSION
    for action in _choices(statement, "Action", lower=True):
        for resource in _choices(statement, "Resource", lower=False):
            variables = "${" in canonical([resource.patterns, condition])
            yield Grant(effect, action, resource, condition, literal and variables)


def _choices(statement: Mapping[str, Any], element: str, *, lower: bool) -> list[Patterns]:
    texts, negated = choice(statement, element)
    if not texts:
        raise DocumentError(f"{element} must be a text or a list of texts")
    found = sorted({_pattern(text.lower() if lower else text) for text in texts})
    if negated:
        return [Patterns(tuple(found), negated=True)]
    return [Patterns((pattern,)) for pattern in found]


def _pattern(text: str) -> str:
    while "**" in text:
        text = text.replace("**", "*")
    return text


def _condition(block: object) -> Condition:
    if not isinstance(block, Mapping):
        raise DocumentError("Condition must be an object")
    entries = []
    for operator, keys in block.items():
        if not isinstance(keys, Mapping):
            raise DocumentError(f"Condition {operator} must be an object")
        for key, values in keys.items():
            entries.append(
                (operator, _key(key), tuple(sorted({_value(v) for v in listed(values)})))
            )
    return tuple(sorted(entries))


def _key(key: str) -> str:
    """Condition keys ignore case; what follows a slash is a tag's key, which may not."""
    name, slash, tag = key.partition("/")
    return name.lower() + slash + tag


def _value(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise DocumentError("a condition's value must be a text, a number or a boolean")


def _shown(patterns: Patterns) -> str:
    text = ", ".join(patterns.patterns)
    return f"all but {text}" if patterns.negated else text
