"""What a plan changes for each user in effect, computed anew from the documents it would write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.account import User
from straywatch.errors import StraywatchError
from straywatch.remediation.planning.plan import Plan, PlannedGroup, PlannedUser
from straywatch.remediation.policies.algebra import Difference, Policies, compare, includes
from straywatch.remediation.policies.documents import Grant, readable_grants
from straywatch.remediation.reading.effective import Grants, PolicyReader
from straywatch.remediation.reading.snapshot import Snapshot

Unit = str | Grant
"""A permission as `max_gain` counts it: a managed policy's ARN, or a grant of a document."""


@dataclass(frozen=True)
class UserEffect:
    """What becomes of one user in effect."""

    user: str
    differences: tuple[Difference, ...]
    unintended: tuple[str, ...]
    """What the plan must not do: each loss, and gains of more than `max_gain` permissions."""


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
        differences = compare(held, _after(before, user, reader, given))
        outcomes.append(
            UserEffect(user.name, differences, _unintended(plan, user, held, differences))
        )
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
    plan: Plan, user: PlannedUser, held: Policies, differences: tuple[Difference, ...]
) -> tuple[str, ...]:
    losses = tuple(f"loss of {d}" for d in differences if d.change == "loss")
    gains = tuple(f"gain of {d}" for d in differences if d.change == "gain")
    if not gains or (plan.max_gain and len(_gained(plan, user, held)) <= plan.max_gain):
        return losses
    return losses + gains


def _gained(plan: Plan, user: PlannedUser, held: Policies) -> set[Unit]:
    """The permissions of the groups joined that the user does not hold already."""
    units: set[Unit] = set()
    for name in user.join:
        group = plan.group(name)
        if group is not None:
            units.update(_units(plan, group))
    reader = PolicyReader(plan.before)
    return {unit for unit in units if not _held(unit, held.grants, reader)}


def _units(plan: Plan, group: PlannedGroup) -> Iterable[Unit]:
    known = plan.before.group(group.name)
    existing = known is not None and not group.create
    yield from known.attached_policies if known and existing else group.attach
    documents = known.inline_policies if known and existing else group.inline
    for document in documents.values():
        yield from readable_grants(document)


def _held(unit: Unit, held: Grants, reader: PolicyReader) -> bool:
    parts = {unit} if isinstance(unit, Grant) else reader.given([unit], ())
    return all(part in held or any(includes(wide, part) for wide in held) for part in parts)
