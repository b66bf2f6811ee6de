"""What each kind of look costs in calls to IAM: its limits are shared by the whole account.

How many looks an event takes depends on how fast its neighbours come: a look may be repeated while
IAM may still show what was. So the calls are held against the looks that the log tells of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.e2e.local_stack import LocalStack

RISK = (
    "iam:GetLoginProfile",
    "iam:ListAccessKeys",
    "iam:ListAttachedUserPolicies",
    "iam:ListMFADevices",
    "iam:ListUserPolicies",
)
"""What an alert's severity takes, for a user with no policy of its own."""
IN_A_WHILE = "iam:ListAccountAliases"
"""Asked once in a while, by any message."""


def iam_calls(stack: LocalStack) -> Mapping[str, int]:
    """Return how often the monitor has called each action of IAM, the account's name aside."""
    counted: Counter[str] = Counter()
    for call in stack.control.calls():
        if call["action"].startswith("iam:") and ":assumed-role/" in call["caller_arn"]:
            counted[call["action"]] += call["count"]
    del counted[IN_A_WHILE]
    return counted


def looks(stack: LocalStack) -> list[str]:
    """Return the user name of each look so far."""
    return [line["user_name"] for line in stack.logged() if line["event"] == "checked"]


@contextmanager
def costing(stack: LocalStack, user: str, *each: str, once: tuple[str, ...] = ()) -> Iterator[None]:
    """Hold what happens in the block to so many calls: some for each look, some once for all."""
    stack.settle()
    stack.control.forget_calls()
    before = len(looks(stack))
    yield
    stack.until(lambda: user in looks(stack), "a look")
    stack.settle()
    new = len(looks(stack)) - before
    assert iam_calls(stack) == dict.fromkeys(each, new) | dict.fromkeys(once, 1)


def test_a_user_in_a_group_costs_one_call(stack: LocalStack) -> None:
    """Most events end so."""
    user, group = stack.name("tidy"), stack.name("group")
    stack.iam.create_group(GroupName=group)
    with costing(stack, user, "iam:ListGroupsForUser"):
        stack.iam.create_user(UserName=user)
        stack.iam.add_user_to_group(UserName=user, GroupName=group)


def test_a_user_gone_costs_one_call(stack: LocalStack) -> None:
    """Who deletes users by the thousand does not stop the monitor."""
    user = stack.name("brief")
    with costing(stack, user, "iam:ListGroupsForUser"):
        stack.iam.create_user(UserName=user)
        stack.iam.delete_user(UserName=user)


def test_a_stray_costs_two_and_what_its_severity_takes(stack: LocalStack) -> None:
    """GetUser names it and tells its tags; the rest says how bad it is."""
    user = stack.name("stray")
    with costing(stack, user, "iam:ListGroupsForUser", "iam:GetUser", once=RISK):
        stack.iam.create_user(UserName=user)
        stack.alert(user)
