"""Random accounts: whatever is planned, an independent evaluator finds no loss and no gain."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest

from chalicelib.domain.account import User
from straywatch.remediation.planning.plan import Options, Plan, PlannedUser
from straywatch.remediation.planning.planner import make_plan
from straywatch.remediation.reading.snapshot import Snapshot
from tests.unit.remediation.evaluator import allowed
from tests.unit.remediation.samples import account, arn, document, group, user

ACTIONS = ("s3:Get*", "s3:GetObject", "s3:*", "sqs:Send", "kms:Decrypt", "*", "iam:List*")
PLACES = ("*", "arn:aws:s3:::a", "arn:aws:s3:::a/*", "arn:aws:s3:::*")
REQUESTS = list(
    product(
        ("s3:GetObject", "s3:Put", "sqs:Send", "kms:Decrypt", "iam:ListUsers", "foo:Bar"),
        ("arn:aws:s3:::a", "arn:aws:s3:::a/x", "arn:aws:s3:::b", "q"),
        (frozenset[str](), frozenset({"aws:mfa"})),
    )
)
Document = Mapping[str, Any]


def statement(dice: random.Random) -> dict[str, Any]:
    """A statement with, now and then, a rare element."""
    made: dict[str, Any] = {"Effect": "Allow" if dice.random() < 0.85 else "Deny"}
    made["NotAction" if dice.random() < 0.05 else "Action"] = dice.sample(ACTIONS, 2)
    made["NotResource" if dice.random() < 0.05 else "Resource"] = dice.sample(PLACES, 1)
    if dice.random() < 0.15:
        made["Condition"] = {"Bool": {"aws:mfa": "true"}}
    return made


def random_account(dice: random.Random) -> Snapshot:
    """A few users and groups who share a few statements and managed policies."""
    pool = [statement(dice) for _ in range(5)]
    policies = {f"P{n}": document(*dice.sample(pool, dice.randint(1, 2))) for n in range(3)}

    def some(most: int) -> list[dict[str, Any]]:
        return dice.sample(pool, dice.randint(0, most))

    def attached(most: int) -> tuple[str, ...]:
        return tuple(dice.sample(sorted(policies), dice.randint(0, most)))

    groups = [group(f"g{n}", *some(2), attached=attached(1)) for n in range(dice.randint(0, 3))]
    users = [
        user(
            f"u{n}",
            *some(3),
            attached=attached(2),
            groups=tuple(g.name for g in groups if dice.random() < 0.2),
            boundary_arn=arn("P0") if dice.random() < 0.1 else None,
        )
        for n in range(dice.randint(1, 8))
    ]
    return account(*users, *groups, policies=policies)


def documents(
    snapshot: Snapshot, found: User, plan: Plan, member: PlannedUser | None, *, detached: bool
) -> list[Document]:
    """All documents on a user: before, or as a member of the planned groups."""
    gone = {*member.detach, *member.delete_inline} if member and detached else set()
    held = [d for name, d in found.inline_policies.items() if name not in gone]
    arns = [a for a in found.attached_policies if a not in gone]
    for name in (*(found.groups or ()), *(member.join if member else ())):
        planned, existing = plan.group(name), snapshot.group(name)
        if existing is not None:
            held += existing.inline_policies.values()
            arns += existing.attached_policies
        elif planned is not None:
            held += planned.inline.values()
            arns += planned.attach
    return held + [snapshot.policies[a].document or {} for a in arns]


@pytest.mark.parametrize("seed", range(60))
def test_no_request_is_decided_otherwise(seed: int) -> None:
    """With direct policies and without them, and never a loss, even where gains are allowed."""
    dice = random.Random(seed)  # noqa: S311 - a repeatable account, not a secret
    snapshot = random_account(dice)
    limit = dice.choice([0, 0, 1, 3])
    options = Options("direct" if dice.random() < 0.5 else "strays", limit, dice.choice([None, 1]))
    plan = make_plan(snapshot, options)
    for member in plan.users:
        found = snapshot.user(member.name)
        assert found is not None
        boundary = [snapshot.policies[arn("P0")].document or {}] if found.boundary_arn else None
        before = documents(snapshot, found, plan, None, detached=False)
        for detached, (action, place, context) in product((False, True), REQUESTS):
            after = documents(snapshot, found, plan, member, detached=detached)
            was = allowed(before, action, place, context, boundary)
            now = allowed(after, action, place, context, boundary)
            assert now >= was if limit else now == was, (member.name, action, place)
    if options.scope == "strays":
        joined = {member.name for member in plan.users if member.join}
        assert joined == {found.name for found in snapshot.users if not found.groups}
