"""A plan as a CloudFormation template: groups, and the users who join them."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from straywatch.errors import StraywatchError
from straywatch.remediation.planning.plan import Plan, PlannedGroup

MOST_RESOURCES = 500
"""Resources in one template (CloudFormation User Guide, quotas)."""

MOST_BYTES = 1_000_000
"""Bytes of a template given by an S3 URL (CloudFormation User Guide, quotas: 1 MB)."""

_DESCRIPTION = (
    "Groups for IAM users who held their permissions directly, in account {account} and no other. "
    "Needs CAPABILITY_NAMED_IAM. Direct policies stay: `straywatch verify`, then `straywatch apply "
    "--yes --detach-direct`. Deleting the stack keeps groups and members: access hangs on it."
)

_KEPT = {
    "Condition": "IsAccountOfPlan",
    "DeletionPolicy": "RetainExceptOnCreate",
    "UpdateReplacePolicy": "Retain",
}
"""In another account nothing is made; nobody loses access by a stack that is deleted."""


def as_cloudformation(plan: Plan) -> str:
    """The plan as a template in JSON.

    Raises StraywatchError if the plan is larger than one template may be.
    """
    resources: dict[str, Any] = {}
    for group in plan.groups:
        members = [user.name for user in plan.users if group.name in user.join]
        resources.update(_group_resources(group, members))
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": _DESCRIPTION.format(account=plan.before.account.account_id),
        "Conditions": {
            "IsAccountOfPlan": {
                "Fn::Equals": [{"Ref": "AWS::AccountId"}, plan.before.account.account_id]
            }
        },
        "Resources": resources,
    }
    text = json.dumps(template, indent=2) + "\n"
    if len(resources) > MOST_RESOURCES or len(text) > MOST_BYTES:
        raise StraywatchError(
            f"the plan needs {len(resources)} resources and {len(text)} bytes; a template holds at "
            f"most {MOST_RESOURCES} and {MOST_BYTES}: use `straywatch apply`, or --print cli"
        )
    return text


def _group_resources(group: PlannedGroup, members: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    identifier = _logical_id(group.name)
    if group.create:
        found[f"Group{identifier}"] = {
            "Type": "AWS::IAM::Group",
            **_KEPT,
            "Properties": _properties(group),
        }
    if members:
        name: object = {"Ref": f"Group{identifier}"} if group.create else group.name
        found[f"Members{identifier}"] = {
            "Type": "AWS::IAM::UserToGroupAddition",
            **_KEPT,
            "Properties": {"GroupName": name, "Users": members},
        }
    return found


def _properties(group: PlannedGroup) -> dict[str, Any]:
    properties: dict[str, Any] = {"GroupName": group.name, "Path": group.path}
    if group.attach:
        properties["ManagedPolicyArns"] = list(group.attach)
    if group.inline:
        properties["Policies"] = [
            {"PolicyName": name, "PolicyDocument": dict(document)}
            for name, document in group.inline.items()
        ]
    return properties


def _logical_id(name: str) -> str:
    """Letters and digits alone, unique for each name: what differs only in marks gets a digest."""
    mark = hashlib.sha256(name.lower().encode()).hexdigest()[:8]
    return re.sub(r"[^A-Za-z0-9]", "", name)[:100] + mark
