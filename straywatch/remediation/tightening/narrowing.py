"""Propose narrower documents: without the services that no member of the group uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policy_sentry.querying.all import get_all_service_prefixes

from chalicelib.domain.policies import listed
from straywatch.errors import StraywatchError
from straywatch.remediation.policies.algebra import includes
from straywatch.remediation.policies.documents import grants
from straywatch.remediation.reading.last_accessed import ServiceUse


@dataclass(frozen=True)
class NarrowedPolicy:
    """A document that grants less than the policy does, and by which services."""

    policy: str
    without: tuple[str, ...]
    document: Mapping[str, Any]


def tighten(
    policy: str, document: Mapping[str, Any], uses: Iterable[ServiceUse], days: int, now: datetime
) -> NarrowedPolicy | None:
    """The document without services unused for `days`; None if there is nothing to leave out.

    Services that IAM says nothing of are kept. An action such as `*` is written out as the
    services that are not unused. The proposal is proved to grant nothing that the policy does not.
    """
    unused = {use.service.lower() for use in uses if use.unused_for(days, now)}
    if not unused:
        return None
    before = listed(document.get("Statement", []))
    after = [kept for statement in before for kept in _narrow(statement, unused)]
    if after == before:
        return None
    narrow = {**document, "Statement": after}
    held = grants(document)
    if not all(any(includes(wide, grant) for wide in held) for grant in grants(narrow)):
        raise StraywatchError(f"no tighter {policy} could be proved to grant nothing new")
    left = tuple(sorted(service for service in unused if _mentions(document, service)))
    return NarrowedPolicy(policy, left, narrow)


def _narrow(statement: Mapping[str, Any], unused: set[str]) -> list[Mapping[str, Any]]:
    """The statement without unused services: itself if nothing changes, nothing if all goes."""
    if statement.get("Effect") != "Allow" or "Action" not in statement:
        return [statement]
    before = listed(statement["Action"])
    after: list[str] = []
    for name in before:
        service = name.partition(":")[0].lower()
        if name in ("*", "*:*"):
            after += [f"{s}:*" for s in sorted(get_all_service_prefixes()) if s not in unused]
        elif service not in unused:
            after.append(name)
    if after == before:
        return [statement]
    return [{**statement, "Action": after}] if after else []


def _mentions(document: Mapping[str, Any], service: str) -> bool:
    return any(
        pattern in ("*", "*:*") or pattern.startswith(f"{service}:")
        for grant in grants(document)
        for pattern in grant.actions.patterns
        if grant.effect == "Allow" and not grant.actions.negated
    )
