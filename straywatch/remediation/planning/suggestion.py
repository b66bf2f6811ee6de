"""The group that one stray certainly belongs into, for alerts and reports."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.account import User, is_named_by_service
from straywatch.remediation.planning.scope import holds_directly
from straywatch.remediation.policies.algebra import compare
from straywatch.remediation.reading.effective import PolicyReader
from straywatch.remediation.reading.snapshot import Snapshot


@dataclass(frozen=True)
class Certain:
    """The one existing group that gives the user exactly what they hold directly."""

    group: str


@dataclass(frozen=True)
class NotCertain:
    """Why no group can be named without a person's judgement."""

    reason: str


def suggest_group(user: User, snapshot: Snapshot) -> Certain | NotCertain:
    """Name the group the plan would choose, if there is exactly one and it is proved the same.

    The group alone, direct policies removed, must give the user what they have now: nothing
    gained, nothing lost, by the policy algebra.
    """
    if user.groups:
        return NotCertain("the user is in a group")
    if is_named_by_service(user.name):
        return NotCertain("the user was made by an AWS service; rather exempt them")
    if not holds_directly(user):
        return NotCertain("the user holds no permissions that could tell")
    reader = PolicyReader(snapshot)
    before = reader.effective(user)
    same = [
        group.name
        for group in snapshot.groups
        if not compare(
            before,
            reader.effective(
                user,
                joined=[reader.group(group.name)],
                detached=user.attached_policies,
                deleted=tuple(user.inline_policies),
            ),
        )
    ]
    if len(same) == 1:
        return Certain(same[0])
    if same:
        return NotCertain(f"{len(same)} groups give the same: {', '.join(same)}")
    return NotCertain("no group gives exactly what the user holds")
