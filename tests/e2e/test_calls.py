"""What each kind of event costs in calls to IAM: its limits are shared by the whole account."""

from __future__ import annotations

import time
from collections.abc import Mapping

from tests.e2e.local_stack import LocalStack

RISK = {
    "iam:GetLoginProfile": 1,
    "iam:ListAccessKeys": 1,
    "iam:ListAttachedUserPolicies": 1,
    "iam:ListMFADevices": 1,
    "iam:ListUserPolicies": 1,
}
"""What an alert's severity takes, for a user with no policy of its own."""


def iam_calls(stack: LocalStack) -> Mapping[str, int]:
    """Return how often the monitor has called each action of IAM, the account's name aside."""
    counted: dict[str, int] = {}
    for call in stack.control.calls():
        if call["action"].startswith("iam:") and ":assumed-role/" in call["caller_arn"]:
            counted[call["action"]] = counted.get(call["action"], 0) + call["count"]
    return counted


def settle(stack: LocalStack) -> None:
    """Wait until the check has looked, and a moment longer for calls that should not be."""
    stack.until(lambda: "iam:ListGroupsForUser" in iam_calls(stack), "a look")
    time.sleep(1)


def test_a_user_in_a_group_costs_one_call(stack: LocalStack) -> None:
    """Most events end so."""
    user, group = stack.name("tidy"), stack.name("group")
    stack.iam.create_group(GroupName=group)
    stack.iam.create_user(UserName=user)
    stack.iam.add_user_to_group(UserName=user, GroupName=group)
    settle(stack)
    assert iam_calls(stack) == {"iam:ListGroupsForUser": 1}


def test_a_user_gone_costs_one_call(stack: LocalStack) -> None:
    """Who deletes users by the thousand does not stop the monitor."""
    user = stack.name("brief")
    stack.iam.create_user(UserName=user)
    stack.iam.delete_user(UserName=user)
    settle(stack)
    assert iam_calls(stack) == {"iam:ListGroupsForUser": 1}


def test_a_stray_costs_two_and_what_its_severity_takes(stack: LocalStack) -> None:
    """GetUser names it and tells its tags; the rest says how bad it is."""
    user = stack.name("stray")
    stack.iam.create_user(UserName=user)
    stack.alert(user)
    time.sleep(1)
    calls = dict(iam_calls(stack))
    calls.pop("iam:ListAccountAliases", None)  # asked once in a while, by any message
    assert calls == {"iam:ListGroupsForUser": 1, "iam:GetUser": 1} | RISK
