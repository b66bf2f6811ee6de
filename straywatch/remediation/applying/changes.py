"""What changed in the account since a plan was made, as far as it matters to the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chalicelib.domain.account import User
from straywatch.remediation.planning.plan import Plan, PlannedGroup, PlannedUser
from straywatch.remediation.policies.documents import canonical
from straywatch.remediation.reading.snapshot import Group, Snapshot


def changes(plan: Plan, now: Snapshot, made: Callable[[str], bool]) -> list[str]:
    """Name every change that matters, in words.

    What applying the plan itself changes does not count. `made` tells whether a group of that
    name was begun by an earlier run of this plan, so that it may be incomplete.
    """
    found: list[str] = []
    for user in plan.users:
        found += _user_changes(plan, user, now)
    for group in plan.before.groups:
        found += _group_changes(group, now.group(group.name))
    for planned in plan.new_groups:
        found += _new_group_changes(planned, now.group(planned.name), made=made(planned.name))
    for arn, policy in plan.before.policies.items():
        current = now.policies.get(arn)
        if current is None:
            if policy.document is not None:
                found.append(f"managed policy {arn} is gone")
        elif current.grants != policy.grants:
            found.append(f"managed policy {arn} says something else (version {current.version})")
    return found


def _user_changes(plan: Plan, planned: PlannedUser, now: Snapshot) -> Iterable[str]:
    before, user = plan.before.user(planned.name), now.user(planned.name)
    if before is None or user is None:
        return [f"user {planned.name} is gone"]
    if user.user_id != before.user_id:
        return [f"user {planned.name} was deleted and made again ({user.user_id})"]
    return [f"user {user.name} {words}" for words in _differences(before, user, planned)]


def _differences(before: User, user: User, planned: PlannedUser) -> Iterable[str]:
    join = {name.lower() for name in planned.join}
    then = {name.lower() for name in before.groups or ()} - join
    today = {name.lower(): name for name in user.groups or () if name.lower() not in join}
    yield from (f"joined group {today[name]}" for name in sorted(today.keys() - then))
    yield from (f"left group {name}" for name in sorted(then - today.keys()))
    member = join <= {name.lower() for name in user.groups or ()}
    replaced = {*planned.detach, *planned.delete_inline} if member else set()
    yield from _attached(before, user, replaced)
    yield from _inline(before.inline_policies, user.inline_policies, replaced)
    if before.boundary_arn != user.boundary_arn:
        yield f"has another permissions boundary: {user.boundary_arn or 'none'}"


def _attached(before: User | Group, now: User | Group, replaced: set[str]) -> Iterable[str]:
    then, today = set(before.attached_policies), set(now.attached_policies)
    yield from (f"got managed policy {arn}" for arn in sorted(today - then))
    yield from (f"lost managed policy {arn}" for arn in sorted(then - today - replaced))


def _inline(before: Mapping[str, Any], now: Mapping[str, Any], replaced: set[str]) -> Iterable[str]:
    yield from (f"got inline policy {name}" for name in sorted(now.keys() - before.keys()))
    gone = before.keys() - now.keys() - replaced
    yield from (f"lost inline policy {name}" for name in sorted(gone))
    for name in sorted(before.keys() & now.keys()):
        if canonical(before[name]) != canonical(now[name]):
            yield f"has another inline policy {name}"


def _group_changes(before: Group, now: Group | None) -> Iterable[str]:
    if now is None or now.group_id != before.group_id:
        return [
            f"group {before.name} is gone" if now is None else f"group {now.name} was made anew"
        ]
    words = [*_attached(before, now, set())]
    words += _inline(before.inline_policies, now.inline_policies, set())
    return [f"group {now.name} {text}" for text in words]


def _new_group_changes(planned: PlannedGroup, now: Group | None, *, made: bool) -> Iterable[str]:
    """A group of a new group's name may be there only as this plan makes it."""
    if now is None:
        return
    extra = set(now.attached_policies) - set(planned.attach)
    extra |= {
        name
        for name, document in now.inline_policies.items()
        if canonical(document) != canonical(planned.inline.get(name))
    }
    missing = set(planned.attach) - set(now.attached_policies)
    missing |= planned.inline.keys() - now.inline_policies.keys()
    if extra or (missing and not made) or now.path != planned.path:
        yield f"group {now.name} exists now and is not what the plan would make"
