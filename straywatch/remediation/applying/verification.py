"""Verify that after a plan each user is in a group and may do just what was intended."""

from __future__ import annotations

from dataclasses import dataclass

from straywatch.remediation.planning.intent import planned_grants
from straywatch.remediation.planning.plan import Plan, PlannedUser
from straywatch.remediation.policies.algebra import Difference, compare
from straywatch.remediation.reading.effective import Grants, PolicyReader
from straywatch.remediation.reading.snapshot import Snapshot


@dataclass(frozen=True)
class UserVerification:
    """What verification found for one user; differences are against what the plan intends.

    `gains` are what the user may do now and might not before the plan, intended by it or not.
    """

    user: str
    problem: str = ""
    missing: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    gains: tuple[Difference, ...] = ()

    @property
    def fine(self) -> bool:
        """All as intended, proved."""
        return not (self.problem or self.missing or self.differences)

    def words(self) -> str:
        """The finding in one line."""
        parts = [self.problem] if self.problem else []
        if self.missing:
            parts.append(f"not in {', '.join(self.missing)}")
        parts += [f"{d.change} of {d}" for d in self.differences]
        return "; ".join(parts) or "as intended"


def verify(plan: Plan, now: Snapshot, *, without_direct: bool = False) -> list[UserVerification]:
    """Look at every user of the plan in the account as it is now.

    With `without_direct`, as it would be once the direct policies that the plan replaces are gone.
    Policies that were replaced may be there or not: either is as intended.
    """
    old, new = PolicyReader(plan.before), PolicyReader(now)
    given = planned_grants(plan, old)
    return [
        _look(plan, user, old, new, given, without_direct=without_direct) for user in plan.users
    ]


def _look(
    plan: Plan,
    planned: PlannedUser,
    old: PolicyReader,
    new: PolicyReader,
    given: dict[str, Grants],
    *,
    without_direct: bool,
) -> UserVerification:
    before, user = plan.before.user(planned.name), new.snapshot.user(planned.name)
    if user is None or before is None or user.user_id != planned.user_id:
        return UserVerification(planned.name, "the user is gone, or was made again")
    groups = {name.lower() for name in user.groups or ()}
    missing = tuple(name for name in planned.join if name.lower() not in groups)
    problem = "" if groups else "in no group"
    intended = old.effective(before, joined=[given[name.lower()] for name in planned.join])
    actual = new.effective(
        user,
        detached=planned.detach if without_direct else (),
        deleted=planned.delete_inline if without_direct else (),
    )
    differences = compare(intended, actual)
    gains = tuple(d for d in compare(old.effective(before), actual) if d.change == "gain")
    return UserVerification(planned.name, problem, missing, differences, gains)
