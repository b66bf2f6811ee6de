"""What a plan changes for each user in effect, computed anew from the documents it would write."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.account import User
from straywatch.errors import StraywatchError
from straywatch.remediation.algebra import Difference, Policies, compare
from straywatch.remediation.effective import Grants, Reader
from straywatch.remediation.plan import Plan, PlannedUser
from straywatch.remediation.snapshot import Snapshot


@dataclass(frozen=True)
class Outcome:
    """What becomes of one user in effect."""

    user: str
    differences: tuple[Difference, ...]
    unintended: tuple[str, ...]
    """What the plan must not do: each loss, and gains where the plan lists none."""


def check(plan: Plan) -> list[Outcome]:
    """Compare each user before the plan with after it, direct policies removed.

    Raises StraywatchError if the plan names a group that neither it nor the account has.
    """
    reader = Reader(plan.before)
    given = planned_grants(plan, reader)
    return [
        judge(user, reader.effective(before), _after(before, user, reader, given))
        for user in plan.users
        for before in [known_user(plan.before, user)]
    ]


def planned_grants(plan: Plan, reader: Reader) -> dict[str, Grants]:
    """What each planned group will give, by its lower-case name."""
    return {
        group.name.lower(): frozenset(reader.given(group.attach, group.inline.values()))
        if group.create
        else reader.group(group.name)
        for group in plan.groups
    }


def judge(user: PlannedUser, before: Policies, after: Policies) -> Outcome:
    """Sort what changed into what the plan says and what it must not do."""
    differences = compare(before, after)
    unintended = tuple(
        f"{d.change} of {d}" for d in differences if d.change == "loss" or not user.gains
    )
    return Outcome(user.name, differences, unintended)


def known_user(snapshot: Snapshot, user: PlannedUser) -> User:
    """The user of a plan in a snapshot. Raises StraywatchError if they are not there."""
    found = snapshot.user(user.name)
    if found is None or found.user_id != user.user_id:
        raise StraywatchError(f"user {user.name} ({user.user_id}) is not in the account any more")
    return found


def _after(before: User, user: PlannedUser, reader: Reader, given: dict[str, Grants]) -> Policies:
    return reader.effective(
        before,
        joined=[given[name.lower()] for name in user.join],
        detached=user.detach,
        deleted=user.delete_inline,
    )
