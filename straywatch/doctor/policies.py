"""Resource policies: whether one lets an AWS service do something."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.policies import listed
from chalicelib.domain.wildcard import matches

_OF_SOURCE = frozenset({"aws:sourcearn"})
_OF_ACCOUNT = frozenset({"aws:sourceaccount", "aws:sourceorgid"})


def allows_service(policy: str, service: str, action: str, source_arn: str) -> bool:
    """Whether the policy allows the service the action, and no statement denies it.

    `source_arn` is on whose behalf the service calls; where it is empty, a condition on the source
    is taken to hold. A condition on the account is, too: a stack writes its own.
    """
    statements = list(_statements(policy))
    denied = any(_covers(s, "Deny", service, action) for s in statements)
    allowed = any(
        _covers(s, "Allow", service, action) and _holds(s.get("Condition"), source_arn)
        for s in statements
    )
    return allowed and not denied


def allows_account(policy: str, account_root: str, action: str) -> bool:
    """Whether the policy leaves the action to the IAM policies of the account."""
    return any(
        statement.get("Effect") == "Allow"
        and account_root in _texts(_principal(statement, "AWS"))
        and _matches_any(action, statement.get("Action"))
        for statement in _statements(policy)
    )


def _statements(policy: str) -> Iterator[Mapping[str, Any]]:
    try:
        document = json.loads(policy or "{}")
    except ValueError:
        return
    found = document.get("Statement", []) if isinstance(document, Mapping) else []
    for statement in listed(found):
        if isinstance(statement, Mapping):
            yield statement


def _covers(statement: Mapping[str, Any], effect: str, service: str, action: str) -> bool:
    return (
        statement.get("Effect") == effect
        and bool({service, "*"} & set(_texts(_principal(statement, "Service"))))
        and _matches_any(action, statement.get("Action"))
    )


def _principal(statement: Mapping[str, Any], kind: str) -> object:
    principal = statement.get("Principal")
    return principal.get(kind) if isinstance(principal, Mapping) else principal


def _matches_any(action: str, patterns: object) -> bool:
    return any(matches(pattern, action) for pattern in _texts(patterns))


def _texts(value: object) -> list[str]:
    return [str(part) for part in listed(value) if part]


def _holds(condition: object, source_arn: str) -> bool:
    if not isinstance(condition, Mapping):
        return True
    return all(
        _key_holds(key.lower(), values, source_arn)
        for keys in condition.values()
        if isinstance(keys, Mapping)
        for key, values in keys.items()
    )


def _key_holds(key: str, values: object, source_arn: str) -> bool:
    if key in _OF_ACCOUNT:
        return True
    if key in _OF_SOURCE:
        return not source_arn or _matches_any(source_arn, values)
    return False
