"""What a plan changes for each user in effect, computed anew from the documents it would write."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.account import User
from straywatch.errors import StraywatchError
from straywatch.remediation.planning.plan import Plan, PlannedUser
from straywatch.remediation.policies.algebra import Difference, Policies, compare, includes
from straywatch.remediation.policies.gains import weigh
from straywatch.remediation.reading.effective import Grants, PolicyReader
from straywatch.remediation.reading.snapshot import Snapshot


@dataclass(frozen=True)
class UserEffect:
    """What becomes of one user in effect."""

    user: str
    differences: tuple[Difference, ...]
    unintended: tuple[str, ...]
    """What the plan must not do: each loss, and gains that are not within `max_gain` actions."""


def check(plan: Plan) -> list[UserEffect]:
    """Compare each user before the plan with after it, direct policies removed.

    Raises StraywatchError if the plan names a user or group that neither it nor the account has.
    """
    reader = PolicyReader(plan.before)
    given = planned_grants(plan, reader)
    outcomes = []
    for user in plan.users:
        before = known_user(plan.before, user)
        held = reader.effective(before)
        after = _after(before, user, reader, given)
        differences = compare(held, after)
        unintended = _unintended(plan, held, after, differences)
        outcomes.append(UserEffect(user.name, differences, unintended))
    return outcomes


def planned_grants(plan: Plan, reader: PolicyReader) -> dict[str, Grants]:
    """What each planned group will give, by its lower-case name."""
    return {
        group.name.lower(): frozenset(reader.given(group.attach, group.inline.values()))
        if group.create
        else reader.group(group.name)
        for group in plan.groups
    }


def known_user(snapshot: Snapshot, user: PlannedUser) -> User:
    """The user of a plan in a snapshot. Raises StraywatchError if they are not there."""
    found = snapshot.user(user.name)
    if found is None or found.user_id != user.user_id:
        raise StraywatchError(f"user {user.name} ({user.user_id}) is not in the account any more")
    return found


def _after(
    before: User, user: PlannedUser, reader: PolicyReader, given: dict[str, Grants]
) -> Policies:
    return reader.effective(
        before,
        joined=[given[name.lower()] for name in user.join],
        detached=user.detach,
        deleted=user.delete_inline,
    )


def _unintended(
    plan: Plan, held: Policies, after: Policies, differences: tuple[Difference, ...]
) -> tuple[str, ...]:
    losses = tuple(f"loss of {d}" for d in differences if d.change == "loss")
    gains = tuple(f"gain of {d}" for d in differences if d.change == "gain")
    if not gains:
        return losses
    if not plan.max_gain or _lifts_denial(held, after):
        return losses + gains
    gain = weigh(after.grants - held.grants, held.grants)
    if gain.never:
        words = f"gain of {gain.never}, which nobody may gain whatever max_gain says"
        return (*losses, words)
    if gain.actions > plan.max_gain:
        words = f"gain of {gain.actions} actions, more than {plan.max_gain}: {gains[0]}"
        return (*losses, words)
    return losses


def _lifts_denial(held: Policies, after: Policies) -> bool:
    """Tell whether something denied before is not any more: that is no gain that can be counted."""
    denied = [g for g in held.grants if g.effect != "Allow"]
    return not all(d in after.grants or any(includes(g, d) for g in after.grants) for d in denied)
