"""Whether the lower bound that mining found holds for every plan, not just for the ones tried."""

from __future__ import annotations

from collections.abc import Sequence

from straywatch.remediation.planning.assignment import Choice, Member
from straywatch.remediation.planning.universe import Universe


def is_proof(members: Sequence[Member], choices: Sequence[Choice], universe: Universe) -> bool:
    """Tell whether fewer groups than the bound are impossible for whoever moves the same.

    The bound counts pairs of a user and a permission that no group can serve together without a
    gain. That is a proof only where a permission more is a gain: not for who is under a boundary
    or a Deny, which may take it back; nor where permissions may add up to others, as those that
    name all but something; nor where IAM's quotas left somebody with less than planned.
    """
    return all(
        member.user.boundary_arn is None
        and not member.allowed & universe.vague
        and member.room > 0
        and not _unserved(member, chosen)
        for member, chosen in zip(members, choices, strict=True)
    )


def _unserved(member: Member, chosen: Choice) -> int:
    needs = member.needs
    for group in chosen:
        needs &= ~group
    return needs
