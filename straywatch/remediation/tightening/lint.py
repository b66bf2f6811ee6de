"""Judge what a group's policies grant, by the known escalations and the rules of parliament."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.escalations import in_place, to_administration
from chalicelib.domain.partitions import HOME_REGIONS
from chalicelib.domain.permissions import EVERYTHING, covers, everywhere
from chalicelib.domain.wildcard import matches
from straywatch.remediation.policies.documents import Grant, readable_grants
from straywatch.remediation.reading.snapshot import Group, Snapshot

with warnings.catch_warnings():
    # parliament finds its data by a deprecated module, which is not the operator's concern
    warnings.simplefilter("ignore", UserWarning)
    from parliament import analyze_policy_string
    from parliament.community_auditors.credentials_exposure import CREDENTIALS_EXPOSURE_ACTIONS

_LISTED = 5
_PARTITIONS = tuple(f"arn:{partition}" for partition in HOME_REGIONS)


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
    readable: list[Mapping[str, Any]] = []
    for name, document in documents.items():
        if document is None:
            flags.append(Flag(group.name, "unreadable", name, "IAM does not show this policy"))
            continue
        flags += [Flag(group.name, kind, name, text) for kind, text in _wide(document)]
        readable.append(document)
    if any(kind == "administrator" for kind in (flag.kind for flag in flags)):
        return flags  # an administrator can do whatever a combination would open
    return [*flags, *_combinations(group.name, readable)]


def _wide(document: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    allows = sorted(g for g in readable_grants(document) if g.effect == "Allow")
    administrator = [g for g in allows if is_administrator(g)]
    if administrator:
        yield "administrator", str(administrator[0])
        return
    actions = {p for g in allows for p in g.actions.patterns if _is_wild(p) or g.actions.negated}
    if actions:
        yield "wildcard action", _some(sorted(actions))
    anywhere = {p for g in allows for p in g.actions.patterns if _everywhere(g) and not g.condition}
    limitable = _limitable(document) & anywhere if anywhere else set()
    if limitable:
        yield (
            "wildcard resource",
            f"could be limited to single resources: {_some(sorted(limitable))}",
        )


def is_administrator(grant: Grant) -> bool:
    """Tell whether a grant allows every action, or all but a few, on every resource."""
    everything = any(covers(p, EVERYTHING) for p in grant.actions.patterns)
    return everything != grant.actions.negated and _everywhere(grant) and not grant.condition


def _everywhere(grant: Grant) -> bool:
    """Whether a grant reaches every resource of some partition, or all but a few."""
    return any(everywhere(p, a) for p in grant.resources.patterns for a in _PARTITIONS) != (
        grant.resources.negated
    )


def _is_wild(action: str) -> bool:
    return "*" in action or "?" in action


def _limitable(document: Mapping[str, Any]) -> set[str]:
    """Actions, as the document writes them, that parliament knows to work on single resources."""
    found: set[str] = set()
    for finding in _findings(document):
        if finding.issue == "RESOURCE_STAR":
            known = {str(action).lower() for action in finding.detail}
            for grant in readable_grants(document):
                for pattern in grant.actions.patterns:
                    if any(matches(pattern, action) for action in known):
                        found.add(pattern)
    return found


def _combinations(group: str, documents: list[Mapping[str, Any]]) -> Iterable[Flag]:
    """What all documents open together, whatever the resources: somebody's role is behind one."""
    allows = [g for d in documents for g in readable_grants(d) if g.effect == "Allow"]

    def allowed(action: str) -> bool:
        return any(
            any(covers(p, action) for p in g.actions.patterns) != g.actions.negated for g in allows
        )

    together = "all policies together"
    if ways := to_administration(allowed):
        yield Flag(group, "privilege escalation", together, _some(ways))
    if actions := in_place(allowed):
        yield Flag(group, "runs code under a role in place", together, _some(actions))
    if actions := tuple(filter(allowed, sorted(CREDENTIALS_EXPOSURE_ACTIONS))):
        yield Flag(group, "credentials exposure", together, _some(actions))


def _findings(document: Mapping[str, Any]) -> list[Any]:
    if not document.get("Statement"):
        return []
    text = json.dumps({"Version": "2012-10-17", **document})
    found: list[Any] = analyze_policy_string(text).findings
    return sorted(found, key=lambda f: (f.issue, str(f.location), str(f.detail)))


def _some(texts: Iterable[str]) -> str:
    listed = list(texts)
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more
