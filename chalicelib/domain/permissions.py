"""What policy documents let a user do, as far as risk needs to know it.

Everything is read to the user's disadvantage: conditions and Deny statements are not weighed,
since they may narrow a permission and never widen it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from chalicelib.domain.policies import DocumentError, choice, effect_of, statements
from chalicelib.domain.wildcard import matches

EVERYTHING = "every or nearly every action"
_UNHEARD = {EVERYTHING: "zz-unheard:zz-of"}  # nobody names this action, only `*` does

# Ways to make oneself an administrator, and the kind of resource each needs. Source: Rhino
# Security Labs, "AWS IAM Privilege Escalation: Methods and Mitigation".
_ESCALATIONS = {
    "iam:PutUserPolicy": "self",
    "iam:AttachUserPolicy": "self",
    "iam:CreateAccessKey": "user",
    "iam:CreateLoginProfile": "user",
    "iam:UpdateLoginProfile": "user",
    "iam:PutGroupPolicy": "group",
    "iam:AttachGroupPolicy": "group",
    "iam:AddUserToGroup": "group",
    "iam:PutRolePolicy": "role",
    "iam:AttachRolePolicy": "role",
    "iam:UpdateAssumeRolePolicy": "role",
    "iam:CreatePolicyVersion": "policy",
    "iam:SetDefaultPolicyVersion": "policy",
}
_PASS_ROLE = "iam:PassRole"  # noqa: S105 - an action's name
# Services that run one's own code or template under a role that is passed to them.
_RUN_AS = (
    "cloudformation:CreateStack",
    "codebuild:CreateProject",
    "datapipeline:CreatePipeline",
    "ec2:RunInstances",
    "ecs:RunTask",
    "glue:CreateDevEndpoint",
    "glue:CreateJob",
    "lambda:CreateFunction",
    "sagemaker:CreateNotebookInstance",
)
_NEEDS = {
    EVERYTHING: "all",
    **_ESCALATIONS,
    _PASS_ROLE: "role",
    **dict.fromkeys(_RUN_AS, "any"),
}
_KINDS = frozenset(_NEEDS.values()) - {"any"}
_BY_ARN = re.compile(
    r"arn:[^:]+:iam::aws:policy/(AdministratorAccess|PowerUserAccess|IAMFullAccess)"
)


@dataclass(frozen=True, slots=True)
class Grants:
    """What policy documents allow, and what of them could not be read."""

    anything: bool = False
    powers: frozenset[str] = frozenset()
    denies: bool = False
    faults: frozenset[str] = frozenset()

    def __or__(self, other: Grants) -> Grants:
        """Both together."""
        return Grants(
            self.anything or other.anything,
            self.powers | other.powers,
            self.denies or other.denies,
            self.faults | other.faults,
        )

    @property
    def administrator(self) -> str:
        """How these make their holder an administrator; empty if they do not."""
        if EVERYTHING in self.powers:
            return EVERYTHING
        escalations = sorted(self.powers & _ESCALATIONS.keys())
        if escalations:
            more = f" and {len(escalations) - 1} more" if len(escalations) > 1 else ""
            return escalations[0] + more
        carriers = sorted(self.powers.intersection(_RUN_AS))
        return f"{_PASS_ROLE} with {carriers[0]}" if _PASS_ROLE in self.powers and carriers else ""


def of_aws_policy(arn: str) -> Grants | None:
    """What one of AWS's own policies allows, by its name; None for a customer's policy.

    Those that make an administrator are AdministratorAccess, PowerUserAccess and IAMFullAccess.
    """
    if known := _BY_ARN.fullmatch(arn):
        powers = _ESCALATIONS.keys() if known[1] == "IAMFullAccess" else {EVERYTHING}
        return Grants(anything=True, powers=frozenset(powers))
    return Grants(anything=True) if ":iam::aws:policy/" in arn else None


def of_document(document: object, own_arn: str) -> Grants:
    """What one policy document allows the user `own_arn`. Never raises: see `Grants.faults`."""
    try:
        found = statements(document)
    except DocumentError as error:
        return Grants(faults=frozenset({str(error)}))
    grants = Grants()
    for statement in found:
        try:
            grants |= _of_statement(statement, own_arn)
        except DocumentError as error:
            grants |= Grants(faults=frozenset({str(error)}))
    return grants


def _of_statement(statement: Any, own_arn: str) -> Grants:  # noqa: ANN401 - whatever is stored
    denies = effect_of(statement) == "Deny"
    actions = _selected(statement, "Action", frozenset(_NEEDS), _powers_named)
    kinds = _selected(statement, "Resource", _KINDS, partial(_kinds_covered, own_arn)) | {"any"}
    if denies:
        return Grants(denies=True)
    anything = bool(statement.get("Action") or "NotAction" in statement)
    return Grants(anything, frozenset(power for power in actions if _NEEDS[power] in kinds))


def _selected(
    statement: Mapping[Any, Any],
    key: str,
    universe: frozenset[str],
    named_by: Callable[[str], frozenset[str]],
) -> frozenset[str]:
    """Which of `universe` the statement selects by `key`, or spares by its `Not...` form."""
    texts, spares = choice(statement, key)
    named = frozenset[str]().union(*map(named_by, texts))
    return universe - named if spares else named


@lru_cache(maxsize=4096)
def _powers_named(pattern: str) -> frozenset[str]:
    return frozenset(power for power in _NEEDS if matches(pattern, _UNHEARD.get(power, power)))


def _kinds_covered(own_arn: str, pattern: str) -> frozenset[str]:
    """Which kinds of resource a pattern covers whole: it fits one that nobody has heard of."""
    root, _, path = own_arn.partition(":user/")
    covered = _kinds_covered_whole(root, pattern)
    mine = pattern.replace("${aws:username}", path.rpartition("/")[2])
    return covered | {"self"} if matches(mine, own_arn) else covered


@lru_cache(maxsize=4096)
def _kinds_covered_whole(root: str, pattern: str) -> frozenset[str]:
    return frozenset(
        kind
        for kind in _KINDS
        if matches(pattern, f"{root}:{kind}/zz-unheard" if kind != "all" else "arn:zz-unheard")
    )
