"""Judge what a group's policies grant, with the lists and rules of parliament."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.policies import listed
from straywatch.remediation.policies.documents import Grant, readable_grants
from straywatch.remediation.reading.snapshot import Group, Snapshot

with warnings.catch_warnings():
    # parliament finds its data by a deprecated module, which is not the operator's concern
    warnings.simplefilter("ignore", UserWarning)
    from parliament import analyze_policy_string

_KINDS = {
    "PRIVILEGE_ESCALATION": "privilege escalation",
    "CREDENTIALS_EXPOSURE": "credentials exposure",
}
_LISTED = 5


@dataclass(frozen=True)
class Flag:
    """Something a group grants that is wider than it need be."""

    group: str
    kind: str
    policy: str
    detail: str


def policies_of(group: Group, snapshot: Snapshot) -> dict[str, Mapping[str, Any] | None]:
    """The group's documents by policy; None for one that could not be read."""
    found: dict[str, Mapping[str, Any] | None] = {
        arn: snapshot.policies[arn].document for arn in group.attached_policies
    }
    return found | dict(group.inline_policies)


def lint_group(group: Group, snapshot: Snapshot) -> list[Flag]:
    """Flag administrator-like grants, wildcards, and combinations that let members escalate.

    Combinations are looked for across all policies of the group together.
    """
    documents = policies_of(group, snapshot)
    flags: list[Flag] = []
    statements: list[Any] = []
    for name, document in documents.items():
        if document is None:
            flags.append(Flag(group.name, "unreadable", name, "IAM does not show this policy"))
            continue
        flags += [Flag(group.name, kind, name, text) for kind, text in _wide(document)]
        statements += listed(document.get("Statement", []))
    if any(kind == "administrator" for kind in (flag.kind for flag in flags)):
        return flags  # an administrator can do whatever a combination would open
    return flags + _combinations(group.name, statements)


def _wide(document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    allows = sorted(g for g in readable_grants(document) if g.effect == "Allow")
    administrator = [g for g in allows if is_administrator(g)]
    if administrator:
        yield "administrator", str(administrator[0])
        return
    actions = {p for g in allows for p in g.actions.patterns if "*" in p or g.actions.negated}
    if actions:
        yield "wildcard action", _some(sorted(actions))
    anywhere = {
        p
        for g in allows
        for p in g.actions.patterns
        if g.resources.patterns == ("*",) and not g.condition
    }
    limitable = _limitable(document) & anywhere if anywhere else set()
    if limitable:
        yield (
            "wildcard resource",
            f"could be limited to single resources: {_some(sorted(limitable))}",
        )


def is_administrator(grant: Grant) -> bool:
    """Tell whether a grant allows every action, or all but a few, on every resource."""
    everywhere = grant.resources.patterns == ("*",) and not grant.resources.negated
    everything = grant.actions.negated or grant.actions.patterns[0] in ("*", "*:*")
    return everywhere and everything and not grant.condition


def _limitable(document: Mapping[str, Any]) -> set[str]:
    """Actions, as the document writes them, that parliament knows to work on single resources."""
    found: set[str] = set()
    for finding in _findings(document):
        if finding.issue == "RESOURCE_STAR":
            known = {str(action).lower() for action in finding.detail}
            for grant in readable_grants(document):
                for pattern in grant.actions.patterns:
                    stem = pattern.partition("*")[0]
                    if pattern in known or (
                        "*" in pattern and any(k.startswith(stem) for k in known)
                    ):
                        found.add(pattern)
    return found


def _combinations(group: str, statements: list[Any]) -> list[Flag]:
    flags = []
    for finding in _findings({"Version": "2012-10-17", "Statement": statements}):
        kind = _KINDS.get(finding.issue)
        if kind is not None:
            where = finding.location
            actions = where.get("actions", []) if isinstance(where, dict) else []
            name = f"{where['type']}: " if isinstance(where, dict) and "type" in where else ""
            flags.append(Flag(group, kind, "all policies together", name + _some(actions)))
    return flags


def _findings(document: Mapping[str, Any]) -> list[Any]:
    if not document.get("Statement"):
        return []
    text = json.dumps({"Version": "2012-10-17", **document})
    found: list[Any] = analyze_policy_string(text, include_community_auditors=True).findings
    return sorted(found, key=lambda f: (f.issue, str(f.location), str(f.detail)))


def _some(texts: Iterable[str]) -> str:
    listed = list(texts)
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more
