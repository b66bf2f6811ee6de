"""The template that every member gets: plain CloudFormation, made from data, nothing to fill in.

StackSets with service-managed permissions take no transforms, so that there is none, and no
parameter either: whoever rolls it out to thousands of accounts can read it whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.account import account_of_arn
from chalicelib.domain.events import CHANGES, rule_pattern
from chalicelib.domain.member_access import (
    OF_ACCOUNT,
    OF_POLICIES,
    OF_RULE,
    OF_USERS,
    RULE_NAME,
    SESSION_SECONDS,
)

_VERSION = "2012-10-17"
_TWO_WEEKS = 14 * 24 * 3600
_A_DAY, _MOST_TRIES = 86400, 185
"""EventBridge's own limits of delivery, written down as those of the hub's rules are."""


@dataclass(frozen=True, slots=True)
class HubSide:
    """What a member has to know of its hub."""

    organization_id: str
    bus_arn: str
    role_arns: tuple[str, ...]
    member_role_name: str


def member_template(hub: HubSide) -> dict[str, Any]:
    """The template as a JSON object."""
    account = account_of_arn(hub.bus_arn)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": (
            f"Straywatch member of hub {account.account_id}: forwards IAM events, lets IAM be read"
        ),
        "Resources": {
            "Forward": _rule(hub.bus_arn),
            "ForwardRole": _forward_role(hub.bus_arn),
            "LostEvents": _queue(),
            "LostEventsPolicy": _queue_policy(),
            "LookRole": _look_role(hub, account.partition, account.account_id),
        },
    }


def _rule(bus_arn: str) -> dict[str, Any]:
    """Every call that the hub listens for, as it is: nothing may be transformed on its way."""
    target = {
        "Id": "Hub",
        "Arn": bus_arn,
        "RoleArn": _att("ForwardRole"),
        "DeadLetterConfig": {"Arn": _att("LostEvents")},
        "RetryPolicy": {
            "MaximumEventAgeInSeconds": _A_DAY,
            "MaximumRetryAttempts": _MOST_TRIES,
        },
    }
    return {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "Name": RULE_NAME,
            "Description": "Straywatch: IAM users who are made, deleted, renamed or change groups",
            "EventPattern": rule_pattern(tuple(CHANGES)),
            "Targets": [target],
        },
    }


def _forward_role(bus_arn: str) -> dict[str, Any]:
    """Where a bus admits an organization, the sender's rule needs a role."""
    trust = {"Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}
    grant = {"Action": "events:PutEvents", "Resource": bus_arn}
    return _role(trust, "ForwardToTheHub", grant)


def _queue() -> dict[str, Any]:
    """What could not be delivered within a day. The hub's sweep finds what it would have told."""
    properties = {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": _TWO_WEEKS}
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


def _queue_policy() -> dict[str, Any]:
    statement = {
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": _att("LostEvents"),
        "Condition": {"ArnEquals": {"aws:SourceArn": _att("Forward")}},
    }
    properties = {"Queues": [{"Ref": "LostEvents"}], "PolicyDocument": _document(statement)}
    return {"Type": "AWS::SQS::QueuePolicy", "Properties": properties}


def _look_role(hub: HubSide, partition: str, hub_id: str) -> dict[str, Any]:
    """Trusts the hub's account, narrowed to its roles by ARN and to the organization.

    A role's ARN as the principal itself would turn into an id that breaks when the role is made
    anew. An external id is for third parties: here the organization is the boundary.
    """
    trust = {
        "Principal": {"AWS": f"arn:{partition}:iam::{hub_id}:root"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnEquals": {"aws:PrincipalArn": list(hub.role_arns)},
            "StringEquals": {"aws:PrincipalOrgID": hub.organization_id},
        },
    }
    own = f"arn:{partition}:iam::${{AWS::AccountId}}"
    role = _role(
        trust,
        "LookAtIam",
        {"Action": list(OF_ACCOUNT), "Resource": "*"},
        {"Action": list(OF_USERS), "Resource": {"Fn::Sub": f"{own}:user/*"}},
        {"Action": list(OF_POLICIES), "Resource": {"Fn::Sub": f"{own}:policy/*"}},
        {"Action": list(OF_RULE), "Resource": _att("Forward")},
    )
    named = {
        "RoleName": hub.member_role_name,
        "Description": "Straywatch's hub reads IAM and the rule with it, and can do nothing else",
        "MaxSessionDuration": SESSION_SECONDS,
    }
    return {**role, "Properties": named | role["Properties"]}


def _role(trust: Mapping[str, Any], policy: str, *grants: Mapping[str, Any]) -> dict[str, Any]:
    policies = [{"PolicyName": policy, "PolicyDocument": _document(*grants)}]
    properties = {"AssumeRolePolicyDocument": _document(trust), "Policies": policies}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": _VERSION, "Statement": [{"Effect": "Allow", **each} for each in statements]}


def _att(name: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, "Arn"]}
