"""The rule of a member that forwards its IAM events: whether it still does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chalicelib.domain.account import Account, account_of_arn
from chalicelib.domain.events import CHANGES, rule_pattern
from chalicelib.domain.member_access import RULE_NAME

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient


def fault_of_rule(client: EventBridgeClient, hub: Account) -> str:
    """Why the member's events no longer reach the hub; empty if its rule is as it was made.

    Two calls. Raises what EventBridge raises but that there is no such rule.
    """
    try:
        rule = client.describe_rule(Name=RULE_NAME)
        targets = client.list_targets_by_rule(Rule=RULE_NAME).get("Targets", [])
    except client.exceptions.ResourceNotFoundException:
        return f"its rule {RULE_NAME} was deleted"
    if not rule["State"].startswith("ENABLED"):
        return f"its rule {RULE_NAME} is disabled"
    if json.loads(rule.get("EventPattern", "{}")) != rule_pattern(tuple(CHANGES)):
        return f"its rule {RULE_NAME} listens for something else than the template says"
    if not any(account_of_arn(each["Arn"]) == hub for each in targets):
        return f"its rule {RULE_NAME} no longer has the hub's bus as its target"
    return ""
