"""What a plan's form cannot show: repeats, references to nothing, IAM's quotas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from chalicelib.domain.account import User
from chalicelib.domain.policies import DocumentError
from straywatch.remediation.planning.plan import Plan, PlannedGroup, PlannedUser
from straywatch.remediation.policies.documents import CURRENT_VERSION, LITERAL_VERSION, grants, size
from straywatch.remediation.reading.quotas import DEFAULTS

Mistake = tuple[list[str | int], str]
"""The path of a field in the plan file, and what is wrong with it."""

MOST_POLICIES = 20
"""Managed policies per group where AWS has raised the quota (IAM User Guide, quotas)."""


def mistakes(plan: Plan) -> Iterable[Mistake]:
    """Find what makes a plan that is well formed impossible to apply."""
    yield from _repeats("groups", [group.name for group in plan.groups])
    yield from _repeats("users", [user.name for user in plan.users])
    for index, group in enumerate(plan.groups):
        path: list[str | int] = ["groups", index]
        yield from _created(group, path, plan) if group.create else _existing(group, path, plan)
    names = {group.name.lower() for group in plan.groups}
    for index, user in enumerate(plan.users):
        yield from _user(user, ["users", index], names, plan)


def _repeats(part: str, names: list[str]) -> Iterable[Mistake]:
    counts = Counter(name.lower() for name in names)
    for index, name in enumerate(names):
        if counts[name.lower()] > 1:
            yield [part, index, "name"], f"{name} stands twice (names ignore case)"


def _existing(group: PlannedGroup, path: list[str | int], plan: Plan) -> Iterable[Mistake]:
    if plan.before.group(group.name) is None:
        yield [*path, "name"], "not a group that this plan was made with: make a new plan"
    if group.attach or group.inline:
        yield path, "a plan never changes the policies of a group that exists"


def _created(group: PlannedGroup, path: list[str | int], plan: Plan) -> Iterable[Mistake]:
    if plan.before.group(group.name) is not None:
        yield [*path, "name"], "a group of this name exists"
    if len(group.attach) > MOST_POLICIES:
        yield [*path, "attach"], f"a group holds at most {MOST_POLICIES} managed policies"
    unknown = [arn for arn in group.attach if arn not in plan.before.policies]
    if unknown:
        yield [*path, "attach"], f"{unknown[0]} is not a policy that this plan was made with"
    for name, document in group.inline.items():
        version = document.get("Version", LITERAL_VERSION)
        if version not in (CURRENT_VERSION, LITERAL_VERSION):
            yield [*path, "inline", name, "Version"], f"{version} is no version: {CURRENT_VERSION}"
        try:
            grants(document)
        except DocumentError as error:
            yield [*path, "inline", name], str(error)
    total = sum(size(document) for document in group.inline.values())
    if total > DEFAULTS.inline_characters:
        limit = f"a group's inline policies hold at most {DEFAULTS.inline_characters} together"
        yield [*path, "inline"], f"{total} characters without white space; {limit}"


def _user(
    user: PlannedUser, path: list[str | int], names: set[str], plan: Plan
) -> Iterable[Mistake]:
    known = plan.before.user(user.name)
    if known is None or known.user_id != user.user_id:
        yield [*path, "name"], "not a user that this plan was made for: make a new plan"
        return
    for name in user.join:
        if name.lower() not in names:
            yield [*path, "join"], f"{name} does not stand under groups"
    yield from _held(user, path, known)


def _held(user: PlannedUser, path: list[str | int], known: User) -> Iterable[Mistake]:
    joined = {*map(str.lower, user.join), *map(str.lower, known.groups or ())}
    if len(joined) > DEFAULTS.groups_per_user:
        yield [*path, "join"], f"a user can be in at most {DEFAULTS.groups_per_user} groups"
    for arn in user.detach:
        if arn not in known.attached_policies:
            yield [*path, "detach"], f"{arn} was not attached to {user.name}"
    for name in user.delete_inline:
        if name not in known.inline_policies:
            yield [*path, "delete_inline"], f"{user.name} had no inline policy {name}"
