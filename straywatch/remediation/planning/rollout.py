"""A plan for some of its users, and a few of them at a time: so that a mistake stays small."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import replace

from straywatch.errors import WrongUsageError
from straywatch.remediation.planning.plan import Plan, PlannedUser


def only(plan: Plan, patterns: Sequence[str]) -> Plan:
    """The plan for users whose names match, in any case; the whole plan without patterns.

    Raises WrongUsageError for a pattern that no user of the plan matches.
    """
    if not patterns:
        return plan
    for pattern in patterns:
        if not any(_matches(user, pattern) for user in plan.users):
            raise WrongUsageError(f"--only {pattern}: the plan has no such user")
    return _part(plan, [u for u in plan.users if any(_matches(u, p) for p in patterns)])


def batches(plan: Plan, size: int | None) -> list[Plan]:
    """The plan in parts of so many users, in its order; in one without a size."""
    if size is None or not plan.users:
        return [plan]
    return [_part(plan, plan.users[n : n + size]) for n in range(0, len(plan.users), size)]


def _matches(user: PlannedUser, pattern: str) -> bool:
    return fnmatch.fnmatchcase(user.name.lower(), pattern.lower())


def _part(plan: Plan, users: Sequence[PlannedUser]) -> Plan:
    joined = {name.lower() for user in users for name in user.join}
    groups = tuple(group for group in plan.groups if group.name.lower() in joined)
    return replace(plan, users=tuple(users), groups=groups)
